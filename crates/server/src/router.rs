//! The routes, by who uses them.

use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, delete, get, post, put};
use axum::{Extension, Router};
use state::SavedKind;

use crate::endpoints::{
    ai, audit, backup, capture, capture_v1, csp_report, dead_letters, erasures, flags, freshness,
    health, import, insights, keys, lake, lists, live, metrics, otlp, pages, persons, projects,
    push, recording, remote_config, saved, scripts, session, setup, shared, sql, tokens, users,
};
use crate::openapi::{self, Route, Routes};
use crate::{Beside, EdgeState, cors, https, private};

/// Routes of the public listener.
pub fn router(state: EdgeState) -> Router {
    let routes = for_sdks().merge(for_operators()).merge(ours());
    routes.into_router().layer(from_fn(https::tell_browsers)).with_state(state)
}

/// Routes of the listener for plain http where the public one speaks https.
pub fn plain_router(state: EdgeState, beside: Beside) -> Router {
    let refuse = from_fn_with_state(state.clone(), https::refuse_plain);
    let ours = ours().map(|router| router.layer(refuse));
    let send = from_fn_with_state((state.clone(), beside), https::send_to_https);
    for_sdks().merge(for_operators()).merge(ours).into_router().layer(send).with_state(state)
}

/// Routes of the socket in the data folder: whoever may open it may read, erase, and look after the lake.
pub fn local_router(state: EdgeState) -> Router {
    Router::new()
        .route("/api/sql", post(sql::query_locally))
        .route("/api/import", post(import::bring_locally))
        .route("/api/erasures", get(erasures::list_locally).post(erasures::ask_locally))
        .route("/api/erasures/{id}", get(erasures::one_locally))
        .route("/api/lake/stats", get(lake::stats))
        .route("/api/lake/verify", post(lake::verify))
        .route("/api/lake/compact", post(lake::compact))
        .route("/api/lake/expire", post(lake::expire))
        .route("/api/backup/hold", post(backup::hold))
        .route("/api/backup/journals", get(backup::journals))
        .route("/metrics", get(metrics::render_locally))
        .route("/_readiness", get(health::readiness_locally))
        .with_state(state)
}

/// What shows a key or a session. None of what takes a session's cookie is open to other pages: CORS is for
/// SDKs alone.
fn ours() -> Routes {
    let routes = for_readers().merge(for_people()).merge(for_keeping());
    routes.map(|router| router.layer(from_fn(private::keep)))
}

/// What SDKs talk to; every path also with a slash at its end, since a redirect loses a batch.
fn for_sdks() -> Routes {
    let with_slash = lanes().into_iter().chain(posted()).chain(questions());
    let routes = with_slash.fold(Routes::default(), Routes::with_slash);
    scripts()
        .into_iter()
        .fold(routes, Routes::with)
        .map(|router| router.fallback(pages::fallback).layer(from_fn(cors::mirror)))
}

/// What takes events in the query, too.
fn lanes() -> Vec<Route> {
    // A HEAD would otherwise be a GET, and store what is in its query.
    let only = |handlers: MethodRouter<EdgeState>| handlers.head(health::wrong_method);
    let capture = || only(get(capture::capture).post(capture::capture));
    let batch = || only(get(capture::batch).post(capture::batch));
    let engage = only(get(capture::engage).post(capture::engage));
    let identify = only(get(capture::identify).post(capture::identify));
    let alias = only(get(capture::alias).post(capture::alias));
    let groups = only(get(capture::groups).post(capture::groups));
    let recording = only(get(recording::recording).post(recording::recording));
    vec![
        Route::new("/e", capture(), openapi::capture("e")),
        Route::new("/i/v0/e", capture(), openapi::capture("i_v0_e")),
        Route::new("/capture", capture(), openapi::capture("capture")),
        Route::new("/track", capture(), openapi::capture("track")),
        Route::new("/api/event", capture(), openapi::capture("api_event")),
        Route::new("/i/v0/ai/batch", batch(), openapi::batch("ai_batch")),
        Route::new("/batch", batch(), openapi::batch("batch")),
        Route::new("/engage", engage, openapi::engage("engage")),
        Route::new("/identify", identify, openapi::identify("identify")),
        Route::new("/alias", alias, openapi::alias("alias")),
        Route::new("/groups", groups, openapi::groups("groups")),
        Route::new("/s", recording, openapi::recording("recording")),
    ]
}

/// What takes events in a body only.
fn posted() -> Vec<Route> {
    let logs = |id| openapi::signal(id, "resourceLogs");
    let traces = |id| openapi::signal(id, "resourceSpans");
    let metrics = |id| openapi::signal(id, "resourceMetrics");
    vec![
        Route::new(
            "/i/v1/analytics/events",
            post(capture_v1::analytics),
            openapi::v1_events("v1_analytics"),
        ),
        Route::new("/i/v1/ai/events", post(capture_v1::ai), openapi::v1_events("v1_ai")),
        Route::new("/i/v0/ai", post(ai::event), openapi::ai_event()),
        Route::new("/i/v0/ai/otel", post(otlp::ai), openapi::ai_spans()),
        Route::new("/i/v1/logs", post(otlp::logs), logs("i_v1_logs")),
        Route::new("/i/v1/traces", post(otlp::traces), traces("i_v1_traces")),
        Route::new("/i/v1/metrics", post(otlp::metrics), metrics("i_v1_metrics")),
        Route::new("/v1/logs", post(otlp::logs), logs("v1_logs")),
        Route::new("/v1/traces", post(otlp::traces), traces("v1_traces")),
        Route::new("/v1/metrics", post(otlp::metrics), metrics("v1_metrics")),
    ]
}

/// What SDKs ask.
fn questions() -> Vec<Route> {
    let surveys = openapi::list("surveys", "Surveys of the project", "surveys");
    let features = openapi::list("features", "Early access features", "earlyAccessFeatures");
    let experiments = openapi::list("experiments", "Web experiments", "experiments");
    let tours = openapi::list("tours", "Product tours", "product_tours");
    vec![
        Route::new("/decide", get(flags::decide).post(flags::decide), openapi::decide()),
        Route::new("/flags", get(flags::flags).post(flags::flags), openapi::flags()),
        Route::new("/api/surveys", get(lists::surveys).post(lists::surveys), surveys),
        Route::new(
            "/api/early_access_features",
            get(lists::early_access_features).post(lists::early_access_features),
            features,
        ),
        Route::new(
            "/api/web_experiments",
            get(lists::web_experiments).post(lists::web_experiments),
            experiments,
        ),
        Route::new(
            "/api/product_tours",
            get(lists::product_tours).post(lists::product_tours),
            tours,
        ),
        Route::new(
            "/api/push_subscriptions",
            post(push::refuse).delete(push::refuse),
            openapi::push_subscription(),
        ),
        Route::new("/report", post(csp_report::ignore), openapi::report()),
    ]
}

/// What posthog-js loads.
fn scripts() -> Vec<Route> {
    vec![
        Route::new("/array/{token}/config", get(remote_config::json), openapi::config()),
        Route::new(
            "/array/{token}/config.js",
            get(remote_config::script),
            openapi::config_script(),
        ),
        Route::new("/array/{token}/array.js", get(remote_config::bundle), openapi::bundle()),
        Route::new("/static/{file}", get(scripts::newest), openapi::file()),
        Route::new(
            "/static/{version}/{file}",
            get(scripts::of_version),
            openapi::file_of_version(),
        ),
    ]
}

/// What balancers and orchestrators ask.
fn for_operators() -> Routes {
    Routes::default()
        .with(Route::new("/", get(health::index), openapi::index()))
        .with(Route::new("/healthz", get(health::healthz), openapi::liveness("healthz")))
        .with(Route::new("/_liveness", get(health::liveness), openapi::liveness("liveness")))
        .with(Route::new("/_readiness", get(health::readiness), openapi::readiness()))
}

/// What readers ask, and what erases.
fn for_readers() -> Routes {
    Routes::default()
        .with(Route::new("/api/sql", post(sql::query), openapi::sql()))
        .with(Route::new("/api/insights/{kind}", post(insights::answer), openapi::insights()))
        .with(Route::new("/api/live", get(live::follow), openapi::live()))
        .with(Route::new("/api/freshness", get(freshness::show), openapi::freshness()))
        .with(Route::new("/api/persons", get(persons::list), openapi::persons()))
        .with(Route::new(
            "/api/persons/{id}",
            get(persons::one).delete(erasures::delete_person),
            openapi::person(),
        ))
        .with(Route::new(
            "/api/persons/{id}/events",
            get(persons::events),
            openapi::person_events(),
        ))
        .with(Route::new(
            "/api/erasures",
            get(erasures::list).post(erasures::ask),
            openapi::erasures(),
        ))
        .with(Route::new("/api/erasures/{id}", get(erasures::one), openapi::erasure()))
        .with(Route::new(
            "/api/dead-letters",
            get(dead_letters::list).post(dead_letters::resend),
            openapi::dead_letters(),
        ))
        .with(Route::new("/api/import", post(import::bring), openapi::import()))
        .with(Route::new("/metrics", get(metrics::render), openapi::metrics()))
}

/// What is for people who log in.
fn for_people() -> Routes {
    let session_doors = get(session::show).post(session::begin).delete(session::end);
    Routes::default()
        .with(Route::new("/api/session", session_doors, openapi::session()))
        .with(Route::new(
            "/api/session/password",
            put(session::change_password),
            openapi::password(),
        ))
        .with(Route::new("/api/setup", get(setup::show).post(setup::follow), openapi::setup()))
        .with(Route::new("/api/users", get(users::list).post(users::invite), openapi::users()))
        .with(Route::new(
            "/api/users/{id}",
            put(users::change).delete(users::remove),
            openapi::user_by_id(),
        ))
        .with(Route::new("/api/users/{id}/link", post(users::link), openapi::user_link()))
        .with(Route::new("/api/keys", get(keys::list).post(keys::make), openapi::keys()))
        .with(Route::new("/api/keys/{id}", delete(keys::delete), openapi::key_by_id()))
        .with(Route::new(
            "/api/projects",
            get(projects::list).post(projects::make),
            openapi::projects(),
        ))
        .with(Route::new("/api/projects/{id}", put(projects::change), openapi::project_by_id()))
        .with(Route::new("/api/tokens", get(tokens::list).post(tokens::block), openapi::tokens()))
        .with(Route::new("/api/tokens/{token}", delete(tokens::unblock), openapi::token_by_name()))
        .with(Route::new("/api/audit", get(audit::list), openapi::audit()))
}

/// What people keep of a project.
fn for_keeping() -> Routes {
    let notes = Extension(SavedKind::Note);
    let all_notes = get(saved::list).post(saved::make).layer(notes);
    let one_note = get(saved::one).put(saved::change).delete(saved::delete).layer(notes);
    kept(
        SavedKind::Insight,
        ["/api/insights/saved", "/api/insights/saved/{id}", "/api/insights/saved/{id}/share"],
    )
    .merge(kept(
        SavedKind::Dashboard,
        ["/api/dashboards", "/api/dashboards/{id}", "/api/dashboards/{id}/share"],
    ))
    .merge(kept(SavedKind::Query, ["/api/queries", "/api/queries/{id}", "/api/queries/{id}/share"]))
    .with(Route::new("/api/notes", all_notes, openapi::saved(SavedKind::Note)))
    .with(Route::new("/api/notes/{id}", one_note, openapi::saved_one(SavedKind::Note)))
    .with(Route::new("/api/shared/{token}", get(shared::shown), openapi::shared()))
    .with(Route::new(
        "/api/shared/{token}/answers/{id}",
        get(shared::answered),
        openapi::shared_answer(),
    ))
}

fn kept(kind: SavedKind, [all, one, link]: [&'static str; 3]) -> Routes {
    let of_all = get(saved::list).post(saved::make);
    let of_one = get(saved::one).put(saved::change).delete(saved::delete);
    let of_link = post(saved::share).delete(saved::unshare);
    let with_kind = |doors: MethodRouter<EdgeState>| doors.layer(Extension(kind));
    Routes::default()
        .with(Route::new(all, with_kind(of_all), openapi::saved(kind)))
        .with(Route::new(one, with_kind(of_one), openapi::saved_one(kind)))
        .with(Route::new(link, with_kind(of_link), openapi::share(kind)))
}
