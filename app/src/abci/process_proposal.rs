//! Whether a proposed block is acceptable: one that no honest proposer would make is not.
//!
//! The checks are those of `prepare_proposal`, on the same state and at the same time of the block, so that all nodes
//! agree and take what an honest proposer made: transactions that can be read, each section in its place, no more gas
//! than a block has, each transaction signed and paid for after those before it, and proofs that are true, that fit the
//! state and the block's budget.

use super::{height, time};
use crate::ante::Mode;
use crate::app::{App, AppError, Identity};
use crate::chain::verify;
use crate::section::{Room, Section};
use crate::tx::Tx;
use zektra_modules::context::Block;
use zektra_modules::error::TxError;
use zektra_proto::tendermint::abci::response_process_proposal::ProposalStatus;
use zektra_proto::tendermint::abci::{RequestProcessProposal, ResponseProcessProposal};
use zektra_state::Memo;

pub fn process_proposal(app: &App, request: RequestProcessProposal) -> Result<ResponseProcessProposal, AppError> {
    let identity = app.known()?;
    let txs = app.chain().read(&request.txs, &identity.prefix);
    let block = Block {
        chain_id: identity.chain_id.clone(),
        height: height(request.height)?,
        time: time(request.time),
        ..Block::default()
    };
    let status = match refusal(app, &identity, &block, &txs)? {
        None => ProposalStatus::Accept,
        Some(why) => {
            tracing::info!(height = block.height, why, "a proposal is refused");
            ProposalStatus::Reject
        }
    };
    Ok(ResponseProcessProposal { status: status as i32 })
}

/// What is wrong with the transactions of a block.
fn refusal(
    app: &App,
    identity: &Identity,
    block: &Block,
    txs: &[Result<Tx, TxError>],
) -> Result<Option<String>, AppError> {
    let refused = |place: usize, e: &TxError| Some(format!("transaction {place}: {:.200}", e.log));
    // Undecodable transactions pay nothing, so a proposer must not put them in.
    if let Some((place, e)) = txs.iter().enumerate().find_map(|(k, tx)| Some((k, tx.as_ref().err()?))) {
        return Ok(refused(place, e));
    }
    if !Section::in_order(txs.iter().flatten().map(Section::of)) {
        return Ok(Some("a section begins again after it has ended".into()));
    }
    let mut state = Memo::new(app.working_base()?);
    let gas = txs.iter().flatten().fold(0u64, |sum, tx| sum.saturating_add(tx.gas_limit()));
    if let Some(most) = zektra_modules::consensus::max_gas(&state)?
        && gas > most
    {
        return Ok(Some(format!("its transactions may use {gas} gas, expected at most {most}")));
    }
    let mut room = Room::of(&state)?;
    // Before any proof is looked at: what a proposer can make others verify is bounded by it.
    let proofs = txs.iter().flatten().filter(|tx| Section::of(tx) == Section::Proofs);
    if let Err(why) = room.demand_bytes(proofs.map(|tx| tx.size)) {
        return Ok(Some(why));
    }
    app.chain().verify_ahead(&state, txs, &identity.chain_id);
    app.chain().prove_ahead(&state, block, txs);
    for (place, tx) in txs.iter().enumerate() {
        if let Ok(tx) = tx
            && Section::of(tx) == Section::Proofs
        {
            match verify(&state, block, tx) {
                Ok(cost) if room.take(tx.size, cost) => {}
                Ok(_) => return Ok(Some(format!("transaction {place}: its proofs are more than a block may hold"))),
                Err(e) if e.is_internal() => return Err(AppError::Module { when: "proposal", error: e }),
                Err(e) => return Ok(refused(place, &e)),
            }
        }
        let outcome = app
            .chain()
            .execute(&mut state, tx, Mode::Propose, block, &identity.prefix)
            .map_err(|error| AppError::Module { when: "proposal", error })?;
        if let Some(e) = outcome.error {
            return Ok(refused(place, &e));
        }
    }
    Ok(None)
}
