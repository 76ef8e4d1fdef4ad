// Keplr's checks of a chain that its registry would take: the form of its description, its RPC, its REST routes.
import { createRequire } from "node:module";
import assert from "node:assert/strict";
import WebSocket from "ws";

const { validateBasicChainInfoType, checkRPCConnectivity, checkRestConnectivity, checkChainFeatures } =
  createRequire(import.meta.url)("@keplr-wallet/chain-validator");
const { RPC, REST, CHAIN_ID, PREFIX, DENOM } = process.env;

const currency = { coinDenom: "ZEKTRA", coinMinimalDenom: DENOM, coinDecimals: 6 };
const bech32Config = Object.fromEntries(
  [["AccAddr", ""], ["AccPub", "pub"], ["ValAddr", "valoper"], ["ValPub", "valoperpub"], ["ConsAddr", "valcons"], ["ConsPub", "valconspub"]]
    .map(([name, suffix]) => [`bech32Prefix${name}`, PREFIX + suffix]));
const chain = {
  rpc: RPC,
  rest: `http://${REST}`,
  chainId: CHAIN_ID,
  chainName: "Zektra",
  bip44: { coinType: 118 },
  bech32Config,
  currencies: [currency],
  feeCurrencies: [{ ...currency, gasPriceStep: { low: 0.01, average: 0.025, high: 0.04 } }],
  stakeCurrency: currency,
  features: [],
};

const info = await validateBasicChainInfoType(chain, false);
console.log("description");
const socket = url => new WebSocket(url);
await checkRPCConnectivity(CHAIN_ID, info.rpc, socket);
console.log("rpc");
await checkRestConnectivity(CHAIN_ID, info.rest);
console.log("rest");
await assert.rejects(checkRestConnectivity("other-1", info.rest), /different chain id/);
await assert.rejects(checkRPCConnectivity("other-1", info.rpc, socket), /different chain id/);
// What it asks of modules that are not there, it takes for a feature that is not there.
const silent = console.log;
console.log = () => {};
const features = await checkChainFeatures(info);
console.log = silent;
assert.deepEqual(features, ["query:/cosmos/bank/v1beta1/spendable_balances"]);
console.log("features");
