//! Addresses: bytes inside, bech32 outside.

use crate::error::{Sdk, TxError};
use bech32::{Bech32, Hrp};
use sha2::{Digest as _, Sha256};
use std::fmt;
use zektra_state::StateError;

/// What an operator's addresses have behind the chain's prefix.
const OPERATOR: &str = "valoper";
/// What consensus addresses have behind the chain's prefix.
const CONSENSUS: &str = "valcons";

/// Most bytes of an address.
pub const MAX_LENGTH: usize = 255;

/// The chain's bech32 prefix: `zektra` in `zektra1…`, `zektravaloper1…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

/// The bytes of an address: 20 for a key or a module, up to [`MAX_LENGTH`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(Vec<u8>);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02X}"))
    }
}

impl Address {
    /// An address of these bytes.
    ///
    /// # Errors
    /// No bytes, or more than [`MAX_LENGTH`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, TxError> {
        if bytes.is_empty() || bytes.len() > MAX_LENGTH {
            let wrong = format!("address has {} bytes, expected 1 to {MAX_LENGTH}", bytes.len());
            return Err(Sdk::InvalidAddress.wrap(wrong));
        }
        Ok(Self(bytes))
    }

    /// The address of a module: the first 20 bytes of the SHA-256 of its name.
    pub fn of_module(name: &str) -> Self {
        Self(Sha256::digest(name)[..20].to_vec())
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes behind their length: in keys where more follows.
    pub fn prefixed(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1 + self.0.len());
        out.push(self.0.len() as u8);
        out.extend(&self.0);
        out
    }
}

/// An address that stands behind its length, and what follows.
pub fn split_prefixed(bytes: &[u8]) -> Option<(Address, &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    let (address, rest) = rest.split_at_checked(usize::from(length))?;
    Some((Address::new(address.to_vec()).ok()?, rest))
}

impl Prefix {
    /// A prefix of lower-case letters and digits that begins with a letter.
    ///
    /// # Errors
    /// Any other, or more than 20 characters.
    pub fn new(prefix: &str) -> Result<Self, String> {
        let wrong =
            || format!("bech32 prefix {prefix:?}: expected 1 to 20 lower-case letters and digits, a letter first");
        let mut characters = prefix.chars();
        let first = characters.next().ok_or_else(wrong)?;
        let all = characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        if !first.is_ascii_lowercase() || !all || prefix.len() > 20 {
            return Err(wrong());
        }
        Ok(Self(prefix.into()))
    }

    /// The prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An account's address as text.
    pub fn text(&self, address: &Address) -> String {
        encode(&self.0, address.bytes())
    }

    /// A validator's consensus address as text.
    pub fn consensus_text(&self, address: &Address) -> String {
        encode(&format!("{}{CONSENSUS}", self.0), address.bytes())
    }

    /// A validator's operator address as text.
    pub fn operator_text(&self, address: &Address) -> String {
        encode(&format!("{}{OPERATOR}", self.0), address.bytes())
    }

    /// Reads an account's address.
    ///
    /// # Errors
    /// Text that is no address, or has another prefix.
    pub fn parse(&self, text: &str) -> Result<Address, TxError> {
        decode(text, &self.0)
    }

    /// Reads a validator's operator address.
    ///
    /// # Errors
    /// Text that is none.
    pub fn parse_operator(&self, text: &str) -> Result<Address, TxError> {
        decode(text, &format!("{}{OPERATOR}", self.0))
    }

    /// Reads the address of a signer: an account's, or that of a validator's operator.
    ///
    /// # Errors
    /// Text that is neither.
    pub fn parse_signer(&self, text: &str) -> Result<Address, TxError> {
        let operator = text.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with(OPERATOR));
        if operator { self.parse_operator(text) } else { self.parse(text) }
    }

    /// Reads a validator's consensus address.
    ///
    /// # Errors
    /// Text that is none.
    pub fn parse_consensus(&self, text: &str) -> Result<Address, TxError> {
        decode(text, &format!("{}{CONSENSUS}", self.0))
    }
}

/// The address in a text that the chain itself has written, whatever its prefix.
///
/// # Errors
/// Other text: the database is damaged.
pub fn written(text: &str) -> Result<Address, StateError> {
    let damaged = |e: String| StateError::Damaged(format!("address {text:?}: {e}"));
    let checked = bech32::primitives::decode::CheckedHrpstring::new::<NoLimit>(text);
    let checked = checked.map_err(|e| damaged(e.to_string()))?;
    Address::new(checked.byte_iter().collect()).map_err(|e| damaged(e.log))
}

fn decode(text: &str, prefix: &str) -> Result<Address, TxError> {
    if text.trim().is_empty() {
        return Err(Sdk::InvalidAddress.wrap("empty address string is not allowed"));
    }
    let failed = |e: String| Sdk::InvalidAddress.wrap(format!("decoding bech32 failed: {e}"));
    let checked = bech32::primitives::decode::CheckedHrpstring::new::<NoLimit>(text);
    let checked = checked.map_err(|e| failed(e.to_string()))?;
    let found = checked.hrp().to_lowercase();
    if found != prefix {
        let wrong = format!("invalid Bech32 prefix; expected {prefix}, got {found}");
        return Err(Sdk::InvalidAddress.wrap(wrong));
    }
    // Bits that are no part of a byte: at most four, all zero, else one address had several texts.
    checked.validate_segwit_padding().map_err(|e| failed(e.to_string()))?;
    Address::new(checked.byte_iter().collect())
}

fn encode(prefix: &str, bytes: &[u8]) -> String {
    // A prefix was checked when it was made, and 255 bytes are encoded at most.
    let hrp = Hrp::parse(prefix).expect("lower-case letters and digits are a prefix");
    bech32::encode::<NoLimit>(hrp, bytes).expect("the checksum has no limit of length")
}

/// Bech32 without its limit of 90 characters, as Cosmos addresses have it.
enum NoLimit {}

impl bech32::Checksum for NoLimit {
    type MidstateRepr = u32;
    const CODE_LENGTH: usize = 1023;
    const CHECKSUM_LENGTH: usize = <Bech32 as bech32::Checksum>::CHECKSUM_LENGTH;
    const GENERATOR_SH: [u32; 5] = <Bech32 as bech32::Checksum>::GENERATOR_SH;
    const TARGET_RESIDUE: u32 = <Bech32 as bech32::Checksum>::TARGET_RESIDUE;
}
