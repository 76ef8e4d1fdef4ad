//! What the application knows of pending transactions: their changes over the last committed state.

use zektra_state::Changes;

/// Changes of all transactions that were checked since the last commit, so that several of one account fit.
#[derive(Debug, Default)]
pub struct Mempool {
    changes: Changes,
}

impl Mempool {
    /// The changes of pending transactions.
    pub fn changes(&self) -> Changes {
        self.changes.clone()
    }

    /// Takes the changes after another was checked.
    pub fn set(&mut self, changes: Changes) {
        self.changes = changes;
    }

    /// Takes the changes out, to put them back with [`Mempool::set`].
    pub fn take(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// Begins anew after a commit.
    pub fn reset(&mut self) {
        self.changes.clear();
    }
}
