//! Any of our files in words.

use crate::rejected::Rejected;
use crate::schema::Schema;
use crate::vault::schema_digest;
use crate::wire;
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::path::Path;
use zektra_he::profile::Profile;
use zektra_he::seat::SeatSecret;
use zektra_proto::node::v1::envelope::Body;
use zektra_statement::record::{Dataset, Job, Seat};
use zektra_verify::bundle::Bundle;
use zektra_verify::envelope::Envelope;

/// The record of a job: of its bundle, or of a party's folder of it.
///
/// # Errors
/// A file that holds none.
pub fn job_of(path: &Path) -> Result<Job> {
    let bytes = crate::files::read(path)?;
    if let Ok(bundle) = Bundle::decode(&bytes) {
        return Ok(bundle.job);
    }
    if bytes.starts_with(wire::FILE_MAGIC)
        && let Body::Job(job) = wire::decode_file(&bytes)?
    {
        return Ok(zektra_records::job_from_pb(&job)?);
    }
    Err(Rejected::Input(format!("{}: expected a bundle, or job.zk of a party's folder of a job", path.display()))
        .into())
}

/// What a file is: a kind and its facts. Secrets are named, never shown.
///
/// # Errors
/// A file that is not ours.
pub fn inspect(path: &Path) -> Result<Value> {
    let bytes = crate::files::read(path)?;
    if bytes.starts_with(b"ZKSEAT1\n") {
        let seat = SeatSecret::from_file(&bytes)?;
        return Ok(json!({ "kind": "seat secret (keep it private)", "seat": seat_facts(&seat.public()) }));
    }
    if bytes.starts_with(b"ZKLABEL1") && bytes.len() >= 40 {
        return Ok(json!({
            "kind": "label log",
            "key": hex::encode(&bytes[8..40]),
            "answered_labels": (bytes.len() - 40) / 72,
            "limit": zektra_he::log::MAX_LABELS,
        }));
    }
    if bytes.starts_with(wire::FILE_MAGIC) {
        return envelope(wire::decode_file(&bytes)?);
    }
    if let Ok(bundle) = Bundle::decode(&bytes) {
        return Ok(json!({
            "kind": "bundle of a proven job: zektra-verify says whether it holds",
            "job": job_facts(&bundle.job)?,
            "bytes": bytes.len(),
        }));
    }
    if let Ok(envelope) = Envelope::decode(&bytes) {
        return Ok(json!({
            "kind": "proof",
            "system": envelope.system,
            "circuit": envelope.circuit.to_string(),
            "public_inputs": envelope.public_inputs.len(),
            "bytes": bytes.len(),
        }));
    }
    if let Ok(text) = std::str::from_utf8(&bytes) {
        if let Ok(schema) = Schema::parse(text) {
            return Ok(schema_facts(&schema));
        }
        if let Ok(model) = serde_json::from_str::<crate::model::Model>(text) {
            return Ok(json!({
                "kind": "model in the clear",
                "template": model.template,
                "iterations": model.iterations,
                "members": model.members,
                "rows": model.rows,
                "job": model.job,
                "transcript": model.transcript,
                "weight_vectors": model.weights.len(),
                "features": model.schema.features(),
            }));
        }
        if let Ok(job) = toml::from_str::<crate::local::JobFile>(text) {
            return Ok(
                json!({ "kind": "job file", "id": job.id, "template": job.template, "iterations": job.iterations }),
            );
        }
    }
    if path.file_name().is_some_and(|n| n == "rounds.bin") {
        return Ok(json!({ "kind": "rounds of a job: every member's answers, in order", "bytes": bytes.len() }));
    }
    let poly = zektra_statement::field::POLY_BYTES;
    if !bytes.is_empty() && bytes.len().is_multiple_of(poly) {
        return Ok(json!({
            "kind": "polynomials (tiles or shares)",
            "polynomials": bytes.len() / poly,
            "root": blake3::hash(&bytes).to_hex().to_string(),
        }));
    }
    Err(Rejected::Input(format!("{} is not a file of this system, or it is damaged or cut short", path.display()))
        .into())
}

fn envelope(body: Body) -> Result<Value> {
    Ok(match body {
        Body::Seat(s) => json!({ "kind": "seat", "seat": seat_facts(&zektra_records::seat_from_pb(&s)?) }),
        Body::Manifest(m) => {
            let Some(record) = &m.dataset else { bail!("a manifest without a dataset") };
            let schema = Schema::parse(&m.schema)?;
            json!({
                "kind": "dataset",
                "name": m.name,
                "dataset": dataset_facts(&zektra_records::dataset_from_pb(record)?),
                "schema": schema_facts(&schema),
            })
        }
        Body::Job(j) => json!({ "kind": "job", "job": job_facts(&zektra_records::job_from_pb(&j)?)? }),
        Body::Round(r) => json!({ "kind": "round", "answers": r.answers.len() }),
        Body::Outcome(o) => {
            let Some(job) = &o.job else { bail!("an outcome without a job") };
            json!({
                "kind": "outcome (the encrypted model)",
                "job": job_facts(&zektra_records::job_from_pb(job)?)?,
                "lock": hex::encode(&o.lock),
                "transcript": hex::encode(&o.transcript),
                "released_vectors": o.states.len(),
                "releases": o.releases.len(),
            })
        }
        Body::Request(_) => json!({ "kind": "request of a node" }),
        Body::Reply(_) => json!({ "kind": "reply of a member" }),
    })
}

/// A seat's public facts.
pub fn seat_facts(s: &Seat) -> Value {
    json!({
        "name": s.name,
        "key": s.key.to_string(),
        "epoch": s.epoch,
        "release_key": hex::encode(s.release_key),
    })
}

/// A dataset's public facts.
pub fn dataset_facts(d: &Dataset) -> Value {
    json!({
        "id": d.id.to_string(),
        "owner_key": d.owner_key.to_string(),
        "attempt": d.attempt,
        "rows": d.rows,
        "row_groups": d.groups,
        "tiles": d.tiles(),
        "columns_of_a_tile": d.columns,
        "column_blocks": d.blocks,
        "weight_vectors": d.classes,
        "feature_bits": d.scale_x,
        "residual_bits": d.scale_r,
        "row_norm": f64::from(d.row_norm) / 256.0,
        "range": f64::from(d.range) / 256.0,
        "root": d.root.to_string(),
        "content_root": d.content_root.to_string(),
        "schema": d.schema.to_string(),
    })
}

fn schema_facts(s: &Schema) -> Value {
    json!({
        "kind": "schema",
        "name": s.name,
        "digest": schema_digest(s).to_string(),
        "features": s.features(),
        "weight_vectors": s.classes(),
        "target": s.target.column(),
        "row_norm": s.row_norm,
        "public_bounds": s.columns.iter().map(crate::model::describe_column).collect::<Vec<_>>(),
    })
}

/// A job's public facts with what it hides.
///
/// # Errors
/// A record that contradicts itself.
pub fn job_facts(j: &Job) -> Result<Value> {
    let profile = Profile::of(j)?;
    let p = &j.template.params;
    let bits = |v: f64| if v.is_finite() { json!((v * 10.0).round() / 10.0) } else { json!("no bound") };
    Ok(json!({
        "chain_id": j.chain_id,
        "id": j.id,
        "attempt": j.attempt,
        "digest": j.digest().to_string(),
        "circuits": j.circuits.map(|c| c.to_string()),
        "template": j.template.kind.id(),
        "governed": j.template.kind.governed(),
        "iterations": p.iterations,
        "row_groups_of_a_step": p.groups,
        "learning_rate": p.learning_rate(),
        "weight_bits": p.scale_w,
        "fan_in": p.fan_in,
        "members": j.seats.iter().map(seat_facts).collect::<Vec<_>>(),
        "developer": j.developer,
        "datasets": j.datasets.iter().map(|d| dataset_facts(&d.dataset)).collect::<Vec<_>>(),
        "hiding_bits": {
            "members": profile.members,
            "attempts": profile.attempts,
            "opening_worst": bits(profile.hiding.opening_worst),
            "opening_honest": bits(profile.hiding.opening_honest),
            "job_worst": bits(profile.hiding.job_worst),
            "job_honest": bits(profile.hiding.job_honest),
        },
        "phases": profile.payload.phases.iter().map(|o| json!({
            "name": o.name,
            "opened_coefficients": o.opened,
            "payload_bits_worst": bits(o.worst.log2()),
            "payload_bits_honest": bits(o.honest.log2()),
            "noise_bits_worst": bits(o.noise.log2()),
        })).collect::<Vec<_>>(),
        "key_share_core_svp_bits": profile.rlwe_bits,
    }))
}
