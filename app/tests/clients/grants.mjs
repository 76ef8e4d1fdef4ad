// Fees that somebody else pays, and messages for somebody else, with CosmJS. It has no amino for them: the names are those that the
// Cosmos SDK gave them.
import assert from "node:assert/strict";
import { Any } from "cosmjs-types/google/protobuf/any";
import { Timestamp } from "cosmjs-types/google/protobuf/timestamp";
import { GenericAuthorization } from "cosmjs-types/cosmos/authz/v1beta1/authz";
import { MsgSend } from "cosmjs-types/cosmos/bank/v1beta1/tx";
import { SendAuthorization } from "cosmjs-types/cosmos/bank/v1beta1/authz";
import { AllowedMsgAllowance, BasicAllowance, PeriodicAllowance } from "cosmjs-types/cosmos/feegrant/v1beta1/feegrant";
import { MsgDelegate } from "cosmjs-types/cosmos/staking/v1beta1/tx";
import { AuthorizationType, StakeAuthorization } from "cosmjs-types/cosmos/staking/v1beta1/authz";
import { alice, balance, bob, carol, coin, coins, dave, done, end, erin, event, FEE, fee, query, refused, signers, step, validator } from "./chain.mjs";

const types = { BasicAllowance, AllowedMsgAllowance, GenericAuthorization, MsgSend };
const paths = { BasicAllowance: "feegrant", AllowedMsgAllowance: "feegrant", GenericAuthorization: "authz", MsgSend: "bank" };
const any = (path, type, value) => Any.fromPartial({ typeUrl: `/cosmos.${path}.v1beta1.${type.name ?? type}`, value });
const packed = (name, value) => any(paths[name], name, types[name].encode(types[name].fromPartial(value)).finish());
/** What an `Any` of these holds, as amino's JSON. */
const shown = ({ typeUrl, value }) => {
  const name = typeUrl.split(".").pop();
  const m = types[name].decode(value);
  switch (name) {
    case "BasicAllowance": return { type: "cosmos-sdk/BasicAllowance", value: { spend_limit: m.spendLimit } };
    case "AllowedMsgAllowance":
      return { type: "cosmos-sdk/AllowedMsgAllowance", value: { allowance: shown(m.allowance), allowed_messages: m.allowedMessages } };
    case "GenericAuthorization": return { type: "cosmos-sdk/GenericAuthorization", value: { msg: m.msg } };
    case "MsgSend": return { type: "cosmos-sdk/MsgSend", value: { from_address: m.fromAddress, to_address: m.toAddress, amount: m.amount } };
  }
};
const read = ({ type, value: v }) => {
  switch (type) {
    case "cosmos-sdk/BasicAllowance": return packed("BasicAllowance", { spendLimit: v.spend_limit });
    case "cosmos-sdk/AllowedMsgAllowance":
      return packed("AllowedMsgAllowance", { allowance: read(v.allowance), allowedMessages: v.allowed_messages });
    case "cosmos-sdk/GenericAuthorization": return packed("GenericAuthorization", { msg: v.msg });
    case "cosmos-sdk/MsgSend": return packed("MsgSend", { fromAddress: v.from_address, toAddress: v.to_address, amount: v.amount });
  }
};
const same = ({ granter, grantee }) => ({ granter, grantee });
const [direct, ledger] = await signers([], {
  "/cosmos.feegrant.v1beta1.MsgGrantAllowance": {
    aminoType: "cosmos-sdk/MsgGrantAllowance",
    toAmino: m => ({ ...same(m), allowance: shown(m.allowance) }),
    fromAmino: m => ({ ...same(m), allowance: read(m.allowance) }),
  },
  "/cosmos.feegrant.v1beta1.MsgRevokeAllowance": { aminoType: "cosmos-sdk/MsgRevokeAllowance", toAmino: same, fromAmino: same },
  "/cosmos.authz.v1beta1.MsgGrant": {
    aminoType: "cosmos-sdk/MsgGrant",
    toAmino: m => ({ ...same(m), grant: { authorization: shown(m.grant.authorization), expiration: "2037-01-01T00:00:00Z" } }),
    fromAmino: m => ({ ...same(m), grant: { authorization: read(m.grant.authorization), expiration: LATE } }),
  },
  "/cosmos.authz.v1beta1.MsgExec": {
    aminoType: "cosmos-sdk/MsgExec",
    toAmino: ({ grantee, msgs }) => ({ grantee, msgs: msgs.map(shown) }),
    fromAmino: ({ grantee, msgs }) => ({ grantee, msgs: msgs.map(read) }),
  },
  "/cosmos.authz.v1beta1.MsgRevoke": {
    aminoType: "cosmos-sdk/MsgRevoke",
    toAmino: m => ({ ...same(m), msg_type_url: m.msgTypeUrl }),
    fromAmino: m => ({ ...same(m), msgTypeUrl: m.msg_type_url }),
  },
});
// Later seconds than those of 31 bits CosmJS encodes wrongly.
const LATE = Timestamp.fromPartial({ seconds: BigInt(Date.UTC(2037, 0, 1) / 1000) });
const modes = [[direct, alice, carol], [ledger, bob, dave]];
const send = (signing, who, module, name, value, paid = fee) =>
  signing.signAndBroadcast(who, [{ typeUrl: `/cosmos.${module}.v1beta1.Msg${name}`, value }], paid);
const SEND = "/cosmos.bank.v1beta1.MsgSend";

await step("a granter pays fees", async () => {
  for (const [signing, granter, grantee] of modes) {
    const basic = packed("BasicAllowance", { spendLimit: coins(2n * FEE) });
    const allowance = packed("AllowedMsgAllowance", { allowance: basic, allowedMessages: [SEND] });
    const give = () => send(signing, granter, "feegrant", "GrantAllowance", { granter, grantee, allowance });
    await done(give());
    await refused(give(), "sdk", 18, "fee allowance already exists: invalid request");
    assert.deepEqual((await query.feegrant.allowance(granter, grantee)).allowance.allowance, allowance);
    const paid = { ...fee, granter };
    const before = [await balance(granter), await balance(grantee)];
    const result = await done(signing.sendTokens(grantee, erin, coins(5), paid));
    assert.deepEqual([await balance(granter), await balance(grantee)], [before[0] - FEE, before[1] - 5n]);
    assert.equal(event(result, "use_feegrant").granter, granter);
    const rest = AllowedMsgAllowance.decode((await query.feegrant.allowances(grantee)).allowances[0].allowance.value);
    assert.deepEqual(BasicAllowance.decode(rest.allowance.value).spendLimit, coins(FEE));
    await refused(signing.delegateTokens(grantee, validator, coin(1), paid), "feegrant", 7,
      "message does not exist in allowed messages: message not allowed");
    await refused(signing.sendTokens(grantee, erin, coins(5), { ...paid, amount: coins(FEE + 1n) }), "feegrant", 2,
      "basic allowance: fee limit exceeded");
    await done(send(signing, granter, "feegrant", "RevokeAllowance", { granter, grantee }));
    await refused(signing.sendTokens(grantee, erin, coins(5), paid), "sdk", 38, "fee-grant not found: not found");
    await refused(send(signing, granter, "feegrant", "RevokeAllowance", { granter, grantee }), "sdk", 38, "fee-grant not found: not found");
    await assert.rejects(query.feegrant.allowance(granter, grantee), /fee-grant not found/);
  }
});

await step("messages for somebody else", async () => {
  for (const [signing, granter, grantee] of modes) {
    const grant = { authorization: packed("GenericAuthorization", { msg: SEND }), expiration: LATE };
    await done(send(signing, granter, "authz", "Grant", { granter, grantee, grant }));
    assert.deepEqual((await query.authz.grants(granter, grantee, SEND)).grants, [grant]);
    assert.deepEqual((await query.authz.granterGrants(granter)).grants, [{ granter, grantee, ...grant }]);
    assert.deepEqual((await query.authz.granteeGrants(grantee)).grants, [{ granter, grantee, ...grant }]);
    const pay = amount => packed("MsgSend", { fromAddress: granter, toAddress: erin, amount: coins(amount) });
    const execute = amount => send(signing, grantee, "authz", "Exec", { grantee, msgs: [pay(amount)] });
    const before = await balance(granter);
    await done(execute(11));
    assert.equal(await balance(granter), before - 11n);
    await refused(execute(10n ** 15n), "sdk", 5, "insufficient funds");
    await done(send(signing, granter, "authz", "Revoke", { granter, grantee, msgTypeUrl: SEND }));
    await refused(execute(11), "authz", 2, "authorization not found");
    await refused(send(signing, granter, "authz", "Revoke", { granter, grantee, msgTypeUrl: SEND }), "authz", 2, "authorization not found");
    await refused(send(signing, granter, "authz", "Grant", { granter, grantee: granter, grant }), "authz", 7,
      "grantee and granter should be different");
  }
});

await step("authorizations with limits", async () => {
  const grant = (path, type, value) =>
    send(direct, alice, "authz", "Grant", { granter: alice, grantee: bob, grant: { authorization: any(path, type, value), expiration: LATE } });
  await done(grant("bank", "SendAuthorization", SendAuthorization.encode(SendAuthorization.fromPartial({ spendLimit: coins(10), allowList: [erin] })).finish()));
  const stake = StakeAuthorization.fromPartial({
    maxTokens: coin(1000), allowList: { address: [validator] }, authorizationType: AuthorizationType.AUTHORIZATION_TYPE_DELEGATE,
  });
  await done(grant("staking", "StakeAuthorization", StakeAuthorization.encode(stake).finish()));
  const execute = (path, name, type, value) =>
    send(direct, bob, "authz", "Exec", { grantee: bob, msgs: [any(path, name, type.encode(type.fromPartial(value)).finish())] });
  const pay = (toAddress, amount) => execute("bank", "MsgSend", MsgSend, { fromAddress: alice, toAddress, amount: coins(amount) });
  await refused(pay(carol, 1), "sdk", 4, `cannot send to ${carol} address: unauthorized`);
  await refused(pay(erin, 11), "sdk", 5, "requested amount is more than spend limit: insufficient funds");
  await done(pay(erin, 4));
  const { grants } = await query.authz.grants(alice, bob, SEND);
  assert.deepEqual(SendAuthorization.decode(grants[0].authorization.value).spendLimit, coins(6));
  await done(pay(erin, 6));
  await assert.rejects(query.authz.grants(alice, bob, SEND), /authorization not found/);
  await done(execute("staking", "MsgDelegate", MsgDelegate, { delegatorAddress: alice, validatorAddress: validator, amount: coin(1000) }));
  assert.equal((await query.staking.delegation(alice, validator)).delegationResponse.balance.amount, "1000");
  await refused(grant("authz", "GenericAuthorization", GenericAuthorization.encode({ msg: "/cosmos.bank.v1beta1.MsgNothing" }).finish()), "sdk", 29,
    "/cosmos.bank.v1beta1.MsgNothing doesn't exist.: invalid type");
});

await step("allowances of a period", async () => {
  const basic = BasicAllowance.fromPartial({ spendLimit: coins(10n * FEE), expiration: LATE });
  const periodic = PeriodicAllowance.fromPartial({ basic, period: { seconds: 3600n, nanos: 0 }, periodSpendLimit: coins(FEE), periodCanSpend: coins(FEE), periodReset: LATE });
  const allowance = any("feegrant", "PeriodicAllowance", PeriodicAllowance.encode(periodic).finish());
  await done(send(direct, alice, "feegrant", "GrantAllowance", { granter: alice, grantee: bob, allowance }));
  await done(direct.sendTokens(bob, erin, coins(1), { ...fee, granter: alice }));
  await refused(direct.sendTokens(bob, erin, coins(1), { ...fee, granter: alice }), "feegrant", 2, "period limit: fee limit exceeded");
  const past = packed("BasicAllowance", { spendLimit: coins(1), expiration: { seconds: 1n, nanos: 0 } });
  await refused(send(direct, alice, "feegrant", "GrantAllowance", { granter: alice, grantee: carol, allowance: past }), "sdk", 18,
    "expiration is before current block time: invalid request");
});

end(direct, ledger);
