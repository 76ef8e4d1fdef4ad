//! A part is paid for only if the offline shares that it used are the first of those that were made, and those are all
//! that the job takes: before the last iteration no proof shows it.

use crate::jobs::*;
use zektra_proto::training::v1::{JobStatus as Status, MsgSubmitPart};

/// Refuses a part that was changed so, and changes nothing.
fn refused(jobs: &mut Jobs, iteration: u64, change: &dyn Fn(&mut MsgSubmitPart), why: &str) {
    let mut part = jobs.part(1, iteration);
    change(&mut part);
    let before = jobs.job(1);
    let error = jobs.accept_part(part).unwrap_err();
    assert_eq!((error.codespace, error.code), ("training", 18), "{error:?}");
    assert!(error.log.contains(why), "{error:?}");
    assert_eq!(jobs.job(1), before);
}

const OTHERS: &str = "not those that were made";

#[test]
fn by_the_leaves_that_its_first_part_brings() {
    let mut jobs = Jobs::new();
    assert_eq!(jobs.locked(), 1);
    let all = leaves().len();
    let few = format!("{} leaves, expected {all}", all - 1);
    refused(&mut jobs, 1, &|m| m.leaves.clear(), &format!("0 leaves, expected {all}"));
    refused(&mut jobs, 1, &|m| drop(m.leaves.pop()), &few);
    refused(&mut jobs, 1, &|m| m.leaves.swap(0, 1), OTHERS);
    refused(&mut jobs, 1, &|m| m.leaves.swap(all - 2, all - 1), OTHERS);
    refused(&mut jobs, 1, &|m| m.made = m.used.clone(), OTHERS);
    refused(&mut jobs, 1, &|m| m.used = m.made.clone(), OTHERS);
    let of_two = jobs.part(1, 2).used;
    refused(&mut jobs, 1, &|m| m.used = of_two.clone(), OTHERS);
    jobs.accept(1, 1).unwrap();
    assert_eq!(jobs.job(1).offline.len() as u64, ALL);
    jobs.round_trip();
}

#[test]
fn and_each_part_after_it() {
    let mut jobs = Jobs::new();
    jobs.locked();
    let (first, all) = (jobs.part(1, 1), leaves().len());
    jobs.accept(1, 1).unwrap();
    let again = format!("{all} leaves, expected none");
    refused(&mut jobs, 2, &|m| m.leaves = first.leaves.clone(), &again);
    refused(&mut jobs, 2, &|m| m.used = first.used.clone(), OTHERS);
    refused(&mut jobs, 3, &|m| m.used = m.made.clone(), OTHERS);
    refused(&mut jobs, 3, &|m| m.made = first.used.clone(), OTHERS);
    jobs.accept(1, 3).unwrap();
    refused(&mut jobs, ALL, &|m| m.used = first.used.clone(), OTHERS);
    jobs.accept(1, ALL).unwrap();
    assert_eq!((jobs.status(1), jobs.job(1).offline), (Status::Proven, vec![first.made]));
}

#[test]
fn and_the_first_part_of_each_node() {
    let mut jobs = Jobs::new();
    jobs.locked();
    jobs.accept(1, 1).unwrap();
    jobs.pass_due(1);
    assert_eq!((jobs.status(1), jobs.job(1).offline), (Status::Rescue, vec![]));
    jobs.pass_due(1);
    assert_eq!(jobs.status(1), Status::Locked);
    refused(&mut jobs, 2, &|m| m.leaves.clear(), "0 leaves");
    jobs.accept(1, 2).unwrap();
    assert_eq!(jobs.job(1).offline.len() as u64, ALL);
}
