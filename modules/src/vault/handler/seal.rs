//! A draft is sealed.

use crate::address::Prefix;
use crate::context::{Block, Context};
use crate::error::TxError;
use crate::module::Handler;
use crate::vault::{demand_owner, seal};
use zektra_proto::vault::v1::{MsgSealDataset, MsgSealDatasetResponse};
use zektra_state::StateRead;

impl Handler for MsgSealDataset {
    type Response = MsgSealDatasetResponse;

    const CARRIES_PROOF: bool = true;

    fn signers(&self) -> Vec<&str> {
        vec![&self.owner]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        demand_owner(prefix, &self.owner)?;
        seal::check(self)
    }

    fn verify(&self, state: &dyn StateRead, block: &Block) -> Result<u64, TxError> {
        seal::ahead(state, self, &block.chain_id)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgSealDatasetResponse, TxError> {
        seal::seal(ctx, &self, seal::verify)
    }
}
