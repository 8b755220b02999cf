//! What attributes are called in PostHog, whichever library sent them.

use serde_json::Value;

use super::draft::Draft;
use super::provider::{SPAN, TRACE, settle_by_request_type};
use super::{messages, tree};
use crate::Error;
use crate::memory::Budget;

/// Attributes that become properties.
const NAMES: [(&str, &str); 11] = [
    ("gen_ai.input.messages", "$ai_input"),
    ("gen_ai.output.messages", "$ai_output_choices"),
    ("gen_ai.usage.input_tokens", "$ai_input_tokens"),
    ("gen_ai.usage.output_tokens", "$ai_output_tokens"),
    ("gen_ai.usage.cache_read.input_tokens", "$ai_cache_read_input_tokens"),
    ("gen_ai.usage.cache_creation.input_tokens", "$ai_cache_creation_input_tokens"),
    ("gen_ai.response.model", "$ai_model"),
    ("gen_ai.provider.name", "$ai_provider"),
    ("server.address", "$ai_base_url"),
    ("telemetry.sdk.name", "$ai_lib"),
    ("telemetry.sdk.version", "$ai_lib_version"),
];
/// Attributes that do so where nothing else did.
const OLD_NAMES: [(&str, &str); 4] = [
    ("gen_ai.system", "$ai_provider"),
    ("gen_ai.request.model", "$ai_model"),
    ("gen_ai.usage.prompt_tokens", "$ai_input_tokens"),
    ("gen_ai.usage.completion_tokens", "$ai_output_tokens"),
];
/// Attributes that have said what they had to say.
const SPENT: [&str; 6] = [
    "telemetry.sdk.language",
    "gen_ai.operation.name",
    "posthog.ai.debug",
    "user.id",
    "posthog.distinct_id",
    "llm.request.type",
];

/// Names the attributes, and settles what event it is.
pub(super) fn apply(draft: &mut Draft, budget: &mut Budget<'_>) -> Result<(), Error> {
    settle_by_request_type(draft);
    for key in ["gen_ai.input.messages", "gen_ai.output.messages"] {
        if let Some(value) = draft.take_parsed(key, budget)? {
            draft.set(key, value);
        }
    }
    for (from, to) in NAMES {
        draft.rename(from, to);
    }
    for (from, to) in OLD_NAMES {
        draft.fall_back(from, to);
    }
    messages::of_events(draft, budget)?;
    messages::of_instructions(draft, budget)?;
    parse_groups(draft, budget)?;
    if draft.event == SPAN && !draft.has("$ai_parent_id") {
        draft.event = TRACE;
    }
    draft.remove(&SPENT);
    Ok(())
}

/// Groups come as JSON in a text, since attributes are flat.
fn parse_groups(draft: &mut Draft, budget: &mut Budget<'_>) -> Result<(), Error> {
    if let Some(groups) = draft.take("$groups") {
        let groups = match tree::parsed(groups.clone(), budget)? {
            Value::Object(parsed) => Value::Object(parsed),
            _ => groups,
        };
        draft.set("$groups", groups);
    }
    Ok(())
}
