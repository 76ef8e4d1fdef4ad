//! What is shown while something takes time.

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use zektra_agents::local::Traffic;
use zektra_agents::node::Stage;

fn bar(quiet: bool, template: &str) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(8) };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("=> "));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// Rows read and bytes of the file.
pub(super) struct Encrypting(ProgressBar);

impl Encrypting {
    pub(super) fn new(quiet: bool) -> Self {
        Self(bar(quiet, "encrypting  [{bar:30}] {bytes}/{total_bytes}  {msg}  {eta} left"))
    }

    pub(super) fn set(&self, rows: u64, done: u64, total: u64) {
        self.0.set_length(total.max(1));
        self.0.set_position(done);
        self.0.set_message(format!("{rows} rows"));
    }

    pub(super) fn done(&self) {
        self.0.finish_and_clear();
    }
}

/// Circuits that are being built, or read where they were built before.
pub(super) struct Building(ProgressBar);

impl Building {
    pub(super) fn new(quiet: bool) -> Self {
        Self(bar(quiet, "circuits  {msg}  {elapsed} so far"))
    }

    pub(super) fn set(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }

    pub(super) fn done(&self) {
        self.0.finish_and_clear();
    }
}

/// Row groups that are being proven.
pub(super) struct Proving(ProgressBar);

impl Proving {
    pub(super) fn new(quiet: bool) -> Self {
        Self(bar(quiet, "proving tiles  [{bar:30}] {pos}/{len}  {elapsed} so far, {eta} left"))
    }

    pub(super) fn set(&self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }

    pub(super) fn done(&self) {
        self.0.finish_and_clear();
    }
}

/// Without a terminal, a line at most this often.
const LINES: Duration = Duration::from_secs(15);

/// Stage, iteration, phase, bytes, time left. The loss is encrypted, so it is not shown.
pub(super) struct Training {
    bar: ProgressBar,
    /// Lines instead of a bar.
    lines: bool,
    told: Instant,
    stage: Option<Stage>,
    begun: Instant,
    /// What was done already when the stage began here.
    first: u64,
    done: u64,
    left: String,
    phases: u64,
    iterations: u32,
    traffic: Traffic,
}

impl Training {
    pub(super) fn new(quiet: bool, phases: usize, iterations: u32, traffic: Traffic) -> Self {
        let bar = bar(quiet, "{prefix}  [{bar:30}] {pos}/{len}  {msg}  {elapsed} so far");
        let lines = !quiet && !std::io::stderr().is_terminal();
        let (told, begun) = (Instant::now(), Instant::now());
        let (left, phases) = (String::new(), phases as u64);
        Self { bar, lines, told, stage: None, begun, first: 0, done: 0, left, phases, iterations, traffic }
    }

    pub(super) fn set(&mut self, stage: Stage, done: u64, total: u64) {
        let name = stage.name();
        let begins = self.stage != Some(stage);
        if begins {
            (self.stage, self.begun, self.left) = (Some(stage), Instant::now(), String::new());
            (self.first, self.done) = (done, done);
            self.bar.reset();
            self.bar.set_prefix(format!("{name:<26}"));
        }
        // From what this run did since the stage began; nothing is guessed before a part of it is done.
        if done != self.done && done < total {
            let each = self.begun.elapsed().as_secs_f64() / done.saturating_sub(self.first).max(1) as f64;
            let left = Duration::from_secs_f64(each * (total - done) as f64);
            self.done = done;
            self.left = format!(", about {} left", HumanDuration(left));
        } else if done >= total {
            self.left.clear();
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
        let sent = HumanBytes(self.traffic.total());
        let message = match stage {
            Stage::Training => {
                let iteration = (done / self.phases + 1).min(u64::from(self.iterations));
                let phase = if done == total { self.phases } else { done % self.phases + 1 };
                format!("iteration {iteration}/{}, phase {phase}/{}, {sent} sent", self.iterations, self.phases)
            }
            _ => format!("{sent} sent"),
        };
        let message = format!("{message}{}", self.left);
        if self.lines && total > 0 && (begins || self.told.elapsed() >= LINES) {
            self.told = Instant::now();
            eprintln!("{name}: {done} of {total}, {message}");
        }
        self.bar.set_message(message);
    }

    /// Says something that stays.
    pub(super) fn tell(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }

    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }
}

/// Bytes each party sent, in a list: members in order, the node last.
pub(super) fn sent(traffic: &Traffic) -> Vec<u64> {
    let members = traffic.from_members.iter().map(|m| m.load(Ordering::Relaxed));
    members.chain([traffic.from_node.load(Ordering::Relaxed)]).collect()
}

/// Steps that take a while each.
pub(super) struct Steps(ProgressBar);

impl Steps {
    pub(super) fn new(quiet: bool) -> Self {
        Self(bar(quiet, "{msg}  {elapsed} so far"))
    }

    pub(super) fn set(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }

    pub(super) fn done(&self) {
        self.0.finish_and_clear();
    }
}
