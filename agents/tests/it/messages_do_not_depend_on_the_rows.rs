//! What an observer of the links sees, who sent how much to whom in which order, depends on the shape of the
//! tables alone.

use crate::parties::{JobText, Parties, table};
use zektra_agents::local::{Traffic, train};

/// For each member the lengths of the messages of its link in order: (to the member?, bytes).
type Conversations = Vec<Vec<(bool, usize)>>;

/// Encrypts and trains with these tables, and gives the conversations and the sizes of all files.
fn observed(before: &Parties, alice: &str, bob: &str) -> (Conversations, Vec<(String, u64)>) {
    let parties = before.copy();
    parties.write("alice.csv", alice);
    parties.write("bob.csv", bob);
    parties.encrypt(&["alice", "bob"]);
    parties.job(&JobText { more: "batch_rows = 256", ..JobText::of(&["alice", "bob"], 4) });
    let plan = parties.plan();
    let traffic = Traffic::new(plan.homes.len(), true);
    train(&plan, &traffic, &mut |_, _, _| {}).unwrap();
    let messages = traffic.wire_log.unwrap().lock().unwrap().clone();
    let of_member = |member: usize| {
        let own = messages.iter().filter(|m| m.from == Some(member) || m.to == Some(member));
        own.map(|m| (m.to == Some(member), m.bytes.len())).collect()
    };
    let conversations = (0..plan.homes.len()).map(of_member).collect();
    let files = ["node", "alice", "bob", "developer"].iter().flat_map(|f| parties.files(f));
    let size = |f: String| {
        let bytes = std::fs::metadata(parties.path(&f)).unwrap().len();
        (f, bytes)
    };
    (conversations, files.map(size).collect())
}

/// cap 4: sizes and order of all messages and files depend on the shape of the tables alone.
#[test]
fn tables_of_equal_shape_give_transcripts_of_equal_sizes() {
    let label = |row: &[f64]| String::from(if row[0] > 0.0 { "1" } else { "0" });
    let other = |row: &[f64]| String::from(if row[2] * row[1] > 0.3 { "1" } else { "0" });
    let before = Parties::new();
    before.seats(&["alice", "bob", "developer"]);
    before.write("all.csv", table(1, 300, 6, label));
    before.schema("all.csv", "y");
    let first = observed(&before, &table(2, 300, 6, label), &table(3, 140, 6, label));
    assert!(first.0.iter().all(|c| c.len() > 20), "too few messages");
    // Requests and replies alternate: nobody speaks unasked.
    assert!(first.0.iter().all(|c| c.iter().enumerate().all(|(i, (to_member, _))| *to_member == (i % 2 == 0))));
    let random = observed(&before, &table(4, 300, 6, other), &table(5, 140, 6, other));
    assert_eq!(first, random);
    let equal_rows = |rows: usize, row: &str| format!("c0,c1,c2,c3,c4,c5,y\n{}", format!("{row}\n").repeat(rows));
    let zeros = equal_rows(300, "0,0,0,0,0,0,0");
    let beyond_the_bounds = equal_rows(140, "1e9,-1e9,1e9,7,-7,0,1");
    assert_eq!(first, observed(&before, &zeros, &beyond_the_bounds));
}
