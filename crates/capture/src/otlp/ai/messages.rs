//! Messages to and from a model that do not come as `gen_ai.input.messages`.

use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::tree;
use crate::Error;
use crate::memory::Budget;

/// Longer texts are not looked into.
const LONGEST_TEXT: usize = 500_000;

/// OpenTelemetry once had messages as events of the span; Logfire sends these as one attribute.
pub(super) fn of_events(draft: &mut Draft, budget: &mut Budget<'_>) -> Result<(), Error> {
    let events = match draft.take("events") {
        Some(Value::String(text)) if text.len() > LONGEST_TEXT => return Ok(()),
        Some(events) => tree::parsed(events, budget)?,
        None => return Ok(()),
    };
    let (mut input, mut output) = (Vec::new(), Vec::new());
    for event in events.as_array().into_iter().flatten() {
        match event.get("event.name").and_then(Value::as_str) {
            Some("gen_ai.choice") => output.extend(choice(event)),
            Some(name) => {
                let index = event.get("gen_ai.message.index").and_then(Value::as_f64);
                input.extend(message(event, name).map(|message| (index, message)));
            }
            None => {}
        }
    }
    if input.iter().all(|(index, _)| index.is_some()) {
        input.sort_by(|(one, _), (other, _)| {
            one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal)
        });
    }
    if !input.is_empty() {
        let messages: Vec<Value> = input.into_iter().map(|(_, message)| message).collect();
        draft.set_absent("$ai_input", messages);
    }
    if !output.is_empty() {
        draft.set_absent("$ai_output_choices", output);
    }
    Ok(())
}

/// Instructions to the model as an attribute of their own become the first message.
pub(super) fn of_instructions(draft: &mut Draft, budget: &mut Budget<'_>) -> Result<(), Error> {
    let instructions = match draft.take("gen_ai.system_instructions") {
        Some(Value::String(text)) if text.len() > LONGEST_TEXT => return Ok(()),
        Some(instructions) => tree::parsed(instructions, budget)?,
        None => return Ok(()),
    };
    let text = match instructions {
        Value::String(text) => text,
        Value::Array(parts) => text_of(&parts),
        Value::Null => return Ok(()),
        other => other.to_string(),
    };
    if text.is_empty() {
        return Ok(());
    }
    let message = json!({ "role": "system", "content": text });
    match draft.properties.get_mut("$ai_input") {
        Some(Value::Array(messages)) => {
            let first = messages.first().and_then(|message| message.get("role"));
            if first.is_none_or(|role| role != "system") {
                messages.insert(0, message);
            }
        }
        Some(_) => {}
        None => draft.set("$ai_input", vec![message]),
    }
    Ok(())
}

fn text_of(parts: &[Value]) -> String {
    let texts = parts.iter().filter(|part| part.get("type").is_some_and(|kind| kind == "text"));
    let texts: Vec<&str> = texts
        .filter_map(|part| part.get("content").and_then(Value::as_str))
        .filter(|text| !text.is_empty())
        .collect();
    texts.join("\n\n")
}

fn message(event: &Value, name: &str) -> Option<Value> {
    let role = match name {
        "gen_ai.system.message" => "system",
        "gen_ai.user.message" => "user",
        "gen_ai.assistant.message" => "assistant",
        "gen_ai.tool.message" => "tool",
        _ => return None,
    };
    let mut message = picked(event, &["role", "content", "tool_calls", "tool_call_id"]);
    if !message.get("role").is_some_and(Value::is_string) {
        message.insert("role".to_owned(), Value::from(role));
    }
    Some(Value::Object(message))
}

fn choice(event: &Value) -> Option<Value> {
    match event.get("message") {
        Some(message @ Value::Object(_)) => Some(message.clone()),
        _ => {
            let message = picked(event, &["role", "content", "tool_calls"]);
            (!message.is_empty()).then_some(Value::Object(message))
        }
    }
}

fn picked(event: &Value, keys: &[&str]) -> Map<String, Value> {
    let present = keys.iter().filter_map(|key| Some(((*key).to_owned(), event.get(*key)?.clone())));
    present.collect()
}
