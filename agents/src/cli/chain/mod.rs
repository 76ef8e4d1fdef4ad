//! `zektra keys | query | tx | status`: the chain from the command line, in the manner of its Go relatives.

pub mod acts;
mod enums;
mod fields;
mod grown;
pub mod hex;
pub mod keys;
mod names;
pub mod query;
pub mod settings;
pub mod tx;
mod yaml;

use serde_json::Value;
use settings::Settings;
use std::io::Write as _;

/// How results are printed.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// As JSON; as YAML otherwise.
    pub json: bool,
}

impl Shown {
    /// With what the settings say.
    fn with(self, settings: &Settings) -> Self {
        Self { json: self.json || settings.json }
    }

    fn value(self, value: &Value) {
        self.text(&if self.json { value.to_string() } else { yaml::yaml(value) });
    }

    fn text(self, text: &str) {
        // A reader that has gone, as in `zektra … | head`, is no failure.
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }
}
