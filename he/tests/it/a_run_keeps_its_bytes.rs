//! Faster arithmetic must not change what is said: the transcript of fixed casts is frozen. A change
//! of the protocol changes these digests, and has to say so.

use std::sync::Arc;
use zektra_he::member::Member;
use zektra_he::rehearsal::rows::{classifier, rows};
use zektra_he::rehearsal::{Cast, Memory, round};
use zektra_he::transcript::{Program, Transcript};
use zektra_statement::digest::{Encoder, Fingerprint, Tag, commit};
use zektra_statement::template::{Kind, Template};

/// The digests of a whole run: uploads and extension shares (in the lock), offline shares, all answers, the model.
fn digests(members: usize, template: Template, tables: &[zektra_he::rehearsal::Rows], trusted: bool) -> [String; 4] {
    let mut cast = Cast::new(77, members, tables, template).unwrap();
    cast.job.trusted_inputs = trusted;
    let mut logs = cast.logs();
    let (memory, roots) = cast.extend(&mut logs).unwrap();
    let program = Arc::new(Program::new(cast.job.clone(), &roots).unwrap());
    let mut tiles = Encoder::new("tiles");
    for tile in memory.tiles.values() {
        tiles.bytes(&tile.fingerprint().0);
    }
    let mut members = Vec::new();
    for (index, (seat, log)) in cast.seats.iter().zip(&mut logs).enumerate() {
        members.push(Member::join(seat, log, index as u32, program.clone(), memory.clone()).unwrap());
    }
    let offline = cast.offline(&program, &mut members).unwrap();
    let mut sums = Encoder::new("offline");
    for sum in offline.values() {
        sums.bytes(&sum.fingerprint().0);
    }
    let memory = Memory { offline: Arc::new(offline), ..memory };
    for member in &mut members {
        *member.source_mut() = memory.clone();
    }
    let mut node = Transcript::new(program.clone(), memory);
    while !node.finished() {
        round(&mut node, &mut members).unwrap();
    }
    for member in &members {
        assert_eq!(member.transcript().digest(), node.digest());
    }
    let mut model = Encoder::new("model");
    for &state in &program.table.released {
        model.bytes(&commit(Tag::Opened, node.opened(state)).to_bytes());
    }
    let short = |f: Fingerprint| f.to_string()[..16].to_string();
    [short(tiles.fingerprint()), short(sums.fingerprint()), short(node.digest()), short(model.fingerprint())]
}

#[test]
fn of_a_full_batch() {
    let template = classifier(31, 2, 3);
    let tables = [rows(1, 128, &template.params), rows(2, 100, &template.params)];
    assert_eq!(
        digests(3, template, &tables, false),
        ["c0e99226a1f11f31", "f3931c1eeb17e769", "727ccf15a787bc39", "0be793f27d0f482c"]
    );
}

#[test]
fn of_wide_rows_in_small_batches() {
    let mut template = classifier(70, 2, 3);
    template.params.full_batch = false;
    template.params.classes = 3;
    template.params.scale_w = 12;
    template.params.shift_w = template.params.shift_for_learning_rate(0.25);
    let tables = [rows(1, 256, &template.params), rows(2, 200, &template.params)];
    assert_eq!(
        digests(3, template, &tables, false),
        ["6b58dd4846d20526", "5702632c3909e13f", "b816e6be726cdb3d", "69224e5a69fbc837"]
    );
}

#[test]
fn of_64_columns() {
    let template = classifier(64, 2, 2);
    let tables = [rows(1, 64, &template.params), rows(2, 60, &template.params)];
    assert_eq!(
        digests(3, template, &tables, false),
        ["9b1c357b4d8d089e", "67a463a92ec12938", "0eeb346d76f9e072", "e349639ef5e206e2"]
    );
}

#[test]
fn of_the_cubic_link() {
    let template = Template { kind: Kind::CubicClassifier, ..classifier(31, 2, 2) };
    let tables = [rows(1, 128, &template.params), rows(2, 100, &template.params)];
    assert_eq!(
        digests(1, template, &tables, true),
        ["a8870540fa8368ea", "bc264b61233c3671", "dd163683722933e1", "7bbff4d99be76620"]
    );
}
