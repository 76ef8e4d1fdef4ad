//! A secp256k1 key: from words (BIP-39, BIP-32, BIP-44), its address, its signatures.

use crate::rejected::{Rejected, expect};
use anyhow::{Context as _, Result};
use bip32::{DerivationPath, XPrv};
use cosmrs::crypto::PublicKey;
use cosmrs::crypto::secp256k1::SigningKey as Signer;
use k256::ecdsa::SigningKey;
use pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};
use zeroize::Zeroizing;

/// Atom's number in SLIP-44, which chains of this kind share: wallets derive the same addresses everywhere.
pub const COIN_TYPE: u32 = 118;

/// Bits of entropy behind 24 words.
const ENTROPY: usize = 256;

/// A secret key. It is wiped when it is dropped.
#[derive(Clone)]
pub struct Key(SigningKey);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.public().to_json())
    }
}

/// 24 new words of BIP-39 from the system's randomness.
///
/// # Errors
/// A system without randomness.
pub fn words() -> Result<Zeroizing<String>> {
    let mut entropy = Zeroizing::new([0; ENTROPY / 8]);
    getrandom::fill(&mut *entropy).map_err(|e| anyhow::anyhow!("the system gives no randomness: {e}"))?;
    let words = bip39::Mnemonic::from_entropy(&*entropy).context("words of 256 bits")?;
    Ok(Zeroizing::new(words.to_string()))
}

/// The path of BIP-44 of an account's key.
pub fn path(coin_type: u32, account: u32, index: u32) -> String {
    format!("m/44'/{coin_type}'/{account}'/0/{index}")
}

impl Key {
    /// The key that words give at a path.
    ///
    /// # Errors
    /// Words that are none of BIP-39's or whose checksum is wrong; a path of another form.
    pub fn from_words(words: &str, path: &str) -> Result<Self, Rejected> {
        let parsed = bip39::Mnemonic::parse(words.trim()).map_err(|e| {
            let count = words.split_whitespace().count();
            // The words stay out of the message.
            Rejected::Input(format!(
                "mnemonic of {count} words: {}",
                match e {
                    bip39::Error::BadWordCount(_) => "expected 12, 15, 18, 21 or 24 words".into(),
                    bip39::Error::UnknownWord(n) => format!("word {} is not in BIP-39's list", n + 1),
                    bip39::Error::InvalidChecksum =>
                        "the checksum is wrong: a word is not the one that was written down".into(),
                    _ => "expected words of BIP-39".to_string(),
                }
            ))
        })?;
        let path: DerivationPath = path
            .parse()
            .map_err(|_| Rejected::Input(format!("HD path {path:?}: expected one such as m/44'/118'/0'/0/0")))?;
        let seed = Zeroizing::new(parsed.to_seed(""));
        let key = XPrv::derive_from_path(seed.as_slice(), &path)
            .map_err(|e| Rejected::Input(format!("HD path {path}: no key there: {e}")))?;
        Ok(Self(key.private_key().clone()))
    }

    /// The key of 32 bytes.
    ///
    /// # Errors
    /// Another length, or a number that is no key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Rejected> {
        expect(bytes.len() == 32, || format!("private key of {} bytes: expected 32", bytes.len()))?;
        let key = SigningKey::from_slice(bytes);
        key.map(Self).map_err(|_| Rejected::Input("private key: not a number from 1 to the order of secp256k1".into()))
    }

    /// The 32 bytes, to be kept secret.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        self.0.verifying_key().into()
    }

    /// The ECDSA signature of SHA-256 of `message`, r and s of 32 bytes, s in the lower half.
    ///
    /// # Errors
    /// What the library says.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let signature = Signer::new(Box::new(self.0.clone())).sign(message);
        Ok(signature.map_err(|e| anyhow::anyhow!("cannot sign: {e}"))?.to_vec())
    }

    /// PKCS #8 in PEM, encrypted with a passphrase: PBES2 with scrypt (N = 2^17, r = 8, p = 1) and AES-256-CBC (RFC 8018).
    ///
    /// # Errors
    /// What the library says.
    pub fn to_pem(&self, passphrase: &str) -> Result<Zeroizing<String>> {
        let pem = self.0.to_pkcs8_encrypted_pem(pkcs8::rand_core::OsRng, passphrase, LineEnding::LF);
        pem.map_err(|e| anyhow::anyhow!("cannot encrypt the key: {e}"))
    }

    /// The key of [`Key::to_pem`].
    ///
    /// # Errors
    /// Another passphrase or another file: the format does not tell them apart.
    pub fn from_pem(pem: &str, passphrase: &str) -> Result<Self, Rejected> {
        let whole = pem.trim_start().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----");
        expect(whole, || "private key: expected PEM with BEGIN ENCRYPTED PRIVATE KEY".into())?;
        let key = SigningKey::from_pkcs8_encrypted_pem(pem.trim(), passphrase);
        key.map(Self).map_err(|_| Rejected::Refused("wrong passphrase, or a damaged key".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, path, words};
    use cosmrs::crypto::PublicKey;

    /// The test vector of BIP-39 with 24 words.
    const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
        abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";

    #[test]
    fn words_give_the_address_that_wallets_show() {
        let key = Key::from_words(WORDS, &path(118, 0, 0)).unwrap();
        // As CosmJS derives it: `DirectSecp256k1HdWallet.fromMnemonic(words)`.
        let address = key.public().account_id("cosmos").unwrap().to_string();
        assert_eq!(address, "cosmos1r5v5srda7xfth3hn2s26txvrcrntldjumt8mhl");
    }

    #[test]
    fn new_words_give_a_key_and_differ() {
        let (a, b) = (words().unwrap(), words().unwrap());
        assert_ne!(*a, *b);
        assert_eq!(a.split(' ').count(), 24);
        Key::from_words(&a, &path(118, 0, 0)).unwrap();
    }

    #[test]
    fn wrong_words_are_named_but_not_shown() {
        let shown = |words: &str| Key::from_words(words, &path(118, 0, 0)).unwrap_err().to_string();
        assert!(shown("abandon abandon").contains("expected 12, 15, 18, 21 or 24"));
        let bad = WORDS.replace("art", "zebra");
        assert!(shown(&bad).contains("checksum") && !shown(&bad).contains("zebra"));
        assert!(shown(&WORDS.replace("art", "arrt")).contains("word 24"));
        assert!(Key::from_words(WORDS, "m/x").unwrap_err().to_string().contains("m/44'/118'/0'/0/0"));
    }

    #[test]
    fn a_passphrase_opens_what_it_closed() {
        let key = Key::from_bytes(&[7; 32]).unwrap();
        let pem = key.to_pem("correct horse").unwrap();
        assert_eq!(Key::from_pem(&pem, "correct horse").unwrap().to_bytes(), key.to_bytes());
        assert!(Key::from_pem(&pem, "battery staple").is_err());
        assert!(Key::from_pem("-----BEGIN PRIVATE KEY-----", "x").is_err());
    }

    #[test]
    fn numbers_that_are_no_keys_are_refused() {
        for bytes in [&[0; 32][..], &[0xff; 32], &[1; 31]] {
            assert!(Key::from_bytes(bytes).is_err());
        }
    }

    #[test]
    fn a_signature_is_64_bytes_with_a_low_s() {
        let key = Key::from_bytes(&[7; 32]).unwrap();
        for message in 0..32u8 {
            let signature = key.sign(&[message]).unwrap();
            assert_eq!(signature.len(), 64);
            // Half of the order begins with 7f.
            assert!(signature[32] <= 0x7f);
        }
        assert!(matches!(key.public(), PublicKey { .. }));
    }
}
