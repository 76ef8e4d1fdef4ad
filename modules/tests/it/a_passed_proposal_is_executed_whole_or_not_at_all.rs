use crate::assembly::{Assembly, FORTUNE, NATIVE, any, gov_text, text, who};
use zektra_modules::authority::authority;
use zektra_modules::coin::coin;
use zektra_modules::gov::params;
use zektra_modules::{auth, bank};
use zektra_proto::Any;
use zektra_proto::cosmos::auth::v1beta1::{MsgUpdateParams as MsgUpdateAuth, Params as AuthParams};
use zektra_proto::cosmos::authz::v1beta1::{GenericAuthorization, Grant, MsgGrant};
use zektra_proto::cosmos::bank::v1beta1::{MsgSend, MsgUpdateParams, Params as BankParams};
use zektra_proto::cosmos::feegrant::v1beta1::{BasicAllowance, MsgGrantAllowance};
use zektra_proto::cosmos::gov::v1::{
    MsgDeposit, MsgSubmitProposal, MsgUpdateParams as MsgUpdateGov, MsgVote, ProposalStatus as Status,
};

const LEAST: u128 = 10_000_000;
const DAY: i64 = 86_400;

fn seated() -> Assembly {
    let mut chain = Assembly::new(|_| ());
    chain.seat(0, 1000, &[(0, 1000)]);
    chain
}

fn submit(messages: Vec<Any>, amount: u128) -> MsgSubmitProposal {
    MsgSubmitProposal {
        messages,
        initial_deposit: vec![coin(NATIVE, amount)],
        proposer: text(1),
        title: "A title".into(),
        summary: "And more".into(),
        ..MsgSubmitProposal::default()
    }
}

/// Puts messages to the vote and lets all vote yes; the proposal's number.
fn carried(chain: &mut Assembly, messages: Vec<Any>) -> u64 {
    let id = chain.run(submit(messages, LEAST)).unwrap().proposal_id;
    chain.run(MsgVote { proposal_id: id, voter: text(0), option: 1, metadata: String::new() }).unwrap();
    chain.end_block(2 * DAY);
    id
}

fn no_sends() -> Any {
    let params = BankParams { default_send_enabled: false, ..BankParams::default() };
    any(&MsgUpdateParams { authority: gov_text(), params: Some(params) })
}

#[test]
fn what_a_transaction_may_be_changes() {
    let mut chain = seated();
    let old = auth::params(&chain.state).unwrap();
    let change = |params| any(&MsgUpdateAuth { authority: gov_text(), params: Some(params) });
    let new = AuthParams { max_memo_characters: 5, ..old };
    carried(&mut chain, vec![change(new)]);
    assert_eq!(auth::params(&chain.state).unwrap(), new);
    let none = chain.run(submit(vec![change(AuthParams { tx_sig_limit: 0, ..old })], LEAST)).unwrap_err();
    assert!(none.log.contains("tx_sig_limit 0: expected a positive number"), "{}", none.log);
    let other = MsgUpdateAuth { authority: text(1), params: Some(old) };
    let refused = chain.run(other).unwrap_err();
    assert_eq!((refused.codespace, refused.code), ("gov", 13));
    assert_eq!(auth::params(&chain.state).unwrap(), new);
}

fn spend(amount: u128) -> Any {
    any(&MsgSend { from_address: gov_text(), to_address: text(5), amount: vec![coin(NATIVE, amount)] })
}

#[test]
fn a_parameter_of_another_module_changes() {
    let mut chain = seated();
    assert!(bank::params(&chain.state).unwrap().default_send_enabled);
    let id = carried(&mut chain, vec![no_sends()]);
    assert!(!bank::params(&chain.state).unwrap().default_send_enabled);
    assert_eq!(chain.proposal(id).unwrap().status(), Status::Passed);
    assert_eq!(chain.said(), ["active_proposal proposal_id=1 proposal_result=proposal_passed proposal_log=passed"]);
    assert_eq!(chain.balance(&who(1)), FORTUNE);
}

#[test]
fn a_message_that_fails_leaves_nothing_of_those_before_it() {
    let mut chain = seated();
    let id = carried(&mut chain, vec![no_sends(), spend(1)]);
    assert!(bank::params(&chain.state).unwrap().default_send_enabled);
    let proposal = chain.proposal(id).unwrap();
    assert_eq!(proposal.status(), Status::Failed);
    let why = format!("{NATIVE} transfers are currently disabled: send transactions are disabled");
    assert_eq!(proposal.failed_reason, why);
    assert_eq!(proposal.final_tally_result.unwrap().yes_count, "1000");
    let log = format!("passed, but msg 1 (/cosmos.bank.v1beta1.MsgSend) failed on execution: {why}");
    let wanted = format!("active_proposal proposal_id=1 proposal_result=proposal_failed proposal_log={log}");
    assert_eq!(chain.said(), [wanted]);
}

#[test]
fn what_others_deposited_is_not_spent() {
    let mut chain = seated();
    // Another proposal's deposit is there, and 40 coins that are nobody's.
    chain.run(MsgSubmitProposal { proposer: text(2), ..submit(vec![no_sends()], LEAST / 10) }).unwrap();
    let surplus = zektra_modules::coin::Coins::one(NATIVE, 40);
    chain.with(|ctx| bank::transfer(ctx, &who(3), &authority(), &surplus)).unwrap();
    let too_much = carried(&mut chain, vec![spend(41)]);
    assert_eq!(chain.proposal(too_much).unwrap().status(), Status::Failed);
    assert_eq!(chain.balance(&who(5)), FORTUNE);
    let enough = carried(&mut chain, vec![spend(40)]);
    assert_eq!(chain.proposal(enough).unwrap().status(), Status::Passed);
    assert_eq!(chain.balance(&who(5)), FORTUNE + 40);
    assert_eq!(chain.balance(&authority()), 0);
}

#[test]
fn new_rules_hold_from_then_on() {
    let mut chain = seated();
    let mut new = params::params(&chain.state).unwrap();
    new.min_deposit = vec![coin(NATIVE, 7)];
    let update = |params| any(&MsgUpdateGov { authority: gov_text(), params: Some(params) });
    carried(&mut chain, vec![update(new)]);
    let id = chain.run(submit(vec![no_sends()], 7)).unwrap().proposal_id;
    assert_eq!(chain.proposal(id).unwrap().status(), Status::VotingPeriod);
    // Rules that contradict each other are no proposal.
    let mut wrong = params::params(&chain.state).unwrap();
    wrong.threshold = "0.7".into();
    let refused = chain.run(submit(vec![update(wrong)], 7)).unwrap_err();
    assert_eq!((refused.codespace, refused.code), ("gov", 12));
}

#[test]
fn the_chain_does_not_deposit_for_itself() {
    let mut chain = seated();
    let deposit = MsgDeposit { proposal_id: 2, depositor: gov_text(), amount: vec![coin(NATIVE, LEAST / 10)] };
    let id = chain.run(submit(vec![any(&deposit)], LEAST)).unwrap().proposal_id;
    chain.run(MsgVote { proposal_id: id, voter: text(0), option: 1, metadata: String::new() }).unwrap();
    chain.end_block(DAY);
    chain.run(submit(vec![no_sends()], LEAST / 10)).unwrap();
    chain.end_block(DAY);
    let why = format!("{} is not allowed to deposit: unauthorized", gov_text());
    assert_eq!(chain.proposal(id).unwrap().failed_reason, why);
}

#[test]
fn a_proposal_is_closed_before_its_messages_run() {
    let mut chain = seated();
    let vote = MsgVote { proposal_id: 1, voter: gov_text(), option: 1, metadata: String::new() };
    let id = carried(&mut chain, vec![any(&vote)]);
    assert_eq!(chain.proposal(id).unwrap().failed_reason, "1: inactive proposal");
}

#[test]
fn votes_end_over_blocks_where_there_are_very_many() {
    let mut chain = Assembly::new(|_| ());
    chain.seat(0, 1000, &[(0, 1000)]);
    let ids: Vec<u64> = (0..3).map(|_| chain.run(submit(vec![no_sends()], LEAST)).unwrap().proposal_id).collect();
    let option = zektra_proto::cosmos::gov::v1::WeightedVoteOption { option: 3, weight: "1".into() };
    for id in &ids {
        for voter in 0..zektra_modules::gov::block::MOST_ENTRIES as u64 / 2 {
            let voter = zektra_modules::address::Address::new(voter.to_be_bytes().to_vec()).unwrap();
            let vote = zektra_proto::cosmos::gov::v1::Vote { options: vec![option.clone()], ..Default::default() };
            let key = zektra_modules::gov::keys::vote(*id, &voter);
            chain.with(|ctx| zektra_modules::context::save(ctx.state, key, &vote)).unwrap();
        }
    }
    chain.end_block(2 * DAY);
    let open = |chain: &Assembly| {
        ids.iter().filter(|id| chain.proposal(**id).unwrap().status() == Status::VotingPeriod).count()
    };
    assert_eq!(open(&chain), 1);
    chain.end_block(1);
    assert_eq!(open(&chain), 0);
}

#[test]
fn nobody_is_let_spend_what_others_deposited() {
    let mut chain = seated();
    let generic = any(&GenericAuthorization { msg: "/cosmos.bank.v1beta1.MsgSend".into() });
    let grant = Some(Grant { authorization: Some(generic), expiration: None });
    let basic = any(&BasicAllowance::default());
    for message in [
        any(&MsgGrant { granter: gov_text(), grantee: text(2), grant }),
        any(&MsgGrantAllowance { granter: gov_text(), grantee: text(2), allowance: Some(basic) }),
    ] {
        let id = carried(&mut chain, vec![message]);
        let proposal = chain.proposal(id).unwrap();
        assert_eq!(proposal.status(), Status::Failed);
        assert!(proposal.failed_reason.contains("the chain's authority grants nothing"), "{}", proposal.failed_reason);
    }
}

#[test]
fn the_largest_stake_is_counted() {
    let mut chain = Assembly::new(|_| ());
    let most = u128::MAX / 2;
    chain.seat(0, most - 1, &[(0, most)]);
    let id = carried(&mut chain, vec![no_sends()]);
    assert_eq!(chain.proposal(id).unwrap().status(), Status::Passed);
}
