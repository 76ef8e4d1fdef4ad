//! A developer's order: the template is chosen here, the chain fixes the rest.

use crate::chain::account::{Account, answer, any};
use crate::choice::{Choice, input};
use crate::rejected::Rejected;
use crate::schema::Schema;
use crate::vault::Home;
use anyhow::{Context as _, Result};
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::proofs::v1::{CircuitKind, CircuitStatus, QueryCircuitsRequest, QueryCircuitsResponse};
use zektra_proto::training::v1 as pb;
use zektra_proto::vault::v1::{DatasetRecord, QueryDatasetRequest, QueryDatasetResponse};
use zektra_records::{dataset_from_pb, template_to_pb};
use zektra_statement::record::Dataset;
use zektra_statement::template::Template;
use zektra_verify::known::Trusted;

/// What a developer wants.
#[derive(Clone, Debug)]
pub struct Order {
    /// The listing.
    pub listing: u64,
    /// Its tier.
    pub tier: String,
    /// The datasets, in training order.
    pub datasets: Vec<u64>,
    /// The template's id.
    pub template: String,
    /// Iterations.
    pub iterations: u32,
    /// Rows of a step; all rows if it is left out.
    pub batch_rows: Option<u32>,
    /// Largest learning rate.
    pub learning_rate: f64,
    /// Counted in the job's hiding.
    pub max_attempts: u32,
    /// The most for the data.
    pub max_data_fee: Coin,
    /// The most for a training unit.
    pub max_unit_price: u64,
    /// Rows that the datasets must have together.
    pub min_rows: u64,
    /// Blocks from now to the height at which it must be proven.
    pub within: u64,
    /// Whether credits are used first.
    pub use_credits: bool,
}

/// A dataset on the chain, with its schema.
///
/// # Errors
/// There is none.
pub fn dataset(account: &Account, number: u64) -> Result<(DatasetRecord, Dataset, Schema)> {
    let request = QueryDatasetRequest { dataset: number };
    let found: QueryDatasetResponse = account.client().query("/zektra.vault.v1.Query/Dataset", &request)?;
    let record = found.dataset.with_context(|| format!("dataset {number} is not there"))?;
    let held = dataset_from_pb(&record.dataset.clone().unwrap_or_default())?;
    let schema = Schema::parse(&found.schema)?;
    Ok((record, held, schema))
}

/// Orders a job with a developer's seat and a release key of its own; its number.
///
/// # Errors
/// A template that does not fit, circuits that the chain does not have, too little hiding; what the chain says.
pub fn order(account: &Account, home: &Home, order: &Order) -> Result<u64> {
    let choice = Choice {
        template: &order.template,
        iterations: order.iterations,
        batch_rows: order.batch_rows,
        learning_rate: order.learning_rate,
        max_attempts: order.max_attempts,
        weight_bits: None,
        fan_in: None,
    };
    choice.kind()?;
    let mut found = vec![];
    for number in &order.datasets {
        found.push(dataset(account, *number)?);
    }
    let (_, _, schema) = found.first().ok_or_else(|| input("datasets", &"none", "at least one"))?;
    let mut owners: Vec<_> = found.iter().map(|(_, d, _)| d.owner_key).collect();
    owners.push(home.public()?.key);
    owners.sort();
    owners.dedup();
    let held: Vec<&Dataset> = found.iter().map(|(_, d, _)| d).collect();
    let template = choice.template(&held, schema, owners.len() as u32)?;
    let circuits = circuits(account, &template, owners.len() as u32)?;
    let seat = home.public()?;
    let release_key = home.new_release_key()?;
    let height = crate::chain::client::height(account.client())?;
    let message = pb::MsgOrder {
        developer: account.address().into(),
        seat: seat.key.to_bytes().to_vec().into(),
        release_key: release_key.to_vec().into(),
        listing: order.listing,
        tier: order.tier.clone(),
        datasets: order.datasets.clone(),
        template: Some(template_to_pb(&template)),
        circuits: circuits.into(),
        max_attempts: order.max_attempts,
        max_data_fee: Some(order.max_data_fee.clone()),
        max_unit_price: order.max_unit_price,
        min_rows: order.min_rows,
        deadline: height.saturating_add(order.within),
        use_credits: order.use_credits,
    };
    let sent = account.send(vec![any(&message)]).or_else(|e| {
        // No job has it.
        if e.is::<Rejected>() {
            home.forget_release_key(&release_key)?;
        }
        Err(e.context("cannot order the job"))
    })?;
    Ok(answer::<pb::MsgOrderResponse>(&sent)?.job)
}

/// The chain's circuits for a template and a number of members.
fn circuits(account: &Account, template: &Template, members: u32) -> Result<Vec<u8>> {
    let request = QueryCircuitsRequest::default();
    let all: QueryCircuitsResponse = account.client().query("/zektra.proofs.v1.Query/Circuits", &request)?;
    let active =
        all.circuits.into_iter().filter(|c| c.kind() == CircuitKind::Training && c.status() == CircuitStatus::Active);
    let mut closest: Option<String> = None;
    for circuit in active {
        let line = format!("job {} {}", hex::encode(&circuit.digest), circuit.shape);
        let trusted = Trusted::none().know_line(&line);
        let Some(known) = trusted.as_ref().and_then(|t| t.known().first()) else { continue };
        match known.differs_from(template, members) {
            None => return Ok(circuit.digest.to_vec()),
            Some((field, found, expected)) => {
                closest.get_or_insert(format!(
                    "{field} is {found}, those of {} have {expected}",
                    hex::encode(&circuit.digest)
                ));
            }
        }
    }
    let why = closest.unwrap_or_else(|| "it has none".into());
    Err(Rejected::Refused(format!("the chain has no circuits that prove this job: {why}")).into())
}
