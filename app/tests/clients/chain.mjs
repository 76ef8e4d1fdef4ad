// What the scripts of one theme each share: people who sign directly and as ledgers do, and what they expect.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Secp256k1HdWallet } from "@cosmjs/amino";
import { sha256, stringToPath } from "@cosmjs/crypto";
import { fromBech32, fromHex, toBech32 } from "@cosmjs/encoding";
import { DirectSecp256k1HdWallet, encodePubkey, Registry } from "@cosmjs/proto-signing";
import {
  AminoTypes, createDefaultAminoConverters, defaultRegistryTypes, GasPrice, QueryClient, setupAuthExtension, setupAuthzExtension, setupBankExtension,
  setupDistributionExtension, setupFeegrantExtension, setupGovExtension, setupMintExtension, setupSlashingExtension, setupStakingExtension,
  setupTxExtension, SigningStargateClient,
} from "@cosmjs/stargate";
import { Comet38Client } from "@cosmjs/tendermint-rpc";

export const { RPC, MNEMONIC, PREFIX, DENOM } = process.env;

export const coin = amount => ({ denom: DENOM, amount: String(amount) });
export const coins = amount => [coin(amount)];
export const FEE = 10000n;
export const fee = { amount: coins(FEE), gas: "1000000" };
/** A part of one with 18 digits, as messages have it. */
export const part = percent => String(BigInt(percent) * 10n ** 16n);
export const SHARE = 10n ** 18n;

const paths = Array.from({ length: 6 }, (_, i) => stringToPath(`m/44'/118'/0'/0/${i}`));
const wallet = { prefix: PREFIX, hdPaths: paths };
const direct = await DirectSecp256k1HdWallet.fromMnemonic(MNEMONIC, wallet);
const amino = await Secp256k1HdWallet.fromMnemonic(MNEMONIC, wallet);
const addresses = (await direct.getAccounts()).map(a => a.address);
/** Five rich accounts, and the validator's operator. */
export const [alice, bob, carol, dave, erin, operator] = addresses;
export const operatorOf = address => toBech32(`${PREFIX}valoper`, fromBech32(address).data);
export const moduleOf = name => toBech32(PREFIX, sha256(new TextEncoder().encode(name)).slice(0, 20));
export const validator = operatorOf(operator);

/** Clients of the two sign modes, with messages that CosmJS's own registry lacks. */
export async function signers(types = [], converters = {}) {
  const options = {
    registry: new Registry([...defaultRegistryTypes, ...types]),
    aminoTypes: new AminoTypes({ ...createDefaultAminoConverters(), ...converters }),
    // Blocks come when transactions are there: nothing is waited for.
    broadcastPollIntervalMs: 20,
    broadcastTimeoutMs: 20000,
    gasPrice: GasPrice.fromString(`0.01${DENOM}`),
  };
  const connect = async wallet => SigningStargateClient.createWithSigner(await Comet38Client.connect(RPC), wallet, options);
  return [await connect(direct), await connect(amino)];
}

export const comet = await Comet38Client.connect(RPC);
export const query = QueryClient.withExtensions(
  comet, setupAuthExtension, setupAuthzExtension, setupBankExtension, setupDistributionExtension, setupFeegrantExtension, setupGovExtension,
  setupMintExtension, setupSlashingExtension, setupStakingExtension, setupTxExtension,
);

export const step = async (name, run) => { await run(); console.log(name); };
export const balance = async address => BigInt((await query.bank.balance(address, DENOM)).amount);
/** A key that makes no blocks. */
export const newKey = () => encodePubkey({ type: "tendermint/PubKeyEd25519", value: randomBytes(32).toString("base64") });

/** A transaction that does what it says. */
export async function done(sent) {
  const result = await sent;
  assert.equal(result.code, 0, result.rawLog);
  return result;
}

/** A transaction that is refused in a block or before: by which codespace, with which code and words. */
export async function refused(sent, codespace, code, words) {
  let found;
  try {
    const { transactionHash } = await sent;
    const { result } = await comet.tx({ hash: fromHex(transactionHash) });
    found = { codespace: result.codespace, code: result.code, log: result.log };
  } catch (e) {
    if (e.codespace === undefined) throw e;
    found = e;
  }
  assert.deepEqual([found.codespace, found.code], [codespace, code], found.log);
  assert(found.log.endsWith(words), found.log);
}

/** The first event of a type, as an object. */
export const event = (result, type) =>
  Object.fromEntries(result.events.find(e => e.type === type).attributes.map(a => [a.key, a.value]));

/** Has blocks made until something holds. */
export async function until(holds, signing) {
  for (let i = 0; i < 300; i++) {
    if (await holds()) return;
    await new Promise(r => setTimeout(r, 100));
    await done(signing.sendTokens(erin, erin, coins(1), fee));
  }
  assert.fail("it did not come");
}

export const end = (...clients) => {
  for (const client of [...clients, comet]) client.disconnect();
  process.exit(0);
};
