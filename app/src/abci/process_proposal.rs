//! Whether a proposed block is acceptable: one that no honest proposer would make is not.

use crate::app::{App, AppError};
use crate::section::Section;
use zektra_proto::tendermint::abci::response_process_proposal::ProposalStatus;
use zektra_proto::tendermint::abci::{RequestProcessProposal, ResponseProcessProposal};

pub fn process_proposal(app: &App, request: RequestProcessProposal) -> Result<ResponseProcessProposal, AppError> {
    let identity = app.known()?;
    let base = app.working_base()?;
    // Undecodable transactions pay nothing, so a proposer must not put them in.
    let txs = app.chain().read(&request.txs, &identity.prefix);
    let readable = txs.iter().all(Result::is_ok);
    let most = zektra_modules::consensus::max_gas(&base)?;
    let gas = txs.iter().flatten().fold(0u64, |sum, tx| sum.saturating_add(tx.gas_limit()));
    let ordered = Section::in_order(txs.iter().flatten().map(Section::of));
    let fits = readable && ordered && most.is_none_or(|most| gas <= most);
    if fits {
        app.chain().verify_ahead(&base, &txs, &identity.chain_id, &identity.prefix);
    } else {
        tracing::info!(height = request.height, gas, readable, ordered, "a proposal is refused");
    }
    let status = if fits { ProposalStatus::Accept } else { ProposalStatus::Reject };
    Ok(ResponseProcessProposal { status: status as i32 })
}
