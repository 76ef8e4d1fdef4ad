//! A validator comes back from jail.

use crate::address::Prefix;
use crate::context::Context;
use crate::error::TxError;
use crate::module::Handler;
use crate::slashing::error::Slashing;
use crate::slashing::signing_info;
use crate::staking::{self, delegation, set};
use crate::time::key as time;
use zektra_proto::cosmos::slashing::v1beta1::{MsgUnjail, MsgUnjailResponse};

impl Handler for MsgUnjail {
    type Response = MsgUnjailResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.validator_addr]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse_operator(&self.validator_addr).map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUnjailResponse, TxError> {
        let operator = ctx.prefix.parse_operator(&self.validator_addr)?;
        // Clients get errors of staking for what is not there.
        let mut validator = staking::known(ctx.state, &operator)?;
        let shares = delegation::demand(ctx.state, &operator, &operator)?;
        let (own, least) = (validator.tokens_of(shares)?.floor()?, validator.min_self_delegation);
        if own < least {
            return Err(Slashing::SelfDelegationTooLowToUnjail.wrap(format!("{own} less than {least}")));
        }
        if !validator.jailed {
            return Err(Slashing::ValidatorNotJailed.bare());
        }
        // Who was never in the set was jailed for too small a self-delegation, and may come out when it has grown.
        if let Some(info) = signing_info(ctx.state, &validator.consensus())? {
            let is_early = time(&ctx.block.time) < time(&info.jailed_until.unwrap_or_default());
            if info.tombstoned || is_early {
                return Err(Slashing::ValidatorJailed.bare());
            }
        }
        set::unjail(ctx, &mut validator)?;
        Ok(MsgUnjailResponse {})
    }
}
