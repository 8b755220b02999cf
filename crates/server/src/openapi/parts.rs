//! What descriptions are made of.

use http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::path::{
    Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::{
    ContentBuilder, HttpMethod, PathItem, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
    SecurityRequirement,
};

pub(super) const READ_KEY: &str = "read_key";
pub(super) const ADMIN_KEY: &str = "admin_key";
pub(super) const API_KEY: &str = "api_key";
pub(super) const SESSION: &str = "session";
pub(super) const PROJECT_TOKEN: &str = "project_token";
pub(super) const JSON: &str = "application/json";

/// Schemas that several operations share, by name.
pub(super) fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let named = [
        super::lanes::schemas(),
        super::v1::schemas(),
        super::flags::schemas(),
        super::persons::schemas(),
        super::erasures::schemas(),
        super::access::schemas(),
        super::saved::schemas(),
    ];
    let named = named.into_iter().flatten();
    let named = named.map(|(name, schema)| (name.to_owned(), inline(schema)));
    named.chain(query::insights::schemas()).collect()
}

/// A schema as JSON Schema.
pub(super) fn inline(schema: Value) -> RefOr<Schema> {
    serde_json::from_value(schema).expect("descriptions are JSON Schema; a test makes them all")
}

/// A schema of [`schemas`].
pub(super) fn named(name: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(name))
}

/// An operation, by the families that the document is read in.
pub(super) fn operation(tag: &str, id: &str, summary: &str) -> OperationBuilder {
    OperationBuilder::new().tag(tag).operation_id(Some(id)).summary(Some(summary))
}

pub(super) fn at(method: HttpMethod, operation: Operation) -> PathItem {
    PathItem::new(method, operation)
}

/// A body of one media type that must be there.
pub(super) fn body(media_type: &str, schema: RefOr<Schema>) -> RequestBody {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    RequestBodyBuilder::new().content(media_type, content).required(Some(Required::True)).build()
}

/// An answer with a body.
pub(super) fn answer(description: &str, media_type: &str, schema: RefOr<Schema>) -> Response {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content(media_type, content).build()
}

/// An answer without one.
pub(super) fn bodiless(description: &str) -> Response {
    ResponseBuilder::new().description(description).build()
}

pub(super) fn in_path(name: &str, description: &str, schema: Value) -> Parameter {
    parameter(ParameterIn::Path, name, description, schema).required(Required::True).build()
}

pub(super) fn in_query(name: &str, description: &str, schema: Value) -> Parameter {
    parameter(ParameterIn::Query, name, description, schema).required(Required::False).build()
}

/// JSON in the query.
pub(super) fn json_in_query(name: &str, description: &str, schema: RefOr<Schema>) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .description(Some(description))
        .required(Required::True)
        .content(JSON, ContentBuilder::new().schema(Some(schema)).build())
        .build()
}

pub(super) fn in_header(name: &str, description: &str, schema: Value) -> Parameter {
    parameter(ParameterIn::Header, name, description, schema).required(Required::True).build()
}

fn parameter(place: ParameterIn, name: &str, description: &str, schema: Value) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .description(Some(description))
        .schema(Some(inline(schema)))
}

/// What readers show: the read key, a key that somebody made, or a session.
pub(super) fn for_readers(operation: OperationBuilder) -> OperationBuilder {
    [READ_KEY, API_KEY, SESSION]
        .into_iter()
        .fold(operation, |operation, shown| operation.security(with(shown)))
}

/// What must be shown.
pub(super) fn with(key: &str) -> SecurityRequirement {
    SecurityRequirement::new(key, [""; 0])
}

/// The failures that any lane may answer with.
pub(super) fn failures(operation: OperationBuilder, statuses: &[StatusCode]) -> OperationBuilder {
    statuses.iter().fold(operation, |operation, status| {
        let failure = answer(meaning(*status), JSON, named("Failure"));
        operation.response(status.as_str(), failure)
    })
}

/// What a status says here.
pub(super) fn meaning(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "It is not what it must be, and will fail again",
        StatusCode::UNAUTHORIZED => "No token, one that cannot be one, or no valid signature",
        StatusCode::NOT_FOUND => "Nothing is here, or what would take it is off",
        StatusCode::REQUEST_TIMEOUT => "The client stopped sending",
        StatusCode::PAYLOAD_TOO_LARGE => "More bytes than may be",
        StatusCode::TOO_MANY_REQUESTS => "The day's events are spent",
        StatusCode::SERVICE_UNAVAILABLE => "Not stored; try again after `Retry-After`",
        _ => "Not stored",
    }
}

/// A project API key in JSON.
pub(super) fn token() -> Value {
    json!({
        "type": "string",
        "description": "Project API key",
        "pattern": "^phc_[A-Za-z0-9]{1,60}$",
        "examples": ["phc_project"],
    })
}
