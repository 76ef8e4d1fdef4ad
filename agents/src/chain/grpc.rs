//! A question over gRPC.

use super::client::{ChainError, TIMEOUT};
use prost::bytes::Bytes;
use tonic::client::Grpc;
use tonic::metadata::MetadataValue;
use tonic::transport::Endpoint;
use zektra_proto::raw::Raw;

/// Who numbers gRPC's codes.
pub const CODESPACE: &str = "grpc";

/// The header that asks a past height.
const HEIGHT: &str = "x-cosmos-block-height";

/// Asks the gRPC service at `address` (`host:port`, or a URL).
///
/// # Errors
/// No answer, or the service's own error.
pub fn query(address: &str, path: &str, request: Vec<u8>, height: u64) -> Result<Vec<u8>, ChainError> {
    let unreachable =
        |e: &dyn std::fmt::Display| ChainError::Unreachable(format!("no answer from gRPC {address}: {e}"));
    let url = if address.contains("://") { address.to_string() } else { format!("http://{address}") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| unreachable(&e))?;
    runtime.block_on(async {
        let endpoint =
            Endpoint::from_shared(url).map_err(|e| unreachable(&e))?.connect_timeout(TIMEOUT).timeout(TIMEOUT);
        let channel = endpoint.connect().await.map_err(|e| {
            let cause = std::error::Error::source(&e).map(ToString::to_string).unwrap_or_default();
            unreachable(&format!("{e} {cause}"))
        })?;
        let mut client = Grpc::new(channel);
        client.ready().await.map_err(|e| unreachable(&e))?;
        let mut request = tonic::Request::new(Bytes::from(request));
        if height > 0 {
            request.metadata_mut().insert(HEIGHT, MetadataValue::from(height));
        }
        let path = path.parse().map_err(|e| unreachable(&e))?;
        let answer = client.unary(request, path, Raw).await.map_err(|status| ChainError::Refused {
            codespace: CODESPACE.into(),
            code: status.code() as u32,
            log: status.message().into(),
        })?;
        Ok(answer.into_inner().to_vec())
    })
}
