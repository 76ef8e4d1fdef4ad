//! Parameters, as texts on the wire and as numbers here.

use super::{damaged, keys};
use crate::address::Prefix;
use crate::coin::{Coins, coin};
use crate::context::load;
use crate::decimal::Dec;
use zektra_proto::Duration;
use zektra_proto::cosmos::gov::v1::Params;
use zektra_state::{StateError, StateRead};

const DAY: i64 = 86_400;
/// The longest period, in seconds: a hundred years, so that no sum of times overflows.
const LONGEST: i64 = 100 * 366 * DAY;

/// The parameters of proposals, deposits and votes.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// The deposit at which a vote begins.
    pub min_deposit: Coins,
    /// The same for expedited proposals.
    pub expedited_min_deposit: Coins,
    /// How long a proposal waits for deposits.
    pub max_deposit_period: Duration,
    /// How long a vote lasts.
    pub voting_period: Duration,
    /// The same for expedited proposals.
    pub expedited_voting_period: Duration,
    /// The part of the bonded tokens that must vote.
    pub quorum: Dec,
    /// The part of the votes without abstentions that yes must exceed.
    pub threshold: Dec,
    /// The same for expedited proposals.
    pub expedited_threshold: Dec,
    /// The part of the votes beyond which vetoes reject.
    pub veto_threshold: Dec,
    /// The part of the least deposit that comes with the proposal.
    pub min_initial_deposit_ratio: Dec,
    /// The part of the least deposit that every deposit must reach.
    pub min_deposit_ratio: Dec,
    /// The part of the deposits that is lost when the proposer takes a proposal back.
    pub proposal_cancel_ratio: Dec,
    /// Who gets that part; it is burned if this is empty.
    pub proposal_cancel_dest: String,
    /// Whether deposits are burned where too few vote.
    pub burn_vote_quorum: bool,
    /// Whether deposits are burned where there are too few of them.
    pub burn_proposal_deposit_prevote: bool,
    /// Whether deposits are burned where too many veto.
    pub burn_vote_veto: bool,
}

impl Rules {
    /// Reads and checks what messages hold.
    ///
    /// # Errors
    /// The first field that is wrong, in words.
    pub fn read(params: &Params, prefix: Option<&Prefix>) -> Result<Self, String> {
        let Params {
            min_deposit,
            max_deposit_period,
            voting_period,
            quorum,
            threshold,
            veto_threshold,
            min_initial_deposit_ratio,
            proposal_cancel_ratio,
            proposal_cancel_dest,
            expedited_voting_period,
            expedited_threshold,
            expedited_min_deposit,
            burn_vote_quorum,
            burn_proposal_deposit_prevote,
            burn_vote_veto,
            min_deposit_ratio,
        } = params;
        let coins = |list: &[_], name: &str| Coins::positive(list).map_err(|e| format!("invalid {name}: {e}"));
        let min_deposit = coins(min_deposit, "minimum deposit")?;
        let expedited_min_deposit = coins(expedited_min_deposit, "expedited minimum deposit")?;
        if covers(&min_deposit, &expedited_min_deposit) {
            return Err(format!(
                "expedited minimum deposit must be greater than minimum deposit: {expedited_min_deposit}"
            ));
        }
        let max_deposit_period = period(max_deposit_period.as_ref(), "maximum deposit period")?;
        let quorum = ratio(quorum, "quorum")?;
        let threshold = positive(threshold, "vote threshold")?;
        let expedited_threshold = positive(expedited_threshold, "expedited vote threshold")?;
        if expedited_threshold <= threshold {
            return Err(format!(
                "expedited vote threshold {expedited_threshold}, must be greater than the regular threshold {threshold}"
            ));
        }
        let veto_threshold = positive(veto_threshold, "veto threshold")?;
        let voting_period = period(voting_period.as_ref(), "voting period")?;
        let expedited_voting_period = period(expedited_voting_period.as_ref(), "expedited voting period")?;
        let length = |p: &Duration| (p.seconds, p.nanos);
        if length(&expedited_voting_period) >= length(&voting_period) {
            let (short, long) = (expedited_voting_period.seconds, voting_period.seconds);
            return Err(format!(
                "expedited voting period {short}s must be strictly less that the regular voting period {long}s"
            ));
        }
        let min_initial_deposit_ratio = ratio(min_initial_deposit_ratio, "mininum initial deposit ratio of proposal")?;
        let min_deposit_ratio = ratio(min_deposit_ratio, "minimum deposit ratio of proposal")?;
        let proposal_cancel_ratio = ratio(proposal_cancel_ratio, "burn rate of cancel proposal")?;
        if let (Some(prefix), false) = (prefix, proposal_cancel_dest.is_empty()) {
            let wrong = |_| format!("deposits destination address is invalid: {proposal_cancel_dest}");
            prefix.parse(proposal_cancel_dest).map_err(wrong)?;
        }
        Ok(Self {
            min_deposit,
            expedited_min_deposit,
            max_deposit_period,
            voting_period,
            expedited_voting_period,
            quorum,
            threshold,
            expedited_threshold,
            veto_threshold,
            min_initial_deposit_ratio,
            min_deposit_ratio,
            proposal_cancel_ratio,
            proposal_cancel_dest: proposal_cancel_dest.clone(),
            burn_vote_quorum: *burn_vote_quorum,
            burn_proposal_deposit_prevote: *burn_proposal_deposit_prevote,
            burn_vote_veto: *burn_vote_veto,
        })
    }

    /// The deposit at which the vote on a proposal begins.
    pub fn deposit(&self, expedited: bool) -> &Coins {
        if expedited { &self.expedited_min_deposit } else { &self.min_deposit }
    }
}

/// Whether `held` has at least all of `wanted`.
pub(super) fn covers(held: &Coins, wanted: &Coins) -> bool {
    wanted.iter().all(|(denom, amount)| held.amount(denom) >= amount)
}

fn period(period: Option<&Duration>, name: &str) -> Result<Duration, String> {
    let period = period.ok_or_else(|| format!("{name} must not be nil"))?;
    let positive = period.seconds >= 0 && (period.seconds, period.nanos) > (0, 0);
    if !positive || !(0..1_000_000_000).contains(&period.nanos) {
        return Err(format!("{name} must be positive: {}s", period.seconds));
    }
    if period.seconds > LONGEST {
        return Err(format!("{name} too long: {}s, most {LONGEST}s", period.seconds));
    }
    Ok(*period)
}

fn ratio(text: &str, name: &str) -> Result<Dec, String> {
    let ratio = Dec::parse(text).map_err(|e| format!("invalid {name}: {e}"))?;
    if ratio > Dec::one() {
        return Err(format!("{name} too large: {ratio}"));
    }
    Ok(ratio)
}

fn positive(text: &str, name: &str) -> Result<Dec, String> {
    let ratio = ratio(text, name)?;
    if ratio.is_zero() { Err(format!("{name} must be positive: {ratio}")) } else { Ok(ratio) }
}

/// The parameters of a new chain, whose own coin has this denomination.
pub(super) fn default(native: &str) -> Params {
    let days = |days| Some(Duration { seconds: days * DAY, nanos: 0 });
    let thousandths = |n: u32| Dec::basis_points(10 * n).to_string();
    Params {
        min_deposit: vec![coin(native, 10_000_000)],
        max_deposit_period: days(2),
        voting_period: days(2),
        quorum: thousandths(334),
        threshold: thousandths(500),
        veto_threshold: thousandths(334),
        min_initial_deposit_ratio: thousandths(0),
        proposal_cancel_ratio: thousandths(500),
        proposal_cancel_dest: String::new(),
        expedited_voting_period: days(1),
        expedited_threshold: thousandths(667),
        expedited_min_deposit: vec![coin(native, 50_000_000)],
        burn_vote_quorum: false,
        burn_proposal_deposit_prevote: false,
        burn_vote_veto: true,
        min_deposit_ratio: thousandths(10),
    }
}

/// The parameters as messages hold them.
///
/// # Errors
/// The database fails.
pub fn params(state: &dyn StateRead) -> Result<Params, StateError> {
    Ok(load(state, keys::PARAMS)?.unwrap_or_default())
}

/// The parameters.
///
/// # Errors
/// The database fails or holds no parameters.
pub fn rules(state: &dyn StateRead) -> Result<Rules, StateError> {
    Rules::read(&params(state)?, None).map_err(damaged)
}
