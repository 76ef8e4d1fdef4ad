//! Signatures: what is signed, by which key, and whether it is right.

use prost::Message as _;
use ripemd::Ripemd160;
use secp256k1::{Message as Digest32, PublicKey, Secp256k1, VerifyOnly, ecdsa};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use zektra_modules::address::Address;
use zektra_modules::error::{Sdk, TxError};
use zektra_proto::Any;
use zektra_proto::cosmos::crypto::multisig::LegacyAminoPubKey;
use zektra_proto::cosmos::crypto::multisig::v1beta1::{CompactBitArray, MultiSignature};
use zektra_proto::cosmos::crypto::secp256k1::PubKey;
use zektra_proto::cosmos::tx::v1beta1::{ModeInfo, SignDoc, mode_info};

use crate::amino;
use crate::tx::Tx;

static SECP: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

/// Signs the bytes of the transaction.
pub const DIRECT: i32 = 1;
/// Signs amino's JSON of the transaction.
pub const AMINO_JSON: i32 = 127;

const SECP256K1: &str = "/cosmos.crypto.secp256k1.PubKey";
const MULTISIG: &str = "/cosmos.crypto.multisig.LegacyAminoPubKey";
/// Bytes of a compressed point.
const POINT: usize = 33;
/// Keys of a multisig key. Those inside its keys have this bound of their own, and the size of a transaction.
const MAX_KEYS: usize = 100;
/// Multisig keys inside multisig keys.
const MAX_DEPTH: usize = 4;

/// A public key that can sign.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// Of secp256k1: a compressed point. Whether it is one shows when a signature is verified: to find out takes a
    /// square root, and most signatures are known already.
    Secp256k1([u8; POINT]),
    /// `threshold` of these keys.
    Multisig(u32, Vec<Key>),
}

impl Key {
    /// Reads a key.
    ///
    /// # Errors
    /// A kind that cannot sign here, a malformed key: code 8.
    pub fn from_any(any: &Any) -> Result<Self, TxError> {
        Self::read(any, 0)
    }

    fn read(any: &Any, depth: usize) -> Result<Self, TxError> {
        let wrong = |what: String| Sdk::InvalidPubKey.wrap(what);
        match &any.type_url[..] {
            SECP256K1 => {
                let key = PubKey::decode(&any.value[..]).map_err(|e| wrong(e.to_string()))?.key;
                let point = <[u8; POINT]>::try_from(&key[..]);
                let other = |_| wrong(format!("a secp256k1 key of {} bytes, expected {POINT}", key.len()));
                Ok(Self::Secp256k1(point.map_err(other)?))
            }
            MULTISIG if depth < MAX_DEPTH => {
                let multi = LegacyAminoPubKey::decode(&any.value[..]).map_err(|e| wrong(e.to_string()))?;
                let count = multi.public_keys.len();
                if multi.threshold == 0 || multi.threshold as usize > count || count > MAX_KEYS {
                    return Err(wrong(format!("a multisig key with threshold {} of {count} keys", multi.threshold)));
                }
                let keys = multi.public_keys.iter().map(|k| Self::read(k, depth + 1)).collect::<Result<Vec<_>, _>>()?;
                Ok(Self::Multisig(multi.threshold, keys))
            }
            other => Err(wrong(format!("keys of type {other} cannot sign"))),
        }
    }

    /// The key as a message, in its one form.
    pub fn to_any(&self) -> Any {
        match self {
            Self::Secp256k1(key) => {
                let key = PubKey { key: key.to_vec().into() };
                Any { type_url: SECP256K1.into(), value: key.encode_to_vec() }
            }
            Self::Multisig(threshold, keys) => {
                let keys =
                    LegacyAminoPubKey { threshold: *threshold, public_keys: keys.iter().map(Self::to_any).collect() };
                Any { type_url: MULTISIG.into(), value: keys.encode_to_vec() }
            }
        }
    }

    /// The address of the key.
    pub fn address(&self) -> Address {
        let bytes = match self {
            Self::Secp256k1(key) => Ripemd160::digest(Sha256::digest(key)).to_vec(),
            Self::Multisig(..) => Sha256::digest(amino::key_bytes(self))[..20].to_vec(),
        };
        Address::new(bytes).expect("20 bytes are an address")
    }

    /// How many single keys there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Secp256k1(_) => 1,
            Self::Multisig(_, keys) => keys.iter().map(Self::count).sum(),
        }
    }
}

/// What a signer signs besides the transaction.
#[derive(Clone, Debug)]
pub struct Signer<'a> {
    /// The chain.
    pub chain_id: &'a str,
    /// The number of the account.
    pub account_number: u64,
    /// The account's sequence.
    pub sequence: u64,
}

fn sign_bytes(tx: &Tx, signer: &Signer<'_>, mode: i32) -> Result<Vec<u8>, TxError> {
    match mode {
        DIRECT => {
            let doc = SignDoc {
                body_bytes: tx.raw.body_bytes.clone(),
                auth_info_bytes: tx.raw.auth_info_bytes.clone(),
                chain_id: signer.chain_id.into(),
                account_number: signer.account_number,
            };
            Ok(doc.encode_to_vec())
        }
        AMINO_JSON => amino::sign_bytes(tx, signer),
        other => Err(Sdk::Unauthorized.wrap(format!("sign mode {other} is not supported"))),
    }
}

/// Signatures that were found to be right: each is checked once.
#[derive(Debug, Default)]
pub struct Known(Mutex<Generations>);

/// Two sets: when the young one is full it becomes the old one, which is forgotten.
#[derive(Debug, Default)]
struct Generations {
    young: BTreeSet<[u8; 32]>,
    old: BTreeSet<[u8; 32]>,
}

/// Signatures of a generation at most.
const MOST_KNOWN: usize = 100_000;

impl Known {
    fn generations(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, digest: [u8; 32], key: &[u8; POINT], signature: &[u8]) -> bool {
        let id: [u8; 32] =
            Sha256::new().chain_update(digest).chain_update(key).chain_update(signature).finalize().into();
        {
            let known = self.generations();
            if known.young.contains(&id) || known.old.contains(&id) {
                return true;
            }
        }
        let right = is_right(digest, key, signature);
        if right {
            let mut known = self.generations();
            if known.young.len() >= MOST_KNOWN {
                known.old = std::mem::take(&mut known.young);
            }
            known.young.insert(id);
        }
        right
    }
}

/// Whether a signature of 64 bytes, in its low form, is the key's.
fn is_right(digest: [u8; 32], key: &[u8; POINT], signature: &[u8]) -> bool {
    let Ok(signature) = ecdsa::Signature::from_compact(signature) else { return false };
    let Ok(key) = PublicKey::from_byte_array_compressed(*key) else { return false };
    SECP.verify_ecdsa(Digest32::from_digest(digest), &signature, &key).is_ok()
}

/// Checks a signer's signature of a transaction.
///
/// # Errors
/// A signature that is not right, code 4.
pub fn verify(
    known: &Known,
    tx: &Tx,
    signer: &Signer<'_>,
    key: &Key,
    mode: &ModeInfo,
    signature: &[u8],
) -> Result<(), TxError> {
    let failed = || {
        let Signer { chain_id, account_number, sequence } = signer;
        Sdk::Unauthorized.wrap(format!(
            "signature verification failed; please verify account number ({account_number}), sequence ({sequence}) and chain-id ({chain_id})"
        ))
    };
    match (&mode.sum, key) {
        (Some(mode_info::Sum::Single(single)), Key::Secp256k1(key)) => {
            let digest = Sha256::digest(sign_bytes(tx, signer, single.mode)?).into();
            if known.check(digest, key, signature) { Ok(()) } else { Err(failed()) }
        }
        (Some(mode_info::Sum::Multi(multi)), Key::Multisig(threshold, keys)) => {
            let read = MultiSignature::decode(signature).map_err(|_| failed())?;
            // Signatures sign everything but themselves: only their one form leaves nothing to change.
            let signatures = Some(read).filter(|r| r.encode_to_vec() == signature).ok_or_else(failed)?.signatures;
            let bits = multi.bitarray.as_ref().and_then(bits_of).ok_or_else(failed)?;
            let signed = bits.iter().filter(|&&b| b).count();
            let fits = bits.len() == keys.len() && signed >= *threshold as usize;
            if !fits || signed != signatures.len() || signed != multi.mode_infos.len() {
                return Err(failed());
            }
            let keys = keys.iter().zip(&bits).filter(|(_, b)| **b).map(|(key, _)| key);
            for ((key, signature), mode) in keys.zip(&signatures).zip(&multi.mode_infos) {
                // The whole transaction holds all signatures' modes: only amino's JSON is the same for all.
                verify(known, tx, signer, key, mode, signature)?;
            }
            Ok(())
        }
        _ => Err(failed()),
    }
}

/// The bits of an array that stores them from the highest down.
fn bits_of(array: &CompactBitArray) -> Option<Vec<bool>> {
    let (bytes, extra) = (array.elems.len(), array.extra_bits_stored as usize);
    let count = match (bytes, extra) {
        (0, _) => return None,
        (bytes, 0) => bytes * 8,
        (bytes, extra) if extra < 8 => (bytes - 1) * 8 + extra,
        _ => return None,
    };
    Some((0..count).map(|k| array.elems[k / 8] & (128 >> (k % 8)) != 0).collect())
}
