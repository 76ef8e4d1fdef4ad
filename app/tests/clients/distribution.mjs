// Rewards, commission and the community's coins with CosmJS, in both sign modes.
import assert from "node:assert/strict";
import {
  alice, balance, bob, carol, coin, coins, dave, DENOM, done, end, erin, event, FEE, fee, moduleOf, operator, operatorOf, part, query, refused, SHARE,
  signers, step, validator,
} from "./chain.mjs";
import { MsgDepositValidatorRewardsPool } from "cosmjs-types/cosmos/distribution/v1beta1/tx";

const depositRewards = "/cosmos.distribution.v1beta1.MsgDepositValidatorRewardsPool";
const [direct, ledger] = await signers([[depositRewards, MsgDepositValidatorRewardsPool]], {
  // CosmJS has another name for it than the Cosmos SDK.
  "/cosmos.distribution.v1beta1.MsgWithdrawValidatorCommission": {
    aminoType: "cosmos-sdk/MsgWithdrawValCommission",
    toAmino: ({ validatorAddress }) => ({ validator_address: validatorAddress }),
    fromAmino: ({ validator_address }) => ({ validatorAddress: validator_address }),
  },
  [depositRewards]: {
    aminoType: "cosmos-sdk/distr/MsgDepositValRewards",
    toAmino: ({ depositor, validatorAddress, amount }) => ({ depositor, validator_address: validatorAddress, amount }),
    fromAmino: ({ depositor, validator_address, amount }) => ({ depositor, validatorAddress: validator_address, amount }),
  },
});
const modes = [[direct, alice, carol], [ledger, bob, dave]];
const send = (signing, who, name, value) =>
  signing.signAndBroadcast(who, [{ typeUrl: `/cosmos.distribution.v1beta1.Msg${name}`, value }], fee);
const { distribution } = query;
const whole = list => BigInt(list.find(c => c.denom === DENOM)?.amount ?? 0) / SHARE;
const pool = async () => whole((await distribution.communityPool()).pool);
const paid = (result, type) => BigInt(event(result, type).amount.replace(DENOM, ""));

await step("rewards come with blocks", async () => {
  for (const [signing, who] of modes) {
    await done(signing.delegateTokens(who, validator, coin(100_000_000_000), fee));
    await assert.rejects(distribution.delegationRewards(erin, validator), /delegation does not exist/);
    await done(signing.sendTokens(erin, erin, coins(1), fee));
    const { rewards } = await distribution.delegationRewards(who, validator);
    assert(whole(rewards) > 0n);
    const total = await distribution.delegationTotalRewards(who);
    assert.deepEqual(total.total, rewards);
    assert.deepEqual(total.rewards, [{ validatorAddress: validator, reward: rewards }]);
    assert.deepEqual((await distribution.delegatorValidators(who)).validators, [validator]);
  }
});

await step("withdraw", async () => {
  for (const [signing, who, other] of modes) {
    const before = await balance(who);
    const result = await done(signing.withdrawRewards(who, validator, fee));
    const amount = paid(result, "withdraw_rewards");
    assert(amount > 0n);
    assert.equal(await balance(who), before + amount - FEE);
    // To somebody else.
    await done(send(signing, who, "SetWithdrawAddress", { delegatorAddress: who, withdrawAddress: other }));
    assert.equal((await distribution.delegatorWithdrawAddress(who)).withdrawAddress, other);
    const held = await balance(other);
    const again = paid(await done(signing.withdrawRewards(who, validator, fee)), "withdraw_rewards");
    assert.equal(await balance(other) - held, again);
    assert.equal((await distribution.delegatorWithdrawAddress(other)).withdrawAddress, other);
  }
});

await step("commission", async () => {
  for (const signing of [direct, ledger]) {
    await done(signing.sendTokens(erin, erin, coins(1), fee));
    const { commission } = (await distribution.validatorCommission(validator)).commission;
    const { rewards } = (await distribution.validatorOutstandingRewards(validator)).rewards;
    assert(whole(commission) > 0n && whole(rewards) >= whole(commission));
    const before = await balance(operator);
    const result = await done(send(signing, operator, "WithdrawValidatorCommission", { validatorAddress: validator }));
    const amount = paid(result, "withdraw_commission");
    assert(amount >= whole(commission));
    assert.equal(await balance(operator), before + amount - FEE);
  }
});

await step("community pool", async () => {
  for (const [signing, who] of modes) {
    const before = await pool();
    await done(send(signing, who, "FundCommunityPool", { depositor: who, amount: coins(7_000_000) }));
    // And its share of the fees.
    const more = await pool() - before;
    assert(more >= 7_000_000n && more < 8_000_000n, more);
    await done(send(signing, who, "DepositValidatorRewardsPool", { depositor: who, validatorAddress: validator, amount: coins(1_000_000) }));
    assert(whole((await distribution.delegationRewards(operator, validator)).rewards) > 100_000n);
  }
});

await step("what is refused", async () => {
  await refused(direct.withdrawRewards(erin, validator, fee), "staking", 19, "no delegation for (address, validator) tuple");
  await refused(direct.withdrawRewards(erin, operatorOf(erin), fee), "staking", 3, "validator does not exist");
  await refused(send(direct, erin, "WithdrawValidatorCommission", { validatorAddress: operatorOf(erin) }), "distribution", 7,
    "no validator commission to withdraw");
  const module = moduleOf("distribution");
  await refused(send(direct, erin, "SetWithdrawAddress", { delegatorAddress: erin, withdrawAddress: module }), "sdk", 4,
    `${module} is not allowed to receive external funds: unauthorized`);
  await refused(send(direct, erin, "FundCommunityPool", { depositor: erin, amount: coins(10n ** 15n) }), "sdk", 5, "insufficient funds");
});

await step("queries", async () => {
  const { params } = await distribution.params();
  assert.deepEqual([params.communityTax, params.withdrawAddrEnabled], [part(2), true]);
  assert.deepEqual((await distribution.validatorSlashes(validator, 1, 1000)).slashes, []);
  await assert.rejects(distribution.validatorCommission(operatorOf(erin)), /validator does not exist/);
  await assert.rejects(distribution.delegationRewards("", validator), /empty delegator address/);
});

end(direct, ledger);
