//! An application in this process, driven as consensus drives it: checks, blocks, commits.

use crate::senders::{CHAIN_ID, Senders};
use anyhow::{Context as _, ensure};
use sha2::{Digest as _, Sha256};
use std::path::Path;
use std::time::{Duration, Instant};
use tendermint_abci::Application as _;
use zektra_app::app::{App, Config};
use zektra_proto::Timestamp;
use zektra_proto::tendermint::abci::{
    CheckTxType, RequestCheckTx, RequestFinalizeBlock, RequestPrepareProposal, RequestProcessProposal,
};
use zektra_proto::tendermint::types::{BlockParams, ConsensusParams, ValidatorParams, VersionParams};

/// The genesis' time, Unix seconds.
const START: i64 = 1_760_000_000;
/// Bytes of a block: 10,000 sends fit.
const BLOCK: i64 = 16 << 20;

/// An application with its height.
pub struct Driven {
    /// The application.
    pub app: App,
    height: i64,
}

/// What a block took.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// To execute it, its root included.
    pub finalize: Duration,
    /// To write it to the disk.
    pub commit: Duration,
}

impl Taken {
    /// Seconds of both.
    pub fn seconds(self) -> f64 {
        (self.finalize + self.commit).as_secs_f64()
    }
}

impl Driven {
    /// A new chain in a folder, as a node keeps it by default, whose genesis has these accounts.
    ///
    /// # Errors
    /// A disk that cannot be written.
    pub fn begin(folder: &Path, senders: &Senders) -> anyhow::Result<Self> {
        let app = App::open(Config { home: folder.into(), ..Config::default() })?;
        let params = ConsensusParams {
            block: Some(BlockParams { max_bytes: BLOCK, max_gas: -1 }),
            evidence: None,
            validator: Some(ValidatorParams { pub_key_types: vec!["ed25519".into()] }),
            version: Some(VersionParams { app: 1 }),
            abci: None,
        };
        let time = Timestamp { seconds: START, nanos: 0 };
        app.init(CHAIN_ID, time, 1, &params, &senders.app_state())?;
        let mut driven = Self { app, height: 0 };
        // The genesis is written with the first block.
        driven.block(&[])?;
        Ok(driven)
    }

    /// Closes the database and opens it again.
    ///
    /// # Errors
    /// What is there cannot be read.
    pub fn reopen(&mut self, folder: &Path) -> anyhow::Result<()> {
        // The lock goes with the last handle.
        let aside = tempfile::tempdir()?;
        self.app = App::open(Config { home: aside.path().into(), ..Config::default() })?;
        self.app = App::open(Config { home: folder.into(), ..Config::default() })?;
        Ok(())
    }

    /// Checks transactions one after another, as CometBFT's mempool does; what it took.
    ///
    /// # Errors
    /// One is refused.
    pub fn check(&self, txs: &[Vec<u8>]) -> anyhow::Result<Duration> {
        let requests: Vec<_> =
            txs.iter().map(|tx| RequestCheckTx { tx: tx.clone().into(), r#type: CheckTxType::New as i32 }).collect();
        let begun = Instant::now();
        for request in requests {
            let checked = self.app.check_tx(request);
            ensure!(checked.code == 0, "a send is refused: {}", checked.log);
        }
        Ok(begun.elapsed())
    }

    /// Makes and checks a proposal of pending transactions; what each took.
    ///
    /// # Errors
    /// It leaves one out, or is refused.
    pub fn propose(&self, txs: &[Vec<u8>]) -> anyhow::Result<(Duration, Duration)> {
        let request = RequestPrepareProposal {
            max_tx_bytes: BLOCK,
            txs: txs.iter().map(|tx| tx.clone().into()).collect(),
            height: self.height + 1,
            time: Some(self.time()),
            ..RequestPrepareProposal::default()
        };
        let begun = Instant::now();
        let proposal = self.app.prepare_proposal(request);
        let prepare = begun.elapsed();
        ensure!(proposal.txs.len() == txs.len(), "{} of {} sends are proposed", proposal.txs.len(), txs.len());
        let request =
            RequestProcessProposal { txs: proposal.txs, height: self.height + 1, ..RequestProcessProposal::default() };
        let begun = Instant::now();
        let verdict = self.app.process_proposal(request);
        let process = begun.elapsed();
        ensure!(verdict.status == 1, "a proposal is refused");
        Ok((prepare, process))
    }

    /// Executes and commits a block.
    ///
    /// # Errors
    /// A transaction fails.
    pub fn block(&mut self, txs: &[Vec<u8>]) -> anyhow::Result<Taken> {
        self.height += 1;
        let request = RequestFinalizeBlock {
            txs: txs.iter().map(|tx| tx.clone().into()).collect(),
            hash: Sha256::digest(self.height.to_be_bytes()).to_vec().into(),
            height: self.height,
            time: Some(self.time()),
            proposer_address: vec![7; 20].into(),
            ..RequestFinalizeBlock::default()
        };
        let begun = Instant::now();
        let done = self.app.finalize_block(request);
        let finalize = begun.elapsed();
        let begun = Instant::now();
        tendermint_abci::Application::commit(&self.app);
        let commit = begun.elapsed();
        ensure!(done.tx_results.len() == txs.len(), "{} results of {} sends", done.tx_results.len(), txs.len());
        if let Some(failed) = done.tx_results.iter().find(|r| r.code != 0) {
            anyhow::bail!("a send fails: {}", failed.log);
        }
        Ok(Taken { finalize, commit })
    }

    fn time(&self) -> zektra_proto::comet::Timestamp {
        zektra_proto::comet::Timestamp { seconds: START + self.height + 1, nanos: 0 }
    }
}

/// A folder on the disk of the build folder, not in memory as `/tmp` may be; gone when it is dropped.
///
/// # Errors
/// A disk that cannot be written.
pub fn folder(name: &str) -> anyhow::Result<tempfile::TempDir> {
    let within = crate::report::workspace().join("target");
    std::fs::create_dir_all(&within)?;
    let made = tempfile::Builder::new().prefix(&format!("bench-{name}-")).tempdir_in(&within);
    made.with_context(|| format!("cannot write {}", within.display()))
}
