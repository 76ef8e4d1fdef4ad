//! Every message type that `cosmos-sdk-proto` has, too: filled in by our descriptors, read and written by its types.

use cosmos_sdk_proto::cosmos as other;
use prost::Message;
use prost_reflect::{DynamicMessage, Kind, MapKey, MessageDescriptor, ReflectMessage as _, Value};
use zektra_proto::json::pool;

/// Decodes and encodes again.
type Again = fn(&[u8]) -> Vec<u8>;

fn again<M: Message + Default>(bytes: &[u8]) -> Vec<u8> {
    M::decode(bytes).unwrap().encode_to_vec()
}

macro_rules! types {
    ($($package:literal $module:path { $($name:ident),* $(,)? })*) => {{
        use cosmos_sdk_proto as _;
        let mut all: Vec<(String, Again)> = vec![];
        $({
            use $module as types;
            $(all.push((format!("{}.{}", $package, stringify!($name)), again::<types::$name>));)*
        })*
        all
    }};
}

fn types() -> Vec<(String, Again)> {
    types! {
        "cosmos.auth.v1beta1" other::auth::v1beta1 {
            BaseAccount, ModuleAccount, Params, GenesisState, QueryAccountsRequest, QueryAccountsResponse,
            QueryAccountRequest, QueryAccountResponse, QueryParamsResponse, QueryModuleAccountsResponse,
            QueryModuleAccountByNameRequest, QueryModuleAccountByNameResponse, Bech32PrefixResponse,
            AddressBytesToStringRequest, AddressBytesToStringResponse, AddressStringToBytesRequest,
            AddressStringToBytesResponse, QueryAccountAddressByIdRequest, QueryAccountAddressByIdResponse,
            QueryAccountInfoRequest, QueryAccountInfoResponse, MsgUpdateParams,
        }
        "cosmos.authz.v1beta1" other::authz::v1beta1 {
            GenericAuthorization, Grant, GrantAuthorization, GrantQueueItem, EventGrant, EventRevoke, GenesisState,
            QueryGrantsRequest, QueryGrantsResponse, QueryGranterGrantsRequest, QueryGranterGrantsResponse,
            QueryGranteeGrantsRequest, QueryGranteeGrantsResponse, MsgGrant, MsgExec, MsgExecResponse, MsgRevoke,
        }
        "cosmos.bank.v1beta1" other::bank::v1beta1 {
            Params, SendEnabled, Input, Output, DenomUnit, Metadata, GenesisState, Balance, MsgSend, MsgMultiSend,
            MsgUpdateParams, MsgSetSendEnabled, QueryBalanceRequest, QueryBalanceResponse, QueryAllBalancesRequest,
            QueryAllBalancesResponse, QuerySpendableBalancesRequest, QuerySpendableBalancesResponse,
            QuerySpendableBalanceByDenomRequest, QuerySpendableBalanceByDenomResponse, QueryTotalSupplyRequest,
            QueryTotalSupplyResponse, QuerySupplyOfRequest, QuerySupplyOfResponse, QueryParamsResponse,
            QueryDenomsMetadataRequest, QueryDenomsMetadataResponse, QueryDenomMetadataRequest,
            QueryDenomMetadataResponse, QueryDenomOwnersRequest, DenomOwner, QueryDenomOwnersResponse,
            QuerySendEnabledRequest, QuerySendEnabledResponse, SendAuthorization,
        }
        "cosmos.base.v1beta1" other::base::v1beta1 { Coin, DecCoin }
        "cosmos.base.query.v1beta1" other::base::query::v1beta1 { PageRequest, PageResponse }
        "cosmos.base.abci.v1beta1" other::base::abci::v1beta1 {
            TxResponse, AbciMessageLog, StringEvent, Attribute, GasInfo, Result, SimulationResponse, MsgData, TxMsgData,
            SearchTxsResult,
        }
        "cosmos.base.tendermint.v1beta1" other::base::tendermint::v1beta1 {
            GetValidatorSetByHeightRequest, GetValidatorSetByHeightResponse, GetLatestValidatorSetResponse, Validator,
            GetBlockByHeightRequest, GetBlockByHeightResponse, GetLatestBlockResponse, GetSyncingResponse,
            GetNodeInfoResponse, VersionInfo, Module, AbciQueryRequest, AbciQueryResponse, ProofOp, ProofOps, Block,
            Header,
        }
        "cosmos.crypto.secp256k1" other::crypto::secp256k1 { PubKey }
        "cosmos.crypto.ed25519" other::crypto::ed25519 { PubKey }
        "cosmos.crypto.multisig" other::crypto::multisig { LegacyAminoPubKey }
        "cosmos.crypto.multisig.v1beta1" other::crypto::multisig::v1beta1 { MultiSignature, CompactBitArray }
        "cosmos.distribution.v1beta1" other::distribution::v1beta1 {
            Params, ValidatorHistoricalRewards, ValidatorCurrentRewards, ValidatorAccumulatedCommission,
            ValidatorOutstandingRewards, ValidatorSlashEvent, ValidatorSlashEvents, FeePool, CommunityPoolSpendProposal,
            DelegatorStartingInfo, DelegationDelegatorReward, CommunityPoolSpendProposalWithDeposit,
            DelegatorWithdrawInfo, ValidatorOutstandingRewardsRecord, ValidatorAccumulatedCommissionRecord,
            ValidatorHistoricalRewardsRecord, ValidatorCurrentRewardsRecord, DelegatorStartingInfoRecord,
            ValidatorSlashEventRecord, GenesisState, QueryParamsResponse, QueryValidatorDistributionInfoRequest,
            QueryValidatorDistributionInfoResponse, QueryValidatorOutstandingRewardsRequest,
            QueryValidatorOutstandingRewardsResponse, QueryValidatorCommissionRequest, QueryValidatorCommissionResponse,
            QueryValidatorSlashesRequest, QueryValidatorSlashesResponse, QueryDelegationRewardsRequest,
            QueryDelegationRewardsResponse, QueryDelegationTotalRewardsRequest, QueryDelegationTotalRewardsResponse,
            QueryDelegatorValidatorsRequest, QueryDelegatorValidatorsResponse, QueryDelegatorWithdrawAddressRequest,
            QueryDelegatorWithdrawAddressResponse, QueryCommunityPoolResponse, MsgSetWithdrawAddress,
            MsgWithdrawDelegatorReward, MsgWithdrawDelegatorRewardResponse, MsgWithdrawValidatorCommission,
            MsgWithdrawValidatorCommissionResponse, MsgFundCommunityPool, MsgUpdateParams, MsgCommunityPoolSpend,
            MsgDepositValidatorRewardsPool,
        }
        "cosmos.evidence.v1beta1" other::evidence::v1beta1 {
            Equivocation, GenesisState, QueryEvidenceRequest, QueryEvidenceResponse, QueryAllEvidenceRequest,
            QueryAllEvidenceResponse, MsgSubmitEvidence, MsgSubmitEvidenceResponse,
        }
        "cosmos.feegrant.v1beta1" other::feegrant::v1beta1 {
            BasicAllowance, PeriodicAllowance, AllowedMsgAllowance, Grant, GenesisState, QueryAllowanceRequest,
            QueryAllowanceResponse, QueryAllowancesRequest, QueryAllowancesResponse, QueryAllowancesByGranterRequest,
            QueryAllowancesByGranterResponse, MsgGrantAllowance, MsgRevokeAllowance, MsgPruneAllowances,
        }
        "cosmos.genutil.v1beta1" other::genutil::v1beta1 { GenesisState }
        "cosmos.gov.v1" other::gov::v1 {
            WeightedVoteOption, Deposit, Proposal, TallyResult, Vote, DepositParams, VotingParams, TallyParams, Params,
            GenesisState, QueryConstitutionResponse, QueryProposalRequest, QueryProposalResponse, QueryProposalsRequest,
            QueryProposalsResponse, QueryVoteRequest, QueryVoteResponse, QueryVotesRequest, QueryVotesResponse,
            QueryParamsRequest, QueryParamsResponse, QueryDepositRequest, QueryDepositResponse, QueryDepositsRequest,
            QueryDepositsResponse, QueryTallyResultRequest, QueryTallyResultResponse, MsgSubmitProposal,
            MsgSubmitProposalResponse, MsgExecLegacyContent, MsgVote, MsgVoteWeighted, MsgDeposit, MsgUpdateParams,
            MsgCancelProposal, MsgCancelProposalResponse,
        }
        "cosmos.gov.v1beta1" other::gov::v1beta1 {
            WeightedVoteOption, TextProposal, Deposit, Proposal, TallyResult, Vote, DepositParams, VotingParams,
            TallyParams, QueryProposalRequest, QueryProposalResponse, QueryProposalsRequest, QueryProposalsResponse,
            QueryVoteRequest, QueryVoteResponse, QueryVotesRequest, QueryVotesResponse, QueryParamsRequest,
            QueryParamsResponse, QueryDepositRequest, QueryDepositResponse, QueryDepositsRequest, QueryDepositsResponse,
            QueryTallyResultRequest, QueryTallyResultResponse, MsgSubmitProposal, MsgSubmitProposalResponse, MsgVote,
            MsgVoteWeighted, MsgDeposit,
        }
        "cosmos.mint.v1beta1" other::mint::v1beta1 {
            Minter, Params, GenesisState, QueryParamsResponse, QueryInflationResponse, QueryAnnualProvisionsResponse,
            MsgUpdateParams,
        }
        "cosmos.params.v1beta1" other::params::v1beta1 { ParameterChangeProposal, ParamChange }
        "cosmos.slashing.v1beta1" other::slashing::v1beta1 {
            ValidatorSigningInfo, Params, GenesisState, SigningInfo, ValidatorMissedBlocks, MissedBlock,
            QueryParamsResponse, QuerySigningInfoRequest, QuerySigningInfoResponse, QuerySigningInfosRequest,
            QuerySigningInfosResponse, MsgUnjail, MsgUpdateParams,
        }
        "cosmos.staking.v1beta1" other::staking::v1beta1 {
            StakeAuthorization, HistoricalInfo, CommissionRates, Commission, Description, Validator, ValAddresses,
            DvPair, DvPairs, DvvTriplet, DvvTriplets, Delegation, UnbondingDelegation, UnbondingDelegationEntry,
            RedelegationEntry, Redelegation, Params, DelegationResponse, RedelegationEntryResponse,
            RedelegationResponse, Pool, ValidatorUpdates, GenesisState, LastValidatorPower, QueryValidatorsRequest,
            QueryValidatorsResponse, QueryValidatorRequest, QueryValidatorResponse, QueryValidatorDelegationsRequest,
            QueryValidatorDelegationsResponse, QueryValidatorUnbondingDelegationsRequest,
            QueryValidatorUnbondingDelegationsResponse, QueryDelegationRequest, QueryDelegationResponse,
            QueryUnbondingDelegationRequest, QueryUnbondingDelegationResponse, QueryDelegatorDelegationsRequest,
            QueryDelegatorDelegationsResponse, QueryDelegatorUnbondingDelegationsRequest,
            QueryDelegatorUnbondingDelegationsResponse, QueryRedelegationsRequest, QueryRedelegationsResponse,
            QueryDelegatorValidatorsRequest, QueryDelegatorValidatorsResponse, QueryDelegatorValidatorRequest,
            QueryDelegatorValidatorResponse, QueryHistoricalInfoRequest, QueryHistoricalInfoResponse, QueryPoolResponse,
            QueryParamsResponse, MsgCreateValidator, MsgEditValidator, MsgDelegate, MsgBeginRedelegate,
            MsgBeginRedelegateResponse, MsgUndelegate, MsgUndelegateResponse, MsgCancelUnbondingDelegation,
            MsgUpdateParams,
        }
        "cosmos.tx.v1beta1" other::tx::v1beta1 {
            Tx, TxRaw, SignDoc, TxBody, AuthInfo, SignerInfo, ModeInfo, Fee, GetTxsEventRequest, GetTxsEventResponse,
            BroadcastTxRequest, BroadcastTxResponse, SimulateRequest, SimulateResponse, GetTxRequest, GetTxResponse,
            GetBlockWithTxsRequest, GetBlockWithTxsResponse, TxDecodeRequest, TxDecodeResponse, TxEncodeRequest,
            TxEncodeResponse,
        }
        "cosmos.upgrade.v1beta1" other::upgrade::v1beta1 {
            Plan, SoftwareUpgradeProposal, CancelSoftwareUpgradeProposal, ModuleVersion, QueryCurrentPlanResponse,
            QueryAppliedPlanRequest, QueryAppliedPlanResponse, QueryUpgradedConsensusStateRequest,
            QueryUpgradedConsensusStateResponse, QueryModuleVersionsRequest, QueryModuleVersionsResponse,
            QueryAuthorityResponse, MsgSoftwareUpgrade, MsgCancelUpgrade,
        }
    }
}

/// A value of the kind, another for each `seed`.
fn value(kind: &Kind, seed: u32, depth: u32) -> Value {
    match kind {
        Kind::Double => Value::F64(f64::from(seed)),
        Kind::Float => Value::F32(seed as f32),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(-(seed as i32)),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(-(i64::from(seed) << 33)),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(seed),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::from(seed) << 33),
        Kind::Bool => Value::Bool(true),
        Kind::String => Value::String(format!("text {seed}")),
        Kind::Bytes => Value::Bytes(vec![seed as u8; 3].into()),
        Kind::Message(message) => Value::Message(filled(message, seed, depth + 1)),
        Kind::Enum(list) => Value::EnumNumber(list.values().last().unwrap().number()),
    }
}

/// A message with a value in every field that `cosmos-sdk-proto` knows.
fn filled(descriptor: &MessageDescriptor, seed: u32, depth: u32) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    if depth > 4 {
        return message;
    }
    for field in descriptor.fields() {
        // Newer than the version that the crate was made from.
        if ["unordered", "timeout_timestamp"].contains(&field.name()) {
            continue;
        }
        let seed = seed * 31 + field.number();
        let one = |k: u32| value(&field.kind(), (seed + k) % 1000 + 1, depth);
        let held = if field.is_map() {
            Value::Map([(MapKey::String("key".into()), one(0))].into())
        } else if field.is_list() {
            Value::List(vec![one(0), one(1)])
        } else {
            one(0)
        };
        message.set_field(&field, held);
    }
    message
}

#[test]
fn every_field_has_the_same_number_and_type() {
    for (name, again) in types() {
        // The crate's names are those of its Rust types.
        let same = |m: &MessageDescriptor| m.full_name().eq_ignore_ascii_case(&name);
        let descriptor = pool().all_messages().find(same).unwrap_or_else(|| panic!("{name} is not served"));
        for seed in [1, 17] {
            let message = filled(&descriptor, seed, 0);
            let bytes = message.encode_to_vec();
            let back = DynamicMessage::decode(message.descriptor(), &again(&bytes)[..]).unwrap();
            assert_eq!(back, message, "{name}");
        }
    }
}
