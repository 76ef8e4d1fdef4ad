//! A state with a block, for tests of single modules.

use prost::Message;
use zektra_modules::address::{Address, Prefix};
use zektra_modules::context::{Block, Context};
use zektra_modules::error::TxError;
use zektra_modules::gas::Meter;
use zektra_modules::module::{Handler, Module};
use zektra_modules::query::{Query, QueryError};
use zektra_proto::Timestamp;
use zektra_proto::tendermint::abci::Event;
use zektra_state::{Empty, Layer as _, StateDelta};

pub const BEGIN: i64 = 1_700_000_000;

pub struct Ground {
    pub state: StateDelta<Empty>,
    pub block: Block,
    pub prefix: Prefix,
    /// Of what was done last.
    pub events: Vec<Event>,
}

impl Ground {
    pub fn new() -> Self {
        let time = Timestamp { seconds: BEGIN, nanos: 0 };
        let block = Block { chain_id: "test-1".into(), height: 10, time, ..Block::default() };
        Self { state: StateDelta::new(Empty), block, prefix: Prefix::new("zektra").unwrap(), events: vec![] }
    }

    /// Does something that changes all it says, or nothing.
    pub fn with<T>(&mut self, work: impl FnOnce(&mut Context<'_>) -> Result<T, TxError>) -> Result<T, TxError> {
        let (mut layer, meter, mut events) = (StateDelta::new(&self.state), Meter::endless(), vec![]);
        let (block, prefix) = (&self.block, &self.prefix);
        let done = work(&mut Context { state: &mut layer, events: &mut events, block, prefix, gas: &meter })?;
        let changes = layer.into_changes();
        self.state.apply(changes);
        self.events = events;
        Ok(done)
    }

    pub fn send<M: Handler>(&mut self, message: M) -> Result<M::Response, TxError> {
        message.check(&self.prefix)?;
        self.with(|ctx| message.handle(ctx))
    }

    pub fn text(&self, who: u8) -> String {
        self.prefix.text(&person(who))
    }

    pub fn ask<Q: Message, R: Message + Default>(
        &self,
        module: &dyn Module,
        method: &str,
        request: &Q,
    ) -> Result<R, QueryError> {
        let query = Query { state: &self.state, block: &self.block, prefix: &self.prefix };
        let service = module.services().remove(0);
        let answer = service.call(method, &query, &request.encode_to_vec()).unwrap()?;
        Ok(R::decode(&answer[..]).unwrap())
    }

    /// Writes a module's genesis and reads it in elsewhere: all its keys must be the same.
    pub fn round_trip(&self, module: &dyn Module) -> Self {
        self.round_trip_after(&[], module)
    }

    /// The same, after modules that it needs.
    pub fn round_trip_after(&self, before: &[&dyn Module], module: &dyn Module) -> Self {
        let mut other = Self { block: self.block.clone(), ..Self::new() };
        for module in before.iter().chain([&module]) {
            let genesis = module.export_genesis(&self.state, &self.prefix).unwrap();
            module.check_genesis(&genesis, &self.prefix).unwrap();
            other.with(|ctx| Ok(module.init_genesis(ctx, &genesis).unwrap())).unwrap();
        }
        let genesis = module.export_genesis(&self.state, &self.prefix).unwrap();
        module.check_invariants(&other.state).unwrap();
        assert_eq!(module.export_genesis(&other.state, &other.prefix).unwrap(), genesis);
        let own = |ground: &Self| {
            let own = format!("{}/", module.name());
            let of_module = |(k, v): (&Vec<u8>, &Option<Vec<u8>>)| {
                v.clone().filter(|_| k.starts_with(own.as_bytes())).map(|v| (k.clone(), v))
            };
            ground.state.changes().iter().filter_map(of_module).collect::<Vec<_>>()
        };
        assert_eq!(own(self), own(&other));
        other
    }
}

pub fn person(who: u8) -> Address {
    Address::new(vec![who; 20]).unwrap()
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 0 }
}

pub fn any<M: Message + prost::Name>(message: &M) -> zektra_proto::Any {
    zektra_proto::Any { type_url: format!("/{}", M::full_name()), value: message.encode_to_vec() }
}

/// Events as text: `type{key=value,…}`.
pub fn shown(events: &[Event]) -> Vec<String> {
    let attributes =
        |e: &Event| e.attributes.iter().map(|a| format!("{}={}", a.key, a.value)).collect::<Vec<_>>().join(",");
    events.iter().map(|e| format!("{}{{{}}}", e.r#type, attributes(e))).collect()
}
