//! Parts of a block, and the order in which they stand in it.

use crate::tx::Tx;

/// Messages that carry a proof of training.
const PROOFS: &[&str] = &[];

/// Which part of a block a transaction belongs to, first to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Those that carry proofs: first, so that they never wait for room.
    Proofs,
    /// All others.
    Ordinary,
}

impl Section {
    /// The part that a transaction belongs to.
    pub fn of(tx: &Tx) -> Self {
        let carries = tx.messages.iter().any(|(_, any)| PROOFS.contains(&any.type_url.trim_start_matches('/')));
        if carries { Self::Proofs } else { Self::Ordinary }
    }

    /// Whether no part begins again after it has ended.
    pub fn in_order(sections: impl IntoIterator<Item = Self>) -> bool {
        sections.into_iter().is_sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::Section::{self, Ordinary, Proofs};

    #[test]
    fn proofs_come_first() {
        for fine in [&[][..], &[Proofs], &[Ordinary, Ordinary], &[Proofs, Proofs, Ordinary]] {
            assert!(Section::in_order(fine.iter().copied()), "{fine:?}");
        }
        for wrong in [&[Ordinary, Proofs][..], &[Proofs, Ordinary, Proofs]] {
            assert!(!Section::in_order(wrong.iter().copied()), "{wrong:?}");
        }
    }
}
