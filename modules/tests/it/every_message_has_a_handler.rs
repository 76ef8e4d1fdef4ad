//! The descriptors promise clients what the modules handle.

use std::collections::BTreeSet;
use zektra_modules::MODULES;
use zektra_modules::module::handler;
use zektra_proto::json::pool;

#[test]
fn of_every_msg_service() {
    let methods = || pool().services().filter(|s| s.name() == "Msg").flat_map(|s| s.methods().collect::<Vec<_>>());
    let missing: Vec<String> =
        methods().filter(|m| handler(m.input().full_name()).is_none()).map(|m| m.full_name().into()).collect();
    assert_eq!(missing, Vec::<String>::new());
    // And no module handles what clients are not told of.
    let promised: BTreeSet<String> = methods().map(|m| m.input().full_name().into()).collect();
    let handled: BTreeSet<String> = MODULES.iter().flat_map(|m| m.messages()).map(|m| m.name()).collect();
    assert_eq!(handled, promised);
    // Each once.
    assert_eq!(MODULES.iter().flat_map(|m| m.messages()).count(), handled.len());
}
