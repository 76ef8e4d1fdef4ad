//! What parties do on the chain: owners publish, the developer orders, all take part in jobs, a release is disputed.

pub mod audit;
pub mod bundle;
pub mod dispute;
pub mod follow;
pub mod ledger;
pub mod order;
pub mod part;
pub mod publish;
