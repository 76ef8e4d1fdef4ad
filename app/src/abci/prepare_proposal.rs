//! What a proposer puts into its block: within its bytes and gas, section by section, in each the best fee first, each
//! sender's in order.

use super::{height, time};
use crate::ante::Mode;
use crate::app::{App, AppError};
use crate::chain::verify;
use crate::section::{Room, Section};
use crate::tx::Tx;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use zektra_modules::address::Address;
use zektra_modules::context::Block;
use zektra_proto::tendermint::abci::{RequestPrepareProposal, ResponsePrepareProposal};
use zektra_state::Memo;

pub fn prepare_proposal(app: &App, request: RequestPrepareProposal) -> Result<ResponsePrepareProposal, AppError> {
    let identity = app.known()?;
    let prefix = &identity.prefix;
    let most_bytes = usize::try_from(request.max_tx_bytes).unwrap_or(0);
    let read = app.chain().read(&request.txs, prefix);
    // Each sender's transactions in the order in which they came: section, price, place.
    let mut queues: BTreeMap<&Address, VecDeque<(Section, i64, usize)>> = BTreeMap::new();
    for (place, tx) in read.iter().enumerate() {
        if let Ok(tx) = tx
            && let Some(sender) = tx.signers.first()
        {
            let price = crate::ante::priority(&tx.fee, tx.gas_limit());
            queues.entry(sender).or_default().push_back((Section::of(tx), price, place));
        }
    }
    let mut block = Block { chain_id: identity.chain_id.clone(), time: time(request.time), ..Block::default() };
    block.height = height(request.height)?;
    let mut state = Memo::new(app.working_base()?);
    app.chain().verify_ahead(&state, &read, &identity.chain_id);
    app.chain().prove_ahead(&state, &block, &read);
    let mut room = Room::of(&state)?;
    let most_gas = zektra_modules::consensus::max_gas(&state)?;
    let (mut txs, mut bytes_used, mut gas_used) = (vec![], 0usize, 0u64);
    // The first of each sender that still takes part: the one that pays best is next; of equal ones the earlier.
    let first = |queue: &mut VecDeque<(Section, i64, usize)>| {
        queue.pop_front().map(|(section, price, place)| (Reverse(section), price, Reverse(place)))
    };
    let mut reached = Section::Proofs;
    let mut firsts: BinaryHeap<_> =
        queues.iter_mut().filter_map(|(sender, queue)| Some((first(queue)?, *sender))).collect();
    while let Some(((Reverse(section), _, Reverse(place)), sender)) = firsts.pop() {
        // Behind one of its sender's that belongs to a later section: it waits for the next block.
        if section < reached {
            continue;
        }
        reached = section;
        let bytes = &request.txs[place];
        // A transaction takes a few bytes more inside a block.
        let size = bytes.len().saturating_add(10);
        let gas = gas_used.saturating_add(read[place].as_ref().map_or(0, Tx::gas_limit));
        if bytes_used.saturating_add(size) > most_bytes || most_gas.is_some_and(|most| gas > most) {
            continue;
        }
        // Taken for good only by what stands in the block: else what fails would cost its sender nothing, and keep all
        // others out.
        let mut left = room;
        if section == Section::Proofs {
            let cost = read[place].as_ref().ok().and_then(|tx| verify(&state, &block, tx).ok());
            if !cost.is_some_and(|cost| left.take(bytes.len(), cost)) {
                continue;
            }
        }
        // Signature, fee and sequence as `process_proposal` will check them: what is left out must have changed nothing.
        // Messages may still fail in the block, and pay; but those with proofs must not.
        let outcome = app
            .chain()
            .execute(&mut state, &read[place], Mode::Propose, &block, prefix)
            .map_err(|error| AppError::Module { when: "proposal", error })?;
        if outcome.error.is_some() {
            continue;
        }
        room = left;
        gas_used = gas;
        bytes_used = bytes_used.saturating_add(size);
        txs.push(bytes.clone());
        firsts.extend(queues.get_mut(sender).and_then(first).map(|first| (first, sender)));
    }
    Ok(ResponsePrepareProposal { txs })
}
