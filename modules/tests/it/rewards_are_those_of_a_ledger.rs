use crate::rewards_world::{ACCOUNTS, FEE, RATES, World, account};
use proptest::prelude::*;
use std::collections::BTreeMap;
use zektra_modules::coin::coin;
use zektra_modules::dec_coins::DecCoins;
use zektra_modules::decimal::Dec;
use zektra_modules::distribution::{Distribution, community_pool};
use zektra_modules::staking::{self, delegation, slash};
use zektra_modules::{Module, TxError, auth, bank};
use zektra_proto::cosmos::base::v1beta1::DecCoin;
use zektra_proto::cosmos::distribution::v1beta1::{
    MsgDepositValidatorRewardsPool, MsgWithdrawDelegatorReward, MsgWithdrawValidatorCommission,
    QueryDelegationTotalRewardsRequest, QueryDelegationTotalRewardsResponse, QueryValidatorCommissionRequest,
    QueryValidatorCommissionResponse, QueryValidatorOutstandingRewardsRequest,
    QueryValidatorOutstandingRewardsResponse,
};
use zektra_state::{Order, StateWrite as _, scan_prefix};

#[derive(Clone, Debug)]
pub enum Act {
    Delegate(u8, u8, u128),
    /// So many eighths of the delegation.
    Undelegate(u8, u8, u128),
    Redelegate(u8, u8, u8, u128),
    Withdraw(u8, u8),
    Commission(u8),
    /// In percent, for what was done so many blocks ago.
    Slash(u8, u64, u64),
    Deposit(u8, u128),
}

pub fn act() -> impl Strategy<Value = Act> {
    let (who, of, part) = (0..ACCOUNTS, 0u8..3, prop_oneof![Just(8u128), 1u128..8]);
    let amount = prop_oneof![1u128..10, 1u128..50_000_000];
    let percent = prop_oneof![10 => 1u64..40, 1 => Just(100)];
    prop_oneof![
        4 => (who.clone(), of.clone(), amount.clone()).prop_map(|(d, v, a)| Act::Delegate(d, v, a)),
        3 => (who.clone(), of.clone(), part.clone()).prop_map(|(d, v, p)| Act::Undelegate(d, v, p)),
        3 => (who.clone(), of.clone(), of.clone(), part).prop_map(|(d, v, w, p)| Act::Redelegate(d, v, w, p)),
        2 => (who, of.clone()).prop_map(|(d, v)| Act::Withdraw(d, v)),
        1 => of.clone().prop_map(Act::Commission),
        2 => (of.clone(), percent, 0u64..4).prop_map(|(v, p, b)| Act::Slash(v, p, b)),
        1 => (of, amount).prop_map(|(v, a)| Act::Deposit(v, a)),
    ]
}

/// Fees of a block, and what happens in it.
pub fn history() -> impl Strategy<Value = Vec<(u128, Vec<Act>)>> {
    let fees = prop_oneof![Just(0u128), 1u128..50, 1u128..1_000_000_000];
    prop::collection::vec((fees, prop::collection::vec(act(), 0..5)), 1..25)
}

/// Pays everyone at once, in fractions of coins.
#[derive(Default)]
struct Ledger {
    paid: [Dec; ACCOUNTS as usize],
    /// What may be missing: who unbonds gets whole tokens, and what is cut off is nobody's stake until somebody delegates
    /// again.
    slack: [Dec; ACCOUNTS as usize],
    /// Withdrawals by delegator and by operator: as many coins and as many tokens may have been cut off.
    withdrawals: BTreeMap<String, u128>,
}

impl Ledger {
    fn pay(&mut self, to: u8, amount: Dec) {
        let paid = &mut self.paid[usize::from(to)];
        *paid = paid.plus(amount).unwrap();
    }

    fn withdrawals(&self, of: &str) -> u128 {
        self.withdrawals.get(of).copied().unwrap_or(0)
    }

    fn share(&mut self, world: &World, v: u8, reward: Dec) {
        let Some(validator) = staking::validator(&world.state, &account(v)).unwrap() else { return };
        let kept = reward.times(Dec::percent(RATES[usize::from(v)])).unwrap();
        self.pay(v, kept);
        if validator.tokens == 0 || validator.shares.is_zero() {
            return;
        }
        for d in 0..ACCOUNTS {
            let shares = delegation::shares(&world.state, &account(d), &account(v)).unwrap();
            let part = reward.minus(kept).unwrap().times(shares).unwrap().over(validator.shares).unwrap();
            self.pay(d, part);
            if !shares.is_zero() {
                let tokens = Dec::whole(self.withdrawals(&world.operator(v)).min(validator.tokens));
                let cut = reward.times(tokens).unwrap().over_whole(validator.tokens).unwrap();
                let slack = &mut self.slack[usize::from(d)];
                *slack = slack.plus(cut).unwrap();
            }
        }
    }

    /// Counts withdrawals.
    fn note(&mut self, world: &mut World) {
        for event in world.events.drain(..).filter(|e| e.r#type == "withdraw_rewards") {
            for attribute in event.attributes.into_iter().filter(|a| a.key != "amount") {
                *self.withdrawals.entry(attribute.value).or_default() += 1;
            }
        }
    }

    /// Shares out a block's fees, by the votes that it comes with.
    fn block(&mut self, world: &World, fees: u128) {
        let votes = &world.block.votes;
        let total: u64 = votes.iter().map(|v| v.power).sum();
        for vote in votes.iter().filter(|v| v.power > 0) {
            let Some(validator) = staking::by_consensus(&world.state, &vote.validator).unwrap() else { continue };
            let v = (0..3).find(|&k| account(k) == validator.operator).unwrap();
            let all = Dec::whole(fees).times(Dec::percent(98)).unwrap();
            self.share(world, v, all.times_whole(vote.power.into()).unwrap().over_whole(total.into()).unwrap());
        }
    }
}

/// Does it; says what the ledger has to pay for it.
pub fn run(world: &mut World, act: &Act) -> Result<Option<(u8, u128)>, TxError> {
    let part = |world: &World, d: u8, v: u8, eighths: u128| {
        let shares = delegation::shares(&world.state, &account(d), &account(v)).unwrap();
        shares.times_whole(eighths).unwrap().over_whole(8).unwrap()
    };
    match *act {
        Act::Delegate(d, v, amount) => {
            world.act(|ctx| {
                delegation::delegate(ctx, &account(d), amount, delegation::From::Account, &account(v)).map(drop)
            })?;
        }
        Act::Undelegate(d, v, eighths) => {
            let shares = part(world, d, v, eighths);
            world.act(|ctx| delegation::undelegate(ctx, &account(d), &account(v), shares).map(drop))?;
        }
        Act::Redelegate(d, v, w, eighths) => {
            let shares = part(world, d, v, eighths);
            world.act(|ctx| delegation::redelegate(ctx, &account(d), &account(v), &account(w), shares).map(drop))?;
        }
        Act::Withdraw(d, v) => {
            let (delegator_address, validator_address) = (world.text(d), world.operator(v));
            world.run(MsgWithdrawDelegatorReward { delegator_address, validator_address })?;
        }
        Act::Commission(v) => {
            world.run(MsgWithdrawValidatorCommission { validator_address: world.operator(v) })?;
        }
        Act::Slash(v, percent, back) => {
            let validator = staking::known(&world.state, &account(v))?;
            let height = world.block.height.saturating_sub(back);
            world.act(|ctx| {
                let (consensus, weight) = (validator.consensus(), validator.weight());
                slash::slash(ctx, &consensus, height, weight, Dec::percent(percent)).map(drop)
            })?;
        }
        Act::Deposit(v, amount) => {
            let (depositor, validator_address) = (world.text(ACCOUNTS), world.operator(v));
            let amount_coins = vec![coin(FEE, amount)];
            world.run(MsgDepositValidatorRewardsPool { depositor, validator_address, amount: amount_coins })?;
            return Ok(Some((v, amount)));
        }
    }
    Ok(None)
}

fn fees(list: &[DecCoin]) -> Dec {
    DecCoins::read(list).unwrap().amount(FEE)
}

/// What an account has got, and could withdraw.
fn due(world: &World, k: u8) -> Dec {
    let q = QueryDelegationTotalRewardsRequest { delegator_address: world.text(k) };
    let found: QueryDelegationTotalRewardsResponse = world.ask("DelegationTotalRewards", &q).unwrap();
    let q = QueryValidatorCommissionRequest { validator_address: world.operator(k) };
    let commission = world.ask("ValidatorCommission", &q).map(|r: QueryValidatorCommissionResponse| r.commission);
    let commission = commission.ok().flatten().map(|c| fees(&c.commission)).unwrap_or_default();
    let held = bank::balance(&world.state, &account(k), FEE).unwrap();
    Dec::whole(held).plus(fees(&found.total)).unwrap().plus(commission).unwrap()
}

/// All that the module holds belongs to somebody, to the last digit.
fn conserved(world: &World) {
    let mut owed = community_pool(&world.state).unwrap();
    for v in 0..3 {
        let q = QueryValidatorOutstandingRewardsRequest { validator_address: world.operator(v) };
        if let Ok(found) = world.ask::<_, QueryValidatorOutstandingRewardsResponse>("ValidatorOutstandingRewards", &q) {
            owed.add(&DecCoins::read(&found.rewards.unwrap().rewards).unwrap()).unwrap();
        }
    }
    let module = zektra_modules::address::Address::of_module("distribution");
    assert_eq!(owed, DecCoins::whole(&bank::balances(&world.state, &module).unwrap()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Each payment cuts off less than a coin; the rest are the last of 18 digits.
    #[test]
    fn that_pays_everyone_in_each_block(history in history()) {
        let (mut world, mut ledger) = (World::new(), Ledger::default());
        for (fees, acts) in history {
            ledger.block(&world, fees);
            world.next(fees);
            for act in acts {
                if let Ok(Some((v, amount))) = run(&mut world, &act) {
                    ledger.share(&world, v, Dec::whole(amount));
                }
                ledger.note(&mut world);
            }
            world.end();
            ledger.note(&mut world);
            world.check();
            conserved(&world);
            for k in 0..ACCOUNTS {
                let (due, paid) = (due(&world, k), ledger.paid[usize::from(k)]);
                let digits = Dec::basis_points(10);
                prop_assert!(due <= paid.plus(digits).unwrap(), "account {k} gets {due}, its part is {paid}");
                // One more for the commission of a validator that is gone.
                let cut = Dec::whole(ledger.withdrawals(&world.text(k)) + 1).plus(ledger.slack[usize::from(k)]).unwrap();
                let least = paid.minus(cut.plus(digits).unwrap()).unwrap_or_default();
                prop_assert!(due >= least, "account {k} gets {due}, its part is {paid}");
            }
        }
    }
}

fn records(world: &World) -> Vec<(Vec<u8>, Vec<u8>)> {
    scan_prefix(&world.state, b"distribution/", Order::Ascending).map(|e| e.unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn and_outlive_a_genesis_file(history in history(), rest in history()) {
        let mut world = World::new();
        let go_on = |world: &mut World, history: &[(u128, Vec<Act>)]| {
            for (fees, acts) in history {
                world.next(*fees);
                for act in acts {
                    // What does not fit the state changes nothing.
                    let _ = run(world, act);
                }
                world.end();
                world.check();
            }
        };
        go_on(&mut world, &history);
        let mut again = World::fresh(&world.block);
        // Staking's part is copied as it is: what is tested here is the module's own.
        for (key, value) in scan_prefix(&world.state, b"staking/", Order::Ascending).map(|e| e.unwrap()) {
            again.state.put(key, value).unwrap();
        }
        for module in [&auth::Auth as &dyn Module, &bank::Bank, &Distribution] {
            let exported = module.export_genesis(&world.state, &world.prefix).unwrap();
            module.check_genesis(&exported, &world.prefix).unwrap();
            again.act(|ctx| Ok(module.init_genesis(ctx, &exported).unwrap())).unwrap();
            prop_assert_eq!(module.export_genesis(&again.state, &again.prefix).unwrap(), exported);
        }
        prop_assert_eq!(records(&again), records(&world));
        again.check();
        go_on(&mut world, &rest);
        go_on(&mut again, &rest);
        prop_assert_eq!(records(&again), records(&world));
    }
}

#[test]
fn an_account_that_lacks_coins_is_refused() {
    let mut world = World::new();
    world.next(1000);
    let exported = Distribution.export_genesis(&world.state, &world.prefix).unwrap();
    let mut empty = World::empty();
    let refused = empty.act(|ctx| Ok(Distribution.init_genesis(ctx, &exported).unwrap_err())).unwrap();
    assert_eq!(refused.field, "bank.balances of distribution");
}
