//! Parts of a block, and the order in which they stand in it.

use crate::tx::Tx;
use zektra_modules::proofs;
use zektra_state::{StateError, StateRead};

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
        let carries = tx.messages.iter().any(|(message, _)| message.carries_proof());
        if carries { Self::Proofs } else { Self::Ordinary }
    }

    /// Whether no part begins again after it has ended.
    pub fn in_order(sections: impl IntoIterator<Item = Self>) -> bool {
        sections.into_iter().is_sorted()
    }
}

/// What the proofs of a block may still take.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    bytes: u64,
    cost: u64,
}

impl Room {
    /// What the chain's parameters allow.
    ///
    /// # Errors
    /// The database fails.
    pub fn of(state: &dyn StateRead) -> Result<Self, StateError> {
        let params = proofs::params(state)?;
        Ok(Self { bytes: params.max_section_bytes, cost: params.max_section_cost })
    }

    /// Demands that transactions with proofs fit by their sizes alone.
    ///
    /// # Errors
    /// They do not: why.
    pub fn demand_bytes(&self, sizes: impl IntoIterator<Item = usize>) -> Result<(), String> {
        let sum = sizes.into_iter().fold(0u64, |sum, size| sum.saturating_add(size as u64));
        if sum <= self.bytes {
            return Ok(());
        }
        Err(format!("its proofs take {sum} bytes, expected at most {}", self.bytes))
    }

    /// Whether a transaction with proofs fits; what it takes is gone then.
    pub fn take(&mut self, size: usize, cost: u64) -> bool {
        let left = (self.bytes.checked_sub(size as u64), self.cost.checked_sub(cost));
        let (Some(bytes), Some(cost)) = left else { return false };
        *self = Self { bytes, cost };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Room;
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

    #[test]
    fn room_is_taken_until_nothing_fits() {
        let mut room = Room { bytes: 10, cost: 2 };
        assert!(room.demand_bytes([4, 6]).is_ok());
        assert_eq!(room.demand_bytes([4, 7]), Err("its proofs take 11 bytes, expected at most 10".into()));
        assert!(room.demand_bytes([usize::MAX, usize::MAX]).is_err());
        assert!(room.take(4, 1));
        // What does not fit takes nothing.
        assert!(!room.take(7, 1) && !room.take(1, 2));
        assert!(room.take(6, 1));
        assert!(!room.take(0, 1) && !room.take(1, 0) && room.take(0, 0));
    }
}
