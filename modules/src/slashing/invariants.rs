//! What holds after every block.

use super::{Rules, damaged, keys, number, ring, signing_infos};
use crate::address::Address;
use crate::error::TxError;
use crate::staking;
use std::collections::BTreeMap;
use zektra_state::{Order, StateRead, scan_prefix};

pub fn check(state: &dyn StateRead) -> Result<(), TxError> {
    let window = Rules::load(state)?.window;
    let mut missed: BTreeMap<Address, u64> = BTreeMap::new();
    for entry in scan_prefix(state, keys::MISSED, Order::Ascending) {
        let (key, bits) = entry?;
        let found = keys::split_missed(&key[keys::MISSED.len()..]);
        let (consensus, chunk) = found.ok_or_else(|| damaged("a key of a chunk"))?;
        let indices = ring::indices(chunk, &bits)?;
        if let Some(index) = indices.iter().find(|&&i| i >= window) {
            return Err(damaged(format!("{consensus:?} missed block {index} of a window of {window}")).into());
        }
        *missed.entry(consensus).or_default() += indices.len() as u64;
    }
    let infos: BTreeMap<_, _> = signing_infos(state)?.into_iter().collect();
    for (consensus, info) in &infos {
        let (bits, counter) = (missed.remove(consensus).unwrap_or(0), number(info.missed_blocks_counter)?);
        if bits != counter {
            return Err(damaged(format!("{consensus:?} missed {bits} blocks, the counter is {counter}")).into());
        }
    }
    if let Some((consensus, bits)) = missed.first_key_value() {
        return Err(damaged(format!("{consensus:?} missed {bits} blocks and has no signing info")).into());
    }
    for validator in staking::validators(state)?.iter().filter(|v| v.is_bonded()) {
        if !infos.contains_key(&validator.consensus()) {
            return Err(damaged(format!("validator {:?} has no signing info", validator.operator)).into());
        }
    }
    Ok(())
}
