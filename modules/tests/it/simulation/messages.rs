//! Kinds of messages, and how often each is sent.

use super::chance::Chance;
use super::world::World;
use super::{any, data, grants, jobs, proposals, stake};
use zektra_modules::address::Address;
use zektra_proto::Any;

/// A kind of message: how often it is sent, and what somebody could send of it now.
pub struct Kind {
    pub url: &'static str,
    pub often: u64,
    pub make: Make,
}

/// What somebody could send now.
pub type Make = fn(&World, &mut Chance, &Address) -> Option<Any>;

const fn kind(url: &'static str, often: u64, make: Make) -> Kind {
    Kind { url, often, make }
}

pub const MESSAGES: [Kind; 71] = [
    kind("/cosmos.staking.v1beta1.MsgCreateValidator", 20, stake::create),
    kind("/cosmos.staking.v1beta1.MsgEditValidator", 15, stake::edit),
    kind("/cosmos.staking.v1beta1.MsgDelegate", 80, stake::delegate),
    kind("/cosmos.staking.v1beta1.MsgBeginRedelegate", 60, stake::redelegate),
    kind("/cosmos.staking.v1beta1.MsgUndelegate", 60, stake::undelegate),
    kind("/cosmos.staking.v1beta1.MsgCancelUnbondingDelegation", 20, stake::cancel),
    kind("/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward", 30, stake::withdraw),
    kind("/cosmos.distribution.v1beta1.MsgWithdrawValidatorCommission", 15, stake::commission),
    kind("/cosmos.distribution.v1beta1.MsgSetWithdrawAddress", 10, stake::withdraw_address),
    kind("/cosmos.distribution.v1beta1.MsgFundCommunityPool", 10, stake::fund),
    kind("/cosmos.distribution.v1beta1.MsgDepositValidatorRewardsPool", 10, stake::reward),
    kind("/cosmos.bank.v1beta1.MsgSend", 20, stake::send),
    kind("/cosmos.bank.v1beta1.MsgMultiSend", 10, stake::send_many),
    kind("/cosmos.slashing.v1beta1.MsgUnjail", 30, stake::unjail),
    kind("/cosmos.gov.v1.MsgSubmitProposal", 50, proposals::submit),
    kind("/cosmos.gov.v1.MsgDeposit", 40, proposals::deposit),
    kind("/cosmos.gov.v1.MsgVote", 80, proposals::vote),
    kind("/cosmos.gov.v1.MsgVoteWeighted", 20, proposals::vote_weighted),
    kind("/cosmos.gov.v1.MsgCancelProposal", 10, proposals::cancel),
    kind("/cosmos.gov.v1beta1.MsgSubmitProposal", 10, proposals::older_submit),
    kind("/cosmos.gov.v1beta1.MsgDeposit", 10, proposals::older_deposit),
    kind("/cosmos.gov.v1beta1.MsgVote", 20, proposals::older_vote),
    kind("/cosmos.gov.v1beta1.MsgVoteWeighted", 10, proposals::older_vote_weighted),
    kind("/cosmos.authz.v1beta1.MsgGrant", 30, grants::grant),
    kind("/cosmos.authz.v1beta1.MsgExec", 40, grants::exec),
    kind("/cosmos.authz.v1beta1.MsgRevoke", 10, grants::revoke),
    kind("/cosmos.feegrant.v1beta1.MsgGrantAllowance", 20, grants::allow),
    kind("/cosmos.feegrant.v1beta1.MsgRevokeAllowance", 10, grants::disallow),
    kind("/cosmos.feegrant.v1beta1.MsgPruneAllowances", 5, grants::prune),
    kind("/zektra.vault.v1.MsgRegisterSeat", 2, data::register_seat),
    kind("/zektra.vault.v1.MsgRotateSeat", 1, data::rotate_seat),
    kind("/zektra.vault.v1.MsgCreateDataset", 14, data::create),
    kind("/zektra.vault.v1.MsgRaiseAttempt", 2, data::raise_attempt),
    kind("/zektra.vault.v1.MsgDropDraft", 2, data::drop_draft),
    kind("/zektra.vault.v1.MsgNameVouchers", 6, data::name_vouchers),
    kind("/zektra.vault.v1.MsgAttest", 14, data::attest),
    kind("/zektra.vault.v1.MsgActivateDataset", 14, data::activate),
    kind("/zektra.vault.v1.MsgPauseDataset", 3, data::pause),
    kind("/zektra.vault.v1.MsgUnpauseDataset", 6, data::unpause),
    kind("/zektra.vault.v1.MsgRevokeDataset", 3, data::revoke),
    kind("/zektra.vault.v1.MsgReportErasure", 5, data::erase),
    kind("/zektra.vault.v1.MsgGrantUse", 14, data::grant),
    kind("/zektra.vault.v1.MsgWithdrawGrant", 2, data::withdraw),
    kind("/zektra.vault.v1.MsgCreateSet", 3, data::create_set),
    kind("/zektra.vault.v1.MsgAdmitToSet", 8, data::admit),
    kind("/zektra.vault.v1.MsgJoinSet", 14, data::join_set),
    kind("/zektra.vault.v1.MsgLeaveSet", 4, data::leave_set),
    kind("/zektra.market.v1.MsgList", 8, data::list),
    kind("/zektra.market.v1.MsgUpdateTier", 5, data::update_tier),
    kind("/zektra.market.v1.MsgSchedule", 5, data::schedule),
    kind("/zektra.market.v1.MsgClose", 2, data::close),
    kind("/zektra.market.v1.MsgReopen", 6, data::reopen),
    kind("/zektra.market.v1.MsgBuyCredits", 8, data::buy_credits),
    kind("/zektra.market.v1.MsgReturnCredits", 5, data::return_credits),
    kind("/zektra.compute.v1.MsgRegisterNode", 10, jobs::register),
    kind("/zektra.compute.v1.MsgUpdateNode", 8, jobs::update),
    kind("/zektra.compute.v1.MsgAddBond", 6, jobs::add_bond),
    kind("/zektra.compute.v1.MsgLeave", 3, jobs::leave),
    kind("/zektra.training.v1.MsgOrder", 80, jobs::order),
    kind("/zektra.training.v1.MsgCancel", 10, jobs::cancel),
    kind("/zektra.training.v1.MsgJoin", 150, jobs::join),
    kind("/zektra.training.v1.MsgReportStall", 40, jobs::report_stall),
    kind("/zektra.training.v1.MsgAnswerStall", 30, jobs::answer_stall),
    kind("/zektra.training.v1.MsgRelease", 60, jobs::release),
    kind("/zektra.training.v1.MsgDispute", 12, jobs::dispute),
    // What grants of the module of governance let others do.
    kind("/cosmos.staking.v1beta1.MsgUpdateParams", 0, |world, chance, who| {
        let params = Some(stake::params(world, chance));
        let authority = world.text(who);
        Some(any(&zektra_proto::cosmos::staking::v1beta1::MsgUpdateParams { authority, params }))
    }),
    // What is not a message.
    kind("a seal", 16, |_, _, _| None),
    kind("an offer", 40, |_, _, _| None),
    kind("a part", 60, |_, _, _| None),
    kind("a fee paid by another", 15, |_, _, _| None),
    kind("something else", 80, |_, _, _| None),
];

/// Messages that anybody sends, alone or with others: those in front of what authorities and nobody sends.
pub const SENT: u64 = MESSAGES.len() as u64 - 6;
