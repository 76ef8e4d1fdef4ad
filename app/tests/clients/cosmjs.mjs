// What CosmJS, unmodified, does with a chain: RPC, MNEMONIC and PREFIX come from the environment.
import assert from "node:assert/strict";
import { createMultisigThresholdPubkey, pubkeyToAddress, Secp256k1HdWallet } from "@cosmjs/amino";
import { stringToPath } from "@cosmjs/crypto";
import { toBech32, toHex } from "@cosmjs/encoding";
import { DirectSecp256k1HdWallet } from "@cosmjs/proto-signing";
import { assertIsDeliverTxSuccess, GasPrice, makeMultisignedTxBytes, SigningStargateClient, StargateClient } from "@cosmjs/stargate";
import { Comet38Client, connectComet } from "@cosmjs/tendermint-rpc";

const { RPC, MNEMONIC, PREFIX, DENOM } = process.env;
const coins = amount => [{ denom: DENOM, amount: String(amount) }];
const fee = { amount: coins(2000), gas: "200000" };
const options = n => ({ prefix: PREFIX, hdPaths: Array.from({ length: n }, (_, i) => stringToPath(`m/44'/118'/0'/0/${i}`)) });
const direct = await DirectSecp256k1HdWallet.fromMnemonic(MNEMONIC, options(5));
const amino = await Secp256k1HdWallet.fromMnemonic(MNEMONIC, options(5));
const [alice, bob, carol, dave] = (await direct.getAccounts()).map(a => a.address);
// Blocks come when transactions are there: nothing is waited for.
const connected = { broadcastPollIntervalMs: 50, broadcastTimeoutMs: 20000 };
const client = await StargateClient.connect(RPC);
const signing = await SigningStargateClient.connectWithSigner(RPC, direct, connected);
const ledger = await SigningStargateClient.connectWithSigner(RPC, amino, connected);
const step = async (name, run) => { await run(); console.log(name); };

await step("connect", async () => {
  const comet = await connectComet(RPC);
  assert(comet instanceof Comet38Client, "CosmJS takes the chain for another version");
  assert.equal(await client.getChainId(), process.env.CHAIN_ID);
  assert((await client.getHeight()) >= 1);
  const block = await client.getBlock(1);
  assert.equal(block.header.chainId, process.env.CHAIN_ID);
  assert.equal((await comet.validatorsAll(1)).validators.length, Number(process.env.VALIDATORS));
  assert.equal((await comet.genesis()).chainId, process.env.CHAIN_ID);
  await comet.health(); await comet.abciInfo(); await comet.numUnconfirmedTxs(); await comet.commit(1); await comet.blockchain(1, 1);
  assert.equal((await comet.blockResults(1)).height, 1);
});

await step("balances", async () => {
  assert.equal((await client.getAccount(alice)).sequence, 0);
  assert.deepEqual(await client.getBalance(alice, "nothing"), { denom: "nothing", amount: "0" });
  assert((await client.getAllBalances(alice)).some(c => c.denom === DENOM));
  assert.equal(await client.getAccount(toBech32(PREFIX, new Uint8Array(20))), null);
});

let sent;
await step("send", async () => {
  const before = BigInt((await client.getBalance(bob, DENOM)).amount);
  sent = await signing.sendTokens(alice, bob, coins(1234), fee, "a memo");
  assertIsDeliverTxSuccess(sent);
  assert.equal(sent.rawLog, "");
  assert.equal(sent.msgResponses[0].typeUrl, "/cosmos.bank.v1beta1.MsgSendResponse");
  assert.equal(BigInt((await client.getBalance(bob, DENOM)).amount) - before, 1234n);
  assert(sent.gasUsed > 40000n && sent.gasUsed < 100000n, `a send uses ${sent.gasUsed} gas`);
});

await step("simulate", async () => {
  const message = { typeUrl: "/cosmos.bank.v1beta1.MsgSend", value: { fromAddress: alice, toAddress: bob, amount: coins(1) } };
  const gas = await signing.simulate(alice, [message], "");
  assert(gas > 20000 && gas < 100000, `a simulated send uses ${gas} gas`);
  const auto = await SigningStargateClient.connectWithSigner(RPC, direct, { ...connected, gasPrice: GasPrice.fromString(`0.01${DENOM}`) });
  assertIsDeliverTxSuccess(await auto.sendTokens(alice, bob, coins(1), "auto"));
  auto.disconnect();
});

await step("failures", async () => {
  const all = BigInt((await client.getBalance(carol, DENOM)).amount);
  const failed = await signing.sendTokens(carol, bob, coins(all + 1n), fee);
  assert.equal(failed.code, 5);
  assert.match(failed.rawLog, /^failed to execute message; message index: 0: spendable balance .* is smaller than .*: insufficient funds$/);
  assert.deepEqual(failed.msgResponses, []);
  await assert.rejects(signing.sendTokens(carol, bob, coins(1), { amount: coins(all * 2n), gas: "200000" }), /insufficient funds/);
});

await step("amino signing", async () => {
  const result = await ledger.sendTokens(bob, carol, coins(77), fee, "<&> of a ledger");
  assertIsDeliverTxSuccess(result);
});

await step("multisig", async () => {
  const keys = await amino.getAccounts();
  const key = createMultisigThresholdPubkey(keys.slice(0, 3).map(a => ({ type: "tendermint/PubKeySecp256k1", value: Buffer.from(a.pubkey).toString("base64") })), 2);
  const address = pubkeyToAddress(key, PREFIX);
  assertIsDeliverTxSuccess(await signing.sendTokens(dave, address, coins(10000), fee));
  const { accountNumber, sequence } = await client.getSequence(address);
  const messages = [{ typeUrl: "/cosmos.bank.v1beta1.MsgSend", value: { fromAddress: address, toAddress: dave, amount: coins(5) } }];
  const signatures = new Map();
  let body;
  for (const signer of [alice, carol]) {
    const offline = await SigningStargateClient.offline(amino);
    const signed = await offline.sign(signer, messages, fee, "together", { accountNumber, sequence, chainId: process.env.CHAIN_ID });
    body = signed.bodyBytes;
    signatures.set(signer, signed.signatures[0]);
  }
  const bytes = makeMultisignedTxBytes(key, sequence, fee, body, signatures);
  const result = await signing.broadcastTx(bytes, 20000, 50);
  assertIsDeliverTxSuccess(result);
});

await step("search", async () => {
  const found = await client.getTx(sent.transactionHash);
  assert.equal(found.height, sent.height);
  assert.equal(found.code, 0);
  assert((await client.searchTx([{ key: "transfer.recipient", value: bob }])).some(t => t.hash === sent.transactionHash));
  assert((await client.searchTx(`message.action='/cosmos.bank.v1beta1.MsgSend' AND message.sender='${alice}'`)).length >= 1);
  assert.equal((await client.searchTx(`tx.height=${sent.height}`)).length >= 1, true);
  assert.equal((await client.searchTx("transfer.recipient='nobody'")).length, 0);
  assert.equal(await client.getTx("00".repeat(32)), null);
});

await step("websocket", async () => {
  const comet = await Comet38Client.connect(RPC.replace("http", "ws"));
  const events = [];
  const subscription = comet.subscribeTx(`message.sender='${dave}'`).subscribe({ next: e => events.push(e) });
  const headers = [];
  const blocks = comet.subscribeNewBlockHeader().subscribe({ next: e => headers.push(e) });
  await comet.status();
  const result = await signing.sendTokens(dave, alice, coins(1), fee);
  for (let i = 0; i < 200 && (!events.length || !headers.length); i++) await new Promise(r => setTimeout(r, 25));
  assert.equal(toHex(events[0].hash).toUpperCase(), result.transactionHash);
  assert.equal(events[0].result.code, 0);
  assert(headers[0].height >= 1);
  subscription.unsubscribe(); blocks.unsubscribe(); comet.disconnect();
});

for (const c of [client, signing, ledger]) c.disconnect();

// The websocket client keeps the process alive.
process.exit(0);
