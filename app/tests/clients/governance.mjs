// Governance with CosmJS: proposals of both forms from deposit to execution, in both sign modes, and what is refused.
import assert from "node:assert/strict";
import { Any } from "cosmjs-types/google/protobuf/any";
import { MsgCommunityPoolSpend } from "cosmjs-types/cosmos/distribution/v1beta1/tx";
import { ProposalStatus as Status, TextProposal, VoteOption } from "cosmjs-types/cosmos/gov/v1beta1/gov";
import { QueryClientImpl as Newer } from "cosmjs-types/cosmos/gov/v1/query";
import { MsgCancelProposal } from "cosmjs-types/cosmos/gov/v1/tx";
import { createProtobufRpcClient } from "@cosmjs/stargate";
import {
  alice, balance, bob, carol, coin, coins, dave, DENOM, done, end, erin, event, fee, moduleOf, operator, part, query, refused, signers, step, until,
  validator,
} from "./chain.mjs";

const { VOTE_OPTION_YES: YES, VOTE_OPTION_NO: NO, VOTE_OPTION_ABSTAIN: ABSTAIN } = VoteOption;
// CosmJS has no amino for the newer form: these are the names that the Cosmos SDK gave it.
const [direct, ledger] = await signers([["/cosmos.gov.v1.MsgCancelProposal", MsgCancelProposal]], {
  "/cosmos.gov.v1.MsgSubmitProposal": {
    aminoType: "cosmos-sdk/v1/MsgSubmitProposal",
    toAmino: m => ({ initial_deposit: m.initialDeposit, proposer: m.proposer, metadata: m.metadata, title: m.title, summary: m.summary }),
    fromAmino: m => ({ messages: [], initialDeposit: m.initial_deposit, proposer: m.proposer, metadata: m.metadata, title: m.title, summary: m.summary, expedited: false }),
  },
  "/cosmos.gov.v1.MsgDeposit": {
    aminoType: "cosmos-sdk/v1/MsgDeposit",
    toAmino: m => ({ proposal_id: String(m.proposalId), depositor: m.depositor, amount: m.amount }),
    fromAmino: m => ({ proposalId: BigInt(m.proposal_id), depositor: m.depositor, amount: m.amount }),
  },
  "/cosmos.gov.v1.MsgVote": {
    aminoType: "cosmos-sdk/v1/MsgVote",
    toAmino: m => ({ proposal_id: String(m.proposalId), voter: m.voter, option: m.option, metadata: m.metadata }),
    fromAmino: m => ({ proposalId: BigInt(m.proposal_id), voter: m.voter, option: m.option, metadata: m.metadata }),
  },
});
const newer = new Newer(createProtobufRpcClient(query));
const { gov } = query;
const send = (signing, who, version, name, value) =>
  signing.signAndBroadcast(who, [{ typeUrl: `/cosmos.gov.${version}.Msg${name}`, value }], fee);
const older = (signing, who, name, value) => send(signing, who, "v1beta1", name, value);
const text = (title, description) => Any.fromPartial({
  typeUrl: "/cosmos.gov.v1beta1.TextProposal", value: TextProposal.encode(TextProposal.fromPartial({ title, description })).finish(),
});
const propose = (signing, who, deposit, content = text("<&> a title", "what for")) =>
  older(signing, who, "SubmitProposal", { content, initialDeposit: deposit, proposer: who });
const idOf = result => BigInt(event(result, "submit_proposal").proposal_id);
const status = async id => (await gov.proposal(String(id))).proposal.status;
const vote = (signing, who, id, option) => older(signing, who, "Vote", { proposalId: BigInt(id), voter: who, option });
const deposit = (signing, who, id, amount) => older(signing, who, "Deposit", { proposalId: BigInt(id), depositor: who, amount });
const authority = moduleOf("gov");
const all = 10_000_000;

// Stake that leaves while governance goes on.
await done(direct.signAndBroadcast(dave, [
  { typeUrl: "/cosmos.staking.v1beta1.MsgDelegate", value: { delegatorAddress: dave, validatorAddress: validator, amount: coin(5_000_000) } },
  { typeUrl: "/cosmos.staking.v1beta1.MsgUndelegate", value: { delegatorAddress: dave, validatorAddress: validator, amount: coin(4_000_000) } },
], fee));
const left = await balance(dave);

// A proposal that finds no deposits.
const poor = idOf(await done(propose(direct, erin, coins(1_000_000))));

let passed;
await step("older form", async () => {
  for (const [signing, who] of [[direct, alice], [ledger, bob]]) {
    const id = idOf(await done(propose(signing, who, coins(1_000_000))));
    assert.equal(await status(id), Status.PROPOSAL_STATUS_DEPOSIT_PERIOD);
    const { proposal } = await gov.proposal(String(id));
    assert.deepEqual(TextProposal.decode(proposal.content.value), { title: "<&> a title", description: "what for" });
    await refused(vote(signing, who, id, YES), "gov", 3, `${id}: inactive proposal`);
    await done(deposit(signing, carol, id, coins(all - 1_000_000)));
    assert.equal(await status(id), Status.PROPOSAL_STATUS_VOTING_PERIOD);
    assert.deepEqual((await gov.deposits(String(id))).deposits.map(d => [d.depositor, d.amount[0].amount]).sort(),
      [[who, "1000000"], [carol, "9000000"]].sort());
    assert.deepEqual((await gov.deposit(String(id), carol)).deposit.amount, coins(9_000_000));
    await done(vote(signing, operator, id, YES));
    const options = [{ option: YES, weight: part(70) }, { option: NO, weight: part(30) }];
    await done(older(signing, who, "VoteWeighted", { proposalId: id, voter: who, options }));
    assert.deepEqual((await gov.vote(String(id), who)).vote.options, options);
    assert.deepEqual((await gov.votes(String(id))).votes.map(v => v.voter).sort(), [who, operator].sort());
    // Who has no stake says nothing.
    assert.deepEqual((await gov.tally(String(id))).tally, { yes: "1000001000000", no: "0", abstain: "0", noWithVeto: "0" });
    passed = id;
  }
});

let open;
await step("newer form", async () => {
  const spend = MsgCommunityPoolSpend.fromPartial({ authority, recipient: erin, amount: coins(123) });
  const messages = [Any.fromPartial({ typeUrl: "/cosmos.distribution.v1beta1.MsgCommunityPoolSpend", value: MsgCommunityPoolSpend.encode(spend).finish() })];
  const proposal = (who, changes) => ({ messages, initialDeposit: coins(all), proposer: who, metadata: "ipfs://CID", title: "spend", summary: "some", expedited: false, ...changes });
  await done(direct.signAndBroadcast(alice, [{ typeUrl: "/cosmos.distribution.v1beta1.MsgFundCommunityPool", value: { depositor: alice, amount: coins(1_000_000) } }], fee));
  const id = idOf(await done(send(direct, alice, "v1", "SubmitProposal", proposal(alice))));
  const { proposal: found } = await newer.Proposal({ proposalId: id });
  assert.deepEqual([found.title, found.summary, found.metadata, found.proposer], ["spend", "some", "ipfs://CID", alice]);
  assert.deepEqual(found.messages, messages);
  await done(send(ledger, operator, "v1", "Vote", { proposalId: id, voter: operator, option: YES, metadata: "because" }));
  assert.equal((await newer.Vote({ proposalId: id, voter: operator })).vote.metadata, "because");
  await done(send(direct, alice, "v1", "VoteWeighted", { proposalId: id, voter: alice, options: [{ option: ABSTAIN, weight: "1.0" }], metadata: "" }));
  const before = await balance(erin);
  await until(async () => await status(id) === Status.PROPOSAL_STATUS_PASSED, direct);
  const sent = before - await balance(erin);
  // Less what making blocks cost her.
  assert.equal((sent + 123n) % 10_000n, 0n);
  assert.equal((await newer.Proposal({ proposalId: id })).proposal.finalTallyResult.yesCount, "1000001000000");
  // One of words alone, signed as amino's JSON; taken back.
  const words = idOf(await done(send(ledger, bob, "v1", "SubmitProposal", proposal(bob, { messages: [], initialDeposit: coins(1_000_000) }))));
  await done(send(ledger, bob, "v1", "Deposit", { proposalId: words, depositor: bob, amount: coins(1_000_000) }));
  assert.equal((await newer.Deposit({ proposalId: words, depositor: bob })).deposit.amount[0].amount, "2000000");
  const cancel = who => send(direct, who, "v1", "CancelProposal", { proposalId: words, proposer: who });
  await refused(cancel(carol), "gov", 18, `${carol}: invalid proposer`);
  const held = await balance(bob);
  await done(cancel(bob));
  assert.equal(await balance(bob), held + 1_000_000n - 10_000n);
  await assert.rejects(newer.Proposal({ proposalId: words }), /proposal \d+ doesn't exist/);
  const fails = { ...spend, authority: alice };
  const value = MsgCommunityPoolSpend.encode(fails).finish();
  await refused(send(direct, alice, "v1", "SubmitProposal", proposal(alice, { messages: [{ ...messages[0], value }] })), "gov", 13,
    `${alice}: expected gov account as only signer for proposal message`);
});

await step("what is refused", async () => {
  await refused(propose(direct, alice, coins(99_999)), "gov", 16,
    `received 99999${DENOM} but need at least one of the following: 100000${DENOM}: minimum deposit is too small`);
  await refused(propose(direct, alice, [{ denom: "other", amount: "5" }]), "gov", 23,
    `deposited 5other, but gov accepts only the following denom(s): [${DENOM}]: invalid deposit denom`);
  await refused(propose(direct, alice, coins(all), text("", "what for")), "gov", 5, "proposal title cannot be blank: invalid proposal content");
  await refused(deposit(direct, alice, 999, coins(all)), "gov", 2, "unknown proposal");
  await refused(vote(direct, alice, 999, YES), "gov", 3, "999: inactive proposal");
  // What has been voted on is not open any more.
  assert.equal(await status(passed), Status.PROPOSAL_STATUS_PASSED);
  await refused(vote(direct, alice, passed, NO), "gov", 3, `${passed}: inactive proposal`);
  await refused(deposit(direct, alice, passed, coins(all)), "gov", 3, `${passed}: inactive proposal`);
  // What found no deposits is gone, and its deposit burnt or given back.
  const gone = () => gov.proposal(String(poor)).then(() => false, e => /doesn't exist/.test(e.message));
  await until(gone, direct);
  await refused(deposit(direct, alice, poor, coins(all)), "gov", 2, "unknown proposal");
  open = idOf(await done(propose(direct, alice, coins(all))));
  await refused(vote(direct, alice, open, 9), "gov", 7, "invalid vote option");
  const weighted = options => older(direct, alice, "VoteWeighted", { proposalId: open, voter: alice, options });
  await refused(weighted([{ option: YES, weight: part(50) }, { option: YES, weight: part(50) }]), "gov", 7, "duplicated vote option: invalid vote option");
  await refused(weighted([{ option: YES, weight: part(50) }]), "gov", 7, "total weight lower than 1.00: invalid vote option");
});

await step("queries", async () => {
  const { depositParams } = await gov.params("deposit");
  assert.deepEqual([depositParams.minDeposit, depositParams.maxDepositPeriod.seconds], [coins(all), 4n]);
  assert.equal((await gov.params("voting")).votingParams.votingPeriod.seconds, 4n);
  const { tallyParams } = await gov.params("tallying");
  const decimals = [tallyParams.quorum, tallyParams.threshold, tallyParams.vetoThreshold].map(b => new TextDecoder().decode(b));
  assert.deepEqual(decimals, ["334000000000000000", "500000000000000000", "334000000000000000"]);
  await assert.rejects(gov.params("odd"), /unknown params type: odd/);
  await assert.rejects(gov.params(""), / is not a valid parameter type/);
  const ids = async (...by) => (await gov.proposals(...by)).proposals.map(p => p.proposalId);
  assert.deepEqual(await ids(Status.PROPOSAL_STATUS_VOTING_PERIOD, "", ""), [open]);
  assert.deepEqual(await ids(Status.PROPOSAL_STATUS_UNSPECIFIED, alice, ""), [open]);
  await done(vote(direct, carol, open, NO));
  assert.deepEqual(await ids(Status.PROPOSAL_STATUS_UNSPECIFIED, "", carol), [open]);
  await assert.rejects(gov.vote(String(open), bob), /not found for proposal/);
  await assert.rejects(gov.deposit(String(open), bob), /not found for proposal/);
  await assert.rejects(gov.proposal("999"), /proposal 999 doesn't exist/);
  assert.equal((await newer.Params({ paramsType: "" })).params.votingPeriod.seconds, 4n);
});

await step("stake is free after its time", async () => {
  const free = async () => (await query.staking.delegatorUnbondingDelegations(dave)).unbondingResponses.length === 0;
  await until(free, direct);
  assert.equal(await balance(dave), left + 4_000_000n);
});

end(direct, ledger);
