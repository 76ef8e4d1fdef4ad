//! A transaction that was signed, and what it could have been: for whoever plays an attacker.

use anyhow::{Context as _, Result};
use prost::Message;
use secp256k1::{SECP256K1, SecretKey};
use sha2::{Digest as _, Sha256};
use zektra_proto::Any;
use zektra_proto::cosmos::crypto::secp256k1::PubKey;
use zektra_proto::cosmos::tx::v1beta1::{AuthInfo, SignDoc, TxBody, TxRaw};

/// An account that signs.
#[derive(Clone, Copy, Debug)]
pub struct Signer {
    /// Its secret key.
    pub secret: [u8; 32],
    /// Its number on the chain.
    pub number: u64,
}

/// A transaction of one message and one signer, by mode DIRECT.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Who signed it.
    pub signer: Signer,
    chain_id: String,
}

impl Signed {
    /// A transaction with its signer.
    pub fn new(bytes: Vec<u8>, signer: Signer, chain_id: &str) -> Self {
        Self { bytes, signer, chain_id: chain_id.into() }
    }

    /// Its message.
    ///
    /// # Errors
    /// It has another.
    pub fn message<M: Message + Default>(&self) -> Result<M> {
        let body = TxBody::decode(&TxRaw::decode(&self.bytes[..])?.body_bytes[..])?;
        Ok(M::decode(&body.messages.first().context("no message")?.value[..])?)
    }

    /// The sequence that it was signed at.
    ///
    /// # Errors
    /// Bytes that are no transaction.
    pub fn sequence(&self) -> Result<u64> {
        let auth = AuthInfo::decode(&TxRaw::decode(&self.bytes[..])?.auth_info_bytes[..])?;
        Ok(auth.signer_infos.first().context("no signer")?.sequence)
    }

    /// The same with another message of the same type, signed by `signer` at a sequence.
    ///
    /// # Errors
    /// Bytes that are no transaction, a secret that is no key.
    pub fn with(&self, message: &impl Message, signer: Signer, sequence: u64) -> Result<Vec<u8>> {
        let raw = TxRaw::decode(&self.bytes[..])?;
        let mut body = TxBody::decode(&raw.body_bytes[..])?;
        body.messages.first_mut().context("no message")?.value = message.encode_to_vec();
        let mut auth = AuthInfo::decode(&raw.auth_info_bytes[..])?;
        let secret = SecretKey::from_byte_array(signer.secret)?;
        let key = PubKey { key: secret.public_key(SECP256K1).serialize().to_vec().into() };
        let info = auth.signer_infos.first_mut().context("no signer")?;
        info.sequence = sequence;
        let type_url = "/cosmos.crypto.secp256k1.PubKey".into();
        info.public_key = Some(Any { type_url, value: key.encode_to_vec() });
        let document = SignDoc {
            body_bytes: body.encode_to_vec().into(),
            auth_info_bytes: auth.encode_to_vec().into(),
            chain_id: self.chain_id.clone(),
            account_number: signer.number,
        };
        let digest = secp256k1::Message::from_digest(Sha256::digest(document.encode_to_vec()).into());
        let signature = SECP256K1.sign_ecdsa(digest, &secret).serialize_compact().to_vec().into();
        let SignDoc { body_bytes, auth_info_bytes, .. } = document;
        Ok(TxRaw { body_bytes, auth_info_bytes, signatures: vec![signature] }.encode_to_vec())
    }

    /// The same with its message changed, well signed, `after` more transactions of its signer.
    ///
    /// # Errors
    /// Bytes that are no transaction of such a message.
    pub fn later<M: Message + Default>(&self, after: u64, change: impl FnOnce(&mut M)) -> Result<Vec<u8>> {
        let mut message = self.message::<M>()?;
        change(&mut message);
        self.with(&message, self.signer, self.sequence()? + after)
    }
}
