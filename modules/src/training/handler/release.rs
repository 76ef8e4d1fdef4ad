//! Members hand their shares of the model to the developer.

use super::super::end;
use super::super::error::Training;
use super::super::job::{demand, known, store};
use crate::address::Prefix;
use crate::context::Context;
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use zektra_proto::training::v1::{JobStatus as Status, MsgRelease, MsgReleaseResponse, Sealed};
use zektra_statement::release::{TAG_BYTES, ciphertext_bytes};

/// Bytes of an encapsulated X25519 key.
const KEY: usize = 32;
/// Bytes of a release at most: the largest model's.
const MOST: usize = 1 << 20;

impl Handler for MsgRelease {
    type Response = MsgReleaseResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.member]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.member).map_err(|e| e.within("invalid member address"))?;
        let Sealed { encapsulated, ciphertext } = self.release.clone().unwrap_or_default();
        let wrong = |field: &str, found: usize, expected: &str| {
            Err(Sdk::InvalidRequest.wrap(format!("{field} of {found} bytes: expected {expected}")))
        };
        if encapsulated.len() != KEY {
            return wrong("release.encapsulated", encapsulated.len(), "32");
        }
        if !(TAG_BYTES..=MOST).contains(&ciphertext.len()) {
            return wrong("release.ciphertext", ciphertext.len(), "16 to 1048576");
        }
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgReleaseResponse, TxError> {
        let mut job = known(ctx.state, self.job)?;
        demand(&job, &[Status::Proven])?;
        let seat = self.seat as usize;
        let record = super::super::job::record(&job)?;
        let member = job.members.get(seat).ok_or_else(|| Training::WrongSeat.wrap(format!("seat {seat}")))?;
        if member.address != self.member {
            let owner = &member.address;
            return Err(Training::NotThisMember.wrap(format!("seat {seat} of job {} is {owner}'s", job.number)));
        }
        if self.seat == record.developer {
            return Err(Training::WrongSeat.wrap("the developer keeps its own share"));
        }
        if member.released > 0 {
            return Err(Training::Released.wrap(format!("seat {seat} of job {}", job.number)));
        }
        // What is sealed has the length of the released states with their salts.
        let table = record.template.compile().map_err(|e| Training::WrongRecord.wrap(e))?;
        let expected = ciphertext_bytes(&table);
        let release = self.release.unwrap_or_default();
        if release.ciphertext.len() != expected {
            let found = release.ciphertext.len();
            return Err(Training::WrongRelease.wrap(format!("a ciphertext of {found} bytes, expected {expected}")));
        }
        let member = &mut job.members[seat];
        member.release = Some(release);
        member.released = ctx.block.height;
        let attributes = [("job", job.number.to_string()), ("seat", seat.to_string()), ("member", self.member)];
        ctx.emit("training_release", attributes);
        end::delivered_if_all(ctx, &mut job)?;
        store(ctx, &job)?;
        Ok(MsgReleaseResponse {})
    }
}
