//! Proofs that were verified already: a proof is checked when it enters the mempool, when it is proposed and when it is
//! executed, and costs its time once.
//!
//! The memory is by everything that the answer depends on, so it never changes an answer.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// Answers of a generation at most.
const MOST: usize = 4096;

/// Two lists: when the young one is full it becomes the old one, which is forgotten.
#[derive(Default)]
struct Generations {
    young: BTreeMap<[u8; 32], Result<(), String>>,
    old: BTreeMap<[u8; 32], Result<(), String>>,
}

static KNOWN: LazyLock<Mutex<Generations>> = LazyLock::new(Mutex::default);

fn known() -> MutexGuard<'static, Generations> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The answer to a question with this digest: remembered, or found now.
pub fn answer(question: [u8; 32], find: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    {
        let known = known();
        if let Some(found) = known.young.get(&question).or_else(|| known.old.get(&question)) {
            return found.clone();
        }
    }
    let found = find();
    let mut known = known();
    if known.young.len() >= MOST {
        known.old = std::mem::take(&mut known.young);
    }
    known.young.insert(question, found.clone());
    found
}
