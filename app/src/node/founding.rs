//! The first validators of a chain: transactions in its genesis file, signed by their operators.

use super::dev::{self, ACCOUNTS};
use super::home::public;
use super::{Home, HomeError};
use anyhow::{Context as _, Result};
use serde_json::Value;
use tendermint::Time;
use zektra_genesis::{Genesis, Spec, add_account, set_gen_txs};
use zektra_modules::address::{Address, Prefix};
use zektra_modules::decimal::Dec;
use zektra_modules::module::handler_of;
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::crypto::ed25519;
use zektra_proto::cosmos::staking::v1beta1::{CommissionRates, Description, MsgCreateValidator};
use zektra_proto::{Any, json};
use zektra_wallet::key::{COIN_TYPE, Key, path, words};
use zektra_wallet::transaction::{Signing, sign, unsigned};

use crate::app::APP_VERSION;

/// Gas that such a transaction names; nobody pays for it.
const GAS: u64 = 200_000;

/// What a validator of the first block is.
#[derive(Clone, Debug)]
pub struct Founder {
    /// Its key in consensus.
    pub key: tendermint::PublicKey,
    /// What people read of it.
    pub description: Description,
    /// What it stakes.
    pub stake: Coin,
    /// The least that it must have staked itself.
    pub min_self_delegation: u128,
    /// The part of rewards that it keeps, the most that it may keep, and the most by which the part may go up in a day.
    pub commission: [Dec; 3],
    /// Where others find it: its node's id and address.
    pub memo: String,
}

impl Founder {
    /// One with the SDK's usual terms.
    pub fn new(key: tendermint::PublicKey, moniker: &str, stake: Coin) -> Self {
        let description = Description { moniker: moniker.into(), ..Description::default() };
        let commission = [Dec::percent(10), Dec::percent(20), Dec::percent(1)];
        Self { key, description, stake, min_self_delegation: 1, commission, memo: String::new() }
    }

    /// The transaction that makes it, signed with its operator's key.
    ///
    /// # Errors
    /// A key of another kind than Ed25519; what the libraries say.
    pub fn transaction(&self, operator: &Key, prefix: &Prefix, chain_id: &str) -> Result<Value> {
        let address = operator.public().account_id(prefix.as_str()).map_err(anyhow::Error::msg)?;
        let message = self.message(&Address::new(address.to_bytes())?, prefix)?;
        let tx = unsigned(vec![any(&message)], &self.memo, 0, vec![], GAS);
        // At genesis all accounts have number 0 for signers.
        let signed = sign(&tx, operator, &Signing { chain_id, account_number: 0, sequence: 0 })?;
        Ok(json::write(&signed)?)
    }

    /// Checks what can be said of it without a state.
    ///
    /// # Errors
    /// Terms that a validator cannot have.
    pub fn check(&self, operator: &str, prefix: &Prefix) -> Result<()> {
        let message = any(&self.message(&prefix.parse(operator)?, prefix)?);
        handler_of(&message)?.check(&message.value, prefix)?;
        Ok(())
    }

    fn message(&self, operator: &Address, prefix: &Prefix) -> Result<MsgCreateValidator> {
        let key = self.key.ed25519().context("the key in consensus: expected one of Ed25519")?;
        let key = ed25519::PubKey { key: key.as_bytes().to_vec().into() };
        let [rate, max_rate, max_change_rate] = self.commission.map(|d| d.digits());
        Ok(MsgCreateValidator {
            description: Some(self.description.clone()),
            commission: Some(CommissionRates { rate, max_rate, max_change_rate }),
            min_self_delegation: self.min_self_delegation.to_string(),
            validator_address: prefix.operator_text(operator),
            pubkey: Some(any(&key)),
            value: Some(self.stake.clone()),
            ..MsgCreateValidator::default()
        })
    }
}

fn any<M: prost::Name>(message: &M) -> Any {
    Any { type_url: format!("/{}", M::full_name()), value: message.encode_to_vec() }
}

/// The genesis file of a chain whose first validators are these homes; operators are test accounts where the chain has
/// such, and otherwise new keys whose words are in `config/key_seed.json` of each home.
///
/// # Errors
/// A description that is refused; what the system says.
pub fn found(spec: &Spec, time: Time, homes: &[(&Home, String)]) -> Result<Genesis> {
    let mut genesis = spec.genesis(time, APP_VERSION)?;
    let prefix = Prefix::new(&spec.bech32_prefix).map_err(anyhow::Error::msg)?;
    let for_all = dev::holds(&genesis);
    let mut txs = vec![];
    for (index, (home, moniker)) in (ACCOUNTS..).zip(homes) {
        let operator = if for_all { Key::from_bytes(&dev::account(index).secret)? } else { new_operator(home)? };
        let address = operator.public().account_id(prefix.as_str()).map_err(anyhow::Error::msg)?.to_string();
        let state = &mut genesis.document["app_state"];
        add_account(state, &address, [(&spec.native[..], &spec.founders.balance[..])])?;
        let stake = Coin { denom: spec.native.clone(), amount: spec.founders.stake.clone() };
        let mut founder = Founder::new(public(&home.validator_key()?), moniker, stake);
        founder.memo = peer(&home.node_id()?, index - ACCOUNTS);
        let tx = founder.transaction(&operator, &prefix, &spec.chain_id)?;
        home.write_gen_tx(&tx)?;
        txs.push(tx);
    }
    set_gen_txs(&mut genesis.document["app_state"], txs);
    Ok(Genesis::check(genesis.document)?)
}

/// Where the `k`-th of several nodes on one machine is found: ports as `scripts/devnet` has them.
pub fn peer(node_id: &str, k: u32) -> String {
    format!("{node_id}@127.0.0.1:{}", 26656 + 10 * k)
}

fn new_operator(home: &Home) -> Result<Key> {
    let words = words()?;
    let key = Key::from_words(&words, &path(COIN_TYPE, 0, 0))?;
    let seed: Result<(), HomeError> = home.write_seed(&words);
    seed?;
    Ok(key)
}
