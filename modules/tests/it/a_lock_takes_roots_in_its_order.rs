use crate::jobs::*;
use crate::vault_world::hash;
use zektra_proto::training::v1::Member;
use zektra_records::{job_from_pb, print, roots_from_pb, roots_to_pb, states_from_pb, states_to_pb};
use zektra_statement::chain::States;

#[test]
fn whatever_the_order_in_which_members_join() {
    let mut jobs = Jobs::new();
    let job = jobs.drawn();
    let record = job_from_pb(jobs.job(job).record.as_ref().unwrap()).unwrap();
    // Of dataset 1, seat 0's, the seats 1 and 2 extend the tiles, of dataset 2, seat 1's, the seats 0 and 2.
    let sent = [vec![hash(1)], vec![hash(2)], vec![hash(3), hash(4)]];
    let member = |roots: &Vec<_>| Member { extension_roots: roots.clone(), ..Member::default() };
    let mut members: Vec<Member> = sent.iter().map(member).collect();
    let roots = roots_from_pb(&members, &record).unwrap();
    assert_eq!(roots.iter().map(print).collect::<Vec<_>>(), [hash(2), hash(3), hash(1), hash(4)]);
    for (seat, sent) in sent.iter().enumerate() {
        assert_eq!(roots_to_pb(&roots, &record, seat), *sent);
    }
    members[2].extension_roots.pop();
    let missing = roots_from_pb(&members, &record).unwrap_err();
    assert_eq!(missing.to_string(), "members[2].extension_roots: missing, expected a value");
    members[0].extension_roots[0] = hash(1).slice(1..);
    let short = roots_from_pb(&members, &record).unwrap_err();
    assert_eq!(short.to_string(), "members[0].extension_roots: 31 bytes, expected 32 bytes");
}

#[test]
fn and_states_are_read_as_they_are_written() {
    let states = States::start(&template(ALL as u32).compile().unwrap(), 3);
    let mut list = states_to_pb(&states);
    assert_eq!(states_from_pb(&list).unwrap(), states);
    list.entries[1].shares[2] = hash(0xff);
    let wrong = states_from_pb(&list).unwrap_err();
    assert_eq!(wrong.field, "states.shares");
}
