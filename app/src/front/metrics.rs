//! Prometheus: what an operator watches.

use crate::app::App;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

/// `/metrics` in Prometheus' text format.
pub fn router(app: App) -> axum::Router {
    axum::Router::new().route("/metrics", axum::routing::get(show)).with_state(app)
}

async fn show(State(app): State<App>) -> impl IntoResponse {
    let text = tokio::task::block_in_place(|| app.metrics().text(&app));
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}
