//! A developer looks at what members released, and disputes what does not open.
//!
//! A dispute shows the secret of the job's release key, so everything is tried here first, and nothing leaves this
//! machine unless the chain must come to the same answer.

use super::ledger::job;
use crate::chain::account::{Account, any};
use crate::rejected::{Rejected, allow};
use crate::vault::Home;
use anyhow::{Context as _, Result};
use zektra_he::release::{self, ReleaseError, ReleaseSecret, Sealed};
use zektra_proto::training::v1 as pb;
use zektra_proto::training::v1::JobStatus as Status;
use zektra_records::{commitment, fingerprint, job_from_pb};
use zektra_statement::record::{Job, Seat};

/// A release that does not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Whose, an index among the seats.
    pub seat: u32,
    /// Why.
    pub error: ReleaseError,
}

/// The releases of a job on the chain that do not open, as validators would find them.
///
/// # Errors
/// A record that the chain would not keep; a member that has released nothing.
pub fn wrong(found: &pb::ChainJob, secret: &ReleaseSecret) -> Result<Vec<Wrong>> {
    let record = job_from_pb(found.record.as_ref().context("a job without a record")?)?;
    let table = record.template.compile()?;
    let lock = fingerprint("job.lock", &found.lock)?;
    let states = found.states.as_ref().context("a job without its states")?;
    let mut out = vec![];
    for (seat, member) in (0u32..).zip(&found.members).filter(|(seat, _)| *seat != record.developer) {
        let sealed = member.release.as_ref().with_context(|| format!("seat {seat} has released nothing"))?;
        let sealed = Sealed { encapped: sealed.encapsulated.to_vec(), ciphertext: sealed.ciphertext.to_vec() };
        let share = |state: &u16| {
            let entry = states.entries.get(usize::from(*state)).with_context(|| format!("no state {state}"))?;
            let share = entry.shares.get(seat as usize).with_context(|| format!("no share of seat {seat}"))?;
            anyhow::Ok(commitment("states.shares", share)?)
        };
        let recorded = table.released.iter().map(share).collect::<Result<Vec<_>>>()?;
        match release::open(&sealed, secret, &table, &lock, seat, &recorded) {
            Ok(_) => {}
            Err(error) if error.is_the_senders() => out.push(Wrong { seat, error }),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(out)
}

/// The secret of a job's release key, in the folder of its developer; whether it is the seat's, on which other jobs hang.
fn secret(home: &Home, record: &Job) -> Result<(ReleaseSecret, bool)> {
    let developer = &record.seats[record.developer as usize];
    let seat = home.seat_of(&developer.key)?;
    let Seat { key, release_key, .. } = seat.public();
    allow(key == developer.key, || format!("the job's developer has the key {}, this seat has {key}", developer.key))?;
    Ok((home.release_secret(&seat, &developer.release_key)?, release_key == developer.release_key))
}

/// Disputes the releases of a delivered job that do not open, or only these `seats`: all that is sent is true. Gives what
/// was disputed; nothing was sent, and no secret shown, if it is nothing.
///
/// # Errors
/// A job of somebody else or in another status; a missing secret; a named seat whose release opens; what the chain says.
pub fn dispute(account: &Account, home: &Home, number: u64, seats: &[u32]) -> Result<Vec<Wrong>> {
    let found = job(account, number)?;
    let refused = |what: String| Rejected::Refused(format!("job {number}: {what}"));
    let (status, developer) = (found.status(), &found.developer);
    allow(developer == account.address(), || format!("job {number} was ordered by {developer}"))?;
    allow(status == Status::Delivered, || {
        format!("job {number} is {}: releases are disputed while it is delivered", status.as_str_name())
    })?;
    let record = job_from_pb(found.record.as_ref().context("a job without a record")?)?;
    let (secret, is_the_seats) = secret(home, &record)?;
    let mut all = wrong(&found, &secret)?;
    if let Some(seat) = seats.iter().find(|seat| !all.iter().any(|w| w.seat == **seat)) {
        let what = match *seat {
            seat if seat == record.developer => "is the developer's own, which is not released",
            seat if seat as usize >= record.seats.len() => "is not there",
            _ => "has released what was proven: there is nothing to dispute, and no key was shown",
        };
        return Err(refused(format!("seat {seat} {what}")).into());
    }
    all.retain(|w| seats.is_empty() || seats.contains(&w.seat));
    if all.is_empty() {
        return Ok(all);
    }
    allow(!is_the_seats, || {
        let key = "its release key is the seat's: a dispute would show what other jobs are sealed to";
        format!("job {number}: the release of seat {} does not open, but {key}", all[0].seat)
    })?;
    let message = pb::MsgDispute {
        developer: account.address().into(),
        job: number,
        seats: all.iter().map(|w| w.seat).collect(),
        release_secret: secret.as_bytes().to_vec().into(),
    };
    account.send(vec![any(&message)]).with_context(|| format!("cannot dispute the releases of job {number}"))?;
    Ok(all)
}

/// Disputes what does not open, if the job is delivered and the developer is here.
///
/// # Errors
/// Something was disputed: there is no model; else as [`dispute`].
pub(super) fn raise(account: &Account, home: &Home, number: u64) -> Result<()> {
    if job(account, number)?.status() != Status::Delivered {
        return Ok(());
    }
    let disputed = dispute(account, home, number, &[])?;
    let why: Vec<_> = disputed.iter().map(|w| w.error.to_string()).collect();
    Ok(allow(disputed.is_empty(), || format!("job {number} was disputed and has failed: {}", why.join("; ")))?)
}
