use crate::assembly::{Assembly, FORTUNE, NATIVE, any, gov_text, prefix, text, who};
use zektra_modules::Module as _;
use zektra_modules::address::Address;
use zektra_modules::coin::coin;
use zektra_modules::distribution;
use zektra_modules::error::TxError;
use zektra_modules::gov::Gov;
use zektra_modules::module::{Handler, handler};
use zektra_modules::query::Code;
use zektra_proto::cosmos::bank::v1beta1::{MsgSend, MsgUpdateParams};
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::gov::v1::{
    MsgCancelProposal, MsgDeposit, MsgExecLegacyContent, MsgSubmitProposal, MsgVote, MsgVoteWeighted,
    QueryConstitutionRequest, QueryConstitutionResponse, QueryDepositRequest, QueryDepositResponse, QueryParamsRequest,
    QueryParamsResponse, QueryProposalRequest, QueryProposalResponse, QueryProposalsRequest, QueryProposalsResponse,
    QueryTallyResultRequest, QueryTallyResultResponse, QueryVoteRequest, QueryVoteResponse, QueryVotesRequest,
    QueryVotesResponse, WeightedVoteOption,
};
use zektra_proto::cosmos::gov::v1beta1 as older;
use zektra_proto::{Any, json};

const LEAST: u128 = 10_000_000;

fn coins(amount: u128) -> Vec<Coin> {
    vec![coin(NATIVE, amount)]
}

fn submission() -> MsgSubmitProposal {
    MsgSubmitProposal {
        initial_deposit: coins(LEAST),
        proposer: text(1),
        metadata: "on paper".into(),
        title: "A title".into(),
        summary: "And more".into(),
        ..MsgSubmitProposal::default()
    }
}

fn seated() -> Assembly {
    let mut chain = Assembly::new(|_| ());
    chain.seat(0, 1000, &[(0, 600), (2, 400)]);
    chain
}

fn refused<M: Handler>(chain: &mut Assembly, message: M) -> (&'static str, u32, String)
where
    M::Response: std::fmt::Debug,
{
    let TxError { codespace, code, log } = chain.run(message).unwrap_err();
    (codespace, code, log)
}

fn weighted(options: &[(i32, &str)]) -> MsgVoteWeighted {
    let each = |(option, weight): &(i32, &str)| WeightedVoteOption { option: *option, weight: (*weight).into() };
    let options = options.iter().map(each).collect();
    MsgVoteWeighted { proposal_id: 1, voter: text(0), options, metadata: String::new() }
}

#[test]
fn a_proposal_that_is_refused() {
    let mut chain = seated();
    let mut all = |change: &dyn Fn(&mut MsgSubmitProposal)| {
        let mut message = submission();
        change(&mut message);
        refused(&mut chain, message)
    };
    let gov = |code, log: &str| ("gov", code, log.to_string());
    let sdk = |code, log: &str| ("sdk", code, log.to_string());
    assert_eq!(all(&|m| m.title.clear()), sdk(18, "proposal title cannot be empty: invalid request"));
    assert_eq!(all(&|m| m.summary.clear()), sdk(18, "proposal summary cannot be empty: invalid request"));
    let nothing = "either metadata or Msgs length must be non-nil: no messages proposed";
    assert_eq!(all(&|m| m.metadata.clear()), gov(11, nothing));
    let other = r#"{"title":"Another","authors":["me"],"summary":"And more"}"#;
    let wrong = "metadata title 'Another' must equal proposal title 'A title': invalid proposal content";
    assert_eq!(all(&|m| m.metadata = other.into()), gov(5, wrong));
    let long = "got metadata with length 256: metadata too long";
    assert_eq!(all(&|m| m.metadata = "m".repeat(256)), gov(15, long));
    assert_eq!(all(&|m| m.title = "t".repeat(256)), gov(15, long));
    let long = "got summary with length 10201: summary too long";
    assert_eq!(all(&|m| m.summary = "s".repeat(10_201)), gov(22, long));
    let small =
        "received 99999uzektra but need at least one of the following: 100000uzektra: minimum deposit is too small";
    assert_eq!(all(&|m| m.initial_deposit = coins(99_999)), gov(16, small));
    let small = "received  but need at least one of the following: 500000uzektra: minimum deposit is too small";
    assert_eq!(all(&|m| (m.initial_deposit, m.expedited) = (vec![], true)), gov(16, small));
    let foreign = "deposited 5ufoo, but gov accepts only the following denom(s): [uzektra]: invalid deposit denom";
    assert_eq!(all(&|m| m.initial_deposit = vec![coin("ufoo", 5)]), gov(23, foreign));
    let unknown = Any { type_url: "/cosmos.nft.v1beta1.MsgSend".into(), value: vec![] };
    let unroutable = "/cosmos.nft.v1beta1.MsgSend: proposal message not recognized by router";
    assert_eq!(all(&|m| m.messages = vec![unknown.clone()]), gov(10, unroutable));
    let send = MsgSend { from_address: text(3), to_address: text(4), amount: coins(1) };
    let signer = format!("{}: expected gov account as only signer for proposal message", text(3));
    assert_eq!(all(&|m| m.messages = vec![any(&send)]), gov(13, &signer));
    let update = MsgUpdateParams { authority: gov_text(), params: None };
    let invalid = "params: missing: invalid request: invalid proposal message";
    assert_eq!(all(&|m| m.messages = vec![any(&update)]), gov(12, invalid));
    let spend = Any { type_url: "/cosmos.distribution.v1beta1.CommunityPoolSpendProposal".into(), value: vec![] };
    let carry = MsgExecLegacyContent { content: Some(spend.clone()), authority: gov_text() };
    let none = "distribution: no handler exists for proposal type";
    assert_eq!(all(&|m| m.messages = vec![any(&carry)]), gov(9, none));
    let old = |content| older::MsgSubmitProposal { content, initial_deposit: coins(LEAST), proposer: text(1) };
    assert_eq!(refused(&mut chain, old(Some(spend))), gov(9, none));
    assert_eq!(refused(&mut chain, old(None)), gov(5, "missing content: invalid proposal content"));
    let blank = older::TextProposal { title: " ".into(), description: "And more".into() };
    let wrong = "proposal title cannot be blank: invalid proposal content";
    assert_eq!(refused(&mut chain, old(Some(any(&blank)))), gov(5, wrong));
}

#[test]
fn a_vote_a_deposit_or_a_withdrawal_that_is_refused() {
    let mut chain = seated();
    let vote = |option| MsgVote { proposal_id: 1, voter: text(0), option, metadata: String::new() };
    let gov = |code, log: &str| ("gov", code, log.to_string());
    assert_eq!(refused(&mut chain, vote(1)), gov(3, "1: inactive proposal"));
    let deposit = |id| MsgDeposit { proposal_id: id, depositor: text(1), amount: coins(LEAST) };
    assert_eq!(refused(&mut chain, deposit(1)), gov(2, "1: unknown proposal"));
    chain.run(submission()).unwrap();
    assert_eq!(refused(&mut chain, vote(0)), gov(7, "VOTE_OPTION_UNSPECIFIED: invalid vote option"));
    assert_eq!(refused(&mut chain, vote(9)), gov(7, "9: invalid vote option"));
    let long = MsgVote { metadata: "m".repeat(256), ..vote(1) };
    assert_eq!(refused(&mut chain, long), gov(15, "got metadata with length 256: metadata too long"));
    let mut all = |options: &[(i32, &str)]| refused(&mut chain, weighted(options));
    assert_eq!(all(&[(1, "0.7"), (3, "0.4")]), gov(7, "total weight overflow 1.00: invalid vote option"));
    assert_eq!(all(&[(1, "0.7"), (3, "0.2")]), gov(7, "total weight lower than 1.00: invalid vote option"));
    assert_eq!(all(&[(1, "0.5"), (1, "0.5")]), gov(7, "duplicated vote option: invalid vote option"));
    for wrong in [(1, "1.5"), (1, "0"), (1, "-1"), (1, ""), (1, "1e0"), (5, "1")] {
        assert_eq!(all(&[wrong]).1, 7, "{wrong:?}");
    }
    assert_eq!(all(&[]).1, 18);
    let cancel = |k| MsgCancelProposal { proposal_id: 1, proposer: text(k) };
    let other = format!("invalid proposer {}: invalid proposer", text(2));
    assert_eq!(refused(&mut chain, cancel(2)), gov(18, &other));
    chain.end_block(3 * 86_400);
    let closed = "proposal should be in the deposit or voting period: invalid proposal";
    assert_eq!(refused(&mut chain, cancel(1)), gov(21, closed));
    assert_eq!(refused(&mut chain, deposit(1)), gov(3, "1: inactive proposal"));
    assert_eq!(refused(&mut chain, vote(1)), gov(3, "1: inactive proposal"));
}

#[test]
fn what_happens_is_told_in_events() {
    let mut chain = seated();
    let update = MsgUpdateParams { authority: gov_text(), params: Some(Default::default()) };
    let submit = MsgSubmitProposal { messages: vec![any(&update); 2], initial_deposit: coins(100_000), ..submission() };
    chain.run(submit).unwrap();
    let (by, names) = (text(1), ",/cosmos.bank.v1beta1.MsgUpdateParams".repeat(2));
    let told = [
        format!("submit_proposal proposal_id=1 proposal_proposer={by} proposal_messages={names}"),
        format!("proposal_deposit depositor={by} amount=100000uzektra proposal_id=1"),
    ];
    assert_eq!(chain.said(), told);
    chain.run(MsgDeposit { proposal_id: 1, depositor: text(2), amount: coins(LEAST) }).unwrap();
    let told = [
        format!("proposal_deposit depositor={} amount=10000000uzektra proposal_id=1", text(2)),
        "proposal_deposit voting_period_start=1".into(),
    ];
    assert_eq!(chain.said(), told);
    chain.run(weighted(&[(1, "0.7"), (4, "0.3")])).unwrap();
    let options = r#"[{"option":1,"weight":"0.7"},{"option":4,"weight":"0.3"}]"#;
    assert_eq!(chain.said(), [format!("proposal_vote voter={} option={options} proposal_id=1", text(0))]);
    chain.run(MsgVote { proposal_id: 1, voter: text(0), option: 3, metadata: String::new() }).unwrap();
    let options = r#"[{"option":3,"weight":"1.000000000000000000"}]"#;
    assert_eq!(chain.said(), [format!("proposal_vote voter={} option={options} proposal_id=1", text(0))]);
    let answer = chain.run(MsgCancelProposal { proposal_id: 1, proposer: by.clone() }).unwrap();
    assert_eq!((answer.proposal_id, answer.canceled_time), (1, Some(chain.block.time)));
    assert_eq!(chain.said(), [format!("cancel_proposal sender={by} proposal_id=1")]);
    chain.run(MsgSubmitProposal { initial_deposit: coins(100_000), ..submission() }).unwrap();
    chain.run(MsgSubmitProposal { initial_deposit: coins(5 * LEAST), expedited: true, ..submission() }).unwrap();
    assert_eq!(chain.said().last().unwrap(), "submit_proposal voting_period_start=3");
    chain.end_block(86_400);
    let log = "expedited proposal converted to regular";
    let converted = "active_proposal proposal_id=3 proposal_result=expedited_proposal_rejected proposal_log=";
    assert_eq!(chain.said(), [format!("{converted}{log}")]);
    chain.end_block(86_400);
    let told = [
        "inactive_proposal proposal_id=2 proposal_result=proposal_dropped",
        "active_proposal proposal_id=3 proposal_result=proposal_rejected proposal_log=rejected",
    ];
    assert_eq!(chain.said(), told);
    assert_eq!(chain.proposal(3).unwrap().failed_reason, "proposal did not get enough votes to pass");
}

#[test]
fn the_newer_service_answers() {
    let mut chain = seated();
    chain.run(submission()).unwrap();
    chain.run(weighted(&[(1, "0.75"), (2, "0.25")])).unwrap();
    let asked = |id| QueryProposalRequest { proposal_id: id };
    let found: QueryProposalResponse = chain.ask("Proposal", &asked(1)).unwrap();
    assert_eq!(found.proposal, chain.proposal(1));
    let none = chain.ask::<_, QueryProposalResponse>("Proposal", &asked(2)).unwrap_err();
    assert_eq!((none.code, &none.message[..]), (Code::NotFound, "proposal 2 doesn't exist"));
    let none = chain.ask::<_, QueryProposalResponse>("Proposal", &asked(0)).unwrap_err();
    assert_eq!((none.code, &none.message[..]), (Code::InvalidArgument, "proposal id can not be 0"));
    for (status, voter, depositor, count) in [
        (0, String::new(), String::new(), 1),
        (2, text(0), text(1), 1),
        (3, String::new(), String::new(), 0),
        (0, text(1), String::new(), 0),
        (0, String::new(), text(0), 0),
    ] {
        let asked = QueryProposalsRequest { proposal_status: status, voter, depositor, pagination: None };
        let found: QueryProposalsResponse = chain.ask("Proposals", &asked).unwrap();
        assert_eq!(found.proposals.len(), count);
    }
    let asked = |voter| QueryVoteRequest { proposal_id: 1, voter };
    let found: QueryVoteResponse = chain.ask("Vote", &asked(text(0))).unwrap();
    assert_eq!(found.vote.unwrap().options[0].weight, "0.75");
    let none = chain.ask::<_, QueryVoteResponse>("Vote", &asked(text(1))).unwrap_err();
    let missing = format!("voter: {} not found for proposal: 1", text(1));
    assert_eq!((none.code, none.message), (Code::InvalidArgument, missing));
    let found: QueryVotesResponse =
        chain.ask("Votes", &QueryVotesRequest { proposal_id: 1, pagination: None }).unwrap();
    assert_eq!((found.votes.len(), found.pagination.unwrap().total), (1, 1));
    let asked = |depositor| QueryDepositRequest { proposal_id: 1, depositor };
    let found: QueryDepositResponse = chain.ask("Deposit", &asked(text(1))).unwrap();
    assert_eq!(found.deposit.unwrap().amount, coins(LEAST));
    assert_eq!(chain.ask::<_, QueryDepositResponse>("Deposit", &asked(text(0))).unwrap_err().code, Code::NotFound);
    // The validator votes for its other delegator, too.
    let asked = QueryTallyResultRequest { proposal_id: 1 };
    let found: QueryTallyResultResponse = chain.ask("TallyResult", &asked).unwrap();
    let tally = found.tally.unwrap();
    assert_eq!((&tally.yes_count[..], &tally.abstain_count[..], &tally.no_count[..]), ("750", "250", "0"));
    let found: QueryConstitutionResponse = chain.ask("Constitution", &QueryConstitutionRequest {}).unwrap();
    assert_eq!(found.constitution, "");
    let asked = |name: &str| QueryParamsRequest { params_type: name.into() };
    let found: QueryParamsResponse = chain.ask("Params", &asked("")).unwrap();
    let shown = json::write(&found).unwrap();
    assert_eq!(shown["params"]["quorum"], "0.334000000000000000");
    assert_eq!(shown["params"]["min_deposit_ratio"], "0.010000000000000000");
    assert_eq!(shown["params"]["expedited_voting_period"], "86400s");
    assert_eq!(shown["params"]["expedited_min_deposit"][0]["amount"], "50000000");
    assert!(shown["tally_params"].is_null());
    let found: QueryParamsResponse = chain.ask("Params", &asked("tallying")).unwrap();
    assert_eq!(json::write(&found).unwrap()["tally_params"]["threshold"], "0.500000000000000000");
    let wrong = chain.ask::<_, QueryParamsResponse>("Params", &asked("all")).unwrap_err();
    assert_eq!(wrong.message, "unknown params type: all");
}

#[test]
fn the_older_service_answers_of_the_same_proposals() {
    let mut chain = seated();
    let text_proposal = older::TextProposal { title: "A title".into(), description: "And more".into() };
    let content = Some(any(&text_proposal));
    chain.run(older::MsgSubmitProposal { content, initial_deposit: coins(LEAST), proposer: text(1) }).unwrap();
    let update = any(&MsgUpdateParams { authority: gov_text(), params: Some(Default::default()) });
    chain.run(MsgSubmitProposal { messages: vec![update.clone()], ..submission() }).unwrap();
    chain.run(submission()).unwrap();
    chain.run(MsgSubmitProposal { messages: vec![update.clone(); 2], ..submission() }).unwrap();
    let half = |option| older::WeightedVoteOption { option, weight: "500000000000000000".into() };
    let vote = older::MsgVoteWeighted { proposal_id: 1, voter: text(0), options: vec![half(1), half(4)] };
    chain.run(vote).unwrap();
    chain.run(older::MsgVote { proposal_id: 1, voter: text(2), option: 2 }).unwrap();
    chain.run(older::MsgDeposit { proposal_id: 1, depositor: text(2), amount: coins(LEAST) }).unwrap();

    let asked = |id| older::QueryProposalRequest { proposal_id: id };
    let found: older::QueryProposalResponse = chain.ask("Proposal", &asked(1)).unwrap();
    let shown = json::write(&found).unwrap();
    assert_eq!(shown["proposal"]["content"]["@type"], "/cosmos.gov.v1beta1.TextProposal");
    assert_eq!(shown["proposal"]["content"]["title"], "A title");
    assert_eq!(shown["proposal"]["status"], "PROPOSAL_STATUS_VOTING_PERIOD");
    assert_eq!(shown["proposal"]["total_deposit"][0]["amount"], "20000000");
    let asked_all = older::QueryProposalsRequest::default();
    let found: older::QueryProposalsResponse = chain.ask("Proposals", &asked_all).unwrap();
    let contents: Vec<_> = found.proposals.into_iter().map(|p| p.content.unwrap()).collect();
    assert_eq!(contents, [any(&text_proposal), update, any(&text_proposal)]);
    let many = chain.ask::<_, older::QueryProposalResponse>("Proposal", &asked(4)).unwrap_err();
    assert!(many.message.ends_with("when amount of proposal messages not exactly one: invalid type"));

    let asked = older::QueryVoteRequest { proposal_id: 1, voter: text(0) };
    let found: older::QueryVoteResponse = chain.ask("Vote", &asked).unwrap();
    assert_eq!(found.vote.clone().unwrap().options, [half(1), half(4)]);
    assert_eq!(json::write(&found).unwrap()["vote"]["options"][0]["weight"], "0.500000000000000000");
    let asked = older::QueryVotesRequest { proposal_id: 1, pagination: None };
    let found: older::QueryVotesResponse = chain.ask("Votes", &asked).unwrap();
    assert_eq!(found.votes[1].options[0].weight, "1000000000000000000");
    let asked = older::QueryTallyResultRequest { proposal_id: 1 };
    let tally = chain.ask::<_, older::QueryTallyResultResponse>("TallyResult", &asked).unwrap().tally.unwrap();
    assert_eq!([tally.yes, tally.abstain, tally.no, tally.no_with_veto], ["300", "400", "0", "300"]);
    let asked = older::QueryDepositsRequest { proposal_id: 1, pagination: None };
    let found: older::QueryDepositsResponse = chain.ask("Deposits", &asked).unwrap();
    assert_eq!(found.deposits.len(), 2);
    let asked = |name: &str| older::QueryParamsRequest { params_type: name.into() };
    let found: older::QueryParamsResponse = chain.ask("Params", &asked("tallying")).unwrap();
    assert_eq!(&found.tally_params.clone().unwrap().quorum[..], b"334000000000000000");
    assert_eq!(json::write(&found).unwrap()["tally_params"]["quorum"], "0.334000000000000000");
    let wrong = chain.ask::<_, older::QueryParamsResponse>("Params", &asked("")).unwrap_err();
    assert_eq!(wrong.message, " is not a valid parameter type");
}

#[test]
fn what_is_taken_back_pays_the_community() {
    let community = Address::of_module(distribution::NAME);
    let mut chain = Assembly::new(|params| params.proposal_cancel_dest = prefix().text(&community));
    chain.run(MsgSubmitProposal { initial_deposit: coins(3_000_001), ..submission() }).unwrap();
    chain.run(MsgCancelProposal { proposal_id: 1, proposer: text(1) }).unwrap();
    assert_eq!((chain.balance(&who(1)), chain.balance(&community)), (FORTUNE - 1_500_000, 1_500_000));
    let pool = distribution::community_pool(&chain.state).unwrap();
    assert_eq!(pool.to_string(), "1500000.000000000000000000uzektra");
    // No other module gets coins that it does not expect.
    let pool = prefix().text(&Address::of_module("mint"));
    let mut chain = Assembly::new(|params| params.proposal_cancel_dest = pool.clone());
    chain.with(|ctx| zektra_modules::auth::create_module(ctx, "mint", &[])).unwrap();
    chain.run(submission()).unwrap();
    let refused = refused(&mut chain, MsgCancelProposal { proposal_id: 1, proposer: text(1) });
    assert_eq!(refused.2, format!("{pool} is not allowed to receive funds: unauthorized"));
}

#[test]
fn all_messages_have_handlers() {
    let names = ["SubmitProposal", "Deposit", "Vote", "VoteWeighted"];
    let newer = ["UpdateParams", "CancelProposal", "ExecLegacyContent"];
    for name in names.iter().chain(&newer) {
        assert!(handler(&format!("cosmos.gov.v1.Msg{name}")).is_some(), "{name}");
    }
    for name in names {
        assert!(handler(&format!("cosmos.gov.v1beta1.Msg{name}")).is_some(), "{name}");
    }
    let methods: Vec<_> = Gov.services().iter().map(|s| s.methods().count()).collect();
    assert_eq!(methods, [9, 8]);
}

#[test]
fn a_genesis_file_that_contradicts_itself() {
    let prefix = prefix();
    let whole = Gov.default_genesis(NATIVE);
    Gov.check_genesis(&whole, &prefix).unwrap();
    let wrong = |field: &str, value: serde_json::Value| {
        let mut genesis = whole.clone();
        *genesis.pointer_mut(field).unwrap() = value;
        Gov.check_genesis(&genesis, &prefix).unwrap_err()
    };
    assert_eq!(wrong("/params", serde_json::Value::Null).field, "gov.params");
    assert_eq!(wrong("/starting_proposal_id", "0".into()).field, "gov.starting_proposal_id");
    for (field, value) in [
        ("quorum", "1.5"),
        ("quorum", "x"),
        ("threshold", "0"),
        ("expedited_threshold", "0.5"),
        ("voting_period", "0s"),
        ("voting_period", "86400s"),
        ("max_deposit_period", "-1s"),
        ("voting_period", "99999999999s"),
        ("proposal_cancel_dest", "nobody"),
    ] {
        let error = wrong(&format!("/params/{field}"), value.into());
        assert_eq!(error.field, "gov.params", "{error}");
    }
    let vote = serde_json::json!([{"proposal_id": "1", "voter": text(1), "options": [], "metadata": ""}]);
    assert_eq!(wrong("/votes", vote).field, "gov.votes[0].proposal_id");
    let deposit = serde_json::json!([{"proposal_id": "1", "depositor": text(1), "amount": []}]);
    assert_eq!(wrong("/deposits", deposit).field, "gov.deposits[0].proposal_id");
}
