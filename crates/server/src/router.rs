//! The routes, by who uses them.

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{MethodRouter, get, post};

use crate::endpoints::{
    ai, capture, capture_v1, csp_report, flags, health, lists, metrics, otlp, push, recording,
    remote_config, scripts, sql,
};
use crate::{EdgeState, cors};

/// Routes of the public listener.
pub fn router(state: EdgeState) -> Router {
    Router::new().merge(for_sdks()).merge(for_operators()).merge(for_readers()).with_state(state)
}

/// Routes of the socket in the data folder: whoever may open it may read.
pub fn local_router(state: EdgeState) -> Router {
    Router::new()
        .route("/api/sql", post(sql::query_locally))
        .route("/metrics", get(metrics::render_locally))
        .route("/_readiness", get(health::readiness_locally))
        .with_state(state)
}

/// What SDKs talk to; every path also with a slash at its end, since a redirect loses a batch.
fn for_sdks() -> Router<EdgeState> {
    let lanes: [(&str, MethodRouter<EdgeState>); 12] = [
        ("/e", get(capture::capture).post(capture::capture)),
        ("/i/v0/e", get(capture::capture).post(capture::capture)),
        ("/capture", get(capture::capture).post(capture::capture)),
        ("/track", get(capture::capture).post(capture::capture)),
        ("/api/event", get(capture::capture).post(capture::capture)),
        ("/i/v0/ai/batch", get(capture::batch).post(capture::batch)),
        ("/batch", get(capture::batch).post(capture::batch)),
        ("/engage", get(capture::engage).post(capture::engage)),
        ("/identify", get(capture::identify).post(capture::identify)),
        ("/alias", get(capture::alias).post(capture::alias)),
        ("/groups", get(capture::groups).post(capture::groups)),
        ("/s", get(recording::recording).post(recording::recording)),
    ];
    let questions: [(&str, MethodRouter<EdgeState>); 8] = [
        ("/decide", get(flags::decide).post(flags::decide)),
        ("/flags", get(flags::flags).post(flags::flags)),
        ("/api/surveys", get(lists::surveys).post(lists::surveys)),
        (
            "/api/early_access_features",
            get(lists::early_access_features).post(lists::early_access_features),
        ),
        ("/api/web_experiments", get(lists::web_experiments).post(lists::web_experiments)),
        ("/api/product_tours", get(lists::product_tours).post(lists::product_tours)),
        ("/api/push_subscriptions", post(push::refuse).delete(push::refuse)),
        ("/report", post(csp_report::ignore)),
    ];
    let posted: [(&str, MethodRouter<EdgeState>); 10] = [
        ("/i/v1/analytics/events", post(capture_v1::analytics)),
        ("/i/v1/ai/events", post(capture_v1::ai)),
        ("/i/v0/ai", post(ai::event)),
        ("/i/v0/ai/otel", post(otlp::ai)),
        ("/i/v1/logs", post(otlp::logs)),
        ("/i/v1/traces", post(otlp::traces)),
        ("/i/v1/metrics", post(otlp::metrics)),
        ("/v1/logs", post(otlp::logs)),
        ("/v1/traces", post(otlp::traces)),
        ("/v1/metrics", post(otlp::metrics)),
    ];
    // A HEAD would otherwise be a GET, and store what is in its query.
    let lanes = lanes.map(|(path, handlers)| (path, handlers.head(health::wrong_method)));
    let mut router = Router::new();
    for (path, handlers) in lanes.into_iter().chain(posted).chain(questions) {
        router = router.route(path, handlers.clone()).route(&format!("{path}/"), handlers);
    }
    router
        .route("/array/{token}/config", get(remote_config::json))
        .route("/array/{token}/config.js", get(remote_config::script))
        .route("/array/{token}/array.js", get(remote_config::bundle))
        .route("/static/{file}", get(scripts::newest))
        .route("/static/{version}/{file}", get(scripts::of_version))
        .fallback(health::unknown_path)
        .layer(from_fn(cors::mirror))
}

/// What balancers and orchestrators ask.
fn for_operators() -> Router<EdgeState> {
    Router::new()
        .route("/", get(health::index))
        .route("/healthz", get(health::healthz))
        .route("/_liveness", get(health::liveness))
        .route("/_readiness", get(health::readiness))
}

/// What needs the read key.
fn for_readers() -> Router<EdgeState> {
    Router::new().route("/api/sql", post(sql::query)).route("/metrics", get(metrics::render))
}
