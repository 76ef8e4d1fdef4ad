//! Orders: everything but the node and the batches is fixed, and paid into escrow.

use super::super::error::Training;
use super::super::job::{become_, demand, index, store, wake};
use super::super::{account, end, keys, rules};
use crate::address::{Address, Prefix};
use crate::coin::{Coins, parse_amount};
use crate::context::{Context, load_number};
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use crate::proofs;
use crate::{bank, market, vault};
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::market::v1::Kind;
use zektra_proto::proofs::v1::CircuitStatus;
use zektra_proto::training::v1::{
    ChainJob, DataLine, JobStatus as Status, Member, MsgCancel, MsgCancelResponse, MsgOrder, MsgOrderResponse,
};
use zektra_records::{job_to_pb, template_from_pb};
use zektra_statement::chain::OFFLINE_PAIRS;
use zektra_statement::digest::Commitment;
use zektra_statement::record::{Job, JobDataset, MAX_ATTEMPTS, Seat};
use zektra_statement::release::check_key;
use zektra_statement::template::Template;

/// Blocks until a deadline at most: a year at a block in five seconds. A job without a node is not drawn for ever.
const MOST_BLOCKS: u64 = 365 * 24 * 720;
/// Datasets of a job at most.
const MOST_DATASETS: usize = 64;

fn wrong(field: &str, found: impl std::fmt::Display, expected: &str) -> TxError {
    Sdk::InvalidRequest.wrap(format!("{field} {found}: expected {expected}"))
}

fn amount(field: &str, coin: Option<&Coin>) -> Result<u128, TxError> {
    let coin = coin.ok_or_else(|| wrong(field, "is missing", "a coin"))?;
    parse_amount(&coin.amount).map_err(|e| Sdk::InvalidCoins.wrap(format!("{field}: {e}")))
}

/// Coefficients that a job opens.
fn opened(template: &Template) -> Result<u64, TxError> {
    let table = template.compile().map_err(|e| Training::WrongRecord.wrap(e))?;
    let one = table.phases.iter().flat_map(|p| &p.openings).map(|o| o.positions.len() as u64).sum::<u64>();
    Ok(one.saturating_mul(u64::from(template.params.iterations)))
}

/// Links of a job's chain of proofs before its first phase: row groups, and batches of offline shares.
fn links(template: &Template, groups: u32) -> Result<u64, TxError> {
    let table = template.compile().map_err(|e| Training::WrongRecord.wrap(e))?;
    let one = table.phases.iter().map(|p| p.openings.len() as u64).sum::<u64>();
    let pairs = one.saturating_mul(u64::from(template.params.iterations));
    Ok(u64::from(groups).saturating_add(pairs.div_ceil(OFFLINE_PAIRS as u64)))
}

/// Passes over the rows, a part of one counted as one.
fn passes(template: &Template, groups: u32) -> u64 {
    let read = u64::from(template.params.iterations).saturating_mul(u64::from(template.params.groups));
    read.div_ceil(u64::from(groups.max(1)))
}

impl Handler for MsgOrder {
    type Response = MsgOrderResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.developer]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.developer).map_err(|e| e.within("invalid developer address"))?;
        if Commitment::from_bytes(&self.seat).is_none() {
            return Err(wrong("seat", hex::encode(&self.seat), "a key of 32 bytes"));
        }
        if self.release_key.len() != 32 {
            return Err(wrong("release_key", format!("of {} bytes", self.release_key.len()), "32 bytes"));
        }
        if self.datasets.is_empty() || self.datasets.len() > MOST_DATASETS {
            return Err(wrong("datasets", self.datasets.len(), "1 to 64"));
        }
        if self.tier.is_empty() || self.tier.len() > 64 {
            return Err(wrong("tier", format!("of {} bytes", self.tier.len()), "1 to 64 bytes"));
        }
        let template = self.template.as_ref().ok_or_else(|| wrong("template", "is missing", "a template"))?;
        let template = template_from_pb(template).map_err(|e| Sdk::InvalidRequest.wrap(e))?;
        template.validate().map_err(|e| Sdk::InvalidRequest.wrap(e))?;
        if self.circuits.len() != 32 {
            return Err(wrong("circuits", format!("of {} bytes", self.circuits.len()), "32 bytes"));
        }
        if !(1..=MAX_ATTEMPTS).contains(&self.max_attempts) {
            return Err(wrong("max_attempts", self.max_attempts, "1 to 8"));
        }
        amount("max_data_fee", self.max_data_fee.as_ref()).map(drop)
    }

    fn handle(mut self, ctx: &mut Context<'_>) -> Result<MsgOrderResponse, TxError> {
        let developer = ctx.parse(&self.developer)?;
        // Signers may write it in capitals.
        self.developer = ctx.text(&developer);
        let rules = rules(ctx.state)?;
        let number = load_number(ctx.state, keys::NEXT)?.max(1);
        let template = self.template.as_ref().map(template_from_pb).transpose();
        let template = template.map_err(|e| Sdk::InvalidRequest.wrap(e))?.ok_or_else(|| Sdk::InvalidRequest.bare())?;
        // With all its passes: `groups` of the datasets are known once they are read.
        let record = record_of(&self, ctx, number, template, &developer)?;
        let passes = passes(&template, record.groups());
        let rows = record.datasets.iter().fold(0u64, |sum, d| sum.saturating_add(d.dataset.rows));
        if rows < self.min_rows {
            return Err(Training::TooFewRows.wrap(format!("{rows} rows, expected at least {}", self.min_rows)));
        }
        let links = links(&template, record.groups())?;
        if links > rules.max_links {
            let found = format!("{links} row groups and batches of offline shares");
            return Err(Training::TooLarge.wrap(format!("{found}, expected at most {}", rules.max_links)));
        }
        let opened = opened(&template)?;
        let wanted = vault::Use { developer: &developer, template: template.kind.id(), rows, passes, opened };
        let mut granted = vec![];
        for dataset in &self.datasets {
            granted.push(vault::granted(ctx.state, ctx.block.height, *dataset, &wanted)?);
        }
        let units = demand_circuits(&self, ctx, &record)?;

        // What it costs.
        let parts: Vec<_> = granted.iter().map(|g| (g.number, g.owner.clone(), g.bytes)).collect();
        let lines = market::quote(ctx.state, ctx.block.height, self.listing, &self.tier, &parts, passes)?;
        let data = lines.iter().fold(0u128, |sum, line| sum.saturating_add(line.fee));
        let most = amount("max_data_fee", self.max_data_fee.as_ref())?;
        let denom = self.max_data_fee.as_ref().map_or("", |coin| &coin.denom);
        let expected = market::params(ctx.state)?.denom;
        if denom != expected {
            return Err(wrong("max_data_fee.denom", denom, &expected));
        }
        if data > most {
            return Err(Training::TooExpensive.wrap(format!("data for {data}, expected at most {most}")));
        }
        let all_units = units.saturating_mul(u64::from(template.params.iterations));
        let compute = u128::from(all_units).saturating_mul(u128::from(self.max_unit_price));
        let height = ctx.block.height;
        let least = height.saturating_add(rules.draw_delay).saturating_add(rules.part_blocks);
        let most = height.saturating_add(MOST_BLOCKS);
        if self.deadline <= least || self.deadline > most {
            let found = format!("deadline {} at height {height}", self.deadline);
            return Err(Training::WrongDeadline.wrap(format!("{found}, expected more than {least}, at most {most}")));
        }
        market::open(ctx, number, &developer, data, compute, self.use_credits)?;
        let deposit = put_down(ctx, &developer)?;

        let address = |seat: usize| match seat == record.developer as usize {
            true => self.developer.clone(),
            false => {
                let owned = record.datasets.iter().position(|d| d.owner as usize == seat);
                owned.map(|k| ctx.text(&granted[k].owner)).unwrap_or_default()
            }
        };
        let mut members: Vec<Member> =
            (0..record.seats.len()).map(|seat| Member { address: address(seat), ..Member::default() }).collect();
        members[record.developer as usize].deposit = deposit.to_string();
        let data = granted.iter().zip(&lines).map(|(g, line)| DataLine {
            dataset: g.number,
            grant: g.grant,
            owner: ctx.text(&g.owner),
            mib: line.mib,
            units: line.units,
            price: line.price,
            fee: line.fee.to_string(),
            ends_with_it: g.on_revoke == zektra_proto::vault::v1::RevocationPolicy::Abort,
        });
        let mut job = ChainJob {
            number,
            developer: self.developer.clone(),
            record: Some(job_to_pb(&record)),
            listing: self.listing,
            tier: self.tier.clone(),
            data: data.collect(),
            members,
            units,
            most_price: self.max_unit_price,
            passes,
            opened,
            ordered: height,
            deadline: self.deadline,
            last_slice: rules.last_slice,
            ..ChainJob::default()
        };
        ctx.state.put(keys::NEXT.to_vec(), number.saturating_add(1).to_be_bytes().to_vec())?;
        become_(ctx, &mut job, Status::Open, &[("developer", self.developer.clone())]);
        wake(ctx, &mut job, height.saturating_add(rules.draw_delay))?;
        index(ctx, &job)?;
        store(ctx, &job)?;
        Ok(MsgOrderResponse { job: number })
    }
}

/// Takes a member's deposit; how much it is.
pub(super) fn put_down(ctx: &mut Context<'_>, member: &Address) -> Result<u128, TxError> {
    let deposit = rules(ctx.state)?.deposit.unwrap_or_default();
    let amount = parse_amount(&deposit.amount).map_err(super::super::damaged)?;
    let coins = Coins::one(&deposit.denom, amount);
    if !coins.is_empty() {
        bank::transfer(ctx, member, &account(), &coins).map_err(|e| e.within("deposit"))?;
    }
    Ok(amount)
}

/// The record that parties derive their work from, without its beacon. Owners have the first seats, in the order of
/// their datasets, the developer the last.
fn record_of(
    order: &MsgOrder,
    ctx: &Context<'_>,
    number: u64,
    template: Template,
    developer: &Address,
) -> Result<Job, TxError> {
    let key = Commitment::from_bytes(&order.seat).ok_or_else(|| Training::WrongSeat.bare())?;
    let own = vault::current_seat(ctx, &key, developer)?;
    let release_key = release_key(order, ctx, &own)?;
    let mut seats: Vec<Seat> = vec![];
    let mut datasets = vec![];
    for number in &order.datasets {
        let (dataset, seat) = vault::offered(ctx.state, *number)?;
        let owner = seats.iter().position(|s| s.key == seat.key).unwrap_or(seats.len());
        if owner == seats.len() {
            seats.push(seat);
        }
        datasets.push(JobDataset { dataset, owner: owner as u32 });
    }
    let unknown = || Training::NotListed.wrap(format!("listing {}", order.listing));
    let offered = market::listing(ctx.state, order.listing)?.ok_or_else(unknown)?;
    let listed = match offered.kind() {
        Kind::Set => vault::members_of_set(ctx.state, offered.target)?,
        Kind::Dataset | Kind::Unspecified => vec![offered.target],
    };
    for number in &order.datasets {
        if !listed.contains(number) {
            return Err(Training::NotListed.wrap(format!("dataset {number} in listing {}", order.listing)));
        }
    }
    // An owner that is its own developer has one seat, with this job's release key.
    let own = Seat { release_key, ..own };
    let developer = seats.iter().position(|s| s.key == own.key).unwrap_or(seats.len());
    match seats.get_mut(developer) {
        Some(seat) => *seat = own,
        None => seats.push(own),
    }
    let job = Job {
        chain_id: ctx.block.chain_id.clone(),
        id: number,
        attempt: 0,
        max_attempts: order.max_attempts,
        template,
        seats,
        developer: developer as u32,
        datasets,
        beacon: [0; 32],
        trusted_inputs: false,
        circuits: Commitment::from_bytes(&order.circuits),
    };
    job.validate().map_err(|e| Training::WrongRecord.wrap(e))?;
    Ok(job)
}

/// The key that members seal this job's model to.
fn release_key(order: &MsgOrder, ctx: &Context<'_>, own: &Seat) -> Result<[u8; 32], TxError> {
    let name = hex::encode(&order.release_key);
    let key = order.release_key[..].try_into().map_err(|_| wrong("release_key", &name, "32 bytes"))?;
    ctx.gas.consume(super::dispute::POINT, "release key")?;
    // Members could not release, and would lose their deposits.
    check_key(&key).map_err(|_| wrong("release_key", &name, "an X25519 key that can be sealed to"))?;
    // A dispute would show the secret that other jobs and the developer's own share are sealed under.
    match key == own.release_key {
        true => Err(wrong("release_key", &name, "a key of this job alone, not the seat's")),
        false => Ok(key),
    }
}

/// Refuses circuits that do not prove this job; gives the training units of an iteration.
fn demand_circuits(order: &MsgOrder, ctx: &Context<'_>, record: &Job) -> Result<u64, TxError> {
    let name = hex::encode(&order.circuits);
    let found = proofs::circuit(ctx.state, &order.circuits)?;
    let found = found.ok_or_else(|| proofs::error::Proofs::UnknownCircuit.wrap(&name))?;
    if found.status() != CircuitStatus::Active {
        return Err(proofs::error::Proofs::CircuitNotActive.wrap(name));
    }
    let trusted = proofs::trusted(&found)?;
    let wrong = || Training::WrongCircuits.wrap(format!("{name} are of datasets"));
    let known = trusted.known().first().ok_or_else(wrong)?;
    if let Some((field, found, expected)) = known.differs(record, known.rows_log2) {
        let wrong = format!("{field} is {found}, the circuits are for {expected}");
        return Err(Training::WrongCircuits.wrap(wrong));
    }
    let wanted = record.template.params.iterations.saturating_mul(record.max_attempts);
    if wanted > found.max_iterations {
        let wrong = format!(
            "{} iterations with {} attempts, expected at most {} together",
            record.template.params.iterations, record.max_attempts, found.max_iterations
        );
        return Err(Training::TooManyIterations.wrap(wrong));
    }
    Ok(found.units)
}

impl Handler for MsgCancel {
    type Response = MsgCancelResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.developer]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.developer).map_err(|e| e.within("invalid developer address")).map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgCancelResponse, TxError> {
        let mut job = super::super::job::known(ctx.state, self.job)?;
        if job.developer != self.developer {
            return Err(Sdk::Unauthorized.wrap(format!("job {} was ordered by {}", job.number, job.developer)));
        }
        demand(&job, &[Status::Open])?;
        if job.members.iter().any(|m| m.joined > 0) {
            return Err(Training::WrongStatus.wrap(format!("job {}: a member has joined", job.number)));
        }
        end::expire(ctx, &mut job, "the developer took the order back".into())?;
        Ok(MsgCancelResponse {})
    }
}
