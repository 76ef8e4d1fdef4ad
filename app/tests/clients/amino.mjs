// What CosmJS, unmodified, hands to a wallet that signs amino's JSON: a line for each message, with its protobuf bytes.
import { encodeEd25519Pubkey, serializeSignDoc } from "@cosmjs/amino";
import { fromUtf8, toBase64, toBech32 } from "@cosmjs/encoding";
import { encodePubkey, Registry } from "@cosmjs/proto-signing";
import { AminoTypes, createDefaultAminoConverters, defaultRegistryTypes } from "@cosmjs/stargate";
import { TextProposal } from "cosmjs-types/cosmos/gov/v1beta1/gov";

const { PREFIX, DENOM } = process.env;
const registry = new Registry(defaultRegistryTypes);
const types = new AminoTypes(createDefaultAminoConverters());
const bytes = n => new Uint8Array(20).fill(n);
const [alice, bob] = [1, 2].map(n => toBech32(PREFIX, bytes(n)));
const [first, second] = [1, 2].map(n => toBech32(`${PREFIX}valoper`, bytes(n)));
const coin = amount => ({ denom: DENOM, amount: String(amount) });
const description = { moniker: "<first> & only", identity: "A1", website: "https://a.example", securityContact: "é@a.example", details: "\n\"quoted\"" };
const rates = { rate: "100000000000000000", maxRate: "1000000000000000000", maxChangeRate: "1" };
const pubkey = encodePubkey(encodeEd25519Pubkey(new Uint8Array(32).fill(7)));
const content = { typeUrl: "/cosmos.gov.v1beta1.TextProposal", value: TextProposal.encode({ title: "a", description: "b" }).finish() };
const options = [{ option: 1, weight: "700000000000000000" }, { option: 4, weight: "300000000000000000" }];

const messages = [
  ["bank.v1beta1.MsgSend", { fromAddress: alice, toAddress: bob, amount: [] }],
  ["bank.v1beta1.MsgMultiSend", { inputs: [{ address: alice, coins: [coin(1)] }], outputs: [{ address: bob, coins: [coin(1)] }] }],
  ["staking.v1beta1.MsgCreateValidator", { description, commission: rates, minSelfDelegation: "1", delegatorAddress: alice, validatorAddress: first, pubkey, value: coin(5) }],
  ["staking.v1beta1.MsgEditValidator", { description, commissionRate: "50000000000000000", minSelfDelegation: "2", validatorAddress: first }],
  ["staking.v1beta1.MsgEditValidator", { description, commissionRate: "", minSelfDelegation: "", validatorAddress: first }],
  ["staking.v1beta1.MsgDelegate", { delegatorAddress: alice, validatorAddress: first, amount: coin(5) }],
  ["staking.v1beta1.MsgUndelegate", { delegatorAddress: alice, validatorAddress: first, amount: coin(5) }],
  ["staking.v1beta1.MsgBeginRedelegate", { delegatorAddress: alice, validatorSrcAddress: first, validatorDstAddress: second, amount: coin(5) }],
  ["staking.v1beta1.MsgCancelUnbondingDelegation", { delegatorAddress: alice, validatorAddress: first, amount: coin(5), creationHeight: 9n }],
  ["distribution.v1beta1.MsgSetWithdrawAddress", { delegatorAddress: alice, withdrawAddress: bob }],
  ["distribution.v1beta1.MsgWithdrawDelegatorReward", { delegatorAddress: alice, validatorAddress: first }],
  ["distribution.v1beta1.MsgFundCommunityPool", { amount: [coin(5)], depositor: alice }],
  ["gov.v1beta1.MsgSubmitProposal", { content, initialDeposit: [coin(5)], proposer: alice }],
  ["gov.v1beta1.MsgVote", { proposalId: 3n, voter: alice, option: 4 }],
  ["gov.v1beta1.MsgVoteWeighted", { proposalId: 3n, voter: alice, options }],
  ["gov.v1beta1.MsgDeposit", { proposalId: 3n, depositor: alice, amount: [coin(5)] }],
];
for (const [name, fields] of messages) {
  const typeUrl = `/cosmos.${name}`;
  const message = { typeUrl, value: registry.lookupType(typeUrl).fromPartial(fields) };
  const shown = fromUtf8(serializeSignDoc(types.toAmino(message)));
  console.log(JSON.stringify({ typeUrl, value: toBase64(registry.encode(message)), shown }));
}
