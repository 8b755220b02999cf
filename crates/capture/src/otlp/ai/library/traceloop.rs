//! OpenLLMetry by Traceloop: messages as flat attributes, `gen_ai.prompt.0.role` and so on; in Go
//! `llm.prompts.0.role`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::draft::Draft;

pub(super) const MARKS: &[&str] =
    &["llm.request.type", "traceloop.span.kind", "traceloop.entity.name"];

/// What Go's library calls what others call `gen_ai.…`.
const GO_NAMES: [(&str, &str); 5] = [
    ("llm.response.model", "$ai_model"),
    ("llm.request.model", "$ai_model"),
    ("llm.usage.prompt_tokens", "$ai_input_tokens"),
    ("llm.usage.completion_tokens", "$ai_output_tokens"),
    ("llm.vendor", "$ai_provider"),
];
const SPENT: [&str; 8] = [
    "traceloop.span.kind",
    "traceloop.entity.name",
    "traceloop.entity.path",
    "traceloop.workflow.name",
    "traceloop.entity.input",
    "traceloop.entity.output",
    "llm.is_streaming",
    "llm.usage.total_tokens",
];
const MESSAGE: &[&str] = &["role", "content", "tool_call_id"];
const TOOL: &[&str] = &["name", "description", "parameters"];
const TOOL_CALLS: &str = "tool_calls";

pub(super) fn after(draft: &mut Draft) {
    let lists: [(&str, &[&str], &str); 5] = [
        ("gen_ai.prompt.", MESSAGE, "$ai_input"),
        ("llm.prompts.", MESSAGE, "$ai_input"),
        ("gen_ai.completion.", MESSAGE, "$ai_output_choices"),
        ("llm.completions.", MESSAGE, "$ai_output_choices"),
        ("llm.request.functions.", TOOL, "$ai_tools"),
    ];
    for (prefix, fields, to) in lists {
        if !draft.has(to) {
            let list = take_list(draft, prefix, fields);
            if !list.is_empty() {
                draft.set(to, list);
            }
        }
    }
    for (from, to) in GO_NAMES {
        draft.fall_back(from, to);
    }
    for key in ["llm.response.stop_reason", "llm.response.finish_reason"] {
        draft.fall_back(key, "$ai_stop_reason");
    }
    draft.set("$ai_lib", "opentelemetry/traceloop");
    draft.remove_prefix("traceloop.association.properties.");
    draft.remove(&SPENT);
}

/// An item of a list in the making: its fields, and its tool calls by their number.
#[derive(Default)]
struct Item {
    fields: Map<String, Value>,
    tool_calls: BTreeMap<u32, Map<String, Value>>,
}

/// Takes the attributes of a flattened list, and makes it one again. Numbers may have gaps, which
/// close.
fn take_list(draft: &mut Draft, prefix: &str, fields: &[&str]) -> Vec<Value> {
    let mut items: BTreeMap<u32, Item> = BTreeMap::new();
    draft.properties.retain(|key, value| {
        let Some((number, field)) = key.strip_prefix(prefix).and_then(numbered) else {
            return true;
        };
        let nested = field.strip_prefix(TOOL_CALLS).and_then(|rest| rest.strip_prefix('.'));
        if let Some((call, field)) = nested.and_then(numbered) {
            let calls = &mut items.entry(number).or_default().tool_calls;
            calls.entry(call).or_default().insert(field.to_owned(), value.take());
        } else if fields.contains(&field) {
            let fields = &mut items.entry(number).or_default().fields;
            fields.insert(field.to_owned(), value.take());
        } else {
            return true;
        }
        false
    });
    items.into_values().map(Item::into_value).collect()
}

impl Item {
    fn into_value(mut self) -> Value {
        if !self.tool_calls.is_empty() {
            let calls = self.tool_calls.into_values().map(Value::Object).collect();
            self.fields.insert(TOOL_CALLS.to_owned(), Value::Array(calls));
        }
        Value::Object(self.fields)
    }
}

/// The number and what follows it, of `0.role`.
fn numbered(text: &str) -> Option<(u32, &str)> {
    let (number, rest) = text.split_once('.')?;
    Some((number.parse().ok()?, rest))
}
