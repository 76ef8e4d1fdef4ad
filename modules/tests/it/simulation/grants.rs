//! Messages of those who act or pay for others.

use super::any;
use super::chance::Chance;
use super::genesis::{ACCOUNTS, FEE, NATIVE, span};
use super::messages::MESSAGES;
use super::stake::any_validator;
use super::world::{World, account, guardian};
use prost::{Message as _, Name as _};
use zektra_modules::address::Address;
use zektra_modules::coin::{Coins, coin};
use zektra_modules::{authz, feegrant};
use zektra_proto::cosmos::authz::v1beta1::{GenericAuthorization, Grant, MsgExec, MsgGrant, MsgRevoke};
use zektra_proto::cosmos::bank::v1beta1::{MsgSend, SendAuthorization};
use zektra_proto::cosmos::feegrant::v1beta1::{
    AllowedMsgAllowance, BasicAllowance, MsgGrantAllowance, MsgPruneAllowances, MsgRevokeAllowance, PeriodicAllowance,
};
use zektra_proto::cosmos::gov::v1::MsgVote;
use zektra_proto::cosmos::staking::v1beta1::stake_authorization::{Policy, Validators};
use zektra_proto::cosmos::staking::v1beta1::{MsgDelegate, MsgUndelegate, StakeAuthorization};
use zektra_proto::{Any, Timestamp};
use zektra_state::{Order, scan_prefix};

/// Who is let act: never for the first validator, which must stay.
fn another(chance: &mut Chance, who: &Address) -> Option<Address> {
    let other = account(chance.between(1, ACCOUNTS - 1));
    (*who != guardian() && other != *who).then_some(other)
}

fn end(world: &World, chance: &mut Chance) -> Option<Timestamp> {
    let seconds = world.block.time.seconds + chance.amount(10 * 24 * 3600)? as i64;
    (!chance.one_in(3)).then_some(Timestamp { seconds, nanos: 0 })
}

fn limit(chance: &mut Chance) -> Vec<zektra_proto::cosmos::base::v1beta1::Coin> {
    vec![coin(FEE, chance.amount(1 << 20).unwrap()), coin(NATIVE, chance.amount(1 << 36).unwrap())]
}

fn authorization(world: &World, chance: &mut Chance) -> Option<Any> {
    let generic = |name: String| any(&GenericAuthorization { msg: format!("/{name}") });
    Some(match chance.below(8) {
        0 => generic(MsgSend::full_name()),
        1 => generic(MsgDelegate::full_name()),
        2 => generic(MsgUndelegate::full_name()),
        3 => generic(MsgVote::full_name()),
        4 => generic(MsgExec::full_name()),
        5 => {
            let allow_list = if chance.one_in(2) { vec![world.text(&account(chance.below(ACCOUNTS)))] } else { vec![] };
            any(&SendAuthorization { spend_limit: limit(chance), allow_list })
        }
        _ => {
            let listed = Validators { address: vec![world.operator_text(&any_validator(world, chance)?.operator)] };
            let policy = if chance.one_in(2) { Policy::AllowList(listed) } else { Policy::DenyList(listed) };
            let max_tokens = chance.amount(1 << 36).map(|a| coin(NATIVE, a)).filter(|_| !chance.one_in(3));
            let authorization_type = chance.between(1, 4) as i32;
            any(&StakeAuthorization { max_tokens, authorization_type, policy: Some(policy) })
        }
    })
}

pub fn grant(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let grantee = world.text(&another(chance, who)?);
    let grant = Grant { authorization: Some(authorization(world, chance)?), expiration: end(world, chance) };
    Some(any(&MsgGrant { granter: world.text(who), grantee, grant: Some(grant) }))
}

/// Grants with this granter or to this grantee: granter, grantee, type.
fn granted(world: &World, fits: impl Fn(&Address, &Address) -> bool) -> Vec<(Address, Address, String)> {
    let prefix = authz::keys::GRANTS;
    let read = |entry: Result<(Vec<u8>, _), _>| {
        let (key, _) = entry.unwrap();
        let (granter, rest) = zektra_modules::address::split_prefixed(&key[prefix.len()..]).unwrap();
        let (grantee, url) = zektra_modules::address::split_prefixed(rest).unwrap();
        (granter, grantee, String::from_utf8(url.to_vec()).unwrap())
    };
    let all = scan_prefix(&world.state, prefix, Order::Ascending).map(read);
    all.filter(|(granter, grantee, _)| fits(granter, grantee)).collect()
}

pub fn exec(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let grants = granted(world, |_, grantee| grantee == who);
    let (granter, _, url) = chance.of(&grants)?;
    // What the granter itself could do, of this type.
    let made = MESSAGES.iter().filter(|m| m.url == *url).find_map(|m| (m.make)(world, chance, granter))?;
    Some(any(&MsgExec { grantee: world.text(who), msgs: vec![made] }))
}

pub fn revoke(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let grants = granted(world, |granter, _| granter == who);
    let (granter, grantee, url) = chance.of(&grants)?;
    let (granter, grantee) = (world.text(granter), world.text(grantee));
    Some(any(&MsgRevoke { granter, grantee, msg_type_url: url.clone() }))
}

pub fn allow(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let grantee = world.text(&another(chance, who)?);
    let spend_limit = if chance.one_in(3) { vec![] } else { limit(chance) };
    let basic = BasicAllowance { spend_limit, expiration: end(world, chance) };
    let mut allowance = any(&basic);
    if chance.one_in(3) {
        allowance = any(&PeriodicAllowance {
            basic: Some(basic),
            period: span(chance.between(0, 100_000) as i64),
            period_spend_limit: limit(chance),
            period_can_spend: vec![],
            period_reset: None,
        });
    }
    if chance.one_in(3) {
        let allowed_messages = MESSAGES.iter().filter(|_| !chance.one_in(4)).map(|m| m.url.into()).collect();
        allowance = any(&AllowedMsgAllowance { allowance: Some(allowance), allowed_messages });
    }
    Some(any(&MsgGrantAllowance { granter: world.text(who), grantee, allowance: Some(allowance) }))
}

/// Granters and grantees of fees.
pub fn allowances(world: &World) -> Vec<(Address, Address)> {
    let read = |entry: Result<(_, Vec<u8>), _>| {
        let grant = zektra_proto::cosmos::feegrant::v1beta1::Grant::decode(&entry.unwrap().1[..]).unwrap();
        (world.prefix.parse(&grant.granter).unwrap(), world.prefix.parse(&grant.grantee).unwrap())
    };
    scan_prefix(&world.state, feegrant::keys::GRANTS, Order::Ascending).map(read).collect()
}

pub fn disallow(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let of: Vec<_> = allowances(world).into_iter().filter(|(granter, _)| granter == who).collect();
    let (granter, grantee) = chance.of(&of)?;
    Some(any(&MsgRevokeAllowance { granter: world.text(granter), grantee: world.text(grantee) }))
}

pub fn prune(world: &World, _: &mut Chance, who: &Address) -> Option<Any> {
    Some(any(&MsgPruneAllowances { pruner: world.text(who) }))
}

/// A fee, mostly a small one.
pub fn fee(chance: &mut Chance) -> Coins {
    let mut out = Coins::none();
    if !chance.one_in(4) {
        out.add(FEE, chance.amount(1 << 16).unwrap()).unwrap();
    }
    if chance.one_in(2) {
        out.add(NATIVE, chance.amount(1 << 16).unwrap()).unwrap();
    }
    out
}
