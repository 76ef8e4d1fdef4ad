//! The chain's state machines.
//!
//! A module is a folder, synchronous, with the state behind the store's traits:
//!
//! | file | holds |
//! | --- | --- |
//! | `mod.rs` | what the module is, its [`Module`] implementation, what other modules may call |
//! | `keys.rs` | its keys in the state, each a function with the rendered key in its doc comment |
//! | `handler/<msg>.rs` or `msg.rs` | what a message does |
//! | `block.rs` | what happens at the beginning and the end of blocks |
//! | `genesis.rs` | its part of the genesis file: read, checked, written |
//! | `query.rs` | its services |
//! | `error.rs` | its errors, each with a stable code |
//!
//! Files that are not needed are left out. A transaction goes decode → ante → one handler → changes and events;
//! nothing goes back up. A check has three phases: what needs no state ([`Message::check`]), what the ante layer knows
//! (fee, sequence, signature), and the handler itself.

pub mod address;
pub mod auth;
pub mod authority;
pub mod authz;
pub mod bank;
pub mod beacon;
pub mod coin;
pub mod compute;
pub mod consensus;
pub mod context;
pub mod dec_coins;
pub mod decimal;
pub mod distribution;
pub mod error;
pub mod evidence;
pub mod feegrant;
pub mod gas;
pub mod gov;
pub mod hooks;
pub mod market;
pub mod mint;
pub mod module;
pub mod power;
pub mod proofs;
pub mod query;
pub mod reputation;
pub mod slashing;
pub mod staking;
pub mod time;
pub mod training;
pub mod upgrade;
pub mod vault;

pub use context::{Block, Context};
pub use error::TxError;
pub use module::{Message, Module};

/// All modules, in the order in which genesis, beginnings and ends of blocks call them.
///
/// What the order must keep: an upgrade runs before all others of a block; new coins are there before rewards are
/// shared out, and rewards are shared out before validators are slashed; proposals change what staking ends the block
/// with; accounts, balances and the community's pool are there before work is paid, jobs are settled before the weights
/// that their proofs earn are set, and these before staking ends the block; accounts and balances are there before staking
/// is, and staking before what is kept of validators; the vault does nothing when blocks begin and end, and needs accounts
/// and balances at genesis alone.
pub const MODULES: [&dyn Module; 20] = [
    &consensus::Consensus,
    &upgrade::Upgrade,
    &auth::Auth,
    &bank::Bank,
    &beacon::Beacon,
    &mint::Mint,
    &distribution::Distribution,
    &gov::Gov,
    &compute::Compute,
    &reputation::Reputation,
    &market::Market,
    &training::Training,
    &proofs::Proofs,
    &power::Power,
    &staking::Staking,
    &slashing::Slashing,
    &evidence::Evidence,
    &feegrant::Feegrant,
    &authz::Authz,
    &vault::Vault,
];
