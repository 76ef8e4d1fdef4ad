//! What comes before the messages: limits, fee, keys, signatures, sequences. Its changes stay if a message fails.

use crate::sign::{Key, Known, Signer, verify};
use crate::tx::Tx;
use std::borrow::Cow;
use zektra_modules::address::Address;
use zektra_modules::auth::{self, Account};
use zektra_modules::coin::Coins;
use zektra_modules::context::Context;
use zektra_modules::error::{Sdk, TxError};
use zektra_modules::{bank, consensus, feegrant};
use zektra_proto::cosmos::auth::v1beta1::Params;
use zektra_proto::cosmos::tx::v1beta1::ModeInfo;

/// Why a transaction is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It may enter the mempool.
    Check,
    /// It is in the mempool, and a block has passed.
    Recheck,
    /// It is put into a block, or stands in one that was proposed: all nodes must agree on it, so no prices of a node
    /// count.
    Propose,
    /// It is in a block.
    Deliver,
    /// Somebody wants to know its gas.
    Simulate,
    /// It is in the genesis file.
    Genesis,
}

/// The least gas price that a node takes into its mempool, as a fraction: amount of a denomination for a unit of gas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GasPrice {
    /// The denomination.
    pub denom: String,
    /// The price times 10^18.
    pub scaled: u128,
}

impl std::fmt::Display for GasPrice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:018}{}", self.scaled / SCALE, self.scaled % SCALE, self.denom)
    }
}

impl std::str::FromStr for GasPrice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("gas price {text:?}: expected a decimal and a denomination, as 0.025uzektra");
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, denom) = text.split_at(end);
        let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || rest.len() > 18 || !zektra_modules::coin::is_denom(denom) {
            return Err(wrong());
        }
        let scaled = format!("{whole}{rest:0<18}").parse().map_err(|_| wrong())?;
        Ok(Self { denom: denom.into(), scaled })
    }
}

/// Gas for taking a fee of one coin: whoever simulates names none, and is going to pay one.
const FEE_GAS: u64 = 14_000;

/// 10^18.
pub const SCALE: u128 = 1_000_000_000_000_000_000;

/// Checks and pays a transaction.
///
/// # Errors
/// Which rule it breaks.
pub fn ante(ctx: &mut Context<'_>, tx: &Tx, mode: Mode, known: &Known, prices: &[GasPrice]) -> Result<(), TxError> {
    let body = &tx.body;
    if !body.extension_options.is_empty() {
        return Err(Sdk::UnknownExtensionOptions.bare());
    }
    if body.unordered {
        return Err(Sdk::NotSupported.wrap("unordered transactions are not enabled"));
    }
    if let Some(timeout) = &body.timeout_timestamp
        && (timeout.seconds, timeout.nanos) < (ctx.block.time.seconds, ctx.block.time.nanos)
    {
        return Err(
            Sdk::TxTimeout.wrap(format!("block time is after the transaction's timeout of {} s", timeout.seconds))
        );
    }
    if body.timeout_height > 0 && ctx.block.height > body.timeout_height {
        let (height, timeout) = (ctx.block.height, body.timeout_height);
        return Err(Sdk::TxTimeoutHeight.wrap(format!("block height: {height}, timeout height: {timeout}")));
    }
    let params = auth::params(ctx.state)?;
    let length = body.memo.len() as u64;
    if length > params.max_memo_characters {
        let most = params.max_memo_characters;
        return Err(
            Sdk::MemoTooLarge.wrap(format!("maximum number of characters is {most} but received {length} characters"))
        );
    }
    ctx.gas.consume(params.tx_size_cost_per_byte.saturating_mul(tx.size as u64), "txSize")?;
    pay(ctx, tx, mode, prices)?;
    signatures(ctx, tx, mode, known, &params)
}

fn pay(ctx: &mut Context<'_>, tx: &Tx, mode: Mode, prices: &[GasPrice]) -> Result<(), TxError> {
    let gas = tx.gas_limit();
    if mode == Mode::Check || mode == Mode::Recheck {
        let needed: Vec<(&str, u128)> = prices
            .iter()
            .map(|p| (&p.denom[..], p.scaled.saturating_mul(u128::from(gas)).div_ceil(SCALE)))
            .filter(|(_, amount)| *amount > 0)
            .collect();
        if !needed.is_empty() && !needed.iter().any(|(denom, amount)| tx.fee.amount(denom) >= *amount) {
            let required =
                needed.iter().map(|(denom, amount)| format!("{amount}{denom}")).collect::<Vec<_>>().join(",");
            return Err(Sdk::InsufficientFee.wrap(format!("insufficient fees; got: {} required: {required}", tx.fee)));
        }
    }
    let from = granter(ctx, tx)?.unwrap_or_else(|| tx.payer.clone());
    let payer = ctx.text(&from);
    if auth::account(ctx.state, &from)?.is_none() {
        return Err(Sdk::UnknownAddress.wrap(format!("fee payer address: {payer} does not exist")));
    }
    if mode == Mode::Simulate && tx.fee.is_empty() {
        ctx.gas.consume(FEE_GAS, "fee")?;
    }
    if !tx.fee.is_empty() {
        let collector = Address::of_module(auth::FEE_COLLECTOR);
        let moved = bank::transfer(ctx, &from, &collector, &tx.fee);
        moved.map_err(|e| match e.code {
            // Twice, as clients know it.
            5 if e.codespace == "sdk" => Sdk::InsufficientFunds.wrap(e.log),
            _ => e,
        })?;
    }
    let fee = tx.fee.to_string();
    ctx.emit("tx", [("fee", fee), ("fee_payer", payer)]);
    Ok(())
}

/// Who pays in the payer's place, if somebody does and has granted it.
fn granter(ctx: &mut Context<'_>, tx: &Tx) -> Result<Option<Address>, TxError> {
    let Some(text) = tx.fee_record().map(|fee| &fee.granter).filter(|text| !text.is_empty()) else { return Ok(None) };
    let granter = ctx.parse(text).map_err(|e| e.within("fee granter address"))?;
    if granter != tx.payer {
        let messages: Vec<_> = tx.messages.iter().map(|(_, any)| &any.type_url[..]).collect();
        let paid = feegrant::pay(ctx, &granter, &tx.payer, &tx.fee, &messages);
        let payer = ctx.text(&tx.payer);
        let refused = |e: TxError| e.within(format!("{text} does not allow to pay fees for {payer}"));
        paid.map_err(|e| if e.is_internal() { e } else { refused(e) })?;
    }
    Ok(Some(granter))
}

fn signatures(ctx: &mut Context<'_>, tx: &Tx, mode: Mode, known: &Known, params: &Params) -> Result<(), TxError> {
    let (signers, infos, signatures) = (&tx.signers, &tx.auth.signer_infos, &tx.raw.signatures);
    if signatures.is_empty() && mode != Mode::Simulate {
        return Err(Sdk::NoSignatures.bare());
    }
    if infos.len() != signers.len() || (signatures.len() != signers.len() && mode != Mode::Simulate) {
        let wrong = format!("wrong number of signers; expected {}, got {}", signers.len(), signatures.len());
        return Err(Sdk::Unauthorized.wrap(wrong));
    }
    let mut count = 0;
    let mut checked = vec![];
    for (k, (address, info)) in signers.iter().zip(infos).enumerate() {
        let text = ctx.text(address);
        let missing = || Sdk::UnknownAddress.wrap(format!("account {text} does not exist"));
        let mut account = match auth::account(ctx.state, address)?.ok_or_else(missing)? {
            Account::Base(base) => base,
            Account::Module(module) => {
                return Err(Sdk::Unauthorized.wrap(format!("nobody signs for module {}", module.name)));
            }
        };
        let given = match tx.key(k) {
            Some(read) => Some(read.as_ref().map_err(Clone::clone)?),
            None => None,
        };
        let fresh = account.pub_key.is_none();
        let key = match (&account.pub_key, given) {
            // The same bytes are the same key, which is read already.
            (Some(known), Some(given)) if info.public_key.as_ref() == Some(known) => Cow::Borrowed(given),
            (Some(known), _) => Cow::Owned(Key::from_any(known)?),
            (None, Some(given)) => Cow::Borrowed(given),
            (None, None) => return Err(Sdk::InvalidPubKey.wrap(format!("no public key of {text} is known"))),
        };
        if key.address() != *address {
            let found = ctx.text(&key.address());
            return Err(Sdk::InvalidPubKey.wrap(format!(
                "pubKey does not match signer address {text} with signer index: {k}, it is that of {found}"
            )));
        }
        if given.is_some_and(|given| *given != *key) {
            return Err(Sdk::InvalidPubKey.wrap(format!("the public key of {text} is another")));
        }
        count += key.count() as u64;
        if count > params.tx_sig_limit {
            return Err(Sdk::TooManySignatures.wrap(format!("signatures: {count}, limit: {}", params.tx_sig_limit)));
        }
        ctx.gas.consume(
            params.sig_verify_cost_secp256k1.saturating_mul(signed_keys(&key, info.mode_info.as_ref())),
            "ante verify: secp256k1",
        )?;
        if info.sequence != account.sequence {
            let (expected, got) = (account.sequence, info.sequence);
            return Err(Sdk::WrongSequence.wrap(format!("account sequence mismatch, expected {expected}, got {got}")));
        }
        // At genesis all accounts have number 0 for signers.
        let account_number = if mode == Mode::Genesis { 0 } else { account.account_number };
        let signer = Signer { chain_id: &ctx.block.chain_id, account_number, sequence: account.sequence };
        let signature = signatures.get(k).map(|s| &s[..]).unwrap_or_default();
        let known_right = tx.right(k).is_some_and(|signed| {
            (signed.account_number, signed.sequence) == (account_number, account.sequence) && signed.key == *key
        });
        if matches!(mode, Mode::Check | Mode::Propose | Mode::Deliver | Mode::Genesis) && !known_right {
            let mode_info =
                info.mode_info.as_ref().ok_or_else(|| Sdk::Unauthorized.wrap("a signer without a sign mode"))?;
            verify(known, tx, &signer, &key, mode_info, signature)?;
        }
        checked.push((format!("{text}/{}", account.sequence), signature));
        if fresh {
            account.pub_key = Some(key.to_any());
        }
        account.sequence =
            account.sequence.checked_add(1).ok_or_else(|| Sdk::WrongSequence.wrap("no sequence is left"))?;
        auth::set_account(ctx.state, address, &Account::Base(account))?;
    }
    for (sequence, signature) in checked {
        use base64::Engine as _;
        ctx.emit("tx", [("acc_seq", sequence)]);
        ctx.emit("tx", [("signature", base64::engine::general_purpose::STANDARD.encode(signature))]);
    }
    Ok(())
}

/// How many single signatures a signer gives; all keys if the mode does not say.
fn signed_keys(key: &Key, mode: Option<&ModeInfo>) -> u64 {
    use zektra_proto::cosmos::tx::v1beta1::mode_info::Sum;
    match (key, mode.and_then(|m| m.sum.as_ref())) {
        (Key::Multisig(..), Some(Sum::Multi(multi))) => multi.mode_infos.len() as u64,
        _ => key.count() as u64,
    }
}

/// Gas for a transaction: some, and no more than a block has.
///
/// # Errors
/// The transaction's limit is none, or beyond that of a block.
pub fn demand_gas_limit(ctx: &Context<'_>, tx: &Tx, mode: Mode) -> Result<(), TxError> {
    if mode != Mode::Simulate && tx.gas_limit() == 0 {
        return Err(Sdk::InvalidGasLimit.wrap("must provide positive gas"));
    }
    if let Some(most) = consensus::max_gas(ctx.state)?
        && tx.gas_limit() > most
    {
        let wrong = format!("tx gas limit {} exceeds block max gas {most}", tx.gas_limit());
        return Err(Sdk::InvalidGasLimit.wrap(wrong));
    }
    Ok(())
}

/// What a fee is worth for a unit of gas, for the order of the mempool: the best of the node's prices.
pub fn priority(fee: &Coins, gas: u64) -> i64 {
    let best = fee.iter().map(|(_, amount)| amount.saturating_mul(1_000_000) / u128::from(gas.max(1))).max();
    i64::try_from(best.unwrap_or(0)).unwrap_or(i64::MAX)
}
