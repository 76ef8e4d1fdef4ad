//! gRPC: every method of every service through one handler, and reflection.

use super::{HEIGHT_HEADER, height};
use crate::app::App;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use prost::bytes::Bytes;
use std::pin::Pin;
use tonic::metadata::MetadataValue;
use tonic::server::{Grpc, UnaryService};
use tonic::service::Routes;
use tonic::{Code, Status};
use zektra_modules::query::QueryError;
use zektra_proto::raw::Raw;

/// Longest request, bytes: a transaction of 1 MiB, with room.
const MAX_REQUEST: usize = 2 << 20;

#[derive(Clone)]
struct Method {
    app: App,
    path: String,
}

impl Method {
    fn answer(&self, request: &tonic::Request<Bytes>) -> Result<tonic::Response<Bytes>, QueryError> {
        let header = request.metadata().get(HEIGHT_HEADER).map(|h| h.as_encoded_bytes().to_vec());
        let (bytes, height) = tokio::task::block_in_place(|| {
            let height = height(&self.app, header.as_deref())?;
            let answer = self.app.answer(&self.path, request.get_ref(), height)?;
            Ok::<_, QueryError>((answer, height))
        })?;
        let mut response = tonic::Response::new(bytes.into());
        response.metadata_mut().insert(HEIGHT_HEADER, MetadataValue::from(height));
        Ok(response)
    }
}

impl UnaryService<Bytes> for Method {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<Bytes>, Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let method = self.clone();
        Box::pin(async move {
            let gate = method.app.gate();
            let _pass = gate.pass_for(&method.path, request.get_ref().len()).await.map_err(status)?;
            method.answer(&request).map_err(status)
        })
    }
}

fn status(e: QueryError) -> Status {
    Status::new(Code::from_i32(e.code as i32), e.message)
}

async fn call(State(app): State<App>, request: Request) -> Response {
    let path = request.uri().path().to_string();
    Grpc::new(Raw)
        .max_decoding_message_size(MAX_REQUEST)
        .unary(Method { app, path }, request)
        .await
        .map(axum::body::Body::new)
        .into_response()
}

/// All services of the application, with reflection in both versions.
///
/// # Errors
/// Descriptors that contradict themselves.
pub fn router(app: App) -> Result<axum::Router, tonic_reflection::server::Error> {
    let builder = || {
        let names = super::routes::served(&app);
        let builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(zektra_proto::DESCRIPTORS);
        names.into_iter().fold(builder, tonic_reflection::server::Builder::with_service_name)
    };
    let (v1, v1alpha) = (builder().build_v1()?, builder().build_v1alpha()?);
    let reflection = Routes::new(v1).add_service(v1alpha).into_axum_router();
    Ok(reflection.fallback_service(axum::Router::new().fallback(call).with_state(app)))
}
