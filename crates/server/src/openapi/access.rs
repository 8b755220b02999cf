//! Sessions, users, keys, projects, the audit log: who may come in, and what for.

use serde_json::{Value, json};
use state::{KeyKind, LONGEST_PASSWORD, Permission, Role, SHORTEST_PASSWORD};
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{HttpMethod, PathItem};

use super::parts::{
    API_KEY, JSON, READ_KEY, SESSION, answer, at, bodiless, body, in_path, in_query, inline, named,
    operation, with,
};

const TAG: &str = "access";

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("User", user()),
        ("Session", session_shown()),
        ("ApiKey", api_key()),
        ("Project", project_shown()),
    ]
}

/// `/api/session`.
pub(crate) fn session() -> PathItem {
    let credentials = object(
        &["email", "password"],
        json!({
            "email": { "type": "string" },
            "password": { "type": "string" },
        }),
    );
    let begin = operation(TAG, "log_in", "Logs in; the answer sets a cookie")
        .request_body(Some(body(JSON, inline(credentials))))
        .response("200", answer("Who is logged in", JSON, named("Session")));
    let begin = failing(begin, &["400", "401", "403", "413", "429", "503"]);
    let show = operation(TAG, "session", "Shows who is logged in")
        .security(with(SESSION))
        .response("200", answer("Who is logged in", JSON, named("Session")));
    let end =
        operation(TAG, "log_out", "Logs out").response("204", bodiless("The session is over"));
    let mut item = at(HttpMethod::Post, begin.build());
    item.get = Some(failing(show, &["401", "403", "503"]).build());
    item.delete = Some(changing(end, &[]).build());
    item
}

/// `/api/session/password`.
pub(crate) fn password() -> PathItem {
    let passwords = object(
        &["present", "password"],
        json!({
            "present": { "type": "string" },
            "password": new_password(),
        }),
    );
    let operation = operation(TAG, "change_password", "Changes one's own password")
        .request_body(Some(body(JSON, inline(passwords))))
        .response("204", bodiless("It is changed, and all other sessions are over"));
    at(HttpMethod::Put, changing(operation, &["400", "413", "429"]).build())
}

/// `/api/setup`.
pub(crate) fn setup() -> PathItem {
    let state = json!({
        "type": "object",
        "required": ["is_done", "insecure"],
        "properties": {
            "is_done": { "type": "boolean", "description": "Whether there is an owner" },
            "insecure": {
                "type": ["object", "null"],
                "description": "Why a password should not be sent from here, and how to do it",
                "properties": {
                    "reason": { "type": "string" },
                    "https": { "type": "string" },
                    "tunnel": { "type": "string" },
                    "then": { "type": "string" },
                },
            },
        },
    });
    let link = object(
        &["token", "password"],
        json!({
            "token": { "type": "string", "description": "What stands in the link behind `?token=`" },
            "email": { "type": ["string", "null"], "description": "The first owner's" },
            "password": new_password(),
        }),
    );
    let show = operation(TAG, "setup", "Shows whether there is an owner")
        .response("200", answer("Whether there is", JSON, inline(state)));
    let follow = operation(TAG, "follow_link", "Follows a link: chooses a password, and logs in")
        .request_body(Some(body(JSON, inline(link))))
        .response("200", answer("Who is logged in", JSON, named("Session")));
    let follow = failing(follow, &["400", "403", "409", "413", "429", "503"]);
    let mut item = at(HttpMethod::Get, failing(show, &["503"]).build());
    item.post = Some(follow.build());
    item
}

/// `/api/users`.
pub(crate) fn users() -> PathItem {
    let invited = object(
        &["email", "role"],
        json!({
            "email": { "type": "string", "examples": ["jane@example.com"] },
            "role": role(),
        }),
    );
    let made = json!({
        "type": "object",
        "required": ["user", "link"],
        "properties": { "user": reference("User"), "link": link() },
    });
    let list = operation(TAG, "users", "Lists users")
        .response("200", answer("All users", JSON, inline(listed("users", "User"))));
    let invite = operation(TAG, "invite", "Invites somebody, with a link to choose a password")
        .request_body(Some(body(JSON, inline(invited))))
        .response("201", answer("The user, and the link", JSON, inline(made)));
    let mut item = at(HttpMethod::Get, reading(list, &[]).build());
    item.post = Some(changing(invite, &["400", "409", "413"]).build());
    item
}

/// `/api/users/{id}`.
pub(crate) fn user_by_id() -> PathItem {
    let changed = object(&["role"], json!({ "role": role() }));
    let change = operation(TAG, "change_user", "Gives a user another role")
        .parameter(id("The user"))
        .request_body(Some(body(JSON, inline(changed))))
        .response("200", answer("The user", JSON, named("User")));
    let remove = operation(TAG, "remove_user", "Removes a user, with sessions and keys")
        .parameter(id("The user"))
        .response("204", bodiless("The user is gone"));
    let mut item = at(HttpMethod::Put, changing(change, &["400", "404", "409", "413"]).build());
    item.delete = Some(changing(remove, &["404", "409"]).build());
    item
}

/// `/api/users/{id}/link`.
pub(crate) fn user_link() -> PathItem {
    let made = object(&["link"], json!({ "link": link() }));
    let operation = operation(TAG, "user_link", "Makes a link to choose another password")
        .parameter(id("The user"))
        .response("201", answer("The link", JSON, inline(made)));
    at(HttpMethod::Post, changing(operation, &["404"]).build())
}

/// `/api/keys`.
pub(crate) fn keys() -> PathItem {
    let wanted = object(
        &["kind", "label", "scopes"],
        json!({
            "kind": kind(),
            "label": { "type": "string", "minLength": 1, "maxLength": 200, "examples": ["notebook"] },
            "scopes": scopes(),
            "projects": projects_of_key(),
            "expires_at": { "type": ["string", "null"], "format": "date-time" },
        }),
    );
    let made = json!({
        "type": "object",
        "required": ["key", "secret"],
        "properties": {
            "key": reference("ApiKey"),
            "secret": { "type": "string", "description": "`phx_…` or `phs_…`, told this once" },
        },
    });
    let list = operation(TAG, "keys", "Lists one's own keys, or all for who may change users")
        .response("200", answer("Keys", JSON, inline(listed("keys", "ApiKey"))));
    let make = operation(TAG, "make_key", "Makes a key")
        .request_body(Some(body(JSON, inline(wanted))))
        .response("201", answer("The key", JSON, inline(made)));
    let mut item = at(HttpMethod::Get, reading(list, &[]).build());
    item.post = Some(changing(make, &["400", "413"]).build());
    item
}

/// `/api/keys/{id}`.
pub(crate) fn key_by_id() -> PathItem {
    let operation = operation(TAG, "delete_key", "Deletes a key")
        .parameter(id("The key"))
        .response("204", bodiless("The key opens nothing any more"));
    at(HttpMethod::Delete, changing(operation, &["404"]).build())
}

/// `/api/projects`.
pub(crate) fn projects() -> PathItem {
    let wanted = object(
        &["name"],
        json!({
            "name": { "type": "string", "minLength": 1, "maxLength": 200 },
            "time_zone": { "type": "string", "default": "UTC", "examples": ["Europe/Berlin"] },
            "token": {
                "type": ["string", "null"],
                "description": "One that events come with and no project has; else one is made",
            },
        }),
    );
    let mut page = listed("projects", "Project");
    page["properties"]["retention"] = json!({
        "type": ["string", "null"],
        "description": "How long rows of the lake are kept, such as 13 months; for ever without it",
    });
    let list = operation(TAG, "projects", "Lists projects")
        .security(with(READ_KEY))
        .response("200", answer("Projects", JSON, inline(page)));
    let make = operation(TAG, "make_project", "Makes a project")
        .request_body(Some(body(JSON, inline(wanted))))
        .response("201", answer("The project", JSON, named("Project")));
    let mut item = at(HttpMethod::Get, reading(list, &[]).build());
    item.post = Some(changing(make, &["400", "409", "413"]).build());
    item
}

/// `/api/projects/{id}`.
pub(crate) fn project_by_id() -> PathItem {
    let wanted = object(
        &["name"],
        json!({
            "name": { "type": "string", "minLength": 1, "maxLength": 200 },
            "time_zone": { "type": "string", "default": "UTC" },
        }),
    );
    let number = in_path("id", "Its number", json!({ "type": "integer", "format": "int64" }));
    let operation = operation(TAG, "change_project", "Changes a project that people made")
        .parameter(number)
        .request_body(Some(body(JSON, inline(wanted))))
        .response("200", answer("The project", JSON, named("Project")));
    at(HttpMethod::Put, changing(operation, &["400", "404", "409", "413"]).build())
}

/// `/api/tokens`.
pub(crate) fn tokens() -> PathItem {
    let shown = object(
        &["unclaimed", "blocked"],
        json!({
            "unclaimed": {
                "type": "array",
                "description": "Tokens that events came with lately and no project has",
                "items": { "type": "object", "properties": {
                    "token": { "type": "string" },
                    "events": { "type": "integer" },
                    "last_event_at": { "type": "string" },
                } },
            },
            "blocked": { "type": "array", "items": { "type": "object", "properties": {
                "token": { "type": "string" },
                "created_by": { "type": "string" },
                "created_at": { "type": "string", "format": "date-time" },
            } } },
        }),
    );
    let wanted = object(&["token"], json!({ "token": { "type": "string" } }));
    let list = operation(TAG, "tokens", "Lists tokens without a project, and those blocked")
        .response("200", answer("Tokens", JSON, inline(shown)));
    let block = operation(TAG, "block_token", "Drops the events of a token from now on")
        .request_body(Some(body(JSON, inline(wanted))))
        .response("204", bodiless("It is blocked"));
    let mut item = at(HttpMethod::Get, reading(list, &["400", "408", "500"]).build());
    item.post = Some(changing(block, &["400", "409", "413"]).build());
    item
}

/// `/api/tokens/{token}`.
pub(crate) fn token_by_name() -> PathItem {
    let token = in_path("token", "The token", json!({ "type": "string", "minLength": 1 }));
    let operation = operation(TAG, "unblock_token", "Takes the events of a token again")
        .parameter(token)
        .response("204", bodiless("It is not blocked any more"));
    at(HttpMethod::Delete, changing(operation, &["400", "404"]).build())
}

/// `/api/audit`.
pub(crate) fn audit() -> PathItem {
    let page = object(
        &["entries", "next"],
        json!({
            "entries": { "type": "array", "items": { "type": "object", "properties": {
                "id": { "type": "string", "format": "uuid" },
                "at": { "type": "string", "format": "date-time" },
                "who": { "type": "string" },
                "address": { "type": ["string", "null"] },
                "action": { "type": "string", "examples": ["project.create"] },
                "subject": { "type": "string" },
            } } },
            "next": { "type": ["string", "null"], "description": "`before` of the next page" },
        }),
    );
    let before = json!({ "type": "string", "format": "uuid" });
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": 100 });
    let operation = operation(TAG, "audit", "Shows who did what, the newest first")
        .parameter(in_query("before", "Where the page before ended", before))
        .parameter(in_query("limit", "How many at most", limit))
        .response("200", answer("Some of the log", JSON, inline(page)));
    at(HttpMethod::Get, reading(operation, &["400"]).build())
}

/// A door that changes something: by session and CSRF token, or by a key with the scope.
pub(super) fn changing(operation: OperationBuilder, failures: &[&str]) -> OperationBuilder {
    let operation = operation.security(with(SESSION)).security(with(API_KEY)).parameter(csrf());
    failing(failing(operation, &["401", "403", "503"]), failures)
}

/// One that shows something.
pub(super) fn reading(operation: OperationBuilder, failures: &[&str]) -> OperationBuilder {
    let operation = operation.security(with(SESSION)).security(with(API_KEY));
    failing(failing(operation, &["401", "403", "503"]), failures)
}

pub(super) fn failing(operation: OperationBuilder, statuses: &[&str]) -> OperationBuilder {
    statuses.iter().fold(operation, |operation, status| {
        operation.response(*status, answer(meaning(status), JSON, named("Error")))
    })
}

fn meaning(status: &str) -> &'static str {
    match status {
        "400" => "Something is not what it must be, and the error names it",
        "401" => "Nobody is logged in, and no key is shown",
        "403" => "It needs another permission, or comes from elsewhere",
        "404" => "There is none",
        "408" => "It takes too long",
        "409" => "It is there already, or must stay",
        "413" => "More bytes than may be",
        "429" => "Too many tries; again after `Retry-After`",
        "500" => "It failed",
        _ => "Not now; try again",
    }
}

fn csrf() -> Parameter {
    let doc = "With a session: the `csrf` that `GET /api/session` tells";
    ParameterBuilder::new()
        .name("X-Hogflare-CSRF")
        .parameter_in(ParameterIn::Header)
        .description(Some(doc))
        .schema(Some(inline(json!({ "type": "string" }))))
        .build()
}

pub(super) fn id(what: &str) -> Parameter {
    in_path("id", what, json!({ "type": "string", "format": "uuid" }))
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object",
        "required": required,
        "additionalProperties": false,
        "properties": properties,
    })
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn listed(name: &str, of: &str) -> Value {
    json!({
        "type": "object",
        "required": [name],
        "properties": { name: { "type": "array", "items": reference(of) } },
    })
}

fn new_password() -> Value {
    json!({ "type": "string", "minLength": SHORTEST_PASSWORD, "maxLength": LONGEST_PASSWORD })
}

fn role() -> Value {
    json!({ "type": "string", "enum": Role::ALL })
}

fn kind() -> Value {
    json!({ "type": "string", "enum": [KeyKind::Personal, KeyKind::Secure] })
}

fn scopes() -> Value {
    let scopes: Vec<_> = Permission::ALL.into_iter().filter(|one| one.is_scope()).collect();
    json!({ "type": "array", "minItems": 1, "items": { "type": "string", "enum": scopes } })
}

fn projects_of_key() -> Value {
    json!({
        "type": "array",
        "description": "What it is limited to; none for all",
        "maxItems": 100,
        "items": { "type": "integer", "format": "int64", "minimum": 1 },
    })
}

fn link() -> Value {
    json!({
        "type": "object",
        "required": ["token", "url"],
        "properties": {
            "token": { "type": "string" },
            "url": { "type": "string", "description": "Without a host unless HOGFLARE_PUBLIC_URL is set" },
            "expires_at": { "type": ["string", "null"], "format": "date-time" },
        },
    })
}

fn user() -> Value {
    json!({
        "type": "object",
        "required": ["id", "email", "role", "created_at", "is_invited"],
        "properties": {
            "id": { "type": "string", "format": "uuid" },
            "email": { "type": "string" },
            "role": role(),
            "created_at": { "type": "string", "format": "date-time" },
            "seen_at": { "type": ["string", "null"], "format": "date-time" },
            "is_invited": { "type": "boolean", "description": "Whether there is no password yet" },
        },
    })
}

fn session_shown() -> Value {
    json!({
        "type": "object",
        "required": ["user", "permissions", "csrf"],
        "properties": {
            "user": reference("User"),
            "permissions": {
                "type": "array",
                "items": { "type": "string", "enum": Permission::ALL },
            },
            "csrf": { "type": "string", "description": "For `X-Hogflare-CSRF`" },
            "public_url": { "type": ["string", "null"], "description": "What SDKs are pointed at" },
        },
    })
}

fn api_key() -> Value {
    json!({
        "type": "object",
        "required": ["id", "kind", "label", "hint", "scopes", "projects", "created_by", "created_at"],
        "properties": {
            "id": { "type": "string", "format": "uuid" },
            "kind": kind(),
            "label": { "type": "string" },
            "hint": { "type": "string", "description": "Its last characters" },
            "scopes": scopes(),
            "projects": projects_of_key(),
            "created_by": { "type": "string" },
            "created_at": { "type": "string", "format": "date-time" },
            "expires_at": { "type": ["string", "null"], "format": "date-time" },
            "used_at": { "type": ["string", "null"], "format": "date-time" },
        },
    })
}

fn privacy_shown() -> Value {
    let names = |description: &str| json!({ "type": "array", "items": { "type": "string" }, "description": description });
    json!({
        "type": "object",
        "required": ["ip", "allow", "block", "hash", "masks_url_queries"],
        "properties": {
            "ip": { "type": "string", "enum": ["keep", "truncate", "drop"],
                "description": "What becomes of clients' addresses" },
            "allow": { "type": ["array", "null"], "items": { "type": "string" },
                "description": "Properties that alone are kept; all where it is null" },
            "block": names("Properties that are removed"),
            "hash": names("Properties whose values become hashes"),
            "masks_url_queries": { "type": "boolean" },
        },
    })
}

fn project_shown() -> Value {
    json!({
        "type": "object",
        "required": ["id", "token", "time_zone", "is_configured", "privacy"],
        "properties": {
            "id": { "type": "integer", "format": "int64" },
            "token": { "type": "string" },
            "name": { "type": ["string", "null"] },
            "time_zone": { "type": "string" },
            "is_configured": {
                "type": "boolean",
                "description": "Whether the configuration has it, so that it cannot be changed here",
            },
            "privacy": privacy_shown(),
        },
    })
}
