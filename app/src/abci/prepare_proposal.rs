//! What a proposer puts into its block: within its bytes and gas, best fee first, each sender's in order.

use super::{height, time};
use crate::ante::Mode;
use crate::app::{App, AppError};
use std::collections::{BTreeMap, VecDeque};
use zektra_modules::context::Block;
use zektra_proto::tendermint::abci::{RequestPrepareProposal, ResponsePrepareProposal};
use zektra_state::StateDelta;

pub fn prepare_proposal(app: &App, request: RequestPrepareProposal) -> Result<ResponsePrepareProposal, AppError> {
    let identity = app.known()?;
    let prefix = &identity.prefix;
    let most_bytes = usize::try_from(request.max_tx_bytes).unwrap_or(0);
    // Each sender's transactions in the order in which they came.
    let mut queues: BTreeMap<Vec<u8>, VecDeque<(i64, usize)>> = BTreeMap::new();
    for (place, bytes) in request.txs.iter().enumerate() {
        if let Ok(tx) = crate::tx::decode(bytes, app.chain(), prefix) {
            let sender = tx.signers.first().map(|a| a.bytes().to_vec()).unwrap_or_default();
            queues.entry(sender).or_default().push_back((crate::ante::priority(&tx.fee, tx.gas_limit()), place));
        }
    }
    let mut block = Block { chain_id: identity.chain_id.clone(), time: time(request.time), ..Block::default() };
    block.height = height(request.height)?;
    let base = app.working_base()?;
    app.chain().verify_ahead(&base, &request.txs, &identity.chain_id, prefix);
    let most_gas = zektra_modules::consensus::max_gas(&base)?;
    let mut state = StateDelta::new(&base);
    let (mut txs, mut bytes_used, mut gas_used) = (vec![], 0usize, 0u64);
    // The queue whose first pays best; of equal ones the earlier.
    let best = |queues: &BTreeMap<Vec<u8>, VecDeque<(i64, usize)>>| {
        let firsts =
            queues.iter().filter_map(|(sender, q)| q.front().map(|&(p, place)| (p, std::cmp::Reverse(place), sender)));
        firsts.max().map(|(_, _, sender)| sender.clone())
    };
    while let Some(sender) = best(&queues) {
        let Some((_, place)) = queues.get_mut(&sender).and_then(VecDeque::pop_front) else { break };
        let bytes = &request.txs[place];
        // A transaction takes a few bytes more inside a block.
        let size = bytes.len().saturating_add(10);
        if bytes_used.saturating_add(size) > most_bytes {
            queues.remove(&sender);
            continue;
        }
        // Fee and sequence as the block will see them; messages may still fail there, and pay.
        let outcome = app
            .chain()
            .execute(&mut state, bytes, Mode::Recheck, &block, prefix)
            .map_err(|error| AppError::Module { when: "proposal", error })?;
        if outcome.error.is_some() {
            queues.remove(&sender);
            continue;
        }
        if most_gas.is_some_and(|most| gas_used.saturating_add(outcome.gas_wanted) > most) {
            queues.remove(&sender);
            continue;
        }
        gas_used = gas_used.saturating_add(outcome.gas_wanted);
        bytes_used = bytes_used.saturating_add(size);
        txs.push(bytes.clone());
    }
    Ok(ResponsePrepareProposal { txs })
}
