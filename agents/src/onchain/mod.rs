//! What parties do on the chain: owners publish, the developer orders, all take part in jobs.

pub mod audit;
pub mod bundle;
pub mod follow;
pub mod ledger;
pub mod order;
pub mod part;
pub mod publish;
