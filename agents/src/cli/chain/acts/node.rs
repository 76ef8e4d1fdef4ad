//! `zektra node register | update`.

use crate::cli::chain::settings::Bech;
use crate::cli::chain::tx::own::{Made, Own, Signer, any};
use anyhow::{Context as _, Result};
use clap::Args;
use zektra_agents::chain::amounts;
use zektra_agents::rejected::expect;
use zektra_proto::compute::v1::{MsgRegisterNode, MsgUpdateNode, NodeStatus, QueryNodeRequest, QueryNodeResponse};

/// A compute node that is new.
#[derive(Args, Debug)]
pub struct Register {
    /// What people call it.
    #[arg(long, value_name = "TEXT")]
    moniker: String,
    /// Where members reach it.
    #[arg(long, value_name = "HOST:PORT")]
    endpoint: String,
    /// What it puts down; slashed when it misses a deadline.
    #[arg(long, value_name = "COIN")]
    bond: String,
    /// What it asks for a unit of training, in base units.
    #[arg(long, value_name = "AMOUNT")]
    price: u64,
    /// Jobs at once.
    #[arg(long, default_value_t = 1, value_name = "JOBS")]
    max_jobs: u32,
    /// The validator that its proven units count for.
    #[arg(long, value_name = "VALIDATOR")]
    validator: Option<String>,
}

/// What is said of a compute node.
#[derive(Args, Debug)]
pub struct Update {
    /// Where members reach it.
    #[arg(long, value_name = "HOST:PORT")]
    endpoint: Option<String>,
    /// What it asks for a unit of training, in base units.
    #[arg(long, value_name = "AMOUNT")]
    price: Option<u64>,
    /// Jobs at once.
    #[arg(long, value_name = "JOBS")]
    max_jobs: Option<u32>,
    /// The validator that its proven units count for; none for nobody.
    #[arg(long, value_name = "VALIDATOR")]
    validator: Option<String>,
    /// Take no new work.
    #[arg(long, conflicts_with = "resume")]
    pause: bool,
    /// Take work again.
    #[arg(long)]
    resume: bool,
}

impl Own for Register {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let Self { moniker, endpoint, bond, price, max_jobs, validator } = self;
        let validator = validator.map(|text| from.settings.address_as(Bech::Operator, &text)).transpose()?;
        let message = MsgRegisterNode {
            operator: from.account()?,
            moniker,
            endpoint,
            bond: Some(amounts::coin(&bond)?),
            price,
            max_jobs,
            validator: validator.unwrap_or_default(),
        };
        from.sign(vec![any(&message)])
    }
}

impl Own for Update {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let Self { endpoint, price, max_jobs, validator, pause, resume } = self;
        let said = [endpoint.is_some(), price.is_some(), max_jobs.is_some(), validator.is_some(), pause, resume];
        expect(said.contains(&true), || {
            "node update: nothing to change, expected --endpoint, --price, --max-jobs, --validator, --pause or --resume"
                .into()
        })?;
        let operator = from.account()?;
        let request = QueryNodeRequest { operator: operator.clone() };
        let found: QueryNodeResponse = from.settings.client().query("/zektra.compute.v1.Query/Node", &request)?;
        let node = found.node.with_context(|| format!("{operator} has no node"))?;
        let validator = match validator.as_deref() {
            None => node.validator.clone(),
            Some("none") => String::new(),
            Some(text) => from.settings.address_as(Bech::Operator, text)?,
        };
        let message = MsgUpdateNode {
            operator,
            endpoint: endpoint.unwrap_or_else(|| node.endpoint.clone()),
            price: price.unwrap_or(node.price),
            max_jobs: max_jobs.unwrap_or(node.max_jobs),
            paused: pause || (node.status() == NodeStatus::Paused && !resume),
            validator,
        };
        from.sign(vec![any(&message)])
    }
}
