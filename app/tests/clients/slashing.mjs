// Slashing, minting and evidence with CosmJS.
import assert from "node:assert/strict";
import { rawEd25519PubkeyToRawAddress } from "@cosmjs/tendermint-rpc";
import { toBech32 } from "@cosmjs/encoding";
import { MsgUnjail } from "cosmjs-types/cosmos/slashing/v1beta1/tx";
import { PubKey } from "cosmjs-types/cosmos/crypto/ed25519/keys";
import { QueryClientImpl as Evidence } from "cosmjs-types/cosmos/evidence/v1beta1/query";
import { createProtobufRpcClient } from "@cosmjs/stargate";
import {
  alice, bob, carol, coin, coins, DENOM, done, end, fee, newKey, operatorOf, part, query, refused, signers, step, validator,
} from "./chain.mjs";

const unjail = "/cosmos.slashing.v1beta1.MsgUnjail";
const [direct, ledger] = await signers([[unjail, MsgUnjail]], {
  [unjail]: {
    aminoType: "cosmos-sdk/MsgUnjail",
    toAmino: ({ validatorAddr }) => ({ address: validatorAddr }),
    fromAmino: ({ address }) => ({ validatorAddr: address }),
  },
});
const modes = [[direct, alice], [ledger, bob]];
const release = (signing, who) =>
  signing.signAndBroadcast(who, [{ typeUrl: unjail, value: MsgUnjail.fromPartial({ validatorAddr: operatorOf(who) }) }], fee);
const found = async who => (await query.staking.validator(operatorOf(who))).validator;
const consensus = ({ consensusPubkey }) => toBech32(`${process.env.PREFIX}valcons`, rawEd25519PubkeyToRawAddress(PubKey.decode(consensusPubkey.value).key));

await step("out of jail", async () => {
  for (const [signing, who] of modes) {
    const to = operatorOf(who);
    await done(signing.signAndBroadcast(who, [{
      typeUrl: "/cosmos.staking.v1beta1.MsgCreateValidator",
      value: {
        description: { moniker: "shaky" },
        commission: { rate: part(10), maxRate: part(20), maxChangeRate: part(1) },
        minSelfDelegation: "2000000", validatorAddress: to, pubkey: newKey(), value: coin(3_000_000),
      },
    }], fee));
    await done(signing.delegateTokens(carol, to, coin(1_000_000), fee));
    await refused(release(signing, who), "slashing", 5, "validator not jailed; cannot be unjailed");
    await done(signing.undelegateTokens(who, to, coin(1_500_000), fee));
    assert.equal((await found(who)).jailed, true);
    await refused(release(signing, who), "slashing", 7,
      "1500000 less than 2000000: validator's self delegation less than minimum; cannot be unjailed");
    await done(signing.undelegateTokens(who, to, coin(1_500_000), fee));
    await refused(release(signing, who), "staking", 19, "no delegation for (address, validator) tuple");
    await done(signing.delegateTokens(who, to, coin(2_000_000), fee));
    const result = await done(release(signing, who));
    assert(result.events.some(e => e.attributes.some(a => a.key === "action" && a.value === unjail)));
    assert.equal((await found(who)).jailed, false);
  }
  await refused(release(direct, carol), "staking", 3, "validator does not exist");
});

await step("signing infos", async () => {
  const { slashing } = query;
  const { params } = await slashing.params();
  const text = bytes => new TextDecoder().decode(bytes);
  assert.equal(params.signedBlocksWindow, 100n);
  assert.deepEqual([params.minSignedPerWindow, params.slashFractionDoubleSign, params.slashFractionDowntime].map(text), [50, 5, 1].map(part));
  assert.equal(params.downtimeJailDuration.seconds, 600n);
  const own = consensus((await query.staking.validator(validator)).validator);
  const { valSigningInfo: info } = await slashing.signingInfo(own);
  assert.deepEqual([info.address, info.missedBlocksCounter, info.tombstoned], [own, 0n, false]);
  // Keys that make no blocks miss them.
  const all = (await slashing.signingInfos()).info;
  assert.equal(all.length, 3);
  const others = await Promise.all([alice, bob].map(async who => consensus(await found(who))));
  assert.deepEqual(all.map(i => i.address).sort(), [own, ...others].sort());
  assert(all.some(i => i.missedBlocksCounter > 0n));
  await assert.rejects(slashing.signingInfo(toBech32(`${process.env.PREFIX}valcons`, new Uint8Array(20))), /SigningInfo not found for validator/);
});

await step("mint", async () => {
  const { mint, bank } = query;
  const params = await mint.params();
  assert.deepEqual([params.mintDenom, params.blocksPerYear], [DENOM, 6311520n]);
  assert.deepEqual([params.goalBonded, params.inflationMin, params.inflationMax, params.inflationRateChange].map(String), ["0.67", "0.07", "0.2", "0.13"]);
  const inflation = Number(await mint.inflation());
  assert(inflation > 0.13 && inflation < 0.2, inflation);
  const [before, provisions] = [BigInt((await bank.supplyOf(DENOM)).amount), Number(await mint.annualProvisions())];
  assert(Math.abs(provisions / Number(before) - inflation) < 1e-6);
  await done(direct.sendTokens(carol, carol, coins(1), fee));
  const minted = BigInt((await bank.supplyOf(DENOM)).amount) - before;
  const expected = BigInt(Math.floor(Number(await mint.annualProvisions()) / 6311520));
  assert.equal(minted, expected);
});

await step("evidence", async () => {
  const evidence = new Evidence(createProtobufRpcClient(query));
  assert.deepEqual((await evidence.AllEvidence({})).evidence, []);
  await assert.rejects(evidence.Evidence({ hash: "AB".repeat(32), evidenceHash: new Uint8Array() }), /evidence [0-9A-F]+ not found/i);
});

end(direct, ledger);
