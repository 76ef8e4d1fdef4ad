//! A developer shows that releases are not what was proven.
//!
//! With the secret of the job's release key everybody opens the same messages to the same bytes, so the chain needs no
//! word of anyone. Why showing it gives no model away, and why no honest member can be harmed: `docs/protocol.md` §14.

use super::super::error::Training;
use super::super::job::{demand, known, record};
use super::super::{damaged, end};
use crate::address::Prefix;
use crate::context::Context;
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use zektra_proto::training::v1::{ChainJob, JobStatus as Status, MsgDispute, MsgDisputeResponse};
use zektra_state::StateError;
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::phase::PhaseTable;
use zektra_statement::release::{self, ReleaseSecret, Sealed};

/// Gas of a multiplication on Curve25519: that of a signature (`sig_verify_cost_secp256k1`), which takes about as long,
/// 31 µs on an Intel Xeon.
pub(super) const POINT: u64 = 1000;
/// Gas of opening a release, 92 µs at 304 bytes: its point, our own for the key schedule, hashes. Each further byte takes
/// 0.06 µs, to decrypt and to commit to: less than the 3 gas that are paid for reading it with the job.
const OPENING: u64 = 2 * POINT;
/// Seats of a job at most.
const MOST: usize = 64;

impl Handler for MsgDispute {
    type Response = MsgDisputeResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.developer]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.developer).map_err(|e| e.within("invalid developer address"))?;
        let wrong = |field: &str, found: String, expected: &str| {
            Err(Sdk::InvalidRequest.wrap(format!("{field} {found}: expected {expected}")))
        };
        if self.release_secret.len() != 32 {
            return wrong("release_secret", format!("of {} bytes", self.release_secret.len()), "32 bytes");
        }
        if self.seats.is_empty() || self.seats.len() > MOST {
            return wrong("seats", self.seats.len().to_string(), "1 to 64");
        }
        if !self.seats.is_sorted_by(|a, b| a < b) {
            return wrong("seats", format!("{:?}", self.seats), "each seat once, ascending");
        }
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgDisputeResponse, TxError> {
        let mut job = known(ctx.state, self.job)?;
        if ctx.parse(&job.developer)? != ctx.parse(&self.developer)? {
            return Err(Sdk::Unauthorized.wrap(format!("job {} was ordered by {}", job.number, job.developer)));
        }
        demand(&job, &[Status::Delivered])?;
        let record = record(&job)?;
        let own = record.seats.get(record.developer as usize).ok_or_else(|| damaged("a developer's seat"))?;
        let seat_of = |seat: u32| match seat {
            // It has no release.
            seat if seat == record.developer => Err(Training::WrongSeat.wrap("the developer keeps its own share")),
            seat if seat as usize >= job.members.len() => Err(Training::WrongSeat.wrap(format!("seat {seat}"))),
            seat => Ok(seat),
        };
        let seats = self.seats.iter().map(|seat| seat_of(*seat)).collect::<Result<Vec<_>, _>>()?;

        ctx.gas.consume(POINT, "release key")?;
        let bytes: [u8; 32] = self.release_secret[..].try_into().map_err(|_| Training::WrongReleaseKey.bare())?;
        let secret = ReleaseSecret::from_bytes(&bytes);
        if secret.public() != own.release_key {
            let (found, expected) = (hex::encode(secret.public()), hex::encode(own.release_key));
            return Err(Training::WrongReleaseKey.wrap(format!("that of {found}, job {} has {expected}", job.number)));
        }
        let lock = Fingerprint::from_bytes(&job.lock).ok_or_else(|| damaged("a lock"))?;
        let table = record.template.compile().map_err(|e| Training::WrongRecord.wrap(e))?;
        let mut reasons = vec![];
        for seat in &seats {
            ctx.gas.consume(OPENING, "release")?;
            let sealed = sealed(&job, *seat)?;
            let recorded = recorded(&job, &table, *seat)?;
            match release::open(&sealed, &secret, &table, &lock, *seat, &recorded) {
                Ok(_) => return Err(Training::ReleaseFits.wrap(format!("seat {seat} of job {}", job.number))),
                Err(e) if e.is_the_senders() => reasons.push(e.to_string()),
                Err(e) => return Err(damaged(format!("job {}: {e}", job.number)).into()),
            }
        }
        for (seat, reason) in seats.iter().zip(&reasons) {
            let member = job.members[*seat as usize].address.clone();
            let (job, seat) = (job.number.to_string(), seat.to_string());
            let attributes = [("job", job), ("seat", seat), ("member", member), ("reason", reason.clone())];
            ctx.emit("training_dispute", attributes);
        }
        let names: Vec<_> = seats.iter().map(u32::to_string).collect();
        let seats = seats.iter().map(|seat| *seat as usize).collect();
        end::kept_back(
            ctx,
            &mut job,
            &seats,
            format!("disputed: what seat {} released does not open", names.join(", ")),
        )?;
        Ok(MsgDisputeResponse {})
    }
}

/// What a member of a delivered job has released.
fn sealed(job: &ChainJob, seat: u32) -> Result<Sealed, StateError> {
    let release = job.members.get(seat as usize).and_then(|m| m.release.clone());
    let release = release.ok_or_else(|| damaged(format!("job {}: the release of seat {seat}", job.number)))?;
    Ok(Sealed { encapped: release.encapsulated.to_vec(), ciphertext: release.ciphertext.to_vec() })
}

/// What was proven last of a member's shares: a commitment of each released state.
fn recorded(job: &ChainJob, table: &PhaseTable, seat: u32) -> Result<Vec<Commitment>, StateError> {
    let states = job.states.as_ref();
    let one = |state: &u16| {
        let entry = states.and_then(|s| s.entries.get(usize::from(*state)));
        let bytes = entry.and_then(|e| e.shares.get(seat as usize));
        let missing = || damaged(format!("job {}: the share of seat {seat} in state {state}", job.number));
        bytes.and_then(|b| Commitment::from_bytes(b)).ok_or_else(missing)
    };
    table.released.iter().map(one).collect()
}
