//! `make pin` writes what `zektra-verify` knows of circuits.

use super::job::template;
use super::played::{MEMBERS, played};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use zektra_parties::bundle::known_of;
use zektra_parties::seal::known_seal_of;
use zektra_prove::cache::Cache;
use zektra_prove::chain::{NodeCircuits, SealCircuits, ShareCircuits, wrap_circuit};
use zektra_prove::tile::Bounds;
use zektra_statement::template::{Params, Template};
use zektra_verify::known::{FILE, Trusted};
use zektra_verify::pinned;
use zektra_verify::settings::WRAP;

/// The jobs whose circuits are known: template and members.
fn jobs() -> Vec<(&'static str, Template, u32)> {
    // The search's scales for eight iterations of 128 rows of the breast cancer table.
    let mut demo = template(8);
    (demo.params.scale_w, demo.params.shift_w) = (16, 8);
    vec![("the small job of the tests", template(1), MEMBERS), ("the demonstration's proven job", demo, 3)]
}

/// The datasets whose own circuits are known: these bounds.
fn datasets() -> Vec<(&'static str, Params)> {
    vec![("datasets of both jobs", template(1).params)]
}

#[test]
#[ignore = "writes files: `make pin`"]
fn pin() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../verify/src");
    for rows in pinned::sizes() {
        let wrap = wrap_circuit(rows as usize);
        println!("{wrap:?}");
        fs::write(folder.join(format!("pinned/wrap-{rows}.bin")), wrap.verifier_file()).unwrap();
    }
    let mut text: String = FILE.lines().take_while(|l| l.starts_with("# ")).map(|l| format!("{l}\n")).collect();
    for (name, template, members) in jobs() {
        let shares = Arc::new(ShareCircuits::build(&template, members).unwrap());
        let circuits = NodeCircuits::build(shares, &mut |what| println!("{name}: {what}")).unwrap();
        text += &format!("\n#: {name}\n{}\n", known_of(&circuits, &template));
    }
    for (name, params) in datasets() {
        let circuits = SealCircuits::load(&Cache::none(), Bounds::of(&params).unwrap()).unwrap();
        text += &format!("\n#: {name}\n{}\n", known_seal_of(&circuits, &params));
    }
    fs::write(folder.join("known.txt"), text).unwrap();
}

#[test]
fn the_pinned_files_are_those_of_this_build() {
    let p = played();
    let rows = p.circuits.link_rows_log2() as u32;
    assert_eq!(rows, 15);
    assert!(pinned::file(rows).unwrap() == p.circuits.wrap.verifier_file(), "run `make pin`");
    for rows in pinned::sizes() {
        let wrap = pinned::wrap(rows).unwrap();
        let gate = wrap.common.gates.iter().map(|g| g.0.num_constraints()).max().unwrap();
        WRAP.check(wrap.common.degree_bits() as u32, gate, wrap.common.num_constants).unwrap();
        assert_eq!(wrap.common.config, WRAP.config());
    }
}

/// `known.txt` was written for one iteration, the job has two: circuits do not depend on them.
#[test]
fn the_circuits_of_the_small_job_are_known() {
    let p = played();
    let trusted = Trusted::pinned();
    let mine = trusted.known().iter().find(|k| k.digest == p.circuits.digest()).expect("run `make pin`");
    assert_eq!(mine.differs(&p.bundle.job, 15), None);
    let lines = FILE.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).count();
    assert_eq!((trusted.known().len(), trusted.seals().len()), (jobs().len(), datasets().len()));
    assert_eq!(lines, jobs().len() + datasets().len(), "every line of known.txt is read");
    let again = FILE.lines().filter(|l| l.contains('=')).try_fold(Trusted::none(), Trusted::know_line);
    assert_eq!(again, Some(trusted));
}
