//! Amino: the JSON that hardware wallets show and sign, and the bytes of keys that addresses come from.

mod json;
mod message;

use crate::sign::{Key, Signer};
use crate::tx::Tx;
use serde_json::json;
use zektra_modules::error::{Sdk, TxError};

/// Bytes in front of a secp256k1 key.
const SECP256K1: [u8; 5] = [0xeb, 0x5a, 0xe9, 0x87, 33];
/// Bytes in front of a multisig key.
const MULTISIG: [u8; 4] = [0x22, 0xc1, 0xf7, 0xe2];

/// The bytes of a key as amino has them.
pub fn key_bytes(key: &Key) -> Vec<u8> {
    match key {
        Key::Secp256k1(key) => [&SECP256K1[..], key].concat(),
        Key::Multisig(threshold, keys) => {
            let mut out = MULTISIG.to_vec();
            out.push(0x08);
            varint(u64::from(*threshold), &mut out);
            for key in keys {
                let bytes = key_bytes(key);
                out.push(0x12);
                varint(bytes.len() as u64, &mut out);
                out.extend(bytes);
            }
            out
        }
    }
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// What a wallet shows of a message.
///
/// # Errors
/// A message that is not known, or that amino's JSON does not have.
pub fn message_bytes(message: &zektra_proto::Any) -> Result<Vec<u8>, TxError> {
    message::any(message).map(|json| json::bytes(&json))
}

/// What is signed in the mode of amino's JSON.
///
/// # Errors
/// A transaction that this mode cannot show.
pub fn sign_bytes(tx: &Tx, signer: &Signer<'_>) -> Result<Vec<u8>, TxError> {
    let refused = |what: &str| Sdk::InvalidRequest.wrap(format!("SIGN_MODE_LEGACY_AMINO_JSON does not support {what}"));
    let body = &tx.body;
    if !body.extension_options.is_empty() || !body.non_critical_extension_options.is_empty() {
        return Err(refused("protobuf extension options"));
    }
    if body.unordered || body.timeout_timestamp.is_some() {
        return Err(refused("unordered transactions and timeout timestamps"));
    }
    #[expect(deprecated, reason = "what wallets no longer show, somebody else could put in")]
    if tx.auth.tip.is_some() {
        return Err(refused("tips"));
    }
    // What the JSON does not show, further fields or another form of the same, could be changed by anybody after signing.
    crate::wire::demand_plain("cosmos.tx.v1beta1.TxBody", &tx.raw.body_bytes)?;
    crate::wire::demand_plain("cosmos.tx.v1beta1.AuthInfo", &tx.raw.auth_info_bytes)?;
    let fee = tx.auth.fee.clone().unwrap_or_default();
    let mut shown = json!({
        "amount": fee.amount.iter().map(|c| json!({"amount": c.amount, "denom": c.denom})).collect::<Vec<_>>(),
        "gas": fee.gas_limit.to_string(),
    });
    for (name, value) in [("payer", fee.payer), ("granter", fee.granter)] {
        if !value.is_empty() {
            shown[name] = value.into();
        }
    }
    let messages = body.messages.iter().map(message::any).collect::<Result<Vec<_>, _>>()?;
    let mut doc = json!({
        "account_number": signer.account_number.to_string(),
        "chain_id": signer.chain_id,
        "fee": shown,
        "memo": body.memo,
        "msgs": messages,
        "sequence": signer.sequence.to_string(),
    });
    if body.timeout_height > 0 {
        doc["timeout_height"] = body.timeout_height.to_string().into();
    }
    Ok(json::bytes(&doc))
}
