//! `zektra listing create | update`.

use crate::cli::chain::tx::own::{Made, Own, Signer, any};
use anyhow::Result;
use clap::Args;
use prost_reflect::EnumDescriptor;
use zektra_agents::rejected::Rejected;
use zektra_proto::json::pool;
use zektra_proto::market::v1::{Kind, MsgList, MsgUpdateTier, Rate, Tier};

/// What is listed, and what it costs.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["dataset", "set"]))]
pub struct Create {
    /// The number of the dataset.
    #[arg(long, value_name = "NUMBER")]
    dataset: Option<u64>,
    /// The number of the set.
    #[arg(long, value_name = "NUMBER")]
    set: Option<u64>,
    /// A tier, once for each: NAME:LICENCE:PASSES:OUTPUT:HEIGHT=RATE,… with the most passes of a job, weights or
    /// inference-only, and base units for a MiB and a pass from a height on.
    #[arg(long, required = true, value_name = "TIER")]
    tier: Vec<Listed>,
}

/// A tier that is new or changed.
#[derive(Args, Debug)]
pub struct Update {
    /// The listing's number.
    listing: u64,
    /// The tier: NAME:LICENCE:PASSES:OUTPUT, and of a new one :HEIGHT=RATE,… as well.
    #[arg(long, value_name = "TIER")]
    tier: Listed,
}

/// A tier as people write it.
#[derive(Clone, Debug)]
struct Listed(Tier);

impl std::str::FromStr for Listed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split(':').collect();
        let (Some(&[name, licence, passes, output]), rest) = (fields.first_chunk::<4>(), fields.get(4..)) else {
            return Err(
                "expected NAME:LICENCE:PASSES:OUTPUT:HEIGHT=RATE,…, as standard:research:100:weights:0=250".into()
            );
        };
        let schedule = match rest.unwrap_or_default() {
            [] => vec![],
            [rates] => rates.split(',').map(rate).collect::<Result<_, _>>()?,
            more => return Err(format!("{:?} after the rates, expected nothing", more[1..].join(":"))),
        };
        for (field, value) in [("name", name), ("licence", licence)] {
            if value.is_empty() {
                return Err(format!("{field}: empty, expected a text"));
            }
        }
        let max_passes = passes.parse().map_err(|_| format!("passes {passes:?}: expected a whole number"))?;
        let output = outputs().and_then(|values| {
            let named = super::super::enums::find(&values, output)?;
            values.get_value_by_name(&named).map(|v| v.number()).filter(|n| *n != 0)
        });
        let output = output.ok_or_else(|| format!("output {:?}: expected {}", fields[3], known()))?;
        Ok(Self(Tier { name: name.into(), licence: licence.into(), max_passes, output, schedule }))
    }
}

fn outputs() -> Option<EnumDescriptor> {
    pool().get_enum_by_name("zektra.market.v1.Output")
}

fn known() -> String {
    outputs().map_or_else(String::new, |values| super::super::enums::known(&values).replace(", ", " or "))
}

fn rate(text: &str) -> Result<Rate, String> {
    let wrong = || format!("rate {text:?}: expected HEIGHT=RATE, as 1000=300");
    let (from_height, rate) = text.split_once('=').ok_or_else(wrong)?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
    Ok(Rate { from_height: number(from_height)?, rate: number(rate)? })
}

impl Own for Create {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let (kind, target) = match (self.dataset, self.set) {
            (Some(dataset), _) => (Kind::Dataset, dataset),
            (None, set) => (Kind::Set, set.unwrap_or_default()),
        };
        let tiers: Vec<Tier> = self.tier.into_iter().map(|t| t.0).collect();
        if let Some(tier) = tiers.iter().find(|t| t.schedule.is_empty()) {
            return Err(Rejected::Input(format!("--tier {}: no rates, expected HEIGHT=RATE,…", tier.name)).into());
        }
        let message = MsgList { seller: from.account()?, kind: kind.into(), target, tiers };
        from.sign(vec![any(&message)])
    }
}

impl Own for Update {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let message = MsgUpdateTier { seller: from.account()?, listing: self.listing, tier: Some(self.tier.0) };
        from.sign(vec![any(&message)])
    }
}

#[cfg(test)]
mod tests {
    use super::{Listed, Rate};
    use zektra_proto::market::v1::Output;

    #[test]
    fn a_tier_is_written_in_one_line() {
        let tier = "standard:research:100:weights:0=250,1000=300".parse::<Listed>().unwrap().0;
        assert_eq!((&tier.name[..], &tier.licence[..], tier.max_passes), ("standard", "research", 100));
        assert_eq!(tier.output(), Output::Weights);
        assert_eq!(tier.schedule, [Rate { from_height: 0, rate: 250 }, Rate { from_height: 1000, rate: 300 }]);
        let known = "standard:research:100:inference-only".parse::<Listed>().unwrap().0;
        assert!(known.schedule.is_empty() && known.output() == Output::InferenceOnly);
        for (text, says) in [
            ("standard:research:100", "expected NAME:LICENCE:PASSES:OUTPUT"),
            (":research:100:weights", "name: empty"),
            ("standard:research:many:weights", "passes \"many\": expected a whole number"),
            ("standard:research:1:all", "output \"all\": expected weights or inference-only"),
            ("standard:research:1:weights:250", "rate \"250\": expected HEIGHT=RATE"),
            ("standard:research:1:weights:0=1:x", "\"x\" after the rates"),
        ] {
            let why = text.parse::<Listed>().unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
