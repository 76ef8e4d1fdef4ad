//! REST: the services' methods by their routes, in JSON as the Cosmos SDK's gateway has it.

use super::{HEIGHT_HEADER, Route, Verb, height, routes};
use crate::app::App;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse as _, Response};
use prost_reflect::{Kind, MessageDescriptor};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tower_http::cors::CorsLayer;
use zektra_modules::query::{Code, QueryError};
use zektra_proto::json;

/// Longest body of a request, bytes: a transaction of 1 MiB in base64, with room.
const MAX_BODY: usize = 2 << 20;

struct Front {
    app: App,
    routes: Vec<Route>,
    openapi: String,
}

/// All routes, the document that describes them at `/openapi.json`, and a page that shows it at `/`.
pub fn router(app: App) -> axum::Router {
    let routes = routes(&app);
    let openapi = super::openapi::document(&routes).to_string();
    let front = Arc::new(Front { app, routes, openapi });
    axum::Router::new()
        .route("/", axum::routing::get(|| async { Html(include_str!("page.html")) }))
        .route(
            "/openapi.json",
            axum::routing::get(|State(front): State<Arc<Front>>| async move {
                ([(header::CONTENT_TYPE, "application/json")], front.openapi.clone())
            }),
        )
        .fallback(answer)
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
        .layer(CorsLayer::permissive())
        .with_state(front)
}

async fn answer(
    State(front): State<Arc<Front>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = percent_encoding::percent_decode_str(uri.path()).decode_utf8_lossy();
    let answer = match front.app.gate().pass_for(&path, body.len()).await {
        Ok(_pass) => tokio::task::block_in_place(|| {
            let (value, height) = front.answer(&method, &uri, &headers, &body)?;
            // Text is smaller than what it is made of.
            Ok((value.to_string(), height))
        }),
        Err(e) => Err(e),
    };
    match answer {
        Ok((text, height)) => {
            let headers = [
                (header::HeaderName::from_static(HEIGHT_HEADER), height.to_string()),
                (header::CONTENT_TYPE, "application/json".into()),
            ];
            (headers, text).into_response()
        }
        Err(e) => {
            let body = json!({"code": e.code as i32, "message": e.message, "details": []});
            (http_status(e.code), axum::Json(body)).into_response()
        }
    }
}

fn http_status(code: Code) -> StatusCode {
    match code {
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Front {
    fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<(Value, u64), QueryError> {
        let unknown = || Code::Unimplemented.error(format!("{method} {}: no such route", uri.path()));
        let verb = match *method {
            Method::GET | Method::HEAD => Verb::Get,
            Method::POST => Verb::Post,
            _ => return Err(unknown()),
        };
        let segments: Vec<String> = uri
            .path()
            .trim_start_matches('/')
            .split('/')
            .map(|s| percent_encoding::percent_decode_str(s).decode_utf8_lossy().into_owned())
            .collect();
        let found = self.routes.iter().filter(|r| r.verb == verb);
        let (route, fields) = found.filter_map(|r| Some((r, r.fields(&segments)?))).next().ok_or_else(unknown)?;
        let input = route.input();
        let mut request = match route.body {
            true => read_body(body)?,
            false => Map::new(),
        };
        let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        // The path's fields last: they count.
        let all =
            query.into_owned().filter(|_| !route.body).chain(fields.iter().map(|(k, v)| ((*k).into(), v.clone())));
        for (name, text) in all {
            set(&input, &mut request, &name, &text)?;
        }
        let wrong = |e: json::JsonError| Code::InvalidArgument.error(e);
        let bytes = json::to_bytes(input.full_name(), &Value::Object(request)).map_err(wrong)?;
        let height = height(&self.app, headers.get(HEIGHT_HEADER).map(|h| h.as_bytes()))?;
        let answer = self.app.answer(&route.target(), &bytes, height)?;
        let output = route.method.output();
        let value = json::from_bytes(output.full_name(), &answer).map_err(|e| Code::Internal.error(e))?;
        Ok((value, height))
    }
}

fn read_body(body: &[u8]) -> Result<Map<String, Value>, QueryError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => Err(Code::InvalidArgument.error(format!("the body is {other}, expected a JSON object"))),
        Err(e) => Err(Code::InvalidArgument.error(format!("the body is no JSON: {e}"))),
    }
}

/// Sets the field at a path like `pagination.limit` from text. What the message does not have is left out, as the Go
/// gateway does.
fn set(message: &MessageDescriptor, into: &mut Map<String, Value>, path: &str, text: &str) -> Result<(), QueryError> {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let found = message.get_field_by_name(name).or_else(|| message.get_field_by_json_name(name));
    let Some(field) = found else { return Ok(()) };
    if let (Some(rest), Kind::Message(inner)) = (rest, field.kind()) {
        let slot = into.entry(field.name()).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(slot) = slot else { return Ok(()) };
        return set(&inner, slot, rest, text);
    }
    if rest.is_some() {
        return Ok(());
    }
    let value = match field.kind() {
        Kind::Bool => {
            let wrong = || Code::InvalidArgument.error(format!("{path} is {text:?}, expected true or false"));
            Value::Bool(match text {
                "1" => true,
                "0" => false,
                other => other.parse().map_err(|_| wrong())?,
            })
        }
        Kind::Enum(_) => text.parse::<i32>().map_or_else(|_| Value::from(text), Value::from),
        _ => Value::from(text),
    };
    if field.is_list() {
        let slot = into.entry(field.name()).or_insert_with(|| Value::Array(vec![]));
        if let Value::Array(list) = slot {
            list.push(value);
        }
    } else {
        into.insert(field.name().into(), value);
    }
    Ok(())
}
