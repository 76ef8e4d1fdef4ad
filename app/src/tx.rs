//! Transactions: bytes to messages, strictly.

use crate::sign::Key;
use crate::wire;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::sync::OnceLock;
use zektra_modules::address::{Address, Prefix};
use zektra_modules::coin::Coins;
use zektra_modules::error::{Sdk, TxError};
use zektra_modules::module::Message;
use zektra_proto::Any;
use zektra_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, TxBody, TxRaw};

/// A transaction's hash: SHA-256 of its bytes.
pub type TxHash = [u8; 32];

/// Signers at most, far beyond what the chain's parameters let through: those that are empty take two bytes each.
const MOST_SIGNERS: usize = 1000;

/// A transaction that was read and checked as far as no state is needed.
#[derive(Debug)]
pub struct Tx {
    /// The hash.
    pub hash: TxHash,
    /// Its size in bytes.
    pub size: usize,
    /// The bytes that are signed.
    pub raw: TxRaw,
    /// What it does.
    pub body: TxBody,
    /// Who pays and signs.
    pub auth: AuthInfo,
    /// The messages with what handles them.
    pub messages: Vec<(Message, Any)>,
    /// Who must sign, in order: signers of the messages, then a fee payer that is none of them.
    pub signers: Vec<Address>,
    /// Who pays.
    pub payer: Address,
    /// The fee.
    pub fee: Coins,
    /// The keys that the signers bring along, each read when it is first asked for.
    keys: Vec<OnceLock<Result<Key, TxError>>>,
    /// What each signature was found to be right for.
    right: Vec<OnceLock<Signed>>,
}

/// What a signature is right for, besides the transaction and the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Signed {
    /// Whose it is.
    pub key: Key,
    /// The number of the account.
    pub account_number: u64,
    /// The account's sequence.
    pub sequence: u64,
}

impl Tx {
    /// The fee's record.
    pub fn fee_record(&self) -> Option<&Fee> {
        self.auth.fee.as_ref()
    }

    /// The key that the `signer`-th signer brings along, if it brings one.
    pub fn key(&self, signer: usize) -> Option<&Result<Key, TxError>> {
        let any = self.auth.signer_infos.get(signer)?.public_key.as_ref()?;
        Some(self.keys.get(signer)?.get_or_init(|| Key::from_any(any)))
    }

    /// Notes what the `signer`-th signature was found to be right for; the first note counts.
    pub fn note_right(&self, signer: usize, signed: Signed) {
        let _ = self.right.get(signer).map(|noted| noted.set(signed));
    }

    /// What the `signer`-th signature was found to be right for.
    pub fn right(&self, signer: usize) -> Option<&Signed> {
        self.right.get(signer)?.get()
    }

    /// The gas limit.
    pub fn gas_limit(&self) -> u64 {
        self.auth.fee.as_ref().map_or(0, |f| f.gas_limit)
    }
}

/// The hash of a transaction's bytes.
pub fn hash(bytes: &[u8]) -> TxHash {
    Sha256::digest(bytes).into()
}

/// Finds what handles a message, by its full name.
pub trait Handlers {
    /// The functions of a message type.
    fn handler(&self, name: &str) -> Option<Message>;
}

/// The three parts of a transaction, in the one form that they have: for whoever only shows them.
///
/// # Errors
/// Bytes that are no transaction, unknown fields, messages nested beyond any use: code 2.
pub fn parts(bytes: &[u8]) -> Result<(TxRaw, TxBody, AuthInfo), TxError> {
    let parse = |e: prost::DecodeError| Sdk::TxDecode.wrap(e);
    wire::demand_canonical(bytes)?;
    wire::refuse_unknown("cosmos.tx.v1beta1.TxRaw", bytes, false)?;
    let raw = TxRaw::decode(bytes).map_err(parse)?;
    wire::refuse_unknown("cosmos.tx.v1beta1.TxBody", &raw.body_bytes, true)?;
    let body = TxBody::decode(&raw.body_bytes[..]).map_err(parse)?;
    wire::refuse_unknown("cosmos.tx.v1beta1.AuthInfo", &raw.auth_info_bytes, false)?;
    let auth = AuthInfo::decode(&raw.auth_info_bytes[..]).map_err(parse)?;
    let most = auth.signer_infos.len().max(raw.signatures.len());
    if most > MOST_SIGNERS {
        return Err(Sdk::TxDecode.wrap(format!("{most} signers: expected at most {MOST_SIGNERS}")));
    }
    Ok((raw, body, auth))
}

/// Reads a transaction.
///
/// # Errors
/// What [`parts`] refuses; messages without a handler or that can never be right.
pub fn decode(bytes: &[u8], handlers: &dyn Handlers, prefix: &Prefix) -> Result<Tx, TxError> {
    let (raw, body, auth) = parts(bytes)?;
    if body.messages.is_empty() {
        return Err(Sdk::InvalidRequest.wrap("must contain at least one message"));
    }
    let (mut messages, mut signers, mut known) = (vec![], vec![], BTreeSet::new());
    for (k, any) in body.messages.iter().enumerate() {
        let name = any.type_url.strip_prefix('/').unwrap_or(&any.type_url);
        let unknown = || Sdk::UnknownRequest.wrap(format!("no message handler found for {}", any.type_url));
        let handler = handlers.handler(name).ok_or_else(unknown)?;
        if handler.carries_proof() && body.messages.len() > 1 {
            let alone = format!("message index: {k}: {name} carries a proof: expected in a transaction of its own");
            return Err(Sdk::InvalidRequest.wrap(alone));
        }
        let of_message = handler.check(&any.value, prefix);
        let of_message = of_message.map_err(|e| e.within(format!("message index: {k}")))?;
        for signer in of_message {
            if known.insert(signer.clone()) {
                signers.push(signer);
            }
        }
        messages.push((handler, any.clone()));
    }
    let fee_record = auth.fee.clone().unwrap_or_default();
    let fee = Coins::sorted(&fee_record.amount)
        .map_err(|e| Sdk::InsufficientFee.wrap(format!("invalid fee provided: {}", e.log)))?;
    let first = signers.first().cloned().ok_or_else(|| Sdk::NoSignatures.bare())?;
    let payer = if fee_record.payer.is_empty() {
        first
    } else {
        let payer = prefix.parse(&fee_record.payer).map_err(|e| e.within("fee payer address"))?;
        if known.insert(payer.clone()) {
            signers.push(payer.clone());
        }
        payer
    };
    let keys = auth.signer_infos.iter().map(|_| OnceLock::new()).collect();
    let right = auth.signer_infos.iter().map(|_| OnceLock::new()).collect();
    Ok(Tx { hash: hash(bytes), size: bytes.len(), raw, body, auth, messages, signers, payer, fee, keys, right })
}
