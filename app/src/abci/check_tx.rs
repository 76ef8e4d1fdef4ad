//! What may enter the mempool, and stay there.

use crate::ante::Mode;
use crate::app::{App, AppError};
use zektra_proto::tendermint::abci::{CheckTxType, RequestCheckTx, ResponseCheckTx};
use zektra_state::StateDelta;

pub fn check_tx(app: &App, request: &RequestCheckTx) -> Result<ResponseCheckTx, AppError> {
    let mode = if request.r#type == CheckTxType::Recheck as i32 { Mode::Recheck } else { Mode::Check };
    let identity = app.known()?;
    let block = app.next_block();
    let tx = crate::tx::decode(&request.tx, app.chain(), &identity.prefix);
    let mut mempool = app.0.mempool.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut state = StateDelta::with(app.working_base()?, mempool.take());
    let outcome = app.chain().execute(&mut state, &tx, mode, &block, &identity.prefix);
    mempool.set(state.into_changes());
    let outcome = outcome.map_err(|error| AppError::Module { when: "check", error })?;
    app.metrics().checked(outcome.error.is_none());
    let result = outcome.into_result();
    Ok(ResponseCheckTx {
        code: result.code,
        data: result.data,
        log: result.log,
        info: result.info,
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        events: result.events,
        codespace: result.codespace,
    })
}
