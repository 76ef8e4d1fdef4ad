//! A multisig account, whose members sign amino's JSON as wallets write it.

use super::test_chain::{CHAIN_ID, DENOM, FEE, GAS, PREFIX, Person};
use prost::Message as _;
use zektra_app::sign::{AMINO_JSON, Key};
use zektra_modules::address::Prefix;
use zektra_proto::Any;
use zektra_proto::cosmos::bank::v1beta1::MsgSend;
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::crypto::multisig::LegacyAminoPubKey;
use zektra_proto::cosmos::crypto::multisig::v1beta1::{CompactBitArray, MultiSignature};
use zektra_proto::cosmos::crypto::secp256k1::PubKey;
use zektra_proto::cosmos::tx::v1beta1::mode_info::{Multi, Single, Sum};
use zektra_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody, TxRaw};

/// Two of three.
pub struct Multisig {
    members: [Person; 3],
    pub number: u64,
    pub sequence: u64,
}

fn any(type_url: &str, message: &impl prost::Message) -> Any {
    Any { type_url: type_url.into(), value: message.encode_to_vec() }
}

/// What a member signs to send coins: sorted keys, no spaces.
pub fn amino_json(from: &str, to: &str, amount: u128, number: u64, sequence: u64) -> String {
    format!(
        concat!(
            r#"{{"account_number":"{number}","chain_id":"{chain}","#,
            r#""fee":{{"amount":[{{"amount":"{fee}","denom":"{denom}"}}],"gas":"{gas}"}},"memo":"","#,
            r#""msgs":[{{"type":"cosmos-sdk/MsgSend","value":{{"amount":[{{"amount":"{amount}","denom":"{denom}"}}],"#,
            r#""from_address":"{from}","to_address":"{to}"}}}}],"sequence":"{sequence}"}}"#
        ),
        number = number,
        chain = CHAIN_ID,
        fee = FEE,
        denom = DENOM,
        gas = GAS,
        amount = amount,
        from = from,
        to = to,
        sequence = sequence,
    )
}

fn coin(amount: u128) -> Vec<Coin> {
    vec![Coin { denom: DENOM.into(), amount: amount.to_string() }]
}

/// A transaction that sends coins, signed over amino's JSON: its parts, to change some before they are put together.
pub fn sent(from: &str, to: &str, amount: u128, key: Any, mode: Sum, sequence: u64) -> (TxBody, AuthInfo) {
    let message = MsgSend { from_address: from.into(), to_address: to.into(), amount: coin(amount) };
    let body = TxBody { messages: vec![any("/cosmos.bank.v1beta1.MsgSend", &message)], ..TxBody::default() };
    let signer = SignerInfo { public_key: Some(key), mode_info: Some(ModeInfo { sum: Some(mode) }), sequence };
    let fee = Fee { amount: coin(FEE), gas_limit: GAS, ..Fee::default() };
    (body, AuthInfo { signer_infos: vec![signer], fee: Some(fee), ..AuthInfo::default() })
}

/// A transaction of one person that is signed over amino's JSON.
pub fn amino_signed(who: &Person, to: &str, amount: u128) -> (TxBody, AuthInfo, Vec<u8>) {
    let mode = Sum::Single(Single { mode: AMINO_JSON });
    let (body, auth) = sent(&who.address(), to, amount, public(who), mode, who.sequence);
    let json = amino_json(&who.address(), to, amount, who.number, who.sequence);
    (body, auth, who.key.sign(json.as_bytes()).unwrap().to_vec())
}

fn public(who: &Person) -> Any {
    any("/cosmos.crypto.secp256k1.PubKey", &PubKey { key: who.key.public_key().to_bytes().into() })
}

impl Multisig {
    pub fn new(number: u64) -> Self {
        Self { members: ["first", "second", "third"].map(|name| Person::new(name, 0)), number, sequence: 0 }
    }

    fn key(&self) -> Any {
        let public_keys = self.members.iter().map(public).collect();
        any("/cosmos.crypto.multisig.LegacyAminoPubKey", &LegacyAminoPubKey { threshold: 2, public_keys })
    }

    pub fn address(&self) -> String {
        Prefix::new(PREFIX).unwrap().text(&Key::from_any(&self.key()).unwrap().address())
    }

    /// A transaction that the first and the last member sign.
    pub fn send(&mut self, to: &str, amount: u128) -> Vec<u8> {
        let bitarray = CompactBitArray { extra_bits_stored: 3, elems: vec![0b1010_0000].into() };
        let each = ModeInfo { sum: Some(Sum::Single(Single { mode: AMINO_JSON })) };
        let mode = Sum::Multi(Multi { bitarray: Some(bitarray), mode_infos: vec![each; 2] });
        let (body, auth) = sent(&self.address(), to, amount, self.key(), mode, self.sequence);
        let json = amino_json(&self.address(), to, amount, self.number, self.sequence);
        let sign = |k: usize| self.members[k].key.sign(json.as_bytes()).unwrap().to_vec().into();
        let signatures = MultiSignature { signatures: vec![sign(0), sign(2)] };
        self.sequence += 1;
        together(&body, &auth, signatures.encode_to_vec())
    }
}

/// The bytes of a transaction.
pub fn together(body: &TxBody, auth: &AuthInfo, signature: Vec<u8>) -> Vec<u8> {
    let raw = TxRaw {
        body_bytes: body.encode_to_vec().into(),
        auth_info_bytes: auth.encode_to_vec().into(),
        signatures: vec![signature.into()],
    };
    raw.encode_to_vec()
}
