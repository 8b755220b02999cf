//! `GET /api/openapi.json`: what this server answers to, for people, code generators and testing tools.
//!
//! The router is made of [`Route`]s, and so is the document: a path cannot be served and not described.
//! One file per family of endpoints, as in `endpoints`.

mod access;
mod ai;
mod dead_letters;
mod erasures;
mod flags;
mod import;
mod insights;
mod lanes;
mod operators;
mod otlp;
mod parts;
mod persons;
mod readers;
mod saved;
mod scripts;
mod v1;

use axum::Router;
use axum::routing::{MethodRouter, get};
use http::StatusCode;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem, PathsBuilder,
};

pub(crate) use access::{
    audit, key_by_id, keys, password, project_by_id, projects, session, setup, token_by_name,
    tokens, user_by_id, user_link, users,
};
pub(crate) use ai::event as ai_event;
pub(crate) use dead_letters::dead_letters;
pub(crate) use erasures::{erasure, erasures};
pub(crate) use flags::{decide, flags, list, push_subscription, report};
pub(crate) use import::import;
pub(crate) use insights::insights;
pub(crate) use lanes::{alias, batch, capture, engage, groups, identify, recording};
pub(crate) use operators::{index, liveness, readiness};
pub(crate) use otlp::{ai_spans, signal};
pub(crate) use persons::{person, person_events, persons};
pub(crate) use readers::{freshness, live, metrics, sql};
pub(crate) use saved::{saved, saved_one, share, shared, shared_answer};
pub(crate) use scripts::{bundle, config, config_script, file, file_of_version};
pub(crate) use v1::events as v1_events;

use crate::{EdgeState, answer};

/// Where the document is.
pub(crate) const PATH: &str = "/api/openapi.json";

/// A path, who answers there, and what the document says of it.
pub(crate) struct Route {
    path: &'static str,
    handlers: MethodRouter<EdgeState>,
    described: PathItem,
}

impl Route {
    pub(crate) fn new(
        path: &'static str,
        handlers: MethodRouter<EdgeState>,
        described: PathItem,
    ) -> Self {
        Self { path, handlers, described }
    }
}

/// Collects routes for both.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router<EdgeState>,
    paths: PathsBuilder,
}

impl Routes {
    /// Adds a route.
    pub(crate) fn with(mut self, route: Route) -> Self {
        let Route { path, handlers, described } = route;
        self.router = self.router.route(path, handlers);
        self.paths = self.paths.path(path, described);
        self
    }

    /// Adds a route that also ends with a slash, which the document says once for all.
    pub(crate) fn with_slash(mut self, route: Route) -> Self {
        self.router = self.router.route(&format!("{}/", route.path), route.handlers.clone());
        self.with(route)
    }

    /// Changes what serves them.
    pub(crate) fn map(
        mut self,
        change: impl FnOnce(Router<EdgeState>) -> Router<EdgeState>,
    ) -> Self {
        self.router = change(self.router);
        self
    }

    /// The routes of both.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        let mut paths = self.paths.build();
        paths.merge(other.paths.build());
        self.paths = paths.into();
        self.router = self.router.merge(other.router);
        self
    }

    /// The router, which also serves the document.
    pub(crate) fn into_router(self) -> Router<EdgeState> {
        let described = self.paths.path(PATH, readers::openapi()).build();
        let document = serde_json::to_string(&document(described)).unwrap_or_default();
        let serve = move || async move { answer::json(StatusCode::OK, document.clone()) };
        self.router.route(PATH, get(serve))
    }
}

const DESCRIPTION: &str = "\
Hogflare takes events from any PostHog SDK and lands them in a lake that you own.

Every path of an SDK may also end with a slash. Bodies may be compressed with gzip, deflate, br or \
zstd, in base64, in a form, or in `?data=`: SDKs differ, and all are understood. What is described \
here is the plain form. On these paths any origin is mirrored in CORS headers, on errors too.

`200` means stored. `4xx` will fail again; `503` comes with `Retry-After` and may be tried again.";

fn document(paths: utoipa::openapi::Paths) -> OpenApi {
    let license = LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build();
    let info = InfoBuilder::new()
        .title("Hogflare")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(license))
        .build();
    let components = parts::schemas()
        .into_iter()
        .fold(ComponentsBuilder::new(), |components, (name, schema)| {
            components.schema(name, schema)
        })
        .security_scheme(
            parts::READ_KEY,
            bearer("The key that `hogflare key show` prints; it reads, and cannot write."),
        )
        .security_scheme(
            parts::ADMIN_KEY,
            bearer(
                "The key that `hogflare key show --admin` prints; it erases, and reads receipts.",
            ),
        )
        .security_scheme(
            parts::API_KEY,
            bearer(
                "A key that somebody made: `phx_…` of a person, `phs_…` of projects. It does what its \
                 scopes say.",
            ),
        )
        .security_scheme(
            parts::SESSION,
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
                crate::access::COOKIE,
                "What logging in sets. Whatever changes something needs `X-Hogflare-CSRF`, too.",
            ))),
        )
        .security_scheme(
            parts::PROJECT_TOKEN,
            bearer("The project API key (`phc_…`); it writes, and cannot read."),
        )
        .build();
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components)).build()
}

fn bearer(description: &'static str) -> SecurityScheme {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description));
    SecurityScheme::Http(scheme.build())
}
