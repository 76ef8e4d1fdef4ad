"""Staking with cosmpy, unmodified: over gRPC and over REST. Addresses come from the environment."""

import os

import grpc
from cosmpy.aerial.client import LedgerClient, NetworkConfig
from cosmpy.aerial.client.staking import ValidatorStatus
from cosmpy.aerial.client.utils import prepare_and_broadcast_basic_transaction
from cosmpy.aerial.exceptions import BroadcastError
from cosmpy.aerial.tx import Transaction
from cosmpy.aerial.wallet import LocalWallet
from cosmpy.common.rest_client import RestClient
from cosmpy.crypto.address import Address
from cosmpy.crypto.keypairs import PrivateKey
from cosmpy.evidence.rest_client import EvidenceRestClient
from cosmpy.gov.rest_client import GovRestClient
from cosmpy.mint.rest_client import MintRestClient
from cosmpy.protos.cosmos.base.v1beta1.coin_pb2 import Coin
from cosmpy.protos.cosmos.crypto.ed25519.keys_pb2 import PubKey
from cosmpy.protos.cosmos.evidence.v1beta1 import query_pb2 as evidence
from cosmpy.protos.cosmos.gov.v1beta1 import query_pb2 as gov
from cosmpy.protos.cosmos.gov.v1beta1.gov_pb2 import TextProposal
from cosmpy.protos.cosmos.gov.v1beta1.query_pb2_grpc import QueryStub as GovStub
from cosmpy.protos.cosmos.gov.v1beta1.tx_pb2 import MsgSubmitProposal, MsgVote
from cosmpy.protos.cosmos.slashing.v1beta1 import query_pb2 as slashing
from cosmpy.protos.cosmos.staking.v1beta1.staking_pb2 import CommissionRates, Description
from cosmpy.protos.cosmos.staking.v1beta1.tx_pb2 import MsgCreateValidator
from cosmpy.protos.cosmos.upgrade.v1beta1 import query_pb2 as upgrade
from cosmpy.slashing.rest_client import SlashingRestClient
from cosmpy.upgrade.rest_client import CosmosUpgradeRestClient
from google.protobuf.any_pb2 import Any

GRPC, REST = os.environ["GRPC"], os.environ["REST"]
CHAIN_ID, PREFIX, DENOM = os.environ["CHAIN_ID"], os.environ["PREFIX"], os.environ["DENOM"]
keys = [bytes.fromhex(k) for k in os.environ["KEYS"].split(",")]
erin, dave, carol = (LocalWallet(PrivateKey(k), prefix=PREFIX) for k in keys)


def connect(address):
    """A client of a node."""
    config = NetworkConfig(
        chain_id=CHAIN_ID,
        url=address,
        fee_minimum_gas_price=0.01,
        fee_denomination=DENOM,
        staking_denomination=DENOM,
    )
    return LedgerClient(config, query_interval_secs=0.05, query_timeout_secs=20)


def complete(submitted):
    """Waits until a transaction is in a block, and has done what it says."""
    return submitted.wait_to_complete().response


# A second validator, which makes no blocks.
second = Address(carol.address(), f"{PREFIX}valoper")
key = Any()
key.Pack(PubKey(key=os.urandom(32)), type_url_prefix="/")
percent = 10**16
creation = Transaction()
creation.add_message(
    MsgCreateValidator(
        description=Description(moniker="second"),
        commission=CommissionRates(rate=str(10 * percent), max_rate=str(20 * percent), max_change_rate=str(percent)),
        min_self_delegation="1",
        validator_address=str(second),
        pubkey=key,
        value=Coin(denom=DENOM, amount="5000000"),
    )
)
complete(prepare_and_broadcast_basic_transaction(connect(f"grpc+http://{GRPC}"), creation, carol))

for transport, address, wallet in (("grpc", f"grpc+http://{GRPC}", erin), ("rest", f"rest+http://{REST}", dave)):
    client = connect(address)
    found = {str(v.address): v for v in client.query_validators()}
    assert len(found) == 2 and all(v.status == ValidatorStatus.BONDED for v in found.values())
    assert client.query_validators(ValidatorStatus.UNBONDED) == []
    first = next(v.address for v in found.values() if str(v.address) != str(second))
    response = complete(client.delegate_tokens(first, 9_000_000_000, wallet))
    assert response.events["delegate"]["amount"] == f"9000000000{DENOM}", response.events
    complete(client.redelegate_tokens(first, second, 2_000_000_000, wallet))
    complete(client.undelegate_tokens(first, 3_000_000_000, wallet))
    summary = client.query_staking_summary(wallet.address())
    staked = {str(p.validator): p.amount for p in summary.current_positions}
    assert staked == {str(first): 4_000_000_000, str(second): 2_000_000_000}, staked
    assert (summary.total_staked, summary.total_unbonding) == (6_000_000_000, 3_000_000_000)
    assert summary.total_rewards > 0
    before = client.query_bank_balance(wallet.address())
    response = complete(client.claim_rewards(first, wallet))
    claimed = int(response.events["withdraw_rewards"]["amount"].removesuffix(DENOM))
    fee = int(response.events["tx"].get("fee", "0").removesuffix(DENOM))
    assert claimed > 0 and client.query_bank_balance(wallet.address()) == before + claimed - fee
    try:
        client.undelegate_tokens(first, 99_000_000_000, wallet)
        raise AssertionError("more was undelegated than is there")
    except (BroadcastError, RuntimeError, grpc.RpcError) as e:
        assert "invalid shares amount" in str(e), e
    # Parameters of modules are with the modules: there is no service for all.
    try:
        client.query_params("staking", "BondDenom")
        raise AssertionError("there is a service of parameters")
    except (RuntimeError, grpc.RpcError) as e:
        assert "501" in str(e) or "UNIMPLEMENTED" in str(e) or "404" in str(e), e
    print(transport)

stub, rest = GovStub(grpc.insecure_channel(GRPC)), RestClient(f"http://{REST}")
governance = GovRestClient(rest)
for kind, part in (("deposit", "deposit_params"), ("voting", "voting_params"), ("tallying", "tally_params")):
    request = gov.QueryParamsRequest(params_type=kind)
    assert stub.Params(request).HasField(part) and governance.Params(request).HasField(part)
content = Any()
content.Pack(TextProposal(title="a title", description="what for"), type_url_prefix="/")
who = str(erin.address())
proposal = Transaction()
proposal.add_message(
    MsgSubmitProposal(content=content, initial_deposit=[Coin(denom=DENOM, amount="10000000")], proposer=who)
)
proposal.add_message(MsgVote(proposal_id=1, voter=who, option=1))
client = connect(f"grpc+http://{GRPC}")
complete(prepare_and_broadcast_basic_transaction(client, proposal, erin))
# The lists have a slash at the end of their addresses in cosmpy, which are no routes anywhere.
for method, request in (
    ("Proposal", gov.QueryProposalRequest(proposal_id=1)),
    ("Deposit", gov.QueryDepositRequest(proposal_id=1, depositor=who)),
    ("TallyResult", gov.QueryTallyResultRequest(proposal_id=1)),
):
    assert getattr(governance, method)(request) == getattr(stub, method)(request), method
vote = gov.QueryVoteRequest(proposal_id=1, voter=who)
weights = [one.Vote(vote).vote.options[0].weight for one in (governance, stub)]
assert weights == ["1.000000000000000000", "1000000000000000000"], weights
assert int(stub.TallyResult(gov.QueryTallyResultRequest(proposal_id=1)).tally.yes) == 6_000_000_000
assert [p.proposal_id for p in stub.Proposals(gov.QueryProposalsRequest(voter=who)).proposals] == [1]
print("governance")

# cosmpy knows mint's parameters in the form of another chain.
assert MintRestClient(rest).Inflation().inflation and MintRestClient(rest).AnnualProvisions().annual_provisions
assert SlashingRestClient(rest).Params().params.signed_blocks_window == 100
infos = SlashingRestClient(rest).SigningInfos(slashing.QuerySigningInfosRequest()).info
assert len(infos) == 2
info = SlashingRestClient(rest).SigningInfo(slashing.QuerySigningInfoRequest(cons_address=infos[0].address))
assert info.val_signing_info == infos[0]
assert list(EvidenceRestClient(rest).AllEvidence(evidence.QueryAllEvidenceRequest()).evidence) == []
assert not CosmosUpgradeRestClient(rest).CurrentPlan(upgrade.QueryCurrentPlanRequest()).HasField("plan")
print("others")
