"""What cosmpy, unmodified, does with a chain: over gRPC and over REST. Addresses come from the environment."""

import os

import grpc
from cosmpy.aerial.client import LedgerClient, NetworkConfig
from cosmpy.aerial.wallet import LocalWallet
from cosmpy.crypto.keypairs import PrivateKey
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

GRPC, REST = os.environ["GRPC"], os.environ["REST"]
CHAIN_ID, PREFIX, DENOM = os.environ["CHAIN_ID"], os.environ["PREFIX"], os.environ["DENOM"]
keys = [bytes.fromhex(k) for k in os.environ["KEYS"].split(",")]
erin, dave, _ = (LocalWallet(PrivateKey(k), prefix=PREFIX) for k in keys)

for transport, address in (("grpc", f"grpc+http://{GRPC}"), ("rest", f"rest+http://{REST}")):
    config = NetworkConfig(
        chain_id=CHAIN_ID,
        url=address,
        fee_minimum_gas_price=0,
        fee_denomination=DENOM,
        staking_denomination=DENOM,
    )
    client = LedgerClient(config, query_interval_secs=0.05, query_timeout_secs=20)
    before = client.query_bank_balance(dave.address(), DENOM)
    assert client.query_chain_id() == CHAIN_ID
    assert client.query_height() >= 1
    sent = client.send_tokens(dave.address(), 321, DENOM, erin, memo=transport).wait_to_complete()
    assert sent.response.code == 0, sent.response.raw_log
    assert client.query_bank_balance(dave.address(), DENOM) == before + 321
    found = client.query_tx(sent.tx_hash)
    assert found.hash == sent.tx_hash and found.height > 0
    assert any(c.denom == DENOM for c in client.query_bank_all_balances(erin.address()))
    assert client.query_account(erin.address()).sequence >= 1
    assert client.query_latest_block().chain_id == CHAIN_ID
    print(transport)

channel = grpc.insecure_channel(GRPC)
services = ProtoReflectionDescriptorDatabase(channel).get_services()
for service in ("cosmos.bank.v1beta1.Query", "cosmos.tx.v1beta1.Service", "cosmos.auth.v1beta1.Query"):
    assert service in services, services
print("reflection")
