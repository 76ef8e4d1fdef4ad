// Leaves something of every module behind, for who compares what is said of it.
import { Any } from "cosmjs-types/google/protobuf/any";
import { GenericAuthorization } from "cosmjs-types/cosmos/authz/v1beta1/authz";
import { BasicAllowance } from "cosmjs-types/cosmos/feegrant/v1beta1/feegrant";
import { TextProposal, VoteOption } from "cosmjs-types/cosmos/gov/v1beta1/gov";
import { alice, bob, coin, coins, done, end, fee, newKey, operatorOf, part, signers, step, validator } from "./chain.mjs";

const [direct, ledger] = await signers();
const packed = (typeUrl, type, value) => Any.fromPartial({ typeUrl, value: type.encode(type.fromPartial(value)).finish() });
const message = (name, value) => ({ typeUrl: `/cosmos.${name}`, value });
const content = packed("/cosmos.gov.v1beta1.TextProposal", TextProposal, { title: "a title", description: "what for" });
const allowance = packed("/cosmos.feegrant.v1beta1.BasicAllowance", BasicAllowance, { spendLimit: coins(7) });
const authorization = packed("/cosmos.authz.v1beta1.GenericAuthorization", GenericAuthorization, { msg: "/cosmos.bank.v1beta1.MsgSend" });
const other = operatorOf(bob);

await step("traces", async () => {
  await done(direct.signAndBroadcast(bob, [message("staking.v1beta1.MsgCreateValidator", {
    description: { moniker: "other" }, commission: { rate: part(10), maxRate: part(20), maxChangeRate: part(1) },
    minSelfDelegation: "1", validatorAddress: other, pubkey: newKey(), value: coin(1_000_000),
  })], fee));
  const staked = { delegatorAddress: alice, validatorAddress: validator };
  await done(direct.signAndBroadcast(alice, [
    message("staking.v1beta1.MsgDelegate", { ...staked, amount: coin(5_000_000) }),
    message("staking.v1beta1.MsgUndelegate", { ...staked, amount: coin(1_000_000) }),
    message("staking.v1beta1.MsgBeginRedelegate", { delegatorAddress: alice, validatorSrcAddress: validator, validatorDstAddress: other, amount: coin(1_000_000) }),
    message("gov.v1beta1.MsgSubmitProposal", { content, initialDeposit: coins(10_000_000), proposer: alice }),
    message("gov.v1beta1.MsgVoteWeighted", {
      proposalId: 1n, voter: alice,
      options: [{ option: VoteOption.VOTE_OPTION_YES, weight: part(60) }, { option: VoteOption.VOTE_OPTION_NO, weight: part(40) }],
    }),
    message("feegrant.v1beta1.MsgGrantAllowance", { granter: alice, grantee: bob, allowance }),
    message("authz.v1beta1.MsgGrant", { granter: alice, grantee: bob, grant: { authorization } }),
  ], fee));
  // Rewards come with the fees of the block before.
  await done(direct.sendTokens(alice, bob, coins(1), fee));
});

end(direct, ledger);
