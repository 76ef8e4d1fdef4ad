use crate::a_job_ends_one_way_or_another::bond;
use crate::ground::person;
use crate::jobs::*;
use crate::work::TOKEN;
use zektra_modules::compute;
use zektra_proto::training::v1::{JobStatus as Status, MsgOrder, Rules};
use zektra_proto::vault::v1::RevocationPolicy;

const NODE: u8 = 4;

fn engaged(jobs: &Jobs) -> u128 {
    compute::engaged(&compute::node(&jobs.ground.state, &person(NODE)).unwrap().unwrap()).unwrap()
}

/// Orders a job; whether the node has got it.
fn ordered(jobs: &mut Jobs) -> (u64, bool) {
    let order = MsgOrder { deadline: jobs.height() + 200, ..jobs.order() };
    let job = jobs.send(order).unwrap().job;
    jobs.pass_many(4);
    jobs.check();
    (job, !jobs.job(job).node.is_empty())
}

#[test]
fn at_once() {
    let mut jobs = Jobs::with(RevocationPolicy::Finish, &[NODE]);
    // It takes three jobs; a miss costs two fifths.
    jobs.set_rules(&Rules { miss_slash: 4000, max_rescues: 0, ..rules() });
    let (first, second, third) = (ordered(&mut jobs), ordered(&mut jobs), ordered(&mut jobs));
    assert_eq!([first.1, second.1, third.1], [true, true, false]);
    assert_eq!(engaged(&jobs), BOND * 4 / 5);
    // With more bond it gets the third as well.
    let operator = jobs.text(NODE);
    jobs.send(zektra_proto::compute::v1::MsgAddBond { operator, amount: Some(crate::work::coin(BOND / 2)) }).unwrap();
    jobs.pass_due(third.0);
    assert!(!jobs.job(third.0).node.is_empty());
    assert_eq!(engaged(&jobs), BOND * 4 / 5 + BOND * 3 / 5);
    for (job, _) in [first, second, third] {
        (0..3).for_each(|seat| jobs.join(job, seat));
        assert_eq!(jobs.status(job), Status::Locked);
    }
    jobs.round_trip();
    // However much a miss costs by then: each takes at most what stands for it.
    jobs.set_rules(&Rules { miss_slash: 10_000, max_rescues: 0, ..rules() });
    jobs.pass_many(20);
    for (job, _) in [first, second, third] {
        jobs.demand_over(job, Status::Failed);
    }
    assert_eq!((bond(&jobs, NODE), engaged(&jobs)), (BOND * 3 / 2 - BOND * 7 / 5, 0));
}

#[test]
fn and_twice_what_each_is_paid() {
    let mut jobs = Jobs::with(RevocationPolicy::Finish, &[]);
    jobs.set_rules(&Rules { miss_slash: 0, ..rules() });
    // Eight units for at most 150 tokens each: 2400 tokens of 2000.
    let price = 150 * TOKEN as u64;
    jobs.register(NODE, price);
    let dear = MsgOrder { max_unit_price: price, deadline: jobs.height() + 200, ..jobs.order() };
    let job = jobs.send(dear.clone()).unwrap().job;
    jobs.pass_many(4);
    assert!(jobs.job(job).node.is_empty());
    let less = MsgOrder { max_unit_price: price / 2, ..dear };
    let job = jobs.send(less).unwrap().job;
    jobs.pass_many(4);
    // The node asks for more.
    assert!(jobs.job(job).node.is_empty());
    let operator = jobs.text(NODE);
    let update = zektra_proto::compute::v1::MsgUpdateNode {
        operator,
        endpoint: "x".into(),
        price: price / 2,
        max_jobs: 3,
        paused: false,
        validator: String::new(),
    };
    jobs.send(update).unwrap();
    jobs.pass_many(20);
    assert!(!jobs.job(job).node.is_empty());
    assert_eq!(engaged(&jobs), 1200 * TOKEN);
    jobs.check();
}
