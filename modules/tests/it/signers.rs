//! A chain of validators that sign or do not: the modules that know of it, block by block.

use std::collections::BTreeMap;
use zektra_modules::address::{Address, Prefix};
use zektra_modules::authority::authority;
use zektra_modules::context::{Block, Context, Vote};
use zektra_modules::error::TxError;
use zektra_modules::gas::Meter;
use zektra_modules::module::Handler;
use zektra_modules::query::{Query, QueryError};
use zektra_modules::slashing::{self, Slashing};
use zektra_modules::staking::{self, Staking, Validator};
use zektra_modules::{MODULES, Module, bank, consensus, evidence, power};
use zektra_proto::Timestamp;
use zektra_proto::cosmos::bank::v1beta1::{Balance, GenesisState, Params};
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::slashing::v1beta1::{MsgUpdateParams, ValidatorSigningInfo};
use zektra_proto::cosmos::staking::v1beta1::{CommissionRates, Description, MsgCreateValidator};
use zektra_proto::tendermint::abci::{Event, Misbehavior};
use zektra_proto::tendermint::types::{ConsensusParams, EvidenceParams};
use zektra_state::{Empty, Layer as _, StateDelta};

pub const DENOM: &str = "uzektra";
/// Tokens of each validator: a weight of 1000.
pub const STAKE: u128 = 1_000_000_000;

pub struct Chain {
    pub state: StateDelta<Empty>,
    pub prefix: Prefix,
    pub block: Block,
    pub events: Vec<Event>,
    /// Powers by consensus address, where they are not the weights.
    pub powers: BTreeMap<Address, u64>,
}

pub fn operator(k: u8) -> Address {
    Address::new(vec![k; 20]).unwrap()
}

pub fn coin(amount: u128) -> Coin {
    Coin { denom: DENOM.into(), amount: amount.to_string() }
}

impl Chain {
    /// A chain with this many validators, all in the set.
    pub fn new(validators: u8) -> Self {
        let time = Timestamp { seconds: 1_700_000_000, nanos: 5 };
        let mut chain = Self {
            state: StateDelta::new(Empty),
            prefix: Prefix::new("zektra").unwrap(),
            block: Block { height: 1, time, ..Block::default() },
            events: vec![],
            powers: BTreeMap::new(),
        };
        chain.genesis(|chain, module| match module.name() {
            bank::NAME => {
                let balance = |k| Balance { address: chain.prefix.text(&operator(k)), coins: vec![coin(10 * STAKE)] };
                let params = Some(Params { default_send_enabled: true, ..Params::default() });
                let balances = (1..=validators).map(balance).collect();
                zektra_proto::json::write(&GenesisState { params, balances, ..GenesisState::default() }).unwrap()
            }
            _ => module.default_genesis(DENOM),
        });
        let evidence = EvidenceParams {
            max_age_num_blocks: 100,
            max_age_duration: Some(zektra_proto::comet::Duration { seconds: 1000, nanos: 0 }),
            max_bytes: 0,
        };
        let params = ConsensusParams { evidence: Some(evidence), ..ConsensusParams::default() };
        consensus::set_params(&mut chain.state, &params).unwrap();
        for k in 1..=validators {
            chain.run(chain.creation(k)).unwrap();
        }
        chain.end();
        chain
    }

    pub fn genesis(&mut self, part: impl Fn(&Self, &dyn Module) -> serde_json::Value) {
        for module in MODULES {
            let genesis = part(self, module);
            module.check_genesis(&genesis, &self.prefix).unwrap();
            self.with(|ctx| module.init_genesis(ctx, &genesis)).unwrap();
        }
    }

    pub fn creation(&self, k: u8) -> MsgCreateValidator {
        let rate = "0".to_string();
        #[allow(deprecated)]
        MsgCreateValidator {
            description: Some(Description { moniker: format!("number {k}"), ..Description::default() }),
            commission: Some(CommissionRates { rate: rate.clone(), max_rate: rate.clone(), max_change_rate: rate }),
            min_self_delegation: "1".into(),
            delegator_address: String::new(),
            validator_address: self.prefix.operator_text(&operator(k)),
            pubkey: Some(staking::validator::key_any(&[k; 32])),
            value: Some(coin(STAKE)),
        }
    }

    /// Runs on a layer that is dropped if it fails.
    pub fn with<T, E>(&mut self, act: impl FnOnce(&mut Context<'_>) -> Result<T, E>) -> Result<T, E> {
        let (mut layer, mut events, meter) = (StateDelta::new(&self.state), vec![], Meter::endless());
        let Self { block, prefix, .. } = &*self;
        let out = act(&mut Context { state: &mut layer, events: &mut events, block, prefix, gas: &meter })?;
        let changes = layer.into_changes();
        self.state.apply(changes);
        self.events.extend(events);
        Ok(out)
    }

    pub fn run<M: Handler>(&mut self, message: M) -> Result<M::Response, TxError> {
        message.check(&self.prefix)?;
        self.with(|ctx| message.handle(ctx))
    }

    pub fn query<Q: prost::Message, R: prost::Message + Default>(
        &self,
        module: &dyn Module,
        method: &str,
        request: &Q,
    ) -> Result<R, QueryError> {
        let query = Query { state: &self.state, block: &self.block, prefix: &self.prefix };
        let answer = module.services()[0].call(method, &query, &request.encode_to_vec()).unwrap()?;
        Ok(R::decode(&answer[..]).unwrap())
    }

    /// Ends a block; what must hold after it is checked.
    pub fn end(&mut self) {
        self.with(|ctx| Staking.end_block(ctx)).unwrap();
        for module in [&Staking as &dyn Module, &Slashing, &bank::Bank] {
            module.check_invariants(&self.state).unwrap();
        }
    }

    /// Executes a block, five seconds after the one before, whose signers are all but the absent ones.
    pub fn next(&mut self, absent: &[u8], misbehavior: Vec<Misbehavior>) {
        let all = staking::validators(&self.state).unwrap();
        let vote = |v: &Validator| {
            let power = self.powers.get(&v.consensus()).copied().unwrap_or(v.weight());
            Vote { validator: v.consensus(), power, signed: !absent.contains(&v.operator.bytes()[0]) }
        };
        let votes = all.iter().filter(|v| v.is_bonded()).map(vote).collect();
        self.block = Block {
            height: self.block.height + 1,
            time: Timestamp { seconds: self.block.time.seconds + 5, ..self.block.time },
            votes,
            misbehavior,
            ..Block::default()
        };
        self.events.clear();
        for module in [&power::Power as &dyn Module, &Staking, &Slashing, &evidence::Evidence] {
            self.with(|ctx| module.begin_block(ctx)).unwrap();
        }
        self.end();
    }

    pub fn validator(&self, k: u8) -> Validator {
        staking::known(&self.state, &operator(k)).unwrap()
    }

    pub fn info(&self, k: u8) -> ValidatorSigningInfo {
        let consensus = staking::validator::address_of(&[k; 32]);
        slashing::signing_info(&self.state, &consensus).unwrap().unwrap()
    }

    pub fn consensus_text(&self, k: u8) -> String {
        self.prefix.consensus_text(&staking::validator::address_of(&[k; 32]))
    }

    /// Changes the window and the part of it, in percent, that must be signed.
    pub fn set_window(&mut self, window: i64, percent: u64) {
        let mut params = slashing::params(&self.state).unwrap();
        params.signed_blocks_window = window;
        params.min_signed_per_window = zektra_modules::decimal::Dec::percent(percent).digit_bytes().into();
        let authority = self.prefix.text(&authority());
        self.run(MsgUpdateParams { authority, params: Some(params) }).unwrap();
    }

    /// Events of a type: their attributes.
    pub fn events(&self, kind: &str) -> Vec<Vec<(&str, &str)>> {
        fn attributes(e: &Event) -> Vec<(&str, &str)> {
            e.attributes.iter().map(|a| (&a.key[..], &a.value[..])).collect()
        }
        self.events.iter().filter(|e| e.r#type == kind).map(attributes).collect()
    }
}
