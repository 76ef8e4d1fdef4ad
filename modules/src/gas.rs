//! Gas: what reading and writing the state costs.

use std::cell::Cell;
use zektra_state::{Entries, Order, StateError, StateRead, StateWrite};

/// Counts gas up to a limit.
#[derive(Debug)]
pub struct Meter {
    limit: u64,
    used: Cell<u64>,
}

/// Costs of the state, in gas; those of the Cosmos SDK's `store/types/gas.go`.
mod cost {
    pub const READ: u64 = 1000;
    pub const READ_BYTE: u64 = 3;
    pub const WRITE: u64 = 2000;
    pub const WRITE_BYTE: u64 = 30;
    pub const DELETE: u64 = 1000;
    pub const NEXT: u64 = 30;
}

impl Meter {
    /// A meter that stops at `limit`.
    pub fn new(limit: u64) -> Self {
        Self { limit, used: Cell::new(0) }
    }

    /// A meter without a limit.
    pub fn endless() -> Self {
        Self::new(u64::MAX)
    }

    /// The limit.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Gas used up to now; more than the limit if it has run out.
    pub fn used(&self) -> u64 {
        self.used.get()
    }

    /// Uses gas.
    ///
    /// # Errors
    /// The limit is passed.
    pub fn consume(&self, gas: u64, location: &'static str) -> Result<(), StateError> {
        let wanted = self.used.get().saturating_add(gas);
        self.used.set(wanted);
        if wanted > self.limit {
            return Err(StateError::OutOfGas { location, limit: self.limit, wanted });
        }
        Ok(())
    }
}

/// A state whose use is metered.
pub struct Metered<'a> {
    state: &'a mut dyn StateWrite,
    meter: &'a Meter,
}

impl<'a> Metered<'a> {
    /// Meters `state`.
    pub fn new(state: &'a mut dyn StateWrite, meter: &'a Meter) -> Self {
        Self { state, meter }
    }
}

fn bytes(key: &[u8], value: &[u8]) -> u64 {
    (key.len() as u64).saturating_add(value.len() as u64)
}

impl StateRead for Metered<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.meter.consume(cost::READ, "ReadFlat")?;
        let value = self.state.get(key)?;
        self.meter
            .consume(cost::READ_BYTE.saturating_mul(bytes(key, value.as_deref().unwrap_or_default())), "ReadPerByte")?;
        Ok(value)
    }

    fn scan<'b>(&'b self, from: &[u8], to: Option<&[u8]>, order: Order) -> Entries<'b> {
        let entries = self.state.scan(from, to, order);
        Box::new(entries.map(|entry| {
            let (key, value) = entry?;
            self.meter.consume(cost::NEXT, "IterNextFlat")?;
            self.meter.consume(cost::READ_BYTE.saturating_mul(bytes(&key, &value)), "ValuePerByte")?;
            Ok((key, value))
        }))
    }
}

impl StateWrite for Metered<'_> {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), StateError> {
        self.meter.consume(cost::WRITE, "WriteFlat")?;
        self.meter.consume(cost::WRITE_BYTE.saturating_mul(bytes(&key, &value)), "WritePerByte")?;
        self.state.put(key, value)
    }

    fn delete(&mut self, key: Vec<u8>) -> Result<(), StateError> {
        self.meter.consume(cost::DELETE, "Delete")?;
        self.state.delete(key)
    }
}
