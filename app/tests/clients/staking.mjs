// Staking with CosmJS: its helpers, every message in both sign modes, every query, and what is refused.
import assert from "node:assert/strict";
import { BondStatus } from "cosmjs-types/cosmos/staking/v1beta1/staking";
import {
  alice, balance, bob, carol, coin, dave, DENOM, done, end, event, FEE, fee, newKey, operator, operatorOf, part, query, refused,
  SHARE, signers, step, validator,
} from "./chain.mjs";

const [direct, ledger] = await signers();
const modes = [[direct, alice], [ledger, bob]];
const message = (name, value) => ({ typeUrl: `/cosmos.staking.v1beta1.Msg${name}`, value });
const send = (signing, who, name, value) => signing.signAndBroadcast(who, [message(name, value)], fee);
// Without what is empty: amino's JSON leaves that out, and CosmJS does not do it by itself.
const description = moniker => ({ moniker, website: "https://example.com" });
const keep = "[do-not-modify]";
const kept = { moniker: keep, identity: keep, website: keep, securityContact: keep, details: keep };
const rates = (rate, maxRate, maxChangeRate) => ({ rate: part(rate), maxRate: part(maxRate), maxChangeRate: part(maxChangeRate) });
const creation = (who, changes = {}) => ({
  description: description("new"), commission: rates(10, 20, 1), minSelfDelegation: "1",
  validatorAddress: operatorOf(who), pubkey: newKey(), value: coin(1_000_000), ...changes,
});
const edit = (who, changes) =>
  ({ description: kept, commissionRate: "", minSelfDelegation: "", validatorAddress: operatorOf(who), ...changes });
const tokens = async of => BigInt((await query.staking.validator(of)).validator.tokens);

await step("delegate", async () => {
  for (const [signing, who] of modes) {
    const [before, held] = [await balance(who), await tokens(validator)];
    const result = await done(signing.delegateTokens(who, validator, coin(5_000_000), fee));
    assert.equal(result.msgResponses[0].typeUrl, "/cosmos.staking.v1beta1.MsgDelegateResponse");
    const { amount, new_shares, delegator } = event(result, "delegate");
    assert.deepEqual([amount, new_shares, delegator], [`5000000${DENOM}`, "5000000.000000000000000000", who]);
    assert.equal(before - await balance(who), 5_000_000n + FEE);
    assert.equal(await tokens(validator) - held, 5_000_000n);
    const { delegation, balance: worth } = (await query.staking.delegation(who, validator)).delegationResponse;
    assert.deepEqual([delegation.shares, worth], [String(5_000_000n * SHARE), coin(5_000_000)]);
  }
});

await step("undelegate and stay after all", async () => {
  for (const [signing, who] of modes) {
    const result = await done(signing.undelegateTokens(who, validator, coin(2_000_000), fee));
    assert.equal(event(result, "unbond").amount, `2000000${DENOM}`);
    const entry = async () => (await query.staking.unbondingDelegation(who, validator)).unbond.entries;
    const [begun] = await entry();
    assert.deepEqual([begun.creationHeight, begun.initialBalance, begun.balance], [BigInt(result.height), "2000000", "2000000"]);
    const cancel = amount => send(signing, who, "CancelUnbondingDelegation",
      { delegatorAddress: who, validatorAddress: validator, amount: coin(amount), creationHeight: BigInt(result.height) });
    await done(cancel(500_000));
    const [rest] = await entry();
    assert.deepEqual([rest.initialBalance, rest.balance], ["1500000", "1500000"]);
    assert.equal((await query.staking.delegation(who, validator)).delegationResponse.balance.amount, "3500000");
    await refused(cancel(1_500_001), "sdk", 18, "amount is greater than the unbonding delegation entry balance: invalid request");
  }
});

await step("create and edit a validator", async () => {
  for (const [signing, who] of modes) {
    const result = await done(send(signing, who, "CreateValidator", creation(who)));
    assert.equal(event(result, "create_validator").validator, operatorOf(who));
    await done(send(signing, who, "EditValidator", edit(who, { description: { ...kept, moniker: "<&> renamed" }, minSelfDelegation: "2" })));
    const { validator: found } = await query.staking.validator(operatorOf(who));
    assert.deepEqual([found.description.moniker, found.description.website], ["<&> renamed", "https://example.com"]);
    assert.deepEqual([found.minSelfDelegation, found.tokens, found.status], ["2", "1000000", BondStatus.BOND_STATUS_BONDED]);
    assert.deepEqual(found.commission.commissionRates, rates(10, 20, 1));
  }
  // The genesis file's validator is older than a day: it may change its commission, once a day.
  await refused(send(direct, operator, "EditValidator", edit(operator, { commissionRate: part(21) })), "staking", 11,
    "commission cannot be more than the max rate");
  await refused(send(direct, operator, "EditValidator", edit(operator, { commissionRate: part(12) })), "staking", 15,
    "commission cannot be changed more than max change rate");
  await refused(send(direct, operator, "EditValidator", edit(operator, { commissionRate: part(1) })), "sdk", 18,
    "commission rate cannot be less than the min commission rate 0.020000000000000000: invalid request");
  await done(send(ledger, operator, "EditValidator", edit(operator, { commissionRate: part(11) })));
  assert.equal((await query.staking.validator(validator)).validator.commission.commissionRates.rate, part(11));
  await refused(send(direct, operator, "EditValidator", edit(operator, { commissionRate: part(10) })), "staking", 12,
    "commission cannot be changed more than once in 24h");
});

await step("redelegate", async () => {
  for (const [signing, who] of modes) {
    const other = operatorOf(who);
    const move = (from, to, amount) =>
      send(signing, who, "BeginRedelegate", { delegatorAddress: who, validatorSrcAddress: from, validatorDstAddress: to, amount: coin(amount) });
    await done(move(validator, other, 1_000_000));
    const [{ entries }] = (await query.staking.redelegations(who, validator, other)).redelegationResponses;
    assert.deepEqual([entries.length, entries[0].balance, entries[0].redelegationEntry.initialBalance], [1, "1000000", "1000000"]);
    assert.equal(await tokens(other), 2_000_000n);
    const onwards = "redelegation to this validator already in progress; first redelegation to this validator must complete before next redelegation";
    await refused(move(other, validator, 1), "staking", 32, onwards);
    await refused(move(validator, validator, 1), "staking", 29, "cannot redelegate to the same validator");
    await refused(move(validator, operatorOf(carol), 1), "staking", 31, "redelegation destination validator not found");
    await done(move(validator, other, 1));
    const many = "too many redelegation entries for (delegator, src-validator, dst-validator) tuple";
    await refused(move(validator, other, 1), "staking", 33, many);
  }
});

await step("what is refused", async () => {
  const nobody = operatorOf(carol);
  await refused(direct.delegateTokens(carol, nobody, coin(1), fee), "staking", 3, "validator does not exist");
  await refused(direct.undelegateTokens(carol, nobody, coin(1), fee), "staking", 3, "validator does not exist");
  await refused(direct.undelegateTokens(carol, validator, coin(1), fee), "staking", 19, "no delegation for (address, validator) tuple");
  await refused(direct.undelegateTokens(alice, validator, coin(99_000_000), fee), "sdk", 18, "invalid shares amount: invalid request");
  await refused(direct.delegateTokens(carol, validator, { denom: "other", amount: "1" }, fee), "sdk", 18,
    `invalid coin denomination: got other, expected ${DENOM}: invalid request`);
  await refused(direct.delegateTokens(carol, validator, coin(10n ** 15n), fee), "sdk", 5, "insufficient funds");
  // Two entries are one validator's most here.
  await done(direct.undelegateTokens(alice, validator, coin(1), fee));
  await refused(direct.undelegateTokens(alice, validator, coin(1), fee), "staking", 27,
    "too many unbonding delegation entries for (delegator, validator) tuple");
  const create = changes => send(direct, carol, "CreateValidator", creation(carol, changes));
  await refused(create({ minSelfDelegation: "1000001" }), "staking", 16,
    "validator's self delegation must be greater than their minimum self delegation");
  await refused(create({ commission: rates(10, 101, 1) }), "staking", 10, "commission cannot be more than 100%");
  await refused(create({ commission: rates(30, 20, 1) }), "staking", 11, "commission cannot be more than the max rate");
  await refused(create({ commission: rates(10, 20, 21) }), "staking", 14, "commission change rate cannot be more than the max rate");
  await refused(create({ commission: rates(1, 20, 1) }), "staking", 40,
    "cannot set validator commission to less than minimum rate of 0.020000000000000000: commission cannot be less than min rate");
  const { consensusPubkey } = (await query.staking.validator(operatorOf(alice))).validator;
  await refused(create({ pubkey: consensusPubkey }), "staking", 5, "validator already exist for this pubkey; must use new validator pubkey");
  await refused(send(direct, alice, "CreateValidator", creation(alice)), "staking", 4,
    "validator already exist for this operator address; must use new validator operator address");
  const least = minSelfDelegation => send(direct, alice, "EditValidator", edit(alice, { minSelfDelegation }));
  await refused(least("2"), "staking", 17, "minimum self delegation cannot be decrease");
  await refused(least("9000000"), "staking", 16, "validator's self delegation must be greater than their minimum self delegation");
  await refused(send(direct, alice, "EditValidator", edit(alice, { description: description("x".repeat(71)) })), "sdk", 18,
    "invalid moniker length; got: 71, max: 70: invalid request");
});

await step("queries", async () => {
  const { staking } = query;
  const names = list => list.map(v => v.operatorAddress).sort();
  const all = [validator, operatorOf(alice), operatorOf(bob)].sort();
  assert.deepEqual(names((await staking.validators("BOND_STATUS_BONDED")).validators), all);
  assert.deepEqual(names((await staking.validators("")).validators), all);
  assert.deepEqual((await staking.validators("BOND_STATUS_UNBONDED")).validators, []);
  const { params } = await staking.params();
  assert.deepEqual([params.bondDenom, params.maxEntries, params.minCommissionRate, params.unbondingTime.seconds],
    [DENOM, 2, part(2), 1814400n]);
  const { pool } = await staking.pool();
  const sums = await Promise.all(all.map(tokens));
  assert.equal(BigInt(pool.bondedTokens), sums.reduce((a, b) => a + b));
  // Both left a million and a half on its way out, and alice one more.
  assert.equal(pool.notBondedTokens, "3000001");
  assert.deepEqual(names((await staking.delegatorValidators(alice)).validators), [validator, operatorOf(alice)].sort());
  assert.equal((await staking.delegatorValidator(alice, validator)).validator.operatorAddress, validator);
  const own = (await staking.delegatorDelegations(alice)).delegationResponses.map(d => [d.delegation.validatorAddress, d.balance.amount]);
  assert.deepEqual(new Map(own), new Map([[validator, "2499998"], [operatorOf(alice), "2000001"]]));
  const delegators = (await staking.validatorDelegations(validator)).delegationResponses.map(d => d.delegation.delegatorAddress);
  assert.deepEqual(delegators.sort(), [alice, bob, operator].sort());
  assert.equal((await staking.delegatorUnbondingDelegations(alice)).unbondingResponses[0].entries.length, 2);
  assert.equal((await staking.validatorUnbondingDelegations(validator)).unbondingResponses.length, 2);
  const moved = (await staking.redelegations(bob, "", "")).redelegationResponses;
  assert.deepEqual(moved.map(r => [r.redelegation.validatorSrcAddress, r.entries.length]), [[validator, 2]]);
  const { hist } = await staking.historicalInfo(2);
  assert.equal(hist.header.height, 2n);
  assert.deepEqual(names(hist.valset), [validator]);
  // What is not there is named.
  await assert.rejects(staking.validator(operatorOf(carol)), /validator .* not found/);
  await assert.rejects(staking.delegation(carol, validator), /delegation with delegator .* not found for validator/);
  await assert.rejects(staking.unbondingDelegation(carol, validator), /unbonding delegation with delegator .* not found for validator/);
  await assert.rejects(staking.historicalInfo(10_000_000), /historical info for height 10000000 not found/);
  await assert.rejects(staking.validators("BOND_STATUS_ODD"), /invalid validator status/);
});

await step("gas is foreseen", async () => {
  for (const [signing, who] of [[direct, carol], [ledger, dave]]) {
    await done(signing.delegateTokens(who, validator, coin(5_000_000), "auto"));
    const move = { delegatorAddress: who, validatorSrcAddress: validator, validatorDstAddress: operatorOf(alice), amount: coin(1_000_000) };
    await done(signing.signAndBroadcast(who, [message("BeginRedelegate", move)], "auto"));
    await done(signing.undelegateTokens(who, validator, coin(1_000_000), "auto"));
    await done(signing.withdrawRewards(who, validator, "auto"));
    await done(signing.signAndBroadcast(who, [message("CreateValidator", creation(who))], "auto"));
  }
});

end(direct, ledger);
