//! Connections of one address and what they have to read: no more than its share.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// What each address has taken.
#[derive(Debug)]
pub struct Shares {
    /// Connections at most; 0 for any number.
    most: usize,
    /// KiB of answers that wait to be read.
    room: usize,
    taken: Mutex<BTreeMap<IpAddr, Taken>>,
}

#[derive(Debug)]
struct Taken {
    connections: usize,
    room: Arc<Semaphore>,
}

/// One connection of an address, until it is dropped.
#[derive(Debug)]
pub struct Share(Option<(Arc<Shares>, IpAddr)>);

impl Shares {
    /// So many connections for each address, 0 for any number, and so many KiB of answers for them together.
    pub fn new(most: usize, room: usize) -> Arc<Self> {
        Arc::new(Self { most, room, taken: Mutex::default() })
    }

    fn taken(&self) -> MutexGuard<'_, BTreeMap<IpAddr, Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection of an address, unless it has its share already, and gives the room of all its answers.
    /// Loopback has no share: behind a proxy of this machine are many.
    pub fn take(self: &Arc<Self>, from: IpAddr) -> Option<(Share, Option<Arc<Semaphore>>)> {
        let from = counted(from);
        if self.most == 0 || from.is_loopback() {
            return Some((Share(None), None));
        }
        let mut taken = self.taken();
        let new = || Taken { connections: 0, room: Arc::new(Semaphore::new(self.room)) };
        let of_address = taken.entry(from).or_insert_with(new);
        if of_address.connections >= self.most {
            return None;
        }
        of_address.connections += 1;
        Some((Share(Some((self.clone(), from))), Some(of_address.room.clone())))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some((shares, from)) = &self.0 else { return };
        let mut taken = shares.taken();
        if let Some(of_address) = taken.get_mut(from) {
            of_address.connections -= 1;
            if of_address.connections == 0 {
                taken.remove(from);
            }
        }
    }
}

/// What counts as one address: of IPv6 a network of 64 bits, which is what one customer gets.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED))
    }

    #[test]
    fn each_address_has_its_own() {
        let shares = Shares::new(2, 1);
        let held: Vec<_> = (0..2).map(|_| shares.take(address("192.0.2.1"))).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(shares.take(address("192.0.2.1")).is_none());
        assert!(shares.take(address("::ffff:192.0.2.1")).is_none(), "the same address");
        assert!(shares.take(address("192.0.2.2")).is_some());
        let rooms: Vec<_> = held.iter().flatten().filter_map(|(_, room)| room.as_ref()?.try_acquire().ok()).collect();
        assert_eq!(rooms.len(), 1, "its connections have one room");
        drop(rooms);
        let networks: Vec<_> = ["2001:db8::1", "2001:db8::2"].map(|a| shares.take(address(a))).into();
        assert!(shares.take(address("2001:db8::3")).is_none(), "the same network");
        assert!(shares.take(address("2001:db8:0:1::1")).is_some());
        drop((held, networks));
        assert!(shares.take(address("192.0.2.1")).is_some());
        assert!(shares.taken().is_empty());
    }

    #[test]
    fn and_those_without_a_bound_any_number() {
        let (one, any) = (Shares::new(1, 1), Shares::new(0, 1));
        let loopback = ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"];
        let held: Vec<_> = loopback.iter().cycle().take(100).map(|a| one.take(address(a))).collect();
        let more: Vec<_> = (0..100).map(|_| any.take(address("192.0.2.1"))).collect();
        assert!(held.iter().chain(&more).all(Option::is_some));
    }
}
