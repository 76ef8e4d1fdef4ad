//! Test accounts of the development chain. Their keys are known to everybody: they hold nothing of worth anywhere.

use zektra_modules::address::{Address, Prefix};
use zektra_wallet::key::{self, COIN_TYPE, Key};

/// The words that all test accounts come from: the test vector of BIP-39 with 24 words.
pub const MNEMONIC: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
    abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";

/// How many there are in the development chain's genesis file.
pub const ACCOUNTS: u32 = 5;

/// What whoever runs a chain with test accounts is told.
pub const WARNING: &str = "the genesis file gives coins to test accounts whose keys everybody knows: describe a chain of your own \
    with --spec (genesis/devnet.toml shows how)";

/// Whether a chain gives coins to the test accounts.
pub fn holds(genesis: &zektra_genesis::Genesis) -> bool {
    let state = &genesis.typed.app_state;
    let prefix = state.pointer("/chain/bech32_prefix").and_then(|p| p.as_str()).unwrap_or_default();
    let Ok(prefix) = Prefix::new(prefix) else { return false };
    let known: Vec<String> = (0..ACCOUNTS).map(|index| prefix.text(&account(index).address)).collect();
    let balances = state.pointer("/bank/balances").and_then(|b| b.as_array()).into_iter().flatten();
    balances.filter_map(|b| b["address"].as_str()).any(|address| known.iter().any(|k| k == address))
}

/// A test account.
#[derive(Clone, Debug)]
pub struct TestAccount {
    /// Its BIP-32 path.
    pub path: String,
    /// Its secret key.
    pub secret: [u8; 32],
    /// Its address.
    pub address: Address,
}

/// The `index`-th test account, at `m/44'/118'/0'/0/index`.
///
/// # Panics
/// Never: words and path are constants.
pub fn account(index: u32) -> TestAccount {
    let path = key::path(COIN_TYPE, 0, index);
    let secret = *Key::from_words(MNEMONIC, &path).expect("the words are a test vector").to_bytes();
    let public =
        secp256k1::SecretKey::from_byte_array(secret).expect("a key of a test vector").public_key(secp256k1::SECP256K1);
    let address = crate::sign::Key::Secp256k1(public.serialize()).address();
    TestAccount { path, secret, address }
}

/// The table of accounts that a development chain prints.
pub fn table(prefix: &Prefix) -> String {
    let mut out = String::from("test accounts (their keys are public: never use them elsewhere)\n");
    for index in 0..=ACCOUNTS {
        let TestAccount { path, secret, address } = account(index);
        let role = if index == ACCOUNTS { "  operates the validator" } else { "" };
        out.push_str(&format!("  {}  {path}  {}{role}\n", prefix.text(&address), hex::encode(secret)));
    }
    out.push_str(&format!("  mnemonic: {MNEMONIC}\n"));
    out
}
