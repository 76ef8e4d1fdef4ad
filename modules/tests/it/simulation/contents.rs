//! What proposals would do.

use super::any;
use super::chance::Chance;
use super::genesis::{ACCOUNTS, FEE, NATIVE, span};
use super::stake;
use super::world::{World, account};
use zektra_modules::address::Address;
use zektra_modules::authority::authority;
use zektra_modules::coin::coin;
use zektra_modules::decimal::Dec;
use zektra_modules::{bank, consensus, distribution, mint};
use zektra_proto::Any;
use zektra_proto::cosmos::authz::v1beta1::{GenericAuthorization, Grant, MsgExec, MsgGrant};
use zektra_proto::cosmos::bank::v1beta1::{self as bank_proto, MsgSend, MsgSetSendEnabled, SendEnabled};
use zektra_proto::cosmos::consensus::v1 as consensus_proto;
use zektra_proto::cosmos::distribution::v1beta1::{self as distribution_proto, MsgCommunityPoolSpend};
use zektra_proto::cosmos::gov::v1 as gov_proto;
use zektra_proto::cosmos::mint::v1beta1 as mint_proto;
use zektra_proto::cosmos::slashing::v1beta1 as slashing_proto;
use zektra_proto::cosmos::staking::v1beta1::{self as staking_proto, MsgDelegate, MsgUndelegate};
use zektra_proto::cosmos::upgrade::v1beta1::{MsgCancelUpgrade, MsgSoftwareUpgrade, Plan};
use zektra_proto::power::v1 as power_proto;

const HOUR: u64 = 3600;

fn percent(chance: &mut Chance, most: u64) -> Dec {
    Dec::percent(chance.below(most + 1))
}

/// Contents of proposals: what they are called, and their messages.
pub fn content(world: &World, chance: &mut Chance) -> Option<(&'static str, Vec<Any>)> {
    let gov = world.text(&authority());
    Some(match chance.below(17) {
        0 => ("text", vec![]),
        1 => {
            let params = Some(stake::params(world, chance));
            ("staking", vec![any(&staking_proto::MsgUpdateParams { authority: gov, params })])
        }
        2 => ("slashing", vec![slashing_params(chance, gov)]),
        3 => ("mint", vec![mint_params(world, chance, gov)]),
        4 => ("gov", vec![gov_params(world, chance, gov)]),
        5 => ("distribution", vec![distribution_params(world, chance, gov)]),
        6 => {
            let params = Some(power_proto::Params { max_multiplier: chance.between(10_000, 20_000) as u32 });
            ("power", vec![any(&power_proto::MsgUpdateParams { authority: gov, params })])
        }
        7 => ("consensus", vec![consensus_params(world, chance, gov)]),
        8 => ("bank", vec![bank_params(world, chance, gov)]),
        9 => ("spend", vec![spend(world, chance, gov)?]),
        10 => {
            let mut inner = spend(world, chance, gov.clone())?;
            for _ in 0..chance.between(1, 5) {
                inner = any(&MsgExec { grantee: gov.clone(), msgs: vec![inner] });
            }
            ("nested", vec![inner])
        }
        11 => {
            let (name, height) = (format!("v{}", chance.below(100)), world.block.height as i64 + 10_000_000);
            let plan = Some(Plan { name, height, ..Plan::default() });
            ("upgrade", vec![any(&MsgSoftwareUpgrade { authority: gov, plan })])
        }
        12 => ("no upgrade", vec![any(&MsgCancelUpgrade { authority: gov })]),
        13 => ("own", vec![own(world, chance, gov)?]),
        14 | 15 => ("jobs", vec![super::jobs::change(chance, gov)]),
        _ => {
            let (first, second) = (spend(world, chance, gov.clone())?, own(world, chance, gov)?);
            ("two", vec![first, second])
        }
    })
}

fn slashing_params(chance: &mut Chance, authority: String) -> Any {
    let fraction = |chance: &mut Chance| {
        let part = if chance.one_in(8) { chance.one([0, 50, 100]) } else { chance.between(1, 10) };
        Dec::percent(part).digit_bytes().into()
    };
    let params = slashing_proto::Params {
        signed_blocks_window: chance.between(5, 60) as i64,
        min_signed_per_window: Dec::percent(chance.between(5, 95)).digit_bytes().into(),
        downtime_jail_duration: span(chance.between(60, 6000) as i64),
        slash_fraction_double_sign: fraction(chance),
        slash_fraction_downtime: fraction(chance),
    };
    any(&slashing_proto::MsgUpdateParams { authority, params: Some(params) })
}

fn mint_params(world: &World, chance: &mut Chance, authority: String) -> Any {
    let old = mint::params(&world.state).unwrap();
    let least = chance.below(20);
    let params = mint_proto::Params {
        inflation_rate_change: percent(chance, 100).digits(),
        inflation_min: Dec::percent(least).digits(),
        inflation_max: Dec::percent(least + chance.below(30)).digits(),
        goal_bonded: Dec::percent(chance.between(1, 100)).digits(),
        blocks_per_year: chance.one([10_000, 50_000, 6_311_520]),
        ..old
    };
    any(&mint_proto::MsgUpdateParams { authority, params: Some(params) })
}

fn gov_params(world: &World, chance: &mut Chance, authority: String) -> Any {
    let short = chance.between(1, 20) * HOUR;
    let least = u128::from(chance.between(1, 20)) * 1_000_000;
    let part = |chance: &mut Chance, first, last| Dec::percent(chance.between(first, last)).to_string();
    let to = match chance.below(4) {
        0 => world.text(&account(chance.below(ACCOUNTS))),
        1 => world.text(&Address::of_module(distribution::NAME)),
        2 => authority.clone(),
        _ => String::new(),
    };
    let params = gov_proto::Params {
        min_deposit: vec![coin(NATIVE, least)],
        expedited_min_deposit: vec![coin(NATIVE, 2 * least)],
        max_deposit_period: span((chance.between(1, 72) * HOUR) as i64),
        expedited_voting_period: span(short as i64),
        voting_period: span((short + chance.between(1, 40) * HOUR) as i64),
        quorum: part(chance, 1, 40),
        threshold: part(chance, 30, 60),
        expedited_threshold: part(chance, 61, 80),
        veto_threshold: part(chance, 10, 50),
        min_initial_deposit_ratio: part(chance, 0, 10),
        min_deposit_ratio: part(chance, 0, 5),
        proposal_cancel_ratio: part(chance, 0, 100),
        proposal_cancel_dest: to,
        burn_vote_quorum: chance.one_in(2),
        burn_proposal_deposit_prevote: chance.one_in(2),
        burn_vote_veto: chance.one_in(2),
    };
    any(&gov_proto::MsgUpdateParams { authority, params: Some(params) })
}

#[allow(deprecated)]
fn distribution_params(world: &World, chance: &mut Chance, authority: String) -> Any {
    let most = if chance.one_in(8) { 100 } else { 10 };
    let params = distribution_proto::Params {
        community_tax: percent(chance, most).digits(),
        withdraw_addr_enabled: !chance.one_in(4),
        ..distribution::params(&world.state).unwrap()
    };
    any(&distribution_proto::MsgUpdateParams { authority, params: Some(params) })
}

fn consensus_params(world: &World, chance: &mut Chance, authority: String) -> Any {
    let mut params = consensus::params(&world.state).unwrap();
    // Ages of evidence stay: the multipliers of as many blocks are kept.
    if let Some(block) = params.block.as_mut() {
        block.max_bytes = chance.between(1 << 19, 1 << 22) as i64;
        block.max_gas = chance.one([-1, 50_000_000]);
    }
    let (block, evidence, validator) = (params.block, params.evidence, params.validator);
    any(&consensus_proto::MsgUpdateParams { authority, block, evidence, validator, abci: None })
}

fn bank_params(world: &World, chance: &mut Chance, authority: String) -> Any {
    if chance.one_in(2) {
        let entry = SendEnabled { denom: FEE.into(), enabled: !chance.one_in(3) };
        let (send_enabled, use_default_for) = match chance.one_in(3) {
            true => (vec![], vec![FEE.into()]),
            false => (vec![entry], vec![]),
        };
        return any(&MsgSetSendEnabled { authority, send_enabled, use_default_for });
    }
    let params = bank_proto::Params { default_send_enabled: !chance.one_in(4), ..bank::params(&world.state).unwrap() };
    any(&bank_proto::MsgUpdateParams { authority, params: Some(params) })
}

/// A part of what belongs to the community, or too much.
fn spend(world: &World, chance: &mut Chance, authority: String) -> Option<Any> {
    let pool = distribution::community_pool(&world.state).unwrap().amount(NATIVE).floor().unwrap();
    let amount = vec![coin(NATIVE, chance.amount(pool + pool / 4)?)];
    let recipient = world.text(&account(chance.below(ACCOUNTS)));
    Some(any(&MsgCommunityPoolSpend { authority, recipient, amount }))
}

/// What the module of governance does with its own account: others' deposits are on it.
fn own(world: &World, chance: &mut Chance, gov: String) -> Option<Any> {
    let some = || Some(coin(NATIVE, 1_000_000));
    let anyone = world.text(&account(chance.below(ACCOUNTS)));
    let validator_address = world.operator_text(&stake::any_validator(world, chance)?.operator);
    Some(match chance.below(8) {
        0 => any(&MsgSend { from_address: gov, to_address: anyone, amount: some().into_iter().collect() }),
        1 | 2 => any(&MsgDelegate { delegator_address: gov, validator_address, amount: some() }),
        3 => any(&MsgUndelegate { delegator_address: gov, validator_address, amount: some() }),
        4 => any(&distribution_proto::MsgFundCommunityPool { amount: some().into_iter().collect(), depositor: gov }),
        5 => {
            let msg = "/cosmos.staking.v1beta1.MsgUpdateParams".into();
            let grant = Grant { authorization: Some(any(&GenericAuthorization { msg })), expiration: None };
            any(&MsgGrant { granter: gov, grantee: anyone, grant: Some(grant) })
        }
        6 => any(&gov_proto::MsgSubmitProposal {
            title: "inner".into(),
            summary: "inner".into(),
            metadata: "inner".into(),
            proposer: gov,
            ..gov_proto::MsgSubmitProposal::default()
        }),
        _ => any(&distribution_proto::MsgSetWithdrawAddress { delegator_address: gov, withdraw_address: anyone }),
    })
}
