//! What posthog-js loads.

use http::StatusCode;
use serde_json::json;
use utoipa::openapi::path::{OperationBuilder, Parameter};
use utoipa::openapi::{HttpMethod, PathItem};

use super::parts::{JSON, answer, at, bodiless, in_path, inline, meaning, named, operation};

const TAG: &str = "scripts";
const SCRIPT: &str = "application/javascript; charset=utf-8";

/// `/array/:token/config`.
pub(crate) fn config() -> PathItem {
    let settings = answer("The project's settings", JSON, inline(json!({ "type": "object" })));
    let operation = operation(TAG, "config", "What an SDK should do, as JSON")
        .parameter(token())
        .response("200", settings);
    at(HttpMethod::Get, with_fault(operation).build())
}

/// `/array/:token/config.js`.
pub(crate) fn config_script() -> PathItem {
    let operation = script("config_script", "The same as a script").parameter(token());
    at(HttpMethod::Get, with_fault(operation).build())
}

/// `/array/:token/array.js`.
pub(crate) fn bundle() -> PathItem {
    let operation = script("bundle", "The settings, and posthog-js behind them").parameter(token());
    at(HttpMethod::Get, kept(with_fault(operation)).build())
}

/// `/static/:file`.
pub(crate) fn file() -> PathItem {
    let operation = script("static_file", "A script of posthog-js").parameter(name());
    at(HttpMethod::Get, kept(operation).build())
}

/// `/static/:version/:file`.
pub(crate) fn file_of_version() -> PathItem {
    let version = json!({ "type": "string", "pattern": r"^[0-9]+\.[0-9]+\.[0-9]+$" });
    let operation = script("static_file_of_version", "The same, as a pinned version asks for it")
        .parameter(in_path("version", "The version of the script that asks", version))
        .parameter(name());
    at(HttpMethod::Get, kept(operation).build())
}

fn script(id: &str, summary: &str) -> OperationBuilder {
    let script = answer("The script", SCRIPT, inline(json!({ "type": "string" })));
    operation(TAG, id, summary).response("200", script)
}

/// What is there by its entity tag, and what may not be in this build.
fn kept(operation: OperationBuilder) -> OperationBuilder {
    operation
        .response("304", bodiless("The client has it"))
        .response("404", bodiless("There is no such script"))
}

fn with_fault(operation: OperationBuilder) -> OperationBuilder {
    let fault = answer(meaning(StatusCode::BAD_REQUEST), JSON, named("Fault"));
    operation.response("400", fault)
}

fn token() -> Parameter {
    in_path("token", "Project API key", super::parts::token())
}

fn name() -> Parameter {
    let names = ["array.js", "recorder.js", "surveys.js", "exception-autocapture.js"];
    in_path("file", "Its name", json!({ "type": "string", "examples": names }))
}
