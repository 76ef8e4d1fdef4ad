//! From messages to the bytes that a node takes.

use super::key::Key;
use anyhow::Result;
use cosmrs::crypto::PublicKey;
use prost::Message as _;
use zektra_proto::Any;
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::tx::signing::v1beta1::SignMode;
use zektra_proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use zektra_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignDoc, SignerInfo, Tx, TxBody};

/// What a signature binds a transaction to, besides its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing<'a> {
    /// The chain's id.
    pub chain_id: &'a str,
    /// The signer's number on the chain.
    pub account_number: u64,
    /// Transactions that the signer has sent.
    pub sequence: u64,
}

/// A transaction without signatures.
pub fn unsigned(messages: Vec<Any>, memo: &str, timeout_height: u64, fee: Vec<Coin>, gas: u64) -> Tx {
    let body = TxBody { messages, memo: memo.into(), timeout_height, ..Default::default() };
    let fee = Fee { amount: fee, gas_limit: gas, ..Default::default() };
    Tx { body: Some(body), auth_info: Some(AuthInfo { fee: Some(fee), ..Default::default() }), signatures: vec![] }
}

/// The same transaction naming its one signer, with an empty signature: what a node simulates.
///
/// # Errors
/// A public key that has no protobuf form.
pub fn named(tx: &Tx, key: &PublicKey, sequence: u64) -> Result<Tx> {
    let any = key.to_any().map_err(|e| anyhow::anyhow!("public key: {e}"))?;
    let single = Single { mode: SignMode::Direct as i32 };
    let signer = SignerInfo {
        public_key: Some(Any { type_url: any.type_url, value: any.value }),
        mode_info: Some(ModeInfo { sum: Some(Sum::Single(single)) }),
        sequence,
    };
    let mut tx = tx.clone();
    tx.auth_info.get_or_insert_default().signer_infos = vec![signer];
    tx.signatures = vec![Default::default()];
    Ok(tx)
}

/// The transaction signed by its one signer, in the mode DIRECT.
///
/// # Errors
/// What the libraries say.
pub fn sign(tx: &Tx, key: &Key, signing: &Signing<'_>) -> Result<Tx> {
    let mut tx = named(tx, &key.public(), signing.sequence)?;
    let document = SignDoc {
        body_bytes: tx.body.clone().unwrap_or_default().encode_to_vec().into(),
        auth_info_bytes: tx.auth_info.clone().unwrap_or_default().encode_to_vec().into(),
        chain_id: signing.chain_id.into(),
        account_number: signing.account_number,
    };
    tx.signatures = vec![key.sign(&document.encode_to_vec())?.into()];
    Ok(tx)
}
