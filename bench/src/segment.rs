//! What a validator does with a part of a job's proof before it votes.

use crate::proving::{MEMBERS, NODE, cache, cast};
use crate::report::{Bar, Report, Samples, Stopwatch};
use anyhow::{Context as _, ensure};
use prost::Message as _;
use rayon::prelude::*;
use std::io::Write as _;
use std::sync::Arc;
use zektra_parties::rehearsal;
use zektra_proto::training::v1::MsgSubmitPart;
use zektra_prove::chain::{NodeCircuits, ShareCircuits};
use zektra_statement::chain::Elements;
use zektra_verify::envelope::Envelope;
use zektra_verify::known::Trusted;
use zektra_verify::part::{Part, verify_part};

/// One part, and as many as a block's section holds.
///
/// # Errors
/// A proof that does not verify.
pub fn run(report: &mut Report) -> anyhow::Result<()> {
    let mut cast = cast(MEMBERS, 31, 1, 1)?;
    let cache = cache();
    let shares = Arc::new(ShareCircuits::load(&cache, &cast.job.template, MEMBERS)?);
    let circuits = Arc::new(NodeCircuits::load(&cache, shares, &mut |_| {})?);
    // The record of a job that is proven names its circuits.
    rehearsal::complete_record(&mut cast, circuits.digest());
    let mut done = 0;
    let mut told = |what: &str| {
        done += 1;
        print!("\r  a job of one iteration: {done} proofs, {what}          ");
        let _ = std::io::stdout().flush();
    };
    let job = rehearsal::prove(&cast, &circuits, NODE, &mut told)?;
    let (last, _) = rehearsal::chain(&job, &circuits, &mut told)?;
    println!("\r{:60}", "");
    let e = Elements::from_slice(last.public_inputs()).context("the last proof shows no state")?;
    let rows_log2 = u8::try_from(circuits.link_rows_log2())?;
    let bytes = |c: &zektra_statement::digest::Commitment| c.to_bytes().to_vec().into();
    let message = MsgSubmitPart {
        iteration: e.iteration,
        tile_top: bytes(&e.tile_top),
        made: bytes(&e.made),
        used: bytes(&e.used),
        state: bytes(&e.state),
        rows_log2: rows_log2.into(),
        proof: last.to_envelope(circuits.wrap.id()).encode().into(),
        ..MsgSubmitPart::default()
    };
    let (sent, trusted) = (message.encode_to_vec(), Trusted::pinned());
    let verified = |sent: &[u8]| -> anyhow::Result<()> {
        let message = MsgSubmitPart::decode(sent)?;
        let proof = Envelope::decode(&message.proof)?;
        let part = Part {
            iteration: message.iteration,
            tile_top: e.tile_top,
            made: e.made,
            used: e.used,
            state: e.state,
            rows_log2,
            proof,
        };
        let shown = verify_part(&cast.job, &job.roots, &NODE, &part, None, &trusted)?;
        ensure!(shown.complete && shown.circuits_known, "a part of unknown circuits");
        Ok(())
    };
    let (mut one, mut full) = (Samples::default(), Samples::default());
    for _ in 0..21 {
        let mut watch = Stopwatch::start();
        verified(&sent)?;
        one.push(1e3 * watch.lap().wall);
    }
    let params = zektra_genesis::default_state("zektra", "uzektra")["proofs"]["params"].take();
    let number = |name: &str| -> anyhow::Result<usize> {
        Ok(params[name].as_str().with_context(|| format!("no parameter {name}"))?.parse()?)
    };
    let (most_bytes, most_cost) = (number("max_section_bytes")?, number("max_section_cost")?);
    let count = (most_bytes / sent.len()).min(most_cost);
    for _ in 0..7 {
        let section = vec![sent.clone(); count];
        let mut watch = Stopwatch::start();
        section.par_iter().try_for_each(|sent| verified(sent))?;
        full.push(1e3 * watch.lap().wall);
    }
    let row = |what: &str, count: usize, s: &Samples| {
        let times = [s.min(), s.median(), s.max()].map(|ms| format!("{ms:.2}"));
        [vec![what.into(), count.to_string(), format!("{:.1}", (count * sent.len()) as f64 / 1e3)], times.to_vec()]
            .concat()
    };
    report.table(
        &["in a block", "proofs", "KB", "ms: least", "median", "most"],
        &[row("one part", 1, &one), row("a full section", count, &full)],
    );
    report
        .note("  none of them known before: a validator that has seen a proof in its mempool does not verify it again");
    report.figure("segment-verify", one.median(), "ms", Some(Bar::AtMost(10.0)))?;
    report.figure("segment-verify.section", full.median(), "ms", Some(Bar::AtMost(400.0)))
}
