//! Prometheus: what an operator watches.

use crate::app::App;
use crate::metrics::CONTENT_TYPE;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

/// `/metrics` in the format of OpenMetrics, which Prometheus reads.
pub fn router(app: App) -> axum::Router {
    axum::Router::new().route("/metrics", axum::routing::get(show)).with_state(app)
}

async fn show(State(app): State<App>) -> impl IntoResponse {
    let text = tokio::task::block_in_place(|| app.metrics().text(&app));
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text)
}
