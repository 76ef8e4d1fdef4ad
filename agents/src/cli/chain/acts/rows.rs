//! The tables of commands.

use super::listing::{Create, Update};
use super::node::{self, Register};
use super::vault::{Attest, CreateSet, Erased};
use super::{Row, Rows, ask, message, own};

/// Listings of the market.
#[derive(Clone, Debug)]
pub struct Listings;

impl Rows for Listings {
    const NAME: &'static str = "listing";
    const ROWS: &'static [Row] = &[
        own::<Create>(
            "create",
            "Lists a dataset or a set, with what it costs in which tier; a fee is burned",
            "--set 1 --tier standard:research:100:weights:0=250,1000=300 --from alice",
        ),
        own::<Update>(
            "update",
            "Adds a tier to a listing, or changes the licence, most passes and output of one",
            "1 --tier standard:commercial:50:weights --from alice",
        ),
        message("schedule", "zektra.market.v1.Msg.Schedule", "1 standard 5000 300 --from alice"),
        message("close", "zektra.market.v1.Msg.Close", "1 --from alice"),
        message("reopen", "zektra.market.v1.Msg.Reopen", "1 --from alice"),
        ask("show", "zektra.market.v1.Query.Listing", "1"),
        ask("list", "zektra.market.v1.Query.Listings", "--page-limit 10"),
        ask("by-seller", "zektra.market.v1.Query.ListingsBySeller", "alice"),
        ask("quote", "zektra.market.v1.Query.Quote", "1 standard 1 1048576 10"),
        ask("demand", "zektra.market.v1.Query.Demand", "1"),
    ];
}

/// Compute nodes.
#[derive(Clone, Debug)]
pub struct Nodes;

impl Rows for Nodes {
    const NAME: &'static str = "node";
    const ROWS: &'static [Row] = &[
        own::<Register>(
            "register",
            "Registers a compute node with its bond; a fee is burned",
            "--moniker fast-node --endpoint node.example:9000 --bond 1000000000uzektra --price 2 --max-jobs 4 --validator zektravaloper1… --from carol",
        ),
        own::<node::Update>(
            "update",
            "Changes what is said of a compute node: what no flag names stays",
            "--price 3 --pause --from carol",
        ),
        message("bond", "zektra.compute.v1.Msg.AddBond", "500000000uzektra --from carol"),
        message("leave", "zektra.compute.v1.Msg.Leave", "--from carol"),
        ask("show", "zektra.compute.v1.Query.Node", "carol"),
        ask("list", "zektra.compute.v1.Query.Nodes", "--page-limit 10"),
        ask("candidates", "zektra.compute.v1.Query.Candidates", "10"),
        ask("reputation", "zektra.reputation.v1.Query.Reputation", "carol"),
    ];
}

/// What is paid ahead.
#[derive(Clone, Debug)]
pub struct Credits;

impl Rows for Credits {
    const NAME: &'static str = "credit";
    const ROWS: &'static [Row] = &[
        message("buy", "zektra.market.v1.Msg.BuyCredits", "1000000uzektra --from developer"),
        message("return", "zektra.market.v1.Msg.ReturnCredits", "400000uzektra --from developer"),
        ask("show", "zektra.market.v1.Query.Credits", "developer"),
    ];
}

/// Sets of datasets.
#[derive(Clone, Debug)]
pub struct Sets;

impl Rows for Sets {
    const NAME: &'static str = "set";
    const ROWS: &'static [Row] = &[
        own::<CreateSet>(
            "create",
            "Begins a set of datasets that have the schema of one",
            "cells --like 1 --from alice",
        ),
        message("admit", "zektra.vault.v1.Msg.AdmitToSet", "1 2 --from alice"),
        message("join", "zektra.vault.v1.Msg.JoinSet", "1 2 --from bob"),
        message("leave", "zektra.vault.v1.Msg.LeaveSet", "1 2 --from bob"),
        ask("show", "zektra.vault.v1.Query.Set", "1"),
        ask("list", "zektra.vault.v1.Query.Sets", "--page-limit 10"),
    ];
}

/// Datasets that are published.
#[derive(Clone, Debug)]
pub struct Datasets;

impl Rows for Datasets {
    const NAME: &'static str = "dataset";
    const ROWS: &'static [Row] = &[
        own::<Attest>(
            "attest",
            "Vouches for a dataset, by the hash of a statement about its source",
            "1 --statement statement.txt --from auditor",
        ),
        message("name-vouchers", "zektra.vault.v1.Msg.NameVouchers", "1 auditor --from alice"),
        message("activate", "zektra.vault.v1.Msg.ActivateDataset", "1 10000000uzektra --from alice"),
        message("pause", "zektra.vault.v1.Msg.PauseDataset", "1 --from alice"),
        message("resume", "zektra.vault.v1.Msg.UnpauseDataset", "1 --from alice"),
        message("revoke", "zektra.vault.v1.Msg.RevokeDataset", "1 --from alice"),
        own::<Erased>(
            "erased",
            "Says that a revoked dataset is erased, which gives its bond back",
            "1 --statement erased.txt --from alice",
        ),
        message("drop", "zektra.vault.v1.Msg.DropDraft", "1 --from alice"),
        message("raise-attempt", "zektra.vault.v1.Msg.RaiseAttempt", "1 --from alice"),
        message("withdraw-grant", "zektra.vault.v1.Msg.WithdrawGrant", "7 --from alice"),
        ask("grants", "zektra.vault.v1.Query.Grants", "1"),
        ask("show", "zektra.vault.v1.Query.Dataset", "1"),
        ask("list", "zektra.vault.v1.Query.Datasets", "--owner alice --status active"),
    ];
}

/// Jobs.
#[derive(Clone, Debug)]
pub struct Jobs;

impl Rows for Jobs {
    const NAME: &'static str = "job";
    const ROWS: &'static [Row] = &[
        message("cancel", "zektra.training.v1.Msg.Cancel", "1 --from developer"),
        ask("list", "zektra.training.v1.Query.Jobs", "--status locked --party developer"),
        ask("parts", "zektra.training.v1.Query.Parts", "1"),
        ask("payouts", "zektra.market.v1.Query.Payouts", "1"),
        ask("escrow", "zektra.market.v1.Query.Escrow", "1"),
    ];
}
