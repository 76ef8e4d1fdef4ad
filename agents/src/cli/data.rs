//! Seats, schemas, encryption.

use super::progress::{Encrypting, Proving};
use super::{Encrypt, Output, Schema, Seat, in_words};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::time::Instant;
use zektra_agents::inspect::{dataset_facts, seat_facts};
use zektra_agents::rejected::expect;
use zektra_agents::schema::{DraftOptions, Schema as TableSchema};
use zektra_agents::vault::{Encryption, Home, encrypt as encrypt_table, prove_tiles};

pub(super) fn seat(output: &Output, command: Seat) -> Result<()> {
    let public = match command {
        Seat::New { home, name } => Home::create(&home, &name)?.public()?,
        Seat::Show { home } => Home::open(&home)?.public()?,
        Seat::Rotate { home } => Home::open(&home)?.rotate()?,
    };
    let facts = seat_facts(&public);
    output.print(&facts, || in_words(&facts));
    Ok(())
}

pub(super) fn schema(output: &Output, command: Schema) -> Result<()> {
    let Schema { csv, target, out, name, spread, exclude, row_norm, bias, gain } = command;
    expect(!out.exists(), || format!("{} exists: it is not overwritten", out.display()))?;
    let file = std::fs::File::open(&csv).with_context(|| format!("cannot read {}", csv.display()))?;
    let options = DraftOptions { name, spread, exclude, row_norm, bias, gain, ..DraftOptions::default() };
    let draft = TableSchema::draft(std::io::BufReader::new(file), &target, &options)
        .with_context(|| format!("in {}", csv.display()))?;
    zektra_agents::files::write(&out, draft.to_toml().as_bytes())?;
    let facts = json!({
        "schema": out.display().to_string(),
        "rows": draft.rows,
        "features": draft.schema.features(),
        "weight_vectors": draft.schema.classes(),
        "warnings": draft.warnings,
    });
    output.print(&facts, || {
        let warnings: String = draft.warnings.iter().map(|w| format!("\nwarning: {w}")).collect();
        format!(
            "{}: {} features from {} rows, target {target}{warnings}",
            out.display(),
            draft.schema.features(),
            draft.rows
        )
    });
    Ok(())
}

pub(super) fn encrypt(output: &Output, command: Encrypt) -> Result<()> {
    let Encrypt { csv, schema, home, name, chain_id, attempt, prove } = command;
    let home = Home::open(&home)?;
    let schema = TableSchema::load(&schema).with_context(|| format!("in {}", schema.display()))?;
    let bar = Encrypting::new(output.quiet);
    let start = Instant::now();
    let job = Encryption { home: &home, csv: &csv, schema: &schema, name: &name, chain_id: &chain_id, attempt };
    // A dataset that is there already is only proven.
    let key = home.seat()?.commitment();
    let known = home.dataset(&name).is_ok_and(|(d, _, _)| d.attempt == attempt && d.owner_key == key);
    if prove && known {
        bar.done();
        let (proofs, seconds) = prove_rows(output, &job)?;
        let facts = json!({ "name": name, "proofs": proofs, "proof_seconds": seconds });
        output.print(&facts, || format!("{name}: {proofs} row groups proven in {seconds:.1} s"));
        return Ok(());
    }
    let done = encrypt_table(&job, &mut |rows, at, total| bar.set(rows, at, total));
    bar.done();
    let done = done?;
    let seconds = start.elapsed().as_secs_f64();
    let proven = prove.then(|| prove_rows(output, &job)).transpose()?;
    let t = done.tally;
    let facts = json!({
        "name": name,
        "dataset": dataset_facts(&done.dataset),
        "rows": t.rows,
        "clipped_values": t.clipped_values,
        "clipped_rows": t.clipped_rows,
        "scaled_rows": t.scaled_rows,
        "ciphertext_bytes": done.bytes,
        "seconds": seconds,
        "proofs": proven.map(|(proofs, _)| proofs),
        "proof_seconds": proven.map(|(_, seconds)| seconds),
    });
    output.print(&facts, || {
        let proven = proven.map(|(proofs, seconds)| format!("\n{proofs} row groups proven in {seconds:.1} s"));
        format!(
            "{name}: {} rows encrypted into {} tiles, {:.1} MB, in {:.1} s\n{} values in {} rows were clipped, to their column's bounds or, once mapped, to the range; {} rows scaled to the norm\nroot {}{}",
            t.rows,
            done.dataset.tiles(),
            done.bytes as f64 / 1e6,
            seconds,
            t.clipped_values,
            t.clipped_rows,
            t.scaled_rows,
            done.dataset.root,
            proven.unwrap_or_default()
        )
    });
    Ok(())
}

/// Proves all row groups: how many, in how many seconds.
fn prove_rows(output: &Output, job: &Encryption<'_>) -> Result<(u64, f64)> {
    let start = Instant::now();
    let bar = Proving::new(output.quiet);
    let proofs = prove_tiles(job, &mut |done, total| bar.set(done, total));
    bar.done();
    Ok((proofs?, start.elapsed().as_secs_f64()))
}
