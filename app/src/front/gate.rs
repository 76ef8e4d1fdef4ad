//! Calls that cost much: as many at once as there are cores.

use tokio::sync::{Semaphore, SemaphorePermit};
use zektra_modules::query::{Code, QueryError};

/// Calls that wait for others to end.
const WAITING: usize = 64;
/// A request of more bytes costs much, whatever it asks.
const LARGE: usize = 64 << 10;

/// Lets as many heavy calls through at once as there are cores.
#[derive(Debug)]
pub struct Gate {
    cores: usize,
    running: Semaphore,
    waiting: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { cores, running: Semaphore::new(cores), waiting: Semaphore::new(WAITING) }
    }
}

impl Gate {
    /// Waits until a call may run, which it does until its pass is dropped.
    ///
    /// # Errors
    /// Too many wait already.
    pub async fn pass(&self) -> Result<SemaphorePermit<'_>, QueryError> {
        if let Ok(pass) = self.running.try_acquire() {
            return Ok(pass);
        }
        let busy = || {
            let cores = self.cores;
            Code::Unavailable.error(format!("{cores} calls that cost much run and {WAITING} wait: ask again later"))
        };
        let _place = self.waiting.try_acquire().map_err(|_| busy())?;
        self.running.acquire().await.map_err(|_| busy())
    }

    /// A pass for a method, `/<service>/<method>`, or a route of REST, if it may cost much.
    ///
    /// # Errors
    /// As [`Gate::pass`].
    pub async fn pass_for(&self, path: &str, bytes: usize) -> Result<Option<SemaphorePermit<'_>>, QueryError> {
        if is_heavy(path) || bytes > LARGE { self.pass().await.map(Some) } else { Ok(None) }
    }
}

/// Whether a method or a route may read whole blocks or execute; all of a service's but a few.
fn is_heavy(path: &str) -> bool {
    // As those who look for the service and the route do.
    let path = path.trim_start_matches('/');
    // Whatever can be asked can be asked through these, too.
    if path.ends_with("/ABCIQuery") || path.ends_with("/abci_query") {
        return true;
    }
    let heavy = [
        ("cosmos.tx.v1beta1.Service/", &[][..]),
        ("cosmos/tx/v1beta1/", &[]),
        ("cosmos.base.tendermint.v1beta1.Service/", &["GetNodeInfo", "GetSyncing"]),
        ("cosmos/base/tendermint/v1beta1/", &["node_info", "syncing"]),
        ("cosmos.base.node.v1beta1.Service/", &["Config"]),
        ("cosmos/base/node/v1beta1/", &["config"]),
    ];
    heavy.iter().any(|(of, light)| path.strip_prefix(of).is_some_and(|method| !light.contains(&method)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_blocks_costs_much() {
        let heavy = [
            "/cosmos.tx.v1beta1.Service/GetBlockWithTxs",
            "/cosmos/tx/v1beta1/txs/block/3",
            "//cosmos/tx/v1beta1/txs",
            "/cosmos.base.tendermint.v1beta1.Service/GetBlockByHeight",
            "/cosmos/base/tendermint/v1beta1/blocks/latest",
            "/cosmos/base/tendermint/v1beta1/validatorsets/7",
            "/cosmos/base/tendermint/v1beta1/abci_query",
            "/cosmos.base.node.v1beta1.Service/Status",
        ];
        heavy.iter().for_each(|path| assert!(is_heavy(path), "{path}"));
        let light = [
            "/cosmos.base.tendermint.v1beta1.Service/GetSyncing",
            "/cosmos/base/tendermint/v1beta1/node_info",
            "/cosmos/base/node/v1beta1/config",
            "/cosmos.bank.v1beta1.Query/Balance",
            "/cosmos/bank/v1beta1/supply",
        ];
        light.iter().for_each(|path| assert!(!is_heavy(path), "{path}"));
    }

    #[tokio::test]
    async fn a_call_too_many_is_told_so() {
        let gate = Gate { cores: 1, running: Semaphore::new(1), waiting: Semaphore::new(1) };
        assert!(gate.pass_for("/cosmos.bank.v1beta1.Query/Params", 10).await.is_ok_and(|pass| pass.is_none()));
        let running = gate.pass().await;
        let (next, refused) = tokio::join!(gate.pass_for("/cosmos/tx/v1beta1/decode", 1), async {
            let refused = gate.pass().await.map(drop);
            drop(running);
            refused
        });
        assert!(next.is_ok_and(|pass| pass.is_some()));
        let text = "1 calls that cost much run and 64 wait: ask again later";
        assert_eq!(refused, Err(Code::Unavailable.error(text)));
    }
}
