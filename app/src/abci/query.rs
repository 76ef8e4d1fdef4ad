//! Queries: a service's method as path, protobuf in and out; or a key of the state with its proof.

use crate::app::App;
use prost::Message as _;
use zektra_modules::query::{Code, QueryError};
use zektra_proto::tendermint::abci::{RequestQuery, ResponseQuery};
use zektra_proto::tendermint::crypto::{ProofOp, ProofOps};

/// The name of the proof's operation.
pub const PROOF_OP: &str = "ics23:jmt";

pub fn query(app: &App, request: &RequestQuery) -> ResponseQuery {
    let height = match u64::try_from(request.height) {
        Ok(0) => app.committed().height,
        Ok(height) => height,
        Err(_) => return refused(app, Code::InvalidArgument.error(format!("height {}", request.height))),
    };
    let answer = match &request.path[..] {
        "/store/state/key" => stored(app, request, height),
        path => app
            .answer(path, &request.data, height)
            .map(|value| ResponseQuery { value: value.into(), ..Default::default() }),
    };
    match answer {
        Ok(answer) => ResponseQuery { height: i64::try_from(height).unwrap_or(i64::MAX), ..answer },
        Err(e) => refused(app, e),
    }
}

fn stored(app: &App, request: &RequestQuery, height: u64) -> Result<ResponseQuery, QueryError> {
    let snapshot = app.store().snapshot(height)?;
    let key = request.data.clone();
    let (value, proof) = snapshot.get_with_proof(&key)?;
    let op = ProofOp { r#type: PROOF_OP.into(), key: key.to_vec(), data: proof.encode_to_vec() };
    let proof_ops = request.prove.then(|| ProofOps { ops: vec![op] });
    Ok(ResponseQuery { key, value: value.unwrap_or_default().into(), proof_ops, ..ResponseQuery::default() })
}

/// A gRPC status as the SDK's ABCI codes have it.
fn refused(app: &App, error: QueryError) -> ResponseQuery {
    let (code, name) = match error.code {
        Code::NotFound => (22, "NotFound"),
        Code::InvalidArgument => (18, "InvalidArgument"),
        Code::FailedPrecondition => (18, "FailedPrecondition"),
        Code::OutOfRange => (18, "OutOfRange"),
        Code::Unimplemented => (6, "Unimplemented"),
        Code::Internal => (6, "Internal"),
        Code::Unavailable => (6, "Unavailable"),
        Code::Unknown => (6, "Unknown"),
    };
    ResponseQuery {
        code,
        codespace: "sdk".into(),
        log: format!("rpc error: code = {name} desc = {error}"),
        height: i64::try_from(app.committed().height).unwrap_or(i64::MAX),
        ..ResponseQuery::default()
    }
}
