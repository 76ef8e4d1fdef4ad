//! What the application knows of pending transactions: their changes over the last committed state.

use std::sync::Arc;
use zektra_state::Changes;

/// Bytes of one transaction, the limit of CometBFT: larger ones are not read for others either.
pub const MAX_TX_BYTES: usize = 1 << 20;

/// Changes of all transactions that were checked since the last commit, so that several of one account fit.
#[derive(Debug, Default)]
pub struct Mempool {
    changes: Arc<Changes>,
}

impl Mempool {
    /// The changes of pending transactions.
    pub fn changes(&self) -> Arc<Changes> {
        self.changes.clone()
    }

    /// Takes the changes after another was checked.
    pub fn set(&mut self, changes: Changes) {
        self.changes = Arc::new(changes);
    }

    /// Takes the changes out, to put them back with [`Mempool::set`].
    pub fn take(&mut self) -> Changes {
        Arc::unwrap_or_clone(std::mem::take(&mut self.changes))
    }

    /// Begins anew after a commit.
    pub fn reset(&mut self) {
        self.changes = Arc::default();
    }
}
