//! What commands and arguments are called where the names of methods and fields are not those that clients of such
//! chains know.

use super::fields::kebab;
use clap::Command;
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MethodDescriptor, ServiceDescriptor};
use zektra_proto::json::pool;

/// Commands of methods, by their full names.
const COMMANDS: &[(&str, &str)] = &[
    ("cosmos.auth.v1beta1.Query.AccountAddressByID", "address-by-acc-num"),
    ("cosmos.auth.v1beta1.Query.ModuleAccountByName", "module-account"),
    ("cosmos.authz.v1beta1.Query.GranteeGrants", "grants-by-grantee"),
    ("cosmos.authz.v1beta1.Query.GranterGrants", "grants-by-granter"),
    ("cosmos.bank.v1beta1.Query.AllBalances", "balances"),
    ("cosmos.bank.v1beta1.Query.SpendableBalanceByDenom", "spendable-balance"),
    ("cosmos.bank.v1beta1.Query.SupplyOf", "total-supply-of"),
    ("cosmos.base.tendermint.v1beta1.Service.GetLatestBlock", "block-latest"),
    ("cosmos.base.tendermint.v1beta1.Service.GetLatestValidatorSet", "validator-set"),
    ("cosmos.distribution.v1beta1.Msg.DepositValidatorRewardsPool", "fund-validator-rewards-pool"),
    ("cosmos.distribution.v1beta1.Msg.SetWithdrawAddress", "set-withdraw-addr"),
    ("cosmos.distribution.v1beta1.Query.DelegationRewards", "rewards-by-validator"),
    ("cosmos.distribution.v1beta1.Query.DelegationTotalRewards", "rewards"),
    ("cosmos.distribution.v1beta1.Query.ValidatorCommission", "commission"),
    ("cosmos.distribution.v1beta1.Query.ValidatorSlashes", "slashes"),
    ("cosmos.evidence.v1beta1.Query.AllEvidence", "list"),
    ("cosmos.feegrant.v1beta1.Msg.PruneAllowances", "prune"),
    ("cosmos.feegrant.v1beta1.Msg.RevokeAllowance", "revoke"),
    ("cosmos.feegrant.v1beta1.Query.Allowance", "grant"),
    ("cosmos.feegrant.v1beta1.Query.Allowances", "grants-by-grantee"),
    ("cosmos.feegrant.v1beta1.Query.AllowancesByGranter", "grants-by-granter"),
    ("cosmos.gov.v1.Query.TallyResult", "tally"),
    ("cosmos.gov.v1beta1.Query.TallyResult", "tally"),
    ("cosmos.staking.v1beta1.Msg.BeginRedelegate", "redelegate"),
    ("cosmos.staking.v1beta1.Msg.CancelUnbondingDelegation", "cancel-unbond"),
    ("cosmos.staking.v1beta1.Msg.Undelegate", "unbond"),
    ("cosmos.staking.v1beta1.Query.DelegatorDelegations", "delegations"),
    ("cosmos.staking.v1beta1.Query.DelegatorUnbondingDelegations", "unbonding-delegations"),
    ("cosmos.staking.v1beta1.Query.Redelegations", "redelegation"),
    ("cosmos.staking.v1beta1.Query.ValidatorDelegations", "delegations-to"),
    ("cosmos.staking.v1beta1.Query.ValidatorUnbondingDelegations", "unbonding-delegations-from"),
    ("cosmos.upgrade.v1beta1.Query.AppliedPlan", "applied"),
    ("cosmos.upgrade.v1beta1.Query.CurrentPlan", "plan"),
];

/// Other names of commands.
const ALIASES: &[(&str, &str)] = &[
    ("cosmos.bank.v1beta1.Query.TotalSupply", "total"),
    ("cosmos.distribution.v1beta1.Query.DelegatorWithdrawAddress", "withdraw-addr"),
    ("cosmos.staking.v1beta1.Query.Redelegations", "redelegations"),
];

/// How commands are used, where people ask most.
const EXAMPLES: &[(&str, &str)] = &[
    ("cosmos.authz.v1beta1.Msg.Revoke", "tx authz revoke zektra1… /cosmos.gov.v1.MsgVote --from alice"),
    ("cosmos.bank.v1beta1.Msg.Send", "tx bank send alice zektra1… 1000uzektra"),
    ("cosmos.bank.v1beta1.Query.AllBalances", "query bank balances alice"),
    (
        "cosmos.distribution.v1beta1.Msg.FundCommunityPool",
        "tx distribution fund-community-pool 1000uzektra --from alice",
    ),
    ("cosmos.distribution.v1beta1.Msg.SetWithdrawAddress", "tx distribution set-withdraw-addr zektra1… --from alice"),
    ("cosmos.distribution.v1beta1.Query.DelegationTotalRewards", "query distribution rewards alice"),
    ("cosmos.distribution.v1beta1.Query.ValidatorSlashes", "query distribution slashes zektravaloper1… 1 1000"),
    ("cosmos.feegrant.v1beta1.Msg.RevokeAllowance", "tx feegrant revoke alice zektra1…"),
    ("cosmos.gov.v1.Msg.CancelProposal", "tx gov cancel-proposal 1 --from alice"),
    ("cosmos.gov.v1.Msg.Deposit", "tx gov deposit 1 1000uzektra --from alice"),
    ("cosmos.gov.v1.Query.Proposals", "query gov proposals --status voting-period"),
    ("cosmos.gov.v1.Query.TallyResult", "query gov tally 1"),
    ("cosmos.slashing.v1beta1.Msg.Unjail", "tx slashing unjail --from operator"),
    ("cosmos.slashing.v1beta1.Query.SigningInfo", "query slashing signing-info zektravalcons1…"),
    (
        "cosmos.staking.v1beta1.Msg.BeginRedelegate",
        "tx staking redelegate zektravaloper1… zektravaloper1… 1000uzektra --from alice",
    ),
    (
        "cosmos.staking.v1beta1.Msg.CancelUnbondingDelegation",
        "tx staking cancel-unbond zektravaloper1… 1000uzektra 4711 --from alice",
    ),
    ("cosmos.staking.v1beta1.Msg.Delegate", "tx staking delegate zektravaloper1… 1000uzektra --from alice"),
    ("cosmos.staking.v1beta1.Msg.Undelegate", "tx staking unbond zektravaloper1… 1000uzektra --from alice"),
    ("cosmos.staking.v1beta1.Query.DelegatorDelegations", "query staking delegations alice"),
    ("cosmos.staking.v1beta1.Query.Validators", "query staking validators --status bonded --page-limit 10"),
];

/// Services under other names than that of their package; the transaction service has commands of its own.
const SERVICES: &[(&str, Option<&str>)] = &[
    ("cosmos.base.tendermint.v1beta1.Service", Some("comet")),
    ("cosmos.base.node.v1beta1.Service", Some("node")),
    ("cosmos.tx.v1beta1.Service", None),
];

/// Fields that are flags though they have no default of their own: those that narrow a list down.
const FLAGS: &[(&str, Option<&str>)] = &[
    ("cosmos.gov.v1.QueryProposalsRequest.depositor", None),
    ("cosmos.gov.v1.QueryProposalsRequest.proposal_status", Some("status")),
    ("cosmos.gov.v1.QueryProposalsRequest.voter", None),
    ("cosmos.gov.v1beta1.QueryProposalsRequest.depositor", None),
    ("cosmos.gov.v1beta1.QueryProposalsRequest.proposal_status", Some("status")),
    ("cosmos.gov.v1beta1.QueryProposalsRequest.voter", None),
    ("cosmos.staking.v1beta1.QueryValidatorsRequest.status", None),
    ("zektra.training.v1.QueryJobsRequest.party", None),
    ("zektra.training.v1.QueryJobsRequest.status", None),
    ("zektra.vault.v1.QueryDatasetsRequest.owner", None),
    ("zektra.vault.v1.QueryDatasetsRequest.status", None),
];

/// Fields that may be left out.
const OPTIONAL: &[&str] = &[
    "cosmos.authz.v1beta1.QueryGrantsRequest.msg_type_url",
    "cosmos.gov.v1.QueryParamsRequest.params_type",
    "cosmos.gov.v1beta1.QueryParamsRequest.params_type",
    "cosmos.staking.v1beta1.QueryRedelegationsRequest.dst_validator_addr",
    "cosmos.staking.v1beta1.QueryRedelegationsRequest.src_validator_addr",
    "cosmos.upgrade.v1beta1.QueryModuleVersionsRequest.module_name",
    "zektra.compute.v1.MsgRegisterNode.validator",
    "zektra.compute.v1.MsgUpdateNode.validator",
    "zektra.compute.v1.QueryCandidatesRequest.least_bond",
];

/// Texts that are the names of an enumeration's values.
const ENUMS: &[(&str, &str)] =
    &[("cosmos.staking.v1beta1.QueryValidatorsRequest.status", "cosmos.staking.v1beta1.BondStatus")];

fn listed<T: Copy>(list: &[(&str, T)], name: &str) -> Option<T> {
    list.iter().find(|(full, _)| *full == name).map(|(_, found)| *found)
}

/// The command of a method.
pub fn command(method: &MethodDescriptor) -> String {
    let plain = || kebab(method.name().strip_prefix("Get").unwrap_or(method.name()));
    listed(COMMANDS, method.full_name()).map_or_else(plain, Into::into)
}

/// Another name of a method's command.
pub fn alias(method: &MethodDescriptor) -> Option<&'static str> {
    listed(ALIASES, method.full_name())
}

/// A method's command with how it is used, if that is known.
pub fn with_example(command: Command, method: &MethodDescriptor) -> Command {
    match listed(EXAMPLES, method.full_name()) {
        Some(text) => command.after_help(format!("Example:\n  zektra {text}")),
        None => command,
    }
}

/// Whether a field is a flag whatever its type, and another name of the flag.
pub fn flag(field: &FieldDescriptor) -> (bool, Option<&'static str>) {
    let found = listed(FLAGS, field.full_name());
    (found.is_some(), found.flatten())
}

/// Whether a field may be left out.
pub fn is_optional(field: &FieldDescriptor) -> bool {
    OPTIONAL.contains(&field.full_name())
}

/// The enumeration of a field, if it has one.
pub fn enumeration(field: &FieldDescriptor) -> Option<EnumDescriptor> {
    match field.kind() {
        Kind::Enum(values) => Some(values),
        _ => pool().get_enum_by_name(listed(ENUMS, field.full_name())?),
    }
}

/// The module of a service, if it has commands. Of two versions the newer has the plain name.
pub fn module(service: &ServiceDescriptor) -> Option<String> {
    if let Some(named) = listed(SERVICES, service.full_name()) {
        return named.map(Into::into);
    }
    let package = service.package_name();
    let (module, version) = (package.split('.').nth(1)?, package.rsplit('.').next()?);
    let newer = |newer: &str| pool().services().any(|s| s.package_name() == newer && s.name() == service.name());
    let plain = !package.strip_suffix("beta1").is_some_and(newer);
    ["Query", "Msg"]
        .contains(&service.name())
        .then(|| if plain { module.into() } else { format!("{module}-{version}") })
}
