//! Pydantic AI, by way of Logfire.

use serde_json::Value;

use super::super::draft::Draft;
use super::super::provider::{SPAN, TRACE};
use crate::Error;
use crate::memory::Budget;

pub(super) const MARKS: &[&str] =
    &["pydantic_ai.all_messages", "logfire.msg", "logfire.json_schema", "model_request_parameters"];

const SPENT: [&str; 7] = [
    "logfire.json_schema",
    "logfire.msg",
    "operation.cost",
    "model_request_parameters",
    "model_name",
    "gen_ai.usage.details.input_tokens",
    "gen_ai.usage.details.output_tokens",
];
/// A finish reason is a word.
const LONGEST_STOP_REASON: usize = 64;

pub(super) fn after(draft: &mut Draft, budget: &mut Budget<'_>) -> Result<(), Error> {
    if let Some(message) = draft.take("logfire.msg") {
        draft.set_absent("$ai_span_name", message);
    }
    if let Some(reason) = stop_reason(draft) {
        draft.set_absent("$ai_stop_reason", reason);
    }
    if draft.event == TRACE || draft.has("pydantic_ai.all_messages") {
        take_run(draft, budget)?;
    }
    if draft.event == SPAN {
        take_tool_call(draft, budget)?;
    }
    draft.set("$ai_lib", "opentelemetry/pydantic-ai");
    draft.remove(&SPENT);
    Ok(())
}

/// The first reason that a choice gives.
fn stop_reason(draft: &Draft) -> Option<String> {
    let choices = draft.properties.get("$ai_output_choices")?.as_array()?;
    let mut reasons = choices.iter().filter_map(|choice| choice.get("finish_reason")?.as_str());
    let is_word = |reason: &&str| (1..=LONGEST_STOP_REASON).contains(&reason.len());
    reasons.find(is_word).map(str::to_owned)
}

/// A run of an agent: what the user said first, and what came of it.
fn take_run(draft: &mut Draft, budget: &mut Budget<'_>) -> Result<(), Error> {
    let messages = draft.take_parsed("pydantic_ai.all_messages", budget)?;
    let messages = messages.as_ref().and_then(Value::as_array).map(Vec::as_slice);
    let messages = messages.unwrap_or_default();
    let role = |message: &Value| message.get("role").and_then(Value::as_str).map(str::to_owned);
    let is_users = |message: &&Value| role(message).as_deref() == Some("user");
    let is_asked = |message: &&Value| {
        matches!(role(message).as_deref(), Some("user" | "system")) || !message.is_object()
    };
    if let Some(asked) = messages.iter().find(is_users) {
        draft.set("$ai_input_state", asked.clone());
    }
    let result = match draft.take("final_result") {
        Some(text) => {
            let parsed = super::super::tree::parsed(text.clone(), budget)?;
            Some(if parsed.is_object() || parsed.is_array() { parsed } else { text })
        }
        None => messages.iter().rev().find(|message| !is_asked(message)).cloned(),
    };
    if let Some(result) = result {
        draft.set("$ai_output_state", result);
    }
    let old_name = draft.take("agent_name");
    if let Some(name) = draft.take("gen_ai.agent.name").or(old_name) {
        draft.set("$ai_span_name", name);
    }
    draft.fall_back("model_name", "$ai_model");
    Ok(())
}

/// A call of a tool, as newer and older versions name its sides.
fn take_tool_call(draft: &mut Draft, budget: &mut Budget<'_>) -> Result<(), Error> {
    let sides = [
        ("gen_ai.tool.call.arguments", "tool_arguments", "$ai_input_state"),
        ("gen_ai.tool.call.result", "tool_response", "$ai_output_state"),
    ];
    for (newer, older, to) in sides {
        let old = draft.take_parsed(older, budget)?;
        if let Some(state) = draft.take_parsed(newer, budget)?.or(old) {
            draft.set(to, state);
        }
    }
    draft.rename("gen_ai.tool.name", "$ai_span_name");
    draft.remove(&["gen_ai.tool.call.id"]);
    Ok(())
}
