//! The language in which clients search and subscribe: `message.action='/cosmos.bank.v1beta1.MsgSend' AND tx.height>5`.

use super::{Named, named};
use crate::tx::TxHash;
use std::fmt;
use zektra_proto::tendermint::abci::TxResult;

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Operation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    Exists,
}

/// Longest first, so that none hides another.
const OPERATIONS: [(&str, Operation); 7] = [
    ("<=", Operation::LessOrEqual),
    (">=", Operation::GreaterOrEqual),
    ("<", Operation::Less),
    (">", Operation::Greater),
    ("=", Operation::Equal),
    ("CONTAINS", Operation::Contains),
    ("EXISTS", Operation::Exists),
];

/// One condition on an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `type.key` of the event.
    pub name: String,
    /// How it compares.
    pub operation: Operation,
    /// With what; empty for `EXISTS`.
    pub value: String,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = OPERATIONS.iter().find(|(_, o)| *o == self.operation).map_or("", |(text, _)| text);
        match self.operation {
            Operation::Exists => write!(f, "{} EXISTS", self.name),
            Operation::Contains | Operation::Equal => {
                write!(f, "{} {operation} '{}'", self.name, self.value.replace('\\', r"\\").replace('\'', r"\'"))
            }
            _ => write!(f, "{} {operation} {}", self.name, self.value),
        }
    }
}

/// Conditions that all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<Condition>);

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conditions: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&conditions.join(" AND "))
    }
}

/// A query that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("query {query:?}: {why} at character {at}")]
pub struct QueryParseError {
    query: String,
    at: usize,
    why: &'static str,
}

/// Most conditions of a query.
const MAX_CONDITIONS: usize = 32;

impl std::str::FromStr for Query {
    type Err = QueryParseError;

    fn from_str(text: &str) -> Result<Self, QueryParseError> {
        let mut rest = text.trim_start();
        let mut out = vec![];
        let wrong = |rest: &str, why| QueryParseError { query: text.into(), at: text.len() - rest.len(), why };
        while !rest.is_empty() {
            if !out.is_empty() {
                let next = rest.strip_prefix("AND").filter(|next| next.starts_with(char::is_whitespace));
                rest = next.ok_or_else(|| wrong(rest, "expected AND"))?.trim_start();
            }
            if out.len() == MAX_CONDITIONS {
                return Err(wrong(rest, "more than 32 conditions"));
            }
            let end = rest.find(|c: char| c.is_whitespace() || "=<>'\"()".contains(c)).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if name.is_empty() {
                return Err(wrong(rest, "expected the name of an event, type.key"));
            }
            let after = after.trim_start();
            let found = OPERATIONS.iter().find_map(|(t, o)| after.strip_prefix(t).map(|rest| (*o, rest)));
            let (operation, after) =
                found.ok_or_else(|| wrong(after, "expected =, <, <=, >, >=, CONTAINS or EXISTS"))?;
            let after = after.trim_start();
            let (value, after) = match (operation, after.strip_prefix('\'')) {
                (Operation::Exists, _) => (String::new(), after),
                (_, Some(quoted)) => unquote(quoted).ok_or_else(|| wrong(after, "a quote that does not end"))?,
                (_, None) => {
                    let end = after.find(char::is_whitespace).unwrap_or(after.len());
                    let (word, rest) = after.split_at(end);
                    let word = word.strip_prefix("TIME").or(word.strip_prefix("DATE")).unwrap_or(word);
                    let number = word.starts_with(|c: char| c.is_ascii_digit() || c == '-');
                    if !number {
                        return Err(wrong(after, "expected a number or a value in single quotes"));
                    }
                    (word.to_string(), rest)
                }
            };
            let ordered = !matches!(operation, Operation::Equal | Operation::Contains | Operation::Exists);
            if ordered && value.parse::<i128>().is_err() {
                return Err(wrong(rest, "only whole numbers are compared"));
            }
            out.push(Condition { name: name.into(), operation, value });
            rest = after.trim_start();
        }
        if out.is_empty() {
            return Err(wrong(text, "expected a condition"));
        }
        Ok(Self(out))
    }
}

/// The text up to the quote's end, and what follows; `\'` stands for a quote, `\\` for a backslash.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return Some((out, &quoted[at + 1..])),
            '\\' => out.push(chars.next()?.1),
            _ => out.push(c),
        }
    }
    None
}

impl Query {
    /// The conditions.
    pub fn conditions(&self) -> &[Condition] {
        &self.0
    }

    /// Whether all conditions hold for what happened.
    pub fn fits(&self, events: &Named) -> bool {
        self.0.iter().all(|condition| events.get(&condition.name).is_some_and(|values| condition.fits(values)))
    }

    /// Whether all conditions hold for a transaction.
    pub fn fits_record(&self, record: &TxResult) -> bool {
        let mut events = record.result.as_ref().map(|r| named(&r.events)).unwrap_or_default();
        let hash = hex::encode_upper(crate::tx::hash(&record.tx));
        events.insert("tx.hash".into(), vec![hash]);
        events.insert("tx.height".into(), vec![record.height.to_string()]);
        events.insert("tm.event".into(), vec!["Tx".into()]);
        self.fits(&events)
    }

    /// The hash that is asked for.
    pub(super) fn hash(&self) -> Option<TxHash> {
        let asked = self.0.iter().find(|c| c.name == "tx.hash" && c.operation == Operation::Equal)?;
        // What is no hash fits nothing.
        Some(hex::decode(&asked.value).ok().and_then(|h| TxHash::try_from(h).ok()).unwrap_or_default())
    }

    /// Values that must be there as they are.
    pub(super) fn equal(&self) -> impl Iterator<Item = (&str, &str)> {
        let indexed = |c: &&Condition| {
            c.operation == Operation::Equal && !matches!(&c.name[..], "tx.height" | "tx.hash" | "tm.event")
        };
        self.0.iter().filter(indexed).map(|c| (&c.name[..], &c.value[..]))
    }

    /// The lowest and the highest height that can fit, by the conditions on `name`.
    pub fn heights_of(&self, name: &str) -> (u64, u64) {
        let (mut lowest, mut highest) = (0u64, u64::MAX);
        for c in self.0.iter().filter(|c| c.name == name) {
            let Ok(height) = c.value.parse::<u64>() else { continue };
            match c.operation {
                Operation::Equal => (lowest, highest) = (lowest.max(height), highest.min(height)),
                Operation::Greater => lowest = lowest.max(height.saturating_add(1)),
                Operation::GreaterOrEqual => lowest = lowest.max(height),
                Operation::Less => highest = highest.min(height.saturating_sub(1)),
                Operation::LessOrEqual => highest = highest.min(height),
                Operation::Contains | Operation::Exists => {}
            }
        }
        (lowest, highest)
    }
}

impl Condition {
    fn fits(&self, values: &[String]) -> bool {
        let wanted = self.value.parse::<i128>().ok();
        let ordered = |compare: fn(&i128, &i128) -> bool| {
            values.iter().filter_map(|v| v.parse().ok()).any(|v: i128| wanted.is_some_and(|w| compare(&v, &w)))
        };
        match self.operation {
            Operation::Equal => values.contains(&self.value),
            Operation::Contains => values.iter().any(|v| v.contains(&self.value)),
            Operation::Exists => true,
            Operation::Less => ordered(i128::lt),
            Operation::LessOrEqual => ordered(i128::le),
            Operation::Greater => ordered(i128::gt),
            Operation::GreaterOrEqual => ordered(i128::ge),
        }
    }
}
