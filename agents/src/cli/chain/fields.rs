//! Commands out of protobuf descriptors: a message's fields become arguments, so that a new service needs no new code here.
//!
//! Numbers, texts, addresses and coins are arguments in the order of the fields; flags are what has a default: booleans,
//! enumerations, other messages (as JSON), and pagination.

use super::settings::{Bech, Settings};
use super::{enums, names};
use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Arg, ArgAction, ArgMatches, Command};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;
use zektra_agents::chain::amounts;
use zektra_agents::rejected::Rejected;
use zektra_proto::about::about;
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::json::{pool, scaled};

const PAGE: &str = "cosmos.base.query.v1beta1.PageRequest";
const COIN: &str = "cosmos.base.v1beta1.Coin";

/// What a field becomes.
enum Shape {
    /// An argument at its place; the last may stand several times.
    Argument { many: bool },
    /// A flag with a value.
    Flag,
    /// A flag without one.
    Switch,
    /// Flags of a page.
    Page,
}

/// Names in the manner of commands: `AllBalances` is `all-balances`.
pub fn kebab(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (i, c) in chars.iter().enumerate() {
        // A capital begins a word, unless it stands inside an abbreviation as in `ByID`.
        let before = i.checked_sub(1).map(|b| chars[b]);
        let begins = before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit())
            || (before.is_some_and(char::is_uppercase) && chars.get(i + 1).is_some_and(|n| n.is_lowercase()));
        if c.is_uppercase() && begins {
            out.push('-');
        }
        out.push(if *c == '_' { '-' } else { c.to_ascii_lowercase() });
    }
    out
}

/// What a method's command does, without the full stop, as clap has it.
pub fn sentence(method: &MethodDescriptor) -> String {
    about(method).trim_end_matches('.').into()
}

/// What text or bytes of a field are.
fn scalar(field: &FieldDescriptor) -> Option<String> {
    static SCALAR: LazyLock<Option<prost_reflect::ExtensionDescriptor>> =
        LazyLock::new(|| pool().get_extension_by_name("cosmos_proto.scalar"));
    field.options().get_extension(SCALAR.as_ref()?).as_str().map(Into::into)
}

/// What the address in a field is of, if it holds one.
fn bech(field: &FieldDescriptor) -> Option<Bech> {
    match &scalar(field)?[..] {
        "cosmos.AddressString" => Some(Bech::Account),
        "cosmos.ValidatorAddressString" => Some(Bech::Operator),
        "cosmos.ConsensusAddressString" => Some(Bech::Consensus),
        _ => None,
    }
}

/// The address that signs a message with this signer's field, as the field has it.
///
/// # Errors
/// Neither an address nor the name of a key.
pub fn signer(settings: &Settings, field: &FieldDescriptor, from: &str) -> Result<String> {
    settings.address_as(bech(field).unwrap_or(Bech::Account), from)
}

/// The fields that a user gives: not those that are deprecated, nor the one that `skip` names.
fn given<'a>(message: &'a MessageDescriptor, skip: Option<&'a str>) -> impl Iterator<Item = FieldDescriptor> + 'a {
    let deprecated = |f: &FieldDescriptor| f.field_descriptor_proto().options.as_ref().is_some_and(|o| o.deprecated());
    let mut fields: Vec<_> = message.fields().filter(|f| !deprecated(f) && Some(f.name()) != skip).collect();
    fields.sort_by_key(FieldDescriptor::number);
    fields.into_iter()
}

/// Whether no argument stands behind that of a list.
fn is_last(field: &FieldDescriptor) -> bool {
    let parent = field.parent_message();
    let mut behind = given(parent, None).filter(|f| f.number() > field.number());
    behind.all(|f| !matches!(shape(&f), Shape::Argument { .. }))
}

fn shape(field: &FieldDescriptor) -> Shape {
    if names::flag(field).0 {
        return Shape::Flag;
    }
    match field.kind() {
        Kind::Bool => Shape::Switch,
        Kind::Message(m) if m.full_name() == PAGE => Shape::Page,
        Kind::Message(m) if m.full_name() == COIN => Shape::Argument { many: false },
        Kind::Message(_) | Kind::Enum(_) => Shape::Flag,
        // A list in the middle would take what stands behind it.
        _ if field.is_list() && !is_last(field) => Shape::Flag,
        _ => Shape::Argument { many: field.is_list() },
    }
}

/// The name of a field's argument inside clap: never that of a flag which all commands have, as `node`.
fn id(field: &FieldDescriptor) -> String {
    format!("field {}", field.name())
}

/// A command with a message's fields as arguments.
pub fn arguments(mut command: Command, message: &MessageDescriptor, skip: Option<&str>) -> Command {
    for field in given(message, skip) {
        let name = field.name().to_string();
        let long = kebab(&name);
        let upper = name.to_uppercase();
        command = match shape(&field) {
            Shape::Argument { many } => {
                let arg = Arg::new(id(&field)).value_name(upper).help(hint(&field));
                command.arg(if many { arg.num_args(0..) } else { arg.required(!names::is_optional(&field)) })
            }
            Shape::Flag => {
                let action = if field.is_list() { ArgAction::Append } else { ArgAction::Set };
                let arg = Arg::new(id(&field)).long(long).visible_aliases(names::flag(&field).1);
                command.arg(arg.value_name(upper).action(action).help(hint(&field)))
            }
            Shape::Switch => command.arg(Arg::new(id(&field)).long(long).action(ArgAction::SetTrue).help(words(&name))),
            Shape::Page => page(command),
        };
    }
    command
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn hint(field: &FieldDescriptor) -> String {
    let words = words(field.name());
    if let Some(values) = names::enumeration(field) {
        return format!("{words}: {}", enums::known(&values));
    }
    match field.kind() {
        Kind::Message(m) if m.full_name() == COIN && field.is_list() => {
            format!("{words}: coins, as 1500uzektra,20atom")
        }
        Kind::Message(m) if m.full_name() == COIN => format!("{words}: a coin, as 1500uzektra"),
        Kind::Message(m) => format!("{words}: {} as JSON", m.full_name()),
        _ if is_dec(field) => format!("{words}: a decimal, as 0.05"),
        Kind::Bytes => format!("{words}: base64"),
        Kind::String => match bech(field) {
            Some(Bech::Account) => format!("{words}: an address, or the name of a key"),
            Some(Bech::Operator) => format!("{words}: an address of a validator or its operator, or the name of a key"),
            Some(Bech::Consensus) => {
                format!("{words}: an address of consensus, the key as JSON, or the validator's operator")
            }
            None => words,
        },
        _ => words,
    }
}

fn page(command: Command) -> Command {
    let number = |name: &'static str, help| Arg::new(name).long(name).value_name("N").help(help);
    command
        .arg(number("page-limit", "entries of a page"))
        .arg(number("page-offset", "entries to leave out").conflicts_with("page-key"))
        .arg(Arg::new("page-key").long("page-key").value_name("BASE64").help("next_key of the page before"))
        .arg(Arg::new("page-count-total").long("page-count-total").action(ArgAction::SetTrue).help("count all entries"))
        .arg(Arg::new("page-reverse").long("page-reverse").action(ArgAction::SetTrue).help("the last entries first"))
}

/// The message that a user gave, as JSON of its fields.
///
/// # Errors
/// A value that its field does not take.
pub fn message(
    settings: &Settings,
    matches: &ArgMatches,
    message: &MessageDescriptor,
    skip: Option<&str>,
) -> Result<Value> {
    let mut out = Map::new();
    for field in given(message, skip) {
        let id = id(&field);
        let value = match shape(&field) {
            Shape::Page => page_of(matches)?,
            Shape::Switch => Value::Bool(matches.get_flag(&id)),
            Shape::Argument { .. } | Shape::Flag => {
                let mut values = vec![];
                for text in matches.get_many::<String>(&id).unwrap_or_default() {
                    match value(settings, &field, text)? {
                        Value::Array(list) => values.extend(list),
                        value => values.push(value),
                    }
                }
                match field.is_list() {
                    true => Value::Array(values),
                    false if values.is_empty() => continue,
                    false => values.remove(0),
                }
            }
        };
        out.insert(field.name().into(), value);
    }
    Ok(Value::Object(out))
}

/// A coin in JSON.
pub fn coin(coin: &Coin) -> Value {
    json!({"denom": coin.denom, "amount": coin.amount})
}

fn value(settings: &Settings, field: &FieldDescriptor, text: &str) -> Result<Value> {
    let wrong = |expected: &str| Rejected::Input(format!("{} {text:?}: expected {expected}", field.name()));
    let fits = |ok: bool, expected: &str| if ok { Ok(()) } else { Err(wrong(expected)) };
    if let Some(values) = names::enumeration(field) {
        return Ok(enums::find(&values, text).ok_or_else(|| wrong(&enums::known(&values)))?.into());
    }
    match bech(field) {
        Some(Bech::Consensus) if text.starts_with('{') => return Ok(consensus_address(settings, text)?.into()),
        Some(Bech::Consensus) => return Ok(settings.consensus_address(text)?.into()),
        Some(form) => return Ok(settings.address_as(form, text)?.into()),
        None => {}
    }
    Ok(match field.kind() {
        Kind::Message(m) if m.full_name() == COIN && field.is_list() => {
            Value::Array(amounts::coins(text)?.iter().map(coin).collect())
        }
        Kind::Message(m) if m.full_name() == COIN => coin(&amounts::coin(text)?),
        Kind::Message(m) => {
            serde_json::from_str(text).map_err(|e| wrong(&format!("{} as JSON: {e}", m.full_name())))?
        }
        Kind::String | Kind::Bytes if is_dec(field) => {
            fits(scaled(text).is_some(), "a decimal, as 0.05")?;
            text.into()
        }
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            text.parse::<i32>().map_err(|_| wrong("a whole number of 32 bits"))?.into()
        }
        Kind::Uint32 | Kind::Fixed32 => {
            text.parse::<u32>().map_err(|_| wrong("a whole number from 0, of 32 bits"))?.into()
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            fits(text.parse::<i64>().is_ok(), "a whole number of 64 bits")?;
            text.into()
        }
        Kind::Uint64 | Kind::Fixed64 => {
            fits(text.parse::<u64>().is_ok(), "a whole number from 0, of 64 bits")?;
            text.into()
        }
        _ => text.into(),
    })
}

/// The address of a validator's key of consensus, which is given as JSON.
fn consensus_address(settings: &Settings, text: &str) -> Result<String> {
    let key = consensus_key(text)?;
    let bytes = key["key"].as_str().and_then(|key| STANDARD.decode(key).ok()).unwrap_or_default();
    Bech::Consensus.encode(&settings.prefix, &Sha256::digest(bytes)[..20])
}

/// A validator's key of consensus as the JSON of its message.
///
/// # Errors
/// JSON of anything else.
pub fn consensus_key(text: &str) -> Result<Value> {
    let form = r#"{"@type":"/cosmos.crypto.ed25519.PubKey","key":"…"}"#;
    let wrong = || Rejected::Input(format!("public key {text:?}: expected {form}"));
    let mut key: Value = serde_json::from_str(text).map_err(|_| wrong())?;
    // As CometBFT's programs print it.
    if key["type"] == "tendermint/PubKeyEd25519" {
        key = json!({"@type": "/cosmos.crypto.ed25519.PubKey", "key": key["value"]});
    }
    let length = key["key"].as_str().and_then(|key| STANDARD.decode(key).ok()).map(|bytes| bytes.len());
    let fits = key["@type"] == "/cosmos.crypto.ed25519.PubKey" && length == Some(32);
    Ok(if fits { key } else { return Err(wrong().into()) })
}

fn is_dec(field: &FieldDescriptor) -> bool {
    scalar(field).as_deref() == Some("cosmos.Dec")
}

fn page_of(matches: &ArgMatches) -> Result<Value, Rejected> {
    let number = |name: &str| match matches.get_one::<String>(name) {
        None => Ok("0".to_string()),
        Some(text) if text.parse::<u64>().is_ok() => Ok(text.clone()),
        Some(text) => Err(Rejected::Input(format!("--{name} {text:?}: expected a whole number from 0"))),
    };
    Ok(json!({
        "key": matches.get_one::<String>("page-key").cloned().unwrap_or_default(),
        "limit": number("page-limit")?,
        "offset": number("page-offset")?,
        "count_total": matches.get_flag("page-count-total"),
        "reverse": matches.get_flag("page-reverse"),
    }))
}

#[cfg(test)]
mod tests {
    use super::kebab;

    #[test]
    fn names_become_commands() {
        for (name, command) in [
            ("Balance", "balance"),
            ("AllBalances", "all-balances"),
            ("AccountAddressByID", "account-address-by-id"),
            ("ABCIQuery", "abci-query"),
            ("Bech32Prefix", "bech32-prefix"),
            ("resolve_denom", "resolve-denom"),
        ] {
            assert_eq!(kebab(name), command);
        }
    }
}
