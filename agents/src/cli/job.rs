//! Training and what comes of it.

use super::progress::{Building, Training, sent};
use super::{DecryptModel, Output, Predict, Reference, Train, in_words};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::Path;
use std::time::Instant;
use zektra_agents::inspect::job_facts;
use zektra_agents::local::{JobFile, Plan, Traffic, train as train_locally};
use zektra_agents::model::{Model, Prediction, decrypt, decrypt_file, reference as in_the_clear};
use zektra_agents::node::{Finished, Stage};
use zektra_agents::schema::TargetColumn;
use zektra_agents::vault::Home;

/// The job of a file; without its circuits if the job is only looked at.
fn plan(output: &Output, path: &Path, prove: bool) -> Result<Plan> {
    let base = path.parent().unwrap_or(Path::new("."));
    let bar = Building::new(output.quiet);
    let mut file = JobFile::load(path)?;
    file.prove &= prove;
    let plan = file.plan(base, &mut |what| bar.set(what));
    bar.done();
    plan.with_context(|| format!("in {}", path.display()))
}

pub(super) fn train(output: &Output, command: Train) -> Result<()> {
    let plan = plan(output, &command.job, true)?;
    let facts = job_facts(&plan.job)?;
    if command.plan {
        output.print(&facts, || in_words(&facts));
        return Ok(());
    }
    let table = plan.job.template.compile()?;
    let traffic = Traffic::new(plan.homes.len(), false);
    let mut bar = Training::new(output.quiet, table.phases.len(), table.iterations, traffic.clone());
    let start = Instant::now();
    let mut stages: Vec<(Stage, f64)> = Vec::new();
    let outcome = train_locally(&plan, &traffic, &mut |stage, done, total| {
        if stages.last().is_none_or(|(s, _)| *s != stage) {
            stages.push((stage, start.elapsed().as_secs_f64()));
        }
        bar.set(stage, done, total);
    });
    bar.done();
    let Finished { outcome, bundle } = outcome?;
    let seconds = start.elapsed().as_secs_f64();
    let ends = stages.iter().skip(1).map(|(_, t)| *t).chain([seconds]);
    let times: Vec<Value> = stages
        .iter()
        .zip(ends)
        .map(|((stage, begin), end)| json!({ "stage": stage.name(), "seconds": end - begin }))
        .collect();
    let bytes = sent(&traffic);
    let mut parties: Vec<(String, u64)> =
        plan.job.seats.iter().map(|s| s.name.clone()).zip(bytes.iter().copied()).collect();
    parties.push(("compute node".into(), bytes.last().copied().unwrap_or(0)));
    let result = json!({
        "job": facts,
        "transcript": hex::encode(&outcome.transcript),
        "lock": hex::encode(&outcome.lock),
        "seconds": seconds,
        "seconds_by_stage": times,
        "bundle": bundle.as_ref().map(|b| json!({
            "file": plan.node.join(zektra_agents::bundles::NAME).display().to_string(),
            "bytes": b.len(),
        })),
        "bytes_sent": parties.iter().map(|(p, b)| json!({ "party": p, "bytes": b })).collect::<Vec<_>>(),
    });
    output.print(&result, || {
        let h = &plan.profile.hiding;
        let bits = |v: f64| if v.is_finite() { format!("{v:.1}") } else { "no bound of".into() };
        let file = plan.node.join(zektra_agents::bundles::NAME);
        let proof = bundle.as_ref().map_or(String::new(), |b| {
            format!("\nbundle {}, {:.1} KB: check it with zektra-verify", file.display(), b.len() as f64 / 1e3)
        });
        let sent: String = parties.iter().map(|(p, b)| format!("\n  {p}: {:.1} MB", *b as f64 / 1e6)).collect();
        format!(
            "job {} is done{} in {seconds:.1} s: {} iterations, learning rate {}, {} members\nhiding: {} bits an opened coefficient in the worst case ({} for honest data), {} ({}) for the job\nsent:{sent}\ntranscript {}{proof}",
            plan.job.id,
            if bundle.is_some() { " and proven" } else { "" },
            table.iterations,
            plan.job.template.params.learning_rate(),
            plan.job.seats.len(),
            bits(h.opening_worst),
            bits(h.opening_honest),
            bits(h.job_worst),
            bits(h.job_honest),
            hex::encode(&outcome.transcript)
        )
    });
    Ok(())
}

pub(super) fn circuits(output: &Output, file: &Path) -> Result<()> {
    let job = zektra_agents::inspect::job_of(file)?;
    job.validate()?;
    let bar = Building::new(output.quiet);
    let built = zektra_agents::local::circuits(&job.template, job.members(), &mut |what| bar.set(what));
    bar.done();
    let digest = built?.digest();
    let named = job.circuits.map(|c| c.to_string());
    let same = named.as_ref() == Some(&digest.to_string());
    let facts = json!({ "circuits": digest.to_string(), "of_the_record": named, "same": same });
    output.print(&facts, || {
        let record = match &named {
            _ if same => "the job's record names the same".to_string(),
            Some(other) => format!("the job's record names others, {other}: what they prove is not known"),
            None => "the job is not proven".into(),
        };
        format!("{digest}\n{record}")
    });
    Ok(())
}

pub(super) fn decrypt_model(output: &Output, command: DecryptModel) -> Result<()> {
    let home = Home::open(&command.home)?;
    let model = match (&command.outcome, command.job_id) {
        (Some(path), _) => decrypt_file(&home, path)?,
        (None, id) => decrypt(&home, id.unwrap_or_default(), command.attempt)?,
    };
    zektra_agents::files::write_secret(&command.out, model.to_json()?.as_bytes())?;
    let facts = json!({
        "model": command.out.display().to_string(),
        "template": model.template,
        "iterations": model.iterations,
        "rows": model.rows,
        "weight_vectors": model.weights.len(),
        "features": model.schema.features(),
    });
    output.print(&facts, || in_words(&facts));
    Ok(())
}

pub(super) fn predict(output: &Output, command: Predict) -> Result<()> {
    let model = Model::load(&command.model)?;
    let open = || {
        let file = File::open(&command.csv).with_context(|| format!("cannot read {}", command.csv.display()))?;
        anyhow::Ok(BufReader::new(file))
    };
    let in_file = || format!("in {}", command.csv.display());
    let numbers = matches!(model.schema.target, TargetColumn::Number { .. });
    let score = match command.score {
        true => Some((
            if numbers { "root_mean_squared_error" } else { "accuracy" },
            model.score(open()?).with_context(in_file)?,
        )),
        false => None,
    };
    if let (Some((name, score)), None) = (score, &command.out) {
        output.print(&json!({ name: score }), || format!("{}: {score:.4}", name.replace('_', " ")));
        return Ok(());
    }
    // Column names and labels may hold commas and quotes.
    let mut answers = csv::Writer::from_writer(Vec::new());
    let mut header = vec![model.schema.target.column().to_owned()];
    header.extend(match (numbers, model.weights.len()) {
        (true, _) => vec![],
        (false, 1) => vec![format!("score_{}", model.class_name(1))],
        (false, n) => (0..n).map(|c| format!("score_{}", model.class_name(c))).collect(),
    });
    answers.write_record(&header)?;
    let rows = model
        .predict_table(open()?, |p| {
            match p {
                Prediction::Class(k, scores) => {
                    let scores = scores.iter().map(|s| format!("{s:.6}"));
                    answers.write_record([model.class_name(k).to_owned()].into_iter().chain(scores))?;
                }
                Prediction::Number(v) => answers.write_record([format!("{v:.6}")])?,
            }
            Ok(())
        })
        .with_context(in_file)?;
    let text = answers.into_inner().context("cannot write the answers")?;
    let Some(path) = &command.out else {
        let _ = std::io::stdout().lock().write_all(&text);
        return Ok(());
    };
    zektra_agents::files::write(path, &text)?;
    let mut facts = json!({ "rows": rows, "answers": path.display().to_string() });
    if let Some((name, score)) = score {
        facts[name] = json!(score);
    }
    output.print(&facts, || in_words(&facts));
    Ok(())
}

pub(super) fn reference(output: &Output, command: Reference) -> Result<()> {
    let plan = plan(output, &command.job, false)?;
    let start = Instant::now();
    let reference = in_the_clear(&plan.job, &plan.schema, &command.tables)?;
    let score = |weights: &Vec<Vec<f64>>| {
        let model = Model {
            format: String::new(),
            template: plan.job.template.kind.id().into(),
            iterations: 0,
            members: 0,
            rows: 0,
            job: String::new(),
            transcript: String::new(),
            schema: plan.schema.clone(),
            weights: weights.clone(),
        };
        let test = File::open(&command.test).with_context(|| format!("cannot read {}", command.test.display()))?;
        model.score(BufReader::new(test)).with_context(|| format!("in {}", command.test.display()))
    };
    let floats: Vec<f64> = reference.floats.iter().map(score).collect::<Result<_>>()?;
    let integers: Vec<f64> = reference.integers.iter().map(score).collect::<Result<_>>()?;
    let facts = json!({
        "score_by_floats": floats,
        "score_by_integers": integers,
        "weights_by_floats": reference.floats.last(),
        "weights_by_integers": reference.integers.last(),
        "largest_opened_bits": reference.largest.iter().map(|v| v.max(1.0).log2()).collect::<Vec<_>>(),
        "seconds": start.elapsed().as_secs_f64(),
    });
    output.print(&facts, || {
        let last = |v: &[f64]| v.last().copied().unwrap_or(f64::NAN);
        format!("floats {:.4}, exact integers {:.4}", last(&floats), last(&integers))
    });
    Ok(())
}
