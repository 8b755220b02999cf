//! Vercel's AI SDK: `ai.*`.

use serde_json::{Value, json};

use super::super::draft::Draft;
use super::super::provider::{GENERATION, TRACE};
use super::super::tree;
use crate::Error;
use crate::memory::Budget;

pub(super) const MARKS: &[&str] = &["ai.operationId", "ai.telemetry.functionId"];

/// What applications add to a call, in older and newer versions.
const METADATA: [&str; 2] = ["ai.telemetry.metadata.", "ai.settings.context."];
/// Metadata so marked is meant for PostHog, but for the distinct id, which is not a property.
const CUSTOM: &str = "posthog_";
const DISTINCT_ID: &str = "posthog_distinct_id";

const SPENT: [&str; 36] = [
    "ai.operationId",
    "ai.telemetry.functionId",
    "ai.model.id",
    "ai.model.provider",
    "ai.settings.maxRetries",
    "ai.settings.maxOutputTokens",
    "ai.settings.output",
    "ai.usage.promptTokens",
    "ai.usage.completionTokens",
    "ai.usage.tokens",
    "ai.usage.inputTokenDetails.noCacheTokens",
    "ai.usage.outputTokenDetails.textTokens",
    "ai.response.id",
    "ai.response.model",
    "ai.response.timestamp",
    "ai.response.providerMetadata",
    "ai.response.avgCompletionTokensPerSecond",
    "ai.response.msToFirstChunk",
    "ai.response.msToFinish",
    "ai.response.reasoning",
    "ai.response.object",
    "ai.response.toolCalls",
    "ai.prompt",
    "ai.prompt.tools",
    "ai.prompt.toolChoice",
    "ai.value",
    "ai.embedding",
    "ai.values",
    "ai.embeddings",
    "ai.schema",
    "ai.schema.name",
    "ai.schema.description",
    "operation.name",
    "resource.name",
    "gen_ai.request.max_tokens",
    "gen_ai.response.id",
];

/// What the naming takes away and is needed after it.
pub(super) struct Said {
    operation: Option<String>,
}

pub(super) fn before(draft: &mut Draft, budget: &mut Budget<'_>) -> Result<Said, Error> {
    let cached = [
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "ai.usage.inputTokenDetails.noCacheTokens",
    ];
    if cached.iter().any(|key| draft.has(key)) {
        // Its input tokens count those of the cache.
        draft.set_absent("$ai_cache_reporting_exclusive", false);
    }
    let messages = draft.take("ai.prompt.messages");
    let prompt = match messages {
        Some(messages) => Some(messages),
        None => draft.take_parsed("ai.prompt", budget)?.and_then(messages_of),
    };
    if let Some(prompt) = prompt {
        draft.set_absent("gen_ai.input.messages", prompt);
    }
    if let Some(text) = draft.take("ai.response.text") {
        let answer = json!([{ "role": "assistant", "content": text }]);
        draft.set_absent("gen_ai.output.messages", answer);
    }
    for prefix in METADATA {
        if let Some(groups) = draft.take(&format!("{prefix}$groups")) {
            draft.set_absent("$groups", groups);
        }
    }
    Ok(Said { operation: draft.text("ai.operationId").map(str::to_owned) })
}

/// The messages of a prompt: a list, a text, or an object with instructions and either.
fn messages_of(prompt: Value) -> Option<Value> {
    let of_user = |content: Value| json!({ "role": "user", "content": content });
    match prompt {
        Value::Array(messages) => Some(Value::Array(messages)),
        Value::String(text) => Some(json!([of_user(Value::from(text))])),
        Value::Object(mut prompt) => {
            let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
            let system = prompt.remove("system").filter(is_text);
            let system = system.map(|text| json!({ "role": "system", "content": text }));
            let mut messages: Vec<Value> = system.into_iter().collect();
            match (prompt.remove("messages"), prompt.remove("prompt").filter(is_text)) {
                (Some(Value::Array(sent)), _) => messages.extend(sent),
                (_, Some(text)) => messages.push(of_user(text)),
                _ => {}
            }
            (!messages.is_empty()).then_some(Value::Array(messages))
        }
        _ => None,
    }
}

pub(super) fn after(draft: &mut Draft, said: &Said, budget: &mut Budget<'_>) -> Result<(), Error> {
    let operation = said.operation.as_deref().unwrap_or_default();
    let whole_calls = ["ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject"];
    let is_whole_call = draft.event == TRACE || whole_calls.contains(&operation);
    if is_whole_call && draft.event != GENERATION {
        set_states(draft);
    }
    if operation == "ai.toolCall" {
        take_tool_call(draft, budget)?;
    }
    if let Some(function) = draft.text("ai.telemetry.functionId").map(str::to_owned) {
        if is_whole_call {
            draft.set("$ai_span_name", function.as_str());
        }
        draft.set_absent("functionId", function);
    }
    take_metadata(draft);
    set_stop_reason(draft);
    draft.set("$ai_lib", "opentelemetry/vercel-ai");
    draft.set_absent("$ai_framework", "vercel");
    if let Some(tokens) = draft.properties.get("ai.usage.outputTokenDetails.reasoningTokens") {
        draft.set_absent("$ai_reasoning_tokens", tokens.clone());
    }
    draft.remove_prefix("ai.request.headers.");
    draft.remove(&SPENT);
    Ok(())
}

/// The last thing that the user said, and the last that the model did.
fn set_states(draft: &mut Draft) {
    let list = |key: &str| draft.properties.get(key).and_then(Value::as_array);
    let is_users = |message: &&Value| message.get("role").is_some_and(|role| role == "user");
    let input = list("$ai_input").and_then(|input| input.iter().rev().find(is_users)).cloned();
    let output = list("$ai_output_choices").and_then(|output| output.last()).cloned();
    for (key, state) in [("$ai_input_state", input), ("$ai_output_state", output)] {
        if let Some(state) = state {
            draft.set_absent(key, state);
        }
    }
}

fn take_tool_call(draft: &mut Draft, budget: &mut Budget<'_>) -> Result<(), Error> {
    draft.rename("ai.toolCall.name", "$ai_span_name");
    let states =
        [("ai.toolCall.args", "$ai_input_state"), ("ai.toolCall.result", "$ai_output_state")];
    for (from, to) in states {
        if let Some(state) = draft.take(from) {
            draft.set(to, tree::parsed(state, budget)?);
        }
    }
    draft.remove(&["ai.toolCall.id"]);
    Ok(())
}

/// Takes over the metadata that is meant for PostHog; the rest is removed.
fn take_metadata(draft: &mut Draft) {
    for prefix in METADATA {
        let mut found = Vec::new();
        draft.properties.retain(|key, value| match key.strip_prefix(prefix) {
            Some(name) => {
                found.push((name.to_owned(), value.take()));
                false
            }
            None => true,
        });
        for (name, value) in found {
            match name.as_str() {
                DISTINCT_ID => draft.set_absent(DISTINCT_ID, value),
                // Said on purpose, so it wins over what was made of the span.
                "$ai_span_name" if is_said(&value) => draft.set("$ai_span_name", value),
                "$ai_prompt_name" | "$ai_prompt_version" if is_said(&value) => {
                    draft.set_absent(&name, value);
                }
                _ => {
                    let custom = name.strip_prefix(CUSTOM).unwrap_or_default();
                    if !custom.is_empty() && !custom.starts_with('$') {
                        draft.set_absent(custom, value);
                    }
                }
            }
        }
    }
}

fn is_said(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_u64().is_some_and(|number| number > 0),
        _ => false,
    }
}

fn set_stop_reason(draft: &mut Draft) {
    let first = |reasons: Value| match reasons {
        Value::Array(reasons) => reasons.into_iter().next(),
        _ => None,
    };
    let listed = draft.take("gen_ai.response.finish_reasons").and_then(first);
    let reason = draft.take("ai.response.finishReason").or(listed);
    if let Some(reason) = reason {
        draft.set_absent("$ai_stop_reason", reason);
    }
}
