use crate::assembly::{ACCOUNTS, Assembly, FORTUNE, NATIVE, any, gov_text, prefix, text, who};
use proptest::prelude::*;
use std::collections::BTreeMap;
use zektra_modules::Module as _;
use zektra_modules::authority::authority;
use zektra_modules::coin::coin;
use zektra_modules::gov::Gov;
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::gov::v1::{
    MsgCancelProposal, MsgDeposit, MsgSubmitProposal, MsgVote, ProposalStatus as Status,
};
use zektra_proto::cosmos::gov::v1beta1;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const LEAST: u128 = 10_000_000;
/// Shares of delegators on the validators 0 and 1: a thousand in all.
const STAKE: [(u8, u8, u128); 4] = [(0, 0, 300), (3, 0, 300), (1, 1, 100), (4, 1, 300)];

#[derive(Clone, Debug)]
enum Act {
    Submit {
        by: u8,
        amount: u128,
        expedited: bool,
        older: bool,
    },
    Deposit {
        by: u8,
        id: u64,
        amount: u128,
    },
    Vote {
        by: u8,
        id: u64,
        option: i32,
    },
    Cancel {
        by: u8,
        id: u64,
    },
    Wait(i64),
    /// The chain is exported and begins anew.
    Restart,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let by = 0u8..6;
    let id = 1u64..5;
    let amounts = [0, 99_999, 100_000, 499_999, 500_000, LEAST / 4, LEAST, 5 * LEAST, 2 * FORTUNE];
    let amount = prop::sample::select(amounts.to_vec());
    let act = prop_oneof![
        3 => (by.clone(), amount.clone(), any_bool(), any_bool())
            .prop_map(|(by, amount, expedited, older)| Act::Submit { by, amount, expedited, older }),
        3 => (by.clone(), id.clone(), amount).prop_map(|(by, id, amount)| Act::Deposit { by, id, amount }),
        6 => (by.clone(), id.clone(), 1..5i32).prop_map(|(by, id, option)| Act::Vote { by, id, option }),
        1 => (by, id).prop_map(|(by, id)| Act::Cancel { by, id }),
        4 => (1..30i64).prop_map(|hours| Act::Wait(hours * HOUR)),
        1 => Just(Act::Restart),
    ];
    prop::collection::vec(act, 1..60)
}

fn any_bool() -> impl Strategy<Value = bool> {
    proptest::bool::ANY
}

#[derive(Clone, Copy, Debug)]
struct Setting {
    burns: [bool; 3],
    initial_quarter: bool,
    charge_to: Option<u8>,
}

#[derive(Clone, Debug)]
struct Model {
    status: Status,
    proposer: u8,
    expedited: bool,
    /// Begin and end of the vote; of the wait for deposits the end alone.
    time: (i64, i64),
    deposits: BTreeMap<u8, u128>,
    votes: BTreeMap<u8, i32>,
}

struct World {
    setting: Setting,
    now: i64,
    next: u64,
    /// Those that were dropped or taken back are gone.
    proposals: BTreeMap<u64, Model>,
    held: BTreeMap<u8, u128>,
}

impl World {
    fn least(expedited: bool) -> u128 {
        if expedited { 5 * LEAST } else { LEAST }
    }

    fn is_open(&self, id: u64) -> bool {
        let open = |m: &Model| matches!(m.status, Status::DepositPeriod | Status::VotingPeriod);
        self.proposals.get(&id).is_some_and(open)
    }

    fn pay(&mut self, by: u8, id: u64, amount: u128) -> bool {
        let Some(proposal) = self.proposals.get_mut(&id) else { return false };
        let held = self.held.get_mut(&by).unwrap();
        let least = Self::least(proposal.expedited);
        if amount < least / 100 || amount > *held {
            return false;
        }
        *held -= amount;
        *proposal.deposits.entry(by).or_default() += amount;
        if proposal.status == Status::DepositPeriod && proposal.deposits.values().sum::<u128>() >= least {
            proposal.status = Status::VotingPeriod;
            proposal.time = (self.now, self.now + if proposal.expedited { DAY } else { 2 * DAY });
        }
        true
    }

    fn close(&mut self, id: u64, burns: bool) {
        for (by, amount) in std::mem::take(&mut self.proposals.get_mut(&id).unwrap().deposits) {
            *self.held.get_mut(&by).unwrap() += if burns { 0 } else { amount };
        }
    }

    /// Whether a vote passes, and whether deposits burn.
    fn tally(&self, proposal: &Model) -> (bool, bool) {
        let mut sums = [0u128; 5];
        for (delegator, validator, shares) in STAKE {
            let vote = proposal.votes.get(&delegator).or_else(|| proposal.votes.get(&validator));
            sums[*vote.unwrap_or(&0) as usize] += shares;
        }
        let [_, yes, abstain, no, veto] = sums;
        let total = yes + abstain + no + veto;
        let threshold = if proposal.expedited { 667 } else { 500 };
        match () {
            () if total < 334 => (false, self.setting.burns[0]),
            () if total == abstain => (false, false),
            () if 1000 * veto > 334 * total => (false, self.setting.burns[2]),
            () => (1000 * yes > threshold * (total - abstain), false),
        }
    }

    fn wait(&mut self, seconds: i64) {
        self.now += seconds;
        loop {
            let due = self.proposals.iter().find(|(id, m)| m.time.1 <= self.now && self.is_open(**id));
            let Some((id, m)) = due.map(|(id, m)| (*id, m.clone())) else { return };
            if m.status == Status::DepositPeriod {
                self.close(id, self.setting.burns[1]);
                self.proposals.remove(&id);
                continue;
            }
            let (passes, burns) = self.tally(&m);
            let goes_on = m.expedited && !passes;
            if !goes_on {
                self.close(id, burns);
            }
            let m = self.proposals.get_mut(&id).unwrap();
            m.votes.clear();
            if goes_on {
                (m.expedited, m.time.1) = (false, m.time.0 + 2 * DAY);
            } else {
                m.status = if passes { Status::Passed } else { Status::Rejected };
            }
        }
    }

    /// Whether an act is accepted, and what it does.
    fn act(&mut self, act: &Act) -> bool {
        match *act {
            Act::Submit { by, amount, expedited, older } => {
                let expedited = expedited && !older;
                if self.setting.initial_quarter && 4 * amount < Self::least(expedited) {
                    return false;
                }
                let proposal = Model {
                    status: Status::DepositPeriod,
                    proposer: by,
                    expedited,
                    time: (0, self.now + 2 * DAY),
                    deposits: BTreeMap::new(),
                    votes: BTreeMap::new(),
                };
                self.proposals.insert(self.next, proposal);
                let paid = self.pay(by, self.next, amount);
                if paid {
                    self.next += 1;
                } else {
                    self.proposals.remove(&self.next);
                }
                paid
            }
            Act::Deposit { by, id, amount } => self.is_open(id) && amount > 0 && self.pay(by, id, amount),
            Act::Vote { by, id, option } => match self.proposals.get_mut(&id) {
                Some(m) if m.status == Status::VotingPeriod => {
                    m.votes.insert(by, option);
                    true
                }
                _ => false,
            },
            Act::Cancel { by, id } => {
                if !self.is_open(id) || self.proposals[&id].proposer != by {
                    return false;
                }
                for (depositor, amount) in self.proposals.remove(&id).unwrap().deposits {
                    *self.held.get_mut(&depositor).unwrap() += amount - amount / 2;
                    if let Some(to) = self.setting.charge_to {
                        *self.held.get_mut(&to).unwrap() += amount / 2;
                    }
                }
                true
            }
            Act::Wait(seconds) => {
                self.wait(seconds);
                true
            }
            Act::Restart => true,
        }
    }
}

fn coins(amount: u128) -> Vec<Coin> {
    if amount == 0 { vec![] } else { vec![coin(NATIVE, amount)] }
}

fn seat(chain: &mut Assembly) {
    for validator in 0..2 {
        let on: Vec<_> = STAKE.iter().filter(|(_, v, _)| *v == validator).map(|(d, _, s)| (*d, *s)).collect();
        chain.seat(validator, on.iter().map(|(_, s)| s).sum(), &on);
    }
}

fn restart(chain: &Assembly) -> Assembly {
    let genesis = Gov.export_genesis(&chain.state, &prefix()).unwrap();
    let mut held: BTreeMap<_, _> = (0..ACCOUNTS).map(|k| (text(k), chain.balance(&who(k)))).collect();
    held.insert(gov_text(), chain.balance(&authority()));
    let mut next = Assembly::of(&genesis, &held);
    next.block = chain.block.clone();
    seat(&mut next);
    assert_eq!(Gov.export_genesis(&next.state, &prefix()).unwrap(), genesis);
    next
}

fn act(chain: &mut Assembly, act: &Act) -> Result<(), String> {
    let done = match *act {
        Act::Submit { by, amount, older: true, .. } => {
            let content = v1beta1::TextProposal { title: "A title".into(), description: "And more".into() };
            let (content, proposer) = (Some(any(&content)), text(by));
            let submit = v1beta1::MsgSubmitProposal { content, initial_deposit: coins(amount), proposer };
            chain.run(submit).map(drop)
        }
        Act::Submit { by, amount, expedited, .. } => chain
            .run(MsgSubmitProposal {
                initial_deposit: coins(amount),
                proposer: text(by),
                metadata: "on paper".into(),
                title: "A title".into(),
                summary: "And more".into(),
                expedited,
                ..MsgSubmitProposal::default()
            })
            .map(drop),
        Act::Deposit { by, id, amount } => {
            chain.run(MsgDeposit { proposal_id: id, depositor: text(by), amount: coins(amount) }).map(drop)
        }
        Act::Vote { by, id, option } => {
            chain.run(MsgVote { proposal_id: id, voter: text(by), option, metadata: String::new() }).map(drop)
        }
        Act::Cancel { by, id } => chain.run(MsgCancelProposal { proposal_id: id, proposer: text(by) }).map(drop),
        Act::Wait(seconds) => {
            chain.end_block(seconds);
            Ok(())
        }
        Act::Restart => {
            *chain = restart(chain);
            Ok(())
        }
    };
    done.map_err(|e| e.log)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn as_a_model_of_it_does(
        acts in acts(),
        burns in prop::array::uniform3(any_bool()),
        initial_quarter in any_bool(),
        charge_to in prop::option::of(Just(7u8)),
    ) {
        let setting = Setting { burns, initial_quarter, charge_to };
        let mut chain = Assembly::new(|params| {
            [params.burn_vote_quorum, params.burn_proposal_deposit_prevote, params.burn_vote_veto] = burns;
            params.min_initial_deposit_ratio = if initial_quarter { "0.25" } else { "0" }.into();
            params.proposal_cancel_dest = charge_to.map(text).unwrap_or_default();
        });
        seat(&mut chain);
        let mut world = World {
            setting,
            now: chain.block.time.seconds,
            next: 1,
            proposals: BTreeMap::new(),
            held: (0..ACCOUNTS).map(|k| (k, FORTUNE)).collect(),
        };
        for one in &acts {
            let done = act(&mut chain, one);
            prop_assert_eq!(done.is_ok(), world.act(one), "{:?}: {:?}", one, done);
            chain.check();
            for (k, held) in &world.held {
                prop_assert_eq!(chain.balance(&who(*k)), *held, "account {} after {:?}", k, one);
            }
            for id in 1..world.next {
                let (found, wanted) = (chain.proposal(id), world.proposals.get(&id));
                let found = found.map(|p| (p.status(), p.expedited, p.total_deposit));
                let total = |m: &Model| m.deposits.values().sum::<u128>();
                prop_assert_eq!(found.as_ref().map(|f| (f.0, f.1)), wanted.map(|m| (m.status, m.expedited)), "{:?}", one);
                if let (Some((_, _, found)), Some(m)) = (found, wanted.filter(|_| world.is_open(id))) {
                    prop_assert_eq!(found, coins(total(m)));
                }
            }
        }
    }
}
