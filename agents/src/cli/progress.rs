//! What is shown while something takes time.

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::atomic::Ordering;
use std::time::Duration;
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

/// Circuits that are being built.
pub(super) struct Building(ProgressBar);

impl Building {
    pub(super) fn new(quiet: bool) -> Self {
        Self(bar(quiet, "building circuits  {msg}  {elapsed} so far"))
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

/// Stage, iteration, phase, bytes, time left. The loss is encrypted, so it is not shown.
pub(super) struct Training {
    bar: ProgressBar,
    stage: Option<Stage>,
    phases: u64,
    iterations: u32,
    traffic: Traffic,
}

impl Training {
    pub(super) fn new(quiet: bool, phases: usize, iterations: u32, traffic: Traffic) -> Self {
        let bar = bar(quiet, "{prefix}  [{bar:30}] {pos}/{len}  {msg}  {elapsed} so far, {eta} left");
        Self { bar, stage: None, phases: phases as u64, iterations, traffic }
    }

    pub(super) fn set(&mut self, stage: Stage, done: u64, total: u64) {
        if self.stage != Some(stage) {
            self.stage = Some(stage);
            self.bar.reset();
            self.bar.set_prefix(match stage {
                Stage::Collecting => "tiles and extension shares",
                Stage::DataProofs => "proofs of tiles and shares",
                Stage::Offline => "offline shares            ",
                Stage::OfflineProofs => "proofs of offline shares  ",
                Stage::Proving => "proving what was computed ",
                Stage::Training => "training on ciphertext    ",
                Stage::Releasing => "releases                  ",
            });
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
        let sent = HumanBytes(self.traffic.total());
        self.bar.set_message(match stage {
            Stage::Training => {
                let iteration = (done / self.phases + 1).min(u64::from(self.iterations));
                let phase = if done == total { self.phases } else { done % self.phases + 1 };
                format!("iteration {iteration}/{}, phase {phase}/{}, {sent} sent", self.iterations, self.phases)
            }
            _ => format!("{sent} sent"),
        });
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
