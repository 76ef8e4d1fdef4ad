use crate::ground::{Ground, person};
use crate::work::{DENOM, FORTUNE, check, coin, ground, held, round_trip};
use proptest::prelude::*;
use zektra_modules::address::Address;
use zektra_modules::authority::authority;
use zektra_modules::market::{self, Market};
use zektra_modules::{auth, bank, distribution};
use zektra_proto::market::v1::*;

fn roles(payouts: &[Payout]) -> Vec<(Role, u128)> {
    payouts.iter().map(|p| (p.role(), p.amount.parse().unwrap())).collect()
}

fn pool(ground: &Ground) -> u128 {
    distribution::community_pool(&ground.state).unwrap().split().unwrap().0.amount(DENOM)
}

#[test]
fn by_the_shares_of_every_role() {
    let mut ground = ground();
    let treasury = ground.text(9);
    let params = Params { treasury, ..market::params(&ground.state).unwrap() };
    let authority = ground.prefix.text(&authority());
    ground.send(MsgUpdateParams { authority, params: Some(params) }).unwrap();
    let supply = bank::supply(&ground.state, DENOM).unwrap();
    ground.with(|ctx| market::open(ctx, 1, &person(1), 1003, 2000, false)).unwrap();
    assert_eq!(held(&ground, 1), FORTUNE - 3003);
    let lines = [(person(2), 600), (person(3), 403)];
    // Half of 1003 is 501: 451 for owners, 25 for storage, 25 for the protocol, which are 10, 10 and 5.
    let paid = ground.with(|ctx| market::pay_data(ctx, 1, &lines, (1, 2))).unwrap();
    let wanted = [
        (Role::Owner, 270),
        (Role::Owner, 181),
        (Role::Treasury, 25),
        (Role::Burn, 10),
        (Role::Validators, 10),
        (Role::Community, 5),
    ];
    assert_eq!(roles(&paid), wanted);
    // The same part again pays nothing; the whole makes it exact.
    assert!(ground.with(|ctx| market::pay_data(ctx, 1, &lines, (1, 2))).unwrap().is_empty());
    let rest = ground.with(|ctx| market::pay_data(ctx, 1, &lines, (2, 2))).unwrap();
    assert_eq!(roles(&rest).iter().map(|(_, amount)| amount).sum::<u128>(), 502);
    // 94 %, 1 %, 5 %; without a proposer the node has its part.
    let paid = ground.with(|ctx| market::pay_compute(ctx, 1, 1000, &person(4), Some(&person(5)))).unwrap();
    assert_eq!(roles(&paid)[..3], [(Role::Node, 940), (Role::Proposer, 10), (Role::Burn, 20)]);
    let paid = ground.with(|ctx| market::pay_compute(ctx, 1, 100, &person(4), None)).unwrap();
    assert_eq!(roles(&paid)[..2], [(Role::Node, 95), (Role::Burn, 2)]);
    check(&ground);
    round_trip(&ground, &Market);
    let error = ground.with(|ctx| market::pay_compute(ctx, 1, 901, &person(4), None)).unwrap_err();
    assert_eq!((error.code, &error.log[..34]), (17, "901 for the compute of job 1: expec"[..34].as_ref()));
    let back = ground.with(|ctx| market::close(ctx, 1)).unwrap();
    assert_eq!(roles(&back), [(Role::Refund, 900)]);
    assert_eq!(held(&ground, 1), FORTUNE - 3003 + 900);
    assert_eq!((held(&ground, 4), held(&ground, 5)), (FORTUNE + 1035, FORTUNE + 10));
    let collector = Address::of_module(auth::FEE_COLLECTOR);
    let answer: QueryEscrowResponse = ground.ask(&Market, "Escrow", &QueryEscrowRequest { job: 1 }).unwrap();
    let escrow = answer.escrow.unwrap();
    assert!(escrow.closed && escrow.held == "0" && escrow.refunded == "900");
    let burned: u128 = escrow.burned.parse().unwrap();
    assert_eq!(bank::supply(&ground.state, DENOM).unwrap(), supply - burned);
    let request = QueryPayoutsRequest { job: 1, pagination: None };
    let answer: QueryPayoutsResponse = ground.ask(&Market, "Payouts", &request).unwrap();
    let of = |role| roles(&answer.payouts).iter().filter(|(r, _)| *r == role).map(|(_, a)| a).sum::<u128>();
    assert_eq!(of(Role::Validators), bank::balance(&ground.state, &collector, DENOM).unwrap());
    assert_eq!((of(Role::Community), of(Role::Treasury)), (pool(&ground), held(&ground, 9) - FORTUNE));
    assert_eq!(answer.payouts.iter().map(|p| p.number).collect::<Vec<_>>(), (1..=escrow.payouts).collect::<Vec<_>>());
    check(&ground);
    round_trip(&ground, &Market);
}

#[test]
fn and_credits_come_first_and_come_back_as_credits() {
    let mut ground = ground();
    ground.send(MsgBuyCredits { buyer: ground.text(1), amount: Some(coin(500)) }).unwrap();
    assert_eq!(held(&ground, 1), FORTUNE - 500);
    let credits = |ground: &Ground| -> String {
        let request = QueryCreditsRequest { account: ground.text(1) };
        let answer: QueryCreditsResponse = ground.ask(&Market, "Credits", &request).unwrap();
        answer.credits.unwrap().amount
    };
    // Data is never paid by credits; nobody uses them without saying so.
    ground.with(|ctx| market::open(ctx, 1, &person(1), 100, 0, true)).unwrap();
    ground.with(|ctx| market::open(ctx, 2, &person(1), 0, 50, false)).unwrap();
    assert_eq!((held(&ground, 1), &credits(&ground)[..]), (FORTUNE - 650, "500"));
    ground.with(|ctx| market::open(ctx, 3, &person(1), 10, 800, true)).unwrap();
    assert_eq!((held(&ground, 1), &credits(&ground)[..]), (FORTUNE - 960, "0"));
    ground.with(|ctx| market::pay_compute(ctx, 3, 200, &person(4), None)).unwrap();
    let back = ground.with(|ctx| market::close(ctx, 3)).unwrap();
    assert_eq!(roles(&back), [(Role::Credits, 300), (Role::Refund, 310)]);
    assert_eq!((held(&ground, 1), &credits(&ground)[..]), (FORTUNE - 650, "300"));
    check(&ground);
    round_trip(&ground, &Market);
    ground.send(MsgReturnCredits { holder: ground.text(1), amount: Some(coin(300)) }).unwrap();
    assert_eq!((held(&ground, 1), &credits(&ground)[..]), (FORTUNE - 350, "0"));
    check(&ground);
}

#[test]
fn or_says_why_not() {
    let mut ground = ground();
    ground.with(|ctx| market::open(ctx, 1, &person(1), 100, 100, false)).unwrap();
    let lines = [(person(2), 60), (person(3), 41)];
    let mut code = |act: &mut dyn FnMut(&mut zektra_modules::Context<'_>) -> Result<(), zektra_modules::TxError>| {
        ground.with(act).unwrap_err().code
    };
    assert_eq!(code(&mut |ctx| market::open(ctx, 1, &person(1), 1, 1, false)), 15);
    assert_eq!(code(&mut |ctx| market::open(ctx, 2, &person(1), u128::MAX, 1, false)), 2);
    assert_eq!(code(&mut |ctx| market::open(ctx, 2, &person(1), u128::MAX, 0, false)), 5);
    assert_eq!(code(&mut |ctx| market::pay_data(ctx, 1, &lines, (1, 1)).map(drop)), 17);
    assert_eq!(code(&mut |ctx| market::pay_data(ctx, 1, &lines[..1], (2, 1)).map(drop)), 2);
    assert_eq!(code(&mut |ctx| market::pay_data(ctx, 1, &lines[..1], (0, 0)).map(drop)), 2);
    assert_eq!(code(&mut |ctx| market::pay_data(ctx, 9, &lines[..1], (1, 1)).map(drop)), 14);
    assert_eq!(code(&mut |ctx| market::pay_compute(ctx, 9, 1, &person(2), None).map(drop)), 14);
    assert_eq!(code(&mut |ctx| market::close(ctx, 9).map(drop)), 14);
    ground.with(|ctx| market::close(ctx, 1)).unwrap();
    assert_eq!(ground.with(|ctx| market::close(ctx, 1)).unwrap_err().code, 16);
}

#[derive(Clone, Debug)]
enum Act {
    Buy(u8, u128),
    Return(u8, u128),
    Open(u64, u8, u128, u128, bool),
    Data(u64, u64),
    Compute(u64, u128, bool),
    Close(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let (who, job, amount) = (1u8..4, 1u64..5, prop_oneof![0u128..100_000, Just(2 * FORTUNE)]);
    let act = prop_oneof![
        1 => (who.clone(), amount.clone()).prop_map(|(w, a)| Act::Buy(w, a)),
        1 => (who.clone(), amount.clone()).prop_map(|(w, a)| Act::Return(w, a)),
        1 => (job.clone(), who, amount.clone(), amount.clone(), any::<bool>()).prop_map(|(j, w, d, c, u)| Act::Open(j, w, d, c, u)),
        3 => (job.clone(), 0u64..8).prop_map(|(j, d)| Act::Data(j, d)),
        3 => (job.clone(), 0u128..50_000, any::<bool>()).prop_map(|(j, a, p)| Act::Compute(j, a, p)),
        1 => job.prop_map(Act::Close),
    ];
    prop::collection::vec(act, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_happens(acts in acts(), fees in prop::collection::vec(0u128..30_000, 1..5)) {
        let mut ground = ground();
        let lines: Vec<_> = fees.iter().enumerate().map(|(k, &fee)| (person(4 + k as u8), fee)).collect();
        let total: u128 = fees.iter().sum();
        for act in acts {
            let before = ground.state.changes().clone();
            let done = match act.clone() {
                Act::Buy(w, a) => ground.send(MsgBuyCredits { buyer: ground.text(w), amount: Some(coin(a)) }).map(drop),
                Act::Return(w, a) => ground.send(MsgReturnCredits { holder: ground.text(w), amount: Some(coin(a)) }).map(drop),
                Act::Open(j, w, d, c, u) => ground.with(|ctx| market::open(ctx, j, &person(w), d, c, u)),
                Act::Data(j, d) => ground.with(|ctx| market::pay_data(ctx, j, &lines, (d, 7)).map(drop)),
                Act::Compute(j, a, p) => {
                    let proposer = p.then(|| person(9));
                    ground.with(|ctx| market::pay_compute(ctx, j, a, &person(8), proposer.as_ref()).map(drop))
                }
                Act::Close(j) => ground.with(|ctx| market::close(ctx, j).map(drop)),
            };
            prop_assert!(done.is_ok() || ground.state.changes() == &before, "{:?}", act);
            check(&ground);
            if let (Act::Data(j, 7), Ok(())) = (act, done) {
                // With the whole job done the fees are paid to the unit, whatever the steps before.
                let escrow = market::escrow(&ground.state, j).unwrap().unwrap();
                prop_assert_eq!(escrow.data_used, total.to_string());
            }
        }
        for job in 1..5 {
            if market::escrow(&ground.state, job).unwrap().is_some_and(|e| !e.closed) {
                ground.with(|ctx| market::close(ctx, job)).unwrap();
            }
        }
        check(&ground);
        round_trip(&ground, &Market);
    }
}
