//! What parties do on the chain: `zektra dataset | job`.

use super::chain::acts::{self, Table};
use super::chain::hex::hexed;
use super::chain::settings::{Node, Place, Settings};
use super::progress::{Steps, Training};
use super::{Output, in_words};
use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use zektra_agents::chain::account::Account;
use zektra_agents::chain::amounts;
use zektra_agents::local::Traffic;
use zektra_agents::onchain::audit::{self, Anchor};
use zektra_agents::onchain::follow::{Followed, NodeParty, follow};
use zektra_agents::onchain::ledger::{self, How, Member};
use zektra_agents::onchain::order::{self, Order};
use zektra_agents::onchain::publish::{self, Step};
use zektra_agents::rejected::Rejected;
use zektra_agents::vault::Home;
use zektra_proto::compute::v1::{QueryCandidatesRequest, QueryCandidatesResponse};
use zektra_proto::json as wire;
use zektra_proto::market::v1::{QueryEscrowRequest, QueryEscrowResponse};
use zektra_proto::vault::v1::{RevocationPolicy, Terms};
use zektra_wallet::ask;

/// Whose account signs, and what it pays for gas.
#[derive(Args, Clone, Debug)]
pub(super) struct Signer {
    /// The chain that is signed for.
    #[arg(long, env = "ZEKTRA_CHAIN_ID", value_name = "ID")]
    chain_id: Option<String>,
    /// What is paid for a unit of gas [env: ZEKTRA_GAS_PRICES].
    #[arg(long, value_name = "PRICES")]
    gas_prices: Option<String>,
    // The folder of keys stands beside --home, which is a member's here.
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    node: Node,
}

impl Signer {
    fn settings(&self) -> Result<Settings> {
        Settings::new(&self.place, Some(&self.node))
    }

    pub(super) fn account(&self, key: &str) -> Result<Account> {
        let settings = self.settings()?;
        let chain_id = settings.chain_id(self.chain_id.as_deref())?;
        settings.demand_chain(&chain_id)?;
        let entry = settings.keyring.get(key, &settings.prefix)?;
        let opened = entry.open(&ask::passphrase(settings.backend, &entry)?)?;
        let prices = self.gas_prices.as_ref().or(settings.gas_prices.as_ref());
        let missing = || Rejected::Input("gas prices: none, expected --gas-prices as 0.025uzektra".into());
        let prices = prices.ok_or_else(missing)?;
        Account::new(settings.client(), &chain_id, opened, &settings.prefix, prices)
    }
}

/// `zektra dataset …`
#[derive(Debug, Subcommand)]
pub enum Dataset {
    /// Publish an encrypted dataset: announce it, prove all its tiles, vouch for it, pay its bond.
    #[command(
        after_help = "Example:\n  zektra dataset publish cells --seat alice --from alice --bond 1000000uzektra\n\nWhat was done is not done again."
    )]
    Publish(Publish),
    /// Let jobs use a dataset.
    #[command(
        after_help = "Example:\n  zektra dataset grant 1 --templates linear-classifier/1 --min-rows 100 --max-passes 100 --privacy-budget 1000000 --from alice"
    )]
    Grant(GrantUse),
    #[command(flatten)]
    More(Table<acts::Datasets>),
}

#[derive(Args, Debug)]
pub struct Publish {
    /// The dataset's name in the vault.
    name: String,
    /// The owner's folder.
    #[arg(long, value_name = "FOLDER")]
    seat: PathBuf,
    /// The account that owns it: its key's name.
    #[arg(long, value_name = "KEY")]
    from: String,
    /// What it puts down for the dataset.
    #[arg(long, value_name = "COIN")]
    bond: String,
    /// A text about the source of the rows that the owner vouches for; the chain keeps its hash.
    #[arg(long, value_name = "FILE")]
    statement: Option<PathBuf>,
    #[command(flatten)]
    signer: Signer,
}

#[derive(Args, Debug)]
pub struct GrantUse {
    /// The dataset's number.
    dataset: u64,
    /// Templates that may be trained, as linear-classifier/1.
    #[arg(long, value_delimiter = ',', required = true)]
    templates: Vec<String>,
    /// Only this developer's jobs; anybody's if it is left out.
    #[arg(long, default_value = "", value_name = "ADDRESS")]
    grantee: String,
    /// Rows that a job must have in all its datasets.
    #[arg(long, default_value_t = 1)]
    min_rows: u64,
    /// Passes over the rows, of all jobs together.
    #[arg(long)]
    max_passes: u64,
    /// Coefficients that may be opened, of all jobs together.
    #[arg(long)]
    privacy_budget: u64,
    /// The last height at which it holds; 0 for no end.
    #[arg(long, default_value_t = 0)]
    until_height: u64,
    /// Stop jobs that run when the dataset is revoked.
    #[arg(long)]
    abort_on_revoke: bool,
    /// The account that owns the dataset: its key's name.
    #[arg(long, value_name = "KEY")]
    from: String,
    #[command(flatten)]
    signer: Signer,
}

/// `zektra job …`
#[derive(Debug, Subcommand)]
pub enum Job {
    /// Order a job and pay for it.
    #[command(
        after_help = "Example:\n  zektra job order --listing 1 --tier standard --datasets 1,2 --iterations 8 --batch-rows 128 --max-data-fee 100000uzektra --max-unit-price 10 --seat developer --from developer"
    )]
    Order(OrderJob),
    /// Run a job whose parties are all on this machine: join, train, prove, release.
    #[command(
        after_help = "Example:\n  zektra job run 1 --node-party node:carol --member alice:alice --member bob:bob --member developer:developer\n\nOf several --node-party the one that the chain has drawn works; if it ends early, the next that is drawn goes on from the last accepted part."
    )]
    Run(RunJob),
    /// Show a job.
    #[command(after_help = "Example:\n  zektra job show 1")]
    Show(ShowJob),
    /// Look at what members released, and dispute what does not open: this shows the secret of the job's release key.
    #[command(after_help = "Example:\n  zektra job dispute 1 --developer developer:developer")]
    Dispute(super::dispute::DisputeJob),
    #[command(flatten)]
    More(Table<acts::Jobs>),
}

#[derive(Args, Debug)]
pub struct OrderJob {
    /// The listing's number.
    #[arg(long)]
    listing: u64,
    /// Its tier.
    #[arg(long)]
    tier: String,
    /// The datasets, in training order.
    #[arg(long, value_delimiter = ',', required = true)]
    datasets: Vec<u64>,
    /// What is trained.
    #[arg(long, default_value = "linear-classifier/1")]
    template: String,
    /// Iterations.
    #[arg(long)]
    iterations: u32,
    /// Rows of a step; all rows if it is left out.
    #[arg(long)]
    batch_rows: Option<u32>,
    /// Largest learning rate.
    #[arg(long, default_value_t = 0.5)]
    learning_rate: f64,
    /// How often the job may be attempted; counted in its hiding.
    #[arg(long, default_value_t = 1)]
    max_attempts: u32,
    /// The most for the data.
    #[arg(long, value_name = "COIN")]
    max_data_fee: String,
    /// The most for a unit of training.
    #[arg(long)]
    max_unit_price: u64,
    /// Rows that the datasets must have together.
    #[arg(long, default_value_t = 1)]
    min_rows: u64,
    /// Blocks from now in which it must be proven.
    #[arg(long, default_value_t = 10_000)]
    within: u64,
    /// Pay the computation out of credits first.
    #[arg(long)]
    use_credits: bool,
    /// The developer's folder.
    #[arg(long, value_name = "FOLDER")]
    seat: PathBuf,
    /// The developer's account: its key's name.
    #[arg(long, value_name = "KEY")]
    from: String,
    #[command(flatten)]
    signer: Signer,
}

/// A folder and the key of its account.
#[derive(Clone, Debug)]
pub(super) struct Party {
    pub(super) folder: PathBuf,
    pub(super) key: String,
}

impl std::str::FromStr for Party {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (folder, key) = text.rsplit_once(':').ok_or("expected FOLDER:KEY, as alice:alice")?;
        if folder.is_empty() || key.is_empty() {
            return Err("expected FOLDER:KEY, as alice:alice".into());
        }
        Ok(Self { folder: folder.into(), key: key.into() })
    }
}

#[derive(Args, Debug)]
pub struct RunJob {
    /// The job's number.
    job: u64,
    /// A compute node; once for each that may be drawn.
    #[arg(long, value_name = "FOLDER:KEY", required = true)]
    node_party: Vec<Party>,
    /// A member; once for each.
    #[arg(long, value_name = "FOLDER:KEY", required = true)]
    member: Vec<Party>,
    /// Iterations from one part of the proof to the next.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    part_iterations: u64,
    /// The first node leaves the job after so many accepted parts, as one that dies does: to try out a rescue.
    #[arg(long, value_name = "PARTS", value_parser = clap::value_parser!(u64).range(1..))]
    stop_after_parts: Option<u64>,
    #[command(flatten)]
    signer: Signer,
}

#[derive(Args, Debug)]
pub struct ShowJob {
    /// The job's number.
    job: u64,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    node: Node,
}

/// `zektra audit`
#[derive(Args, Debug)]
pub struct AuditJob {
    /// The job's number.
    job: u64,
    /// A header that is trusted; without it that of the node's last block is.
    #[arg(long, value_name = "HEIGHT:HASH")]
    trust: Option<Anchor>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    node: Node,
}

pub(super) fn audit(output: &Output, c: AuditJob) -> Result<()> {
    let settings = Settings::new(&c.place, Some(&c.node))?;
    let found = audit::audit(&settings.client(), c.job, c.trust.as_ref())?;
    let trusted = c.trust.is_some();
    output.print(&found.facts, || {
        let Anchor { height, hash } = &found.anchor;
        let why = if trusted { "as you said" } else { "because the node says so: --trust names one from elsewhere" };
        let links: String = found.links.iter().map(|l| format!("{:<9} {}\n", l.what, l.found)).collect();
        format!("{links}chain     {}, header {height}, {hash}, trusted {why}", found.chain_id)
    });
    Ok(())
}

fn coin(text: &str) -> Result<zektra_proto::cosmos::base::v1beta1::Coin> {
    Ok(amounts::coin(text)?)
}

pub(super) fn dataset(output: &Output, command: Dataset) -> Result<()> {
    match command {
        Dataset::More(c) => acts::run(output, &c),
        Dataset::Publish(c) => {
            let account = c.signer.account(&c.from)?;
            let home = Home::open(&c.seat)?;
            let text = match &c.statement {
                Some(path) => zektra_agents::files::read(path)?,
                None => format!("{} of {}", c.name, account.address()).into_bytes(),
            };
            let bar = Steps::new(output.quiet);
            let start = Instant::now();
            let statement = *blake3::hash(&text).as_bytes();
            let number =
                publish::publish(&account, &home, &c.name, &statement, &coin(&c.bond)?, &mut |step| match step {
                    Step::Seat => bar.set("seat"),
                    Step::Draft => bar.set("draft"),
                    Step::Proof(done, of) => bar.set(&format!("proof of the tiles, {done} of {of} row groups")),
                    Step::Seal => bar.set("seal"),
                    Step::Statement => bar.set("statement"),
                    Step::Bond => bar.set("bond"),
                });
            bar.done();
            let facts =
                json!({"dataset": number?, "owner": account.address(), "seconds": start.elapsed().as_secs_f64()});
            output.print(&facts, || in_words(&facts));
            Ok(())
        }
        Dataset::Grant(c) => {
            let account = c.signer.account(&c.from)?;
            let policy = if c.abort_on_revoke { RevocationPolicy::Abort } else { RevocationPolicy::Finish };
            let terms = Terms {
                grantee: c.grantee,
                templates: c.templates,
                min_rows: c.min_rows,
                max_passes: c.max_passes,
                privacy_budget: c.privacy_budget,
                from_height: 0,
                until_height: c.until_height,
                on_revoke: policy.into(),
            };
            let facts = json!({"dataset": c.dataset, "grant": publish::grant(&account, c.dataset, terms)?});
            output.print(&facts, || in_words(&facts));
            Ok(())
        }
    }
}

pub(super) fn job(output: &Output, command: Job) -> Result<()> {
    match command {
        Job::Order(c) => order_job(output, c),
        Job::Run(c) => run_job(output, c),
        Job::Dispute(c) => super::dispute::dispute(output, &c),
        Job::More(c) => acts::run(output, &c),
        Job::Show(c) => {
            let settings = Settings::new(&c.place, Some(&c.node))?;
            let request = zektra_proto::training::v1::QueryJobRequest { job: c.job };
            let found: zektra_proto::training::v1::QueryJobResponse =
                settings.client().query("/zektra.training.v1.Query/Job", &request)?;
            let facts = wire::write(&found.job.context("no such job")?)?;
            let of = wire::pool().get_message_by_name("zektra.training.v1.ChainJob");
            output.print(&facts, || in_words(&of.map_or(facts.clone(), |of| hexed(&facts, &of))));
            Ok(())
        }
    }
}

fn order_job(output: &Output, c: OrderJob) -> Result<()> {
    let account = c.signer.account(&c.from)?;
    let home = Home::open(&c.seat)?;
    publish::register(&account, &home)?;
    let wanted = Order {
        listing: c.listing,
        tier: c.tier,
        datasets: c.datasets,
        template: c.template,
        iterations: c.iterations,
        batch_rows: c.batch_rows,
        learning_rate: c.learning_rate,
        max_attempts: c.max_attempts,
        max_data_fee: coin(&c.max_data_fee)?,
        max_unit_price: c.max_unit_price,
        min_rows: c.min_rows,
        within: c.within,
        use_credits: c.use_credits,
    };
    let number = order::order(&account, &home, &wanted)?;
    let mut facts = json!({"job": number, "developer": account.address()});
    // It is ordered: what cannot be asked now must not look as if it were not.
    match costs(&account, number, c.max_unit_price) {
        Ok(costs) => facts["costs"] = costs,
        Err(e) => facts["costs"] = format!("{e:#}").into(),
    }
    output.print(&facts, || in_words(&facts));
    Ok(())
}

/// What an order puts aside, and how many nodes ask so little.
fn costs(account: &Account, number: u64, most_price: u64) -> Result<Value> {
    let found = wire::write(&ledger::job(account, number)?)?;
    let request = QueryEscrowRequest { job: number };
    let escrow: QueryEscrowResponse = account.client().query("/zektra.market.v1.Query/Escrow", &request)?;
    let escrow = escrow.escrow.unwrap_or_default();
    let request = QueryCandidatesRequest { most_price, ..QueryCandidatesRequest::default() };
    let nodes: QueryCandidatesResponse = account.client().query("/zektra.compute.v1.Query/Candidates", &request)?;
    let deposit = found["members"].as_array().into_iter().flatten().find(|m| m["address"] == account.address());
    Ok(json!({
        "put_aside_for_data": escrow.data,
        "put_aside_for_computation": escrow.compute,
        "deposit": deposit.map(|m| m["deposit"].clone()),
        "nodes_at_this_price": nodes.candidates.len(),
        "deadline": found["deadline"],
    }))
}

fn run_job(output: &Output, c: RunJob) -> Result<()> {
    let accounts = |parties: &[Party]| parties.iter().map(|p| c.signer.account(&p.key)).collect::<Result<Vec<_>>>();
    let (node_accounts, accounts) = (accounts(&c.node_party)?, accounts(&c.member)?);
    let nodes: Vec<NodeParty<'_>> = c
        .node_party
        .iter()
        .zip(&node_accounts)
        .map(|(party, account)| NodeParty { folder: &party.folder, account })
        .collect();
    let members =
        c.member.iter().zip(&accounts).map(|(m, account)| Ok(Member { home: Home::open(&m.folder)?, account }));
    let members: Vec<Member<'_>> = members.collect::<Result<_>>()?;
    let any = node_accounts.first().context("--node-party: none")?;
    let record = ledger::job(any, c.job)?.record.context("a job without a record")?;
    let record = zektra_records::job_from_pb(&record)?;
    let table = record.template.compile()?;
    let start = Instant::now();
    let traffic = Traffic::new(members.len(), false);
    let mut bar = Training::new(output.quiet, table.phases.len(), table.iterations, traffic.clone());
    let mut stages: Vec<(&'static str, f64)> = vec![];
    let mut early: Vec<(String, String)> = vec![];
    let how = How { every: c.part_iterations, stop_after: c.stop_after_parts, circuits: Arc::default() };
    let shown = RefCell::new(&mut bar);
    let done = follow(
        c.job,
        &nodes,
        &members,
        &how,
        &mut Some(traffic.clone()),
        &mut |stage, done, total| {
            if stages.last().is_none_or(|(name, _)| *name != stage.name()) {
                stages.push((stage.name(), start.elapsed().as_secs_f64()));
            }
            shown.borrow_mut().set(stage, done, total);
        },
        &mut |node, why| {
            shown.borrow().tell(&format!("node {node} ended early: {why:#}"));
            early.push((node.into(), format!("{why:#}")));
        },
    );
    bar.done();
    let Followed { finished, nodes } = done?;
    let found = wire::write(&ledger::job(any, c.job)?)?;
    let stages: Vec<Value> = stages.iter().map(|(stage, at)| json!({"stage": stage, "at": at})).collect();
    let early: Vec<Value> = early.iter().map(|(node, why)| json!({"node": node, "why": why})).collect();
    let facts = json!({
        "job": c.job,
        "status": found["status"],
        "nodes": nodes,
        "ended_early": early,
        "seconds": start.elapsed().as_secs_f64(),
        "stages": stages,
        "bundle_bytes": finished.bundle.map(|b| b.len()),
    });
    output.print(&facts, || in_words(&facts));
    Ok(())
}
