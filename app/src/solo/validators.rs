//! Sets of validators: who signs which block, and what blocks change of it.
//!
//! As in CometBFT, what block H changes holds from H+2 on; the first two blocks have the set of the genesis. A set is
//! kept under the first height of which it is.

use super::SoloError;
use super::block::BlockError;
use super::kept::{damaged, key};
use crate::app::App;
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tendermint::block::{Commit, CommitSig};
use tendermint::validator::{Info, Set, Update};
use tendermint::{Hash, account};
use zektra_proto::tendermint::abci::{Validator, ValidatorUpdate, VoteInfo};
use zektra_proto::tendermint::types::{BlockIdFlag, ValidatorSet};
use zektra_state::Order;

/// The validators of a height, the one with the most power first, those of equal power by address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    set: Set,
    hash: Hash,
}

impl Default for Validators {
    fn default() -> Self {
        Self::of(Set::without_proposer(vec![]))
    }
}

fn refused(what: impl ToString) -> BlockError {
    BlockError(format!("the changes of validators: {}", what.to_string()))
}

/// Validators as changes of a set that has none of them.
pub(super) fn updates<'a>(infos: impl IntoIterator<Item = &'a Info>) -> Vec<ValidatorUpdate> {
    let update = |v: &Info| ValidatorUpdate { pub_key: Some(v.pub_key.into()), power: v.power.into() };
    infos.into_iter().map(update).collect()
}

/// Who is changed, and its power from then on.
///
/// # Errors
/// No key, or a power below 0.
pub(super) fn changed(update: &ValidatorUpdate) -> Result<Info, BlockError> {
    let Update { pub_key, power } = Update::try_from(update.clone()).map_err(refused)?;
    Ok(Info::new(pub_key, power))
}

impl Validators {
    fn of(set: Set) -> Self {
        let hash = set.hash();
        Self { set, hash }
    }

    /// The set after changes; a power of 0 removes.
    ///
    /// # Errors
    /// What CometBFT refuses: two changes of one validator, one that removes a stranger, a set of nobody or of too much
    /// power.
    pub fn with(&self, updates: &[ValidatorUpdate]) -> Result<Self, BlockError> {
        let mut all: BTreeMap<account::Id, Info> = self.all().iter().map(|v| (v.address, v.clone())).collect();
        let mut seen = BTreeSet::new();
        for update in updates {
            let info = changed(update)?;
            let address = info.address;
            if !seen.insert(address) {
                return Err(refused(format!("duplicate entry {address}")));
            }
            if info.power() > 0 {
                all.insert(address, info);
            } else if all.remove(&address).is_none() {
                return Err(refused(format!("failed to find validator {address} to remove")));
            }
        }
        if all.is_empty() {
            return Err(refused("applying the validator changes would result in empty set"));
        }
        let total = all.values().fold(0u64, |sum, v| sum.saturating_add(v.power()));
        if total > Set::MAX_TOTAL_VOTING_POWER {
            return Err(refused(format!("a total power of {total}, at most {}", Set::MAX_TOTAL_VOTING_POWER)));
        }
        Ok(Self::of(Set::without_proposer(all.into_values().collect())))
    }

    /// All of them, in order.
    pub fn all(&self) -> &[Info] {
        &self.set.validators
    }

    /// What headers call the set.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// The place of a validator.
    pub fn place(&self, address: &account::Id) -> Option<usize> {
        self.all().iter().position(|v| v.address == *address)
    }

    /// The power of a validator; 0 for a stranger.
    pub fn power(&self, address: &account::Id) -> u64 {
        self.place(address).map_or(0, |place| self.all()[place].power())
    }

    /// Refuses a set in which this validator alone makes no block of this height final.
    ///
    /// # Errors
    /// Its power is two thirds of all or less.
    pub fn demand(&self, own: &account::Id, height: u64) -> Result<(), SoloError> {
        let (own, total) = (self.power(own), self.set.total_voting_power().value());
        if u128::from(own) * 3 > u128::from(total) * 2 {
            return Ok(());
        }
        Err(SoloError::Minority { height, own, total })
    }

    /// Who of them signed a block of theirs.
    pub(super) fn votes(&self, commit: &Commit) -> Vec<VoteInfo> {
        let vote = |(info, sig): (&Info, &CommitSig)| {
            let flag = match sig {
                CommitSig::BlockIdFlagAbsent => BlockIdFlag::Absent,
                CommitSig::BlockIdFlagCommit { .. } => BlockIdFlag::Commit,
                CommitSig::BlockIdFlagNil { .. } => BlockIdFlag::Nil,
            };
            let validator = Validator { address: info.address.as_bytes().to_vec().into(), power: info.power.into() };
            VoteInfo { validator: Some(validator), block_id_flag: flag as i32 }
        };
        self.all().iter().zip(&commit.signatures).map(vote).collect()
    }

    /// As it is kept.
    pub(super) fn encode(&self) -> Vec<u8> {
        ValidatorSet::from(self.set.clone()).encode_to_vec()
    }

    /// The set of a height that is kept; `None` for those from before sets were.
    pub(super) fn stored(app: &App, height: u64) -> Result<Option<Self>, SoloError> {
        let (first, end) = (key("validators", 0), key("validators", height.saturating_add(1)));
        let newest = app.store().scan_index(&first, Some(&end), Order::Descending).next().transpose()?;
        let Some((_, bytes)) = newest else { return Ok(None) };
        let wrong = |e: String| damaged(height)(format!("its validators: {e}"));
        let raw = ValidatorSet::decode(&bytes[..]).map_err(|e| wrong(e.to_string()))?;
        Ok(Some(Self::of(Set::try_from(raw).map_err(|e| wrong(e.to_string()))?)))
    }
}

/// The sets that matter after a block.
#[derive(Clone, Debug)]
pub(super) struct Sets {
    /// Those who signed it.
    pub last: Arc<Validators>,
    /// Those who sign the next.
    pub now: Arc<Validators>,
    /// Those who sign the one after it.
    pub next: Arc<Validators>,
}

impl Sets {
    /// One set for all heights.
    pub fn new(set: &Arc<Validators>) -> Self {
        Self { last: set.clone(), now: set.clone(), next: set.clone() }
    }

    /// The sets a block later, `next` being the last of them.
    pub fn then(&self, next: Arc<Validators>) -> Self {
        Self { last: self.now.clone(), now: self.next.clone(), next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_consensus::SigningKey;
    use tendermint::PublicKey;
    use tendermint::vote::Power;

    fn info(seed: u8, power: u64) -> Info {
        let key = SigningKey::from([seed; 32]).verification_key();
        Info::new(PublicKey::from_ed25519_consensus(key), Power::try_from(power).unwrap_or_default())
    }

    fn with(set: &Validators, of: &[(u8, u64)]) -> Result<Validators, String> {
        let infos: Vec<_> = of.iter().map(|(seed, power)| info(*seed, *power)).collect();
        set.with(&updates(&infos)).map_err(|e| e.0)
    }

    fn powers(set: &Validators) -> Vec<u64> {
        set.all().iter().map(Info::power).collect()
    }

    #[test]
    fn a_set_is_in_order_and_changes_as_in_cometbft() {
        let nobody = Validators::default();
        let wrong = |what: &str| Err(format!("the changes of validators: {what}"));
        assert_eq!(with(&nobody, &[]), wrong("applying the validator changes would result in empty set"));
        let set = with(&nobody, &[(1, 5), (2, 70), (3, 5), (4, 9)]).unwrap_or_default();
        assert_eq!(powers(&set), [70, 9, 5, 5]);
        assert!(set.all()[2].address < set.all()[3].address);
        assert_ne!(set.hash(), nobody.hash());
        let other = with(&set, &[(4, 0), (1, 80), (5, 1)]).unwrap_or_default();
        assert_eq!(powers(&other), [80, 70, 5, 1]);
        assert_eq!(other.place(&info(1, 0).address), Some(0));
        assert_eq!((other.power(&info(3, 0).address), other.power(&info(4, 0).address)), (5, 0));
        // The way there does not matter.
        let back = with(&other, &[(1, 5), (4, 9), (5, 0)]);
        assert_eq!(back, Ok(set.clone()));
        let stranger = info(6, 0).address;
        assert_eq!(with(&set, &[(6, 0)]), wrong(&format!("failed to find validator {stranger} to remove")));
        assert_eq!(with(&set, &[(6, 1), (6, 2)]), wrong(&format!("duplicate entry {stranger}")));
        assert!(with(&set, &[(6, Set::MAX_TOTAL_VOTING_POWER)]).is_err_and(|e| e.contains("a total power of")));
        let negative = ValidatorUpdate { power: -1, ..updates(&[info(6, 1)]).remove(0) };
        assert!(set.with(&[negative]).is_err());
    }

    #[test]
    fn more_than_two_thirds_are_needed() {
        let own = info(1, 0).address;
        for (mine, others, enough) in [(2, 1, false), (21, 10, true), (20, 10, false), (1, 0, true), (0, 1, false)] {
            let infos = [info(1, mine), info(2, others)];
            let set = Validators::default().with(&updates(infos.iter().filter(|v| v.power() > 0))).unwrap_or_default();
            assert_eq!(set.demand(&own, 7).is_ok(), enough, "{mine} of {}", mine + others);
        }
    }
}
