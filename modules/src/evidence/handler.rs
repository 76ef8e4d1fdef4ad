//! Evidence that users hand in: there is no kind of it that is not found by consensus itself.

use super::error::Evidence as EvidenceError;
use super::{evidence, hash, read};
use crate::address::Prefix;
use crate::context::Context;
use crate::error::TxError;
use crate::module::Handler;
use zektra_proto::cosmos::evidence::v1beta1::{Equivocation, MsgSubmitEvidence, MsgSubmitEvidenceResponse};

fn valid(message: &MsgSubmitEvidence, prefix: &Prefix) -> Result<Equivocation, TxError> {
    let any = message.evidence.as_ref().ok_or_else(|| EvidenceError::InvalidEvidence.wrap("missing evidence"))?;
    let failed = |e| EvidenceError::InvalidEvidence.wrap(format!("failed basic validation: {e}"));
    read(any, prefix).map_err(failed)
}

impl Handler for MsgSubmitEvidence {
    type Response = MsgSubmitEvidenceResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.submitter]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.submitter).map_err(|e| e.within("invalid submitter address"))?;
        valid(self, prefix).map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgSubmitEvidenceResponse, TxError> {
        let hash = hash(&valid(&self, ctx.prefix)?);
        Err(match evidence(ctx.state, &hash)? {
            Some(_) => EvidenceError::EvidenceExists.wrap(hex::encode_upper(hash)),
            None => EvidenceError::NoEvidenceHandlerExists.wrap("equivocation"),
        })
    }
}
