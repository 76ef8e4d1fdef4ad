//! Accounts that pay each other: their keys, the genesis that has them, transactions as wallets sign them.

use prost::Message as _;
use rayon::prelude::*;
use secp256k1::{Message, SECP256K1, SecretKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zektra_app::sign::{DIRECT, Key};
use zektra_he::rehearsal::rows::Random;
use zektra_modules::address::Prefix;
use zektra_modules::coin::coin;
use zektra_proto::Any;
use zektra_proto::cosmos::bank::v1beta1::MsgSend;
use zektra_proto::cosmos::crypto::secp256k1::PubKey;
use zektra_proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use zektra_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignDoc, SignerInfo, TxBody, TxRaw};

/// The chain that they sign for.
pub const CHAIN_ID: &str = "zektra-bench-1";
/// The prefix of their addresses.
pub const PREFIX: &str = "zektra";
/// What they pay with.
pub const DENOM: &str = "uzektra";
/// What each has at first: more than it can spend here.
pub const FUNDS: u128 = 1_000_000_000_000;
const FEE: u128 = 2_000;
const GAS: u64 = 200_000;

struct Sender {
    secret: SecretKey,
    address: String,
    sequence: u64,
}

/// Accounts with their keys; the place of each is its number on the chain.
pub struct Senders {
    all: Vec<Sender>,
    random: Random,
}

/// A send that is not signed yet.
struct Unsigned {
    from: usize,
    to: usize,
    sequence: u64,
}

impl Senders {
    /// The first `count` accounts, the same in every run.
    pub fn new(count: usize) -> Self {
        let prefix = Prefix::new(PREFIX).expect("lower-case letters");
        let sender = |number: usize| {
            let secret = SecretKey::from_byte_array(Sha256::digest(format!("sender {number}")).into());
            let secret = secret.expect("a digest is a key, but for one in 2^127");
            let public = secret.public_key(SECP256K1);
            Sender { secret, address: prefix.text(&Key::Secp256k1(public.serialize()).address()), sequence: 0 }
        };
        Self { all: (0..count).into_par_iter().map(sender).collect(), random: Random(1) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The address of one.
    pub fn address(&self, number: usize) -> &str {
        &self.all[number].address
    }

    /// The state of the genesis file in which all of them have coins.
    pub fn app_state(&self) -> Value {
        let mut state = zektra_genesis::default_state(PREFIX, DENOM);
        let account = |(number, sender): (usize, &Sender)| {
            json!({
                "@type": "/cosmos.auth.v1beta1.BaseAccount",
                "address": sender.address,
                "account_number": number.to_string(),
            })
        };
        let coins = json!([{"denom": DENOM, "amount": FUNDS.to_string()}]);
        state["auth"]["accounts"] = self.all.iter().enumerate().map(account).collect();
        state["bank"]["balances"] =
            self.all.iter().map(|sender| json!({"address": sender.address, "coins": coins})).collect();
        state
    }

    /// Signed sends, one of each account in turn, to others by chance; `count` of them from the `first` account on.
    pub fn in_turn(&mut self, first: usize, count: usize) -> Vec<Vec<u8>> {
        let all = self.len();
        let sends: Vec<_> = (first..first + count).map(|k| self.next(k % all)).collect();
        self.sign(sends)
    }

    /// Signed sends between accounts by chance.
    pub fn by_chance(&mut self, count: usize) -> Vec<Vec<u8>> {
        let all = self.len() as u64;
        let sends = (0..count)
            .map(|_| {
                let from = self.random.below(all) as usize;
                self.next(from)
            })
            .collect();
        self.sign(sends)
    }

    fn next(&mut self, from: usize) -> Unsigned {
        let to = self.random.below(self.all.len() as u64) as usize;
        let sequence = self.all[from].sequence;
        self.all[from].sequence += 1;
        Unsigned { from, to, sequence }
    }

    fn sign(&self, sends: Vec<Unsigned>) -> Vec<Vec<u8>> {
        sends.into_par_iter().map(|send| self.signed(&send)).collect()
    }

    fn signed(&self, &Unsigned { from, to, sequence }: &Unsigned) -> Vec<u8> {
        let (sender, receiver) = (&self.all[from], &self.all[to]);
        let any = |name: &str, value| Any { type_url: format!("/{name}"), value };
        let message = MsgSend {
            from_address: sender.address.clone(),
            to_address: receiver.address.clone(),
            amount: vec![coin(DENOM, 1)],
        };
        let key = PubKey { key: sender.secret.public_key(SECP256K1).serialize().to_vec().into() };
        let signer = SignerInfo {
            public_key: Some(any("cosmos.crypto.secp256k1.PubKey", key.encode_to_vec())),
            mode_info: Some(ModeInfo { sum: Some(Sum::Single(Single { mode: DIRECT })) }),
            sequence,
        };
        let fee = Fee { amount: vec![coin(DENOM, FEE)], gas_limit: GAS, ..Fee::default() };
        let body =
            TxBody { messages: vec![any("cosmos.bank.v1beta1.MsgSend", message.encode_to_vec())], ..TxBody::default() };
        let auth = AuthInfo { signer_infos: vec![signer], fee: Some(fee), ..AuthInfo::default() };
        let doc = SignDoc {
            body_bytes: body.encode_to_vec().into(),
            auth_info_bytes: auth.encode_to_vec().into(),
            chain_id: CHAIN_ID.into(),
            account_number: from as u64,
        };
        let digest = Message::from_digest(Sha256::digest(doc.encode_to_vec()).into());
        let signature = SECP256K1.sign_ecdsa(digest, &sender.secret).serialize_compact().to_vec();
        let SignDoc { body_bytes, auth_info_bytes, .. } = doc;
        TxRaw { body_bytes, auth_info_bytes, signatures: vec![signature.into()] }.encode_to_vec()
    }
}
