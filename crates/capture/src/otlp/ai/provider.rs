//! Which spans are of AI, and which event each becomes.
//!
//! The libraries are told apart by how their attributes are named. Spans of Vercel's have `gen_ai.`
//! attributes too, so the order counts.

use super::draft::Draft;
use super::span::Span;
use super::value::Properties;
use crate::Error;

pub(super) const GENERATION: &str = "$ai_generation";
pub(super) const EMBEDDING: &str = "$ai_embedding";
pub(super) const SPAN: &str = "$ai_span";
pub(super) const TRACE: &str = "$ai_trace";

/// A way of naming attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    /// Vercel's AI SDK, and Eve.
    Vercel,
    PydanticAi,
    /// OpenLLMetry.
    Traceloop,
    /// OpenTelemetry's own conventions.
    GenAi,
}

const PROVIDERS: [Provider; 4] =
    [Provider::Vercel, Provider::PydanticAi, Provider::Traceloop, Provider::GenAi];

impl Provider {
    /// The first that one of the span's attributes belongs to.
    pub(super) fn of(span: &Span<'_>) -> Result<Option<Self>, Error> {
        let mut is_of = [false; PROVIDERS.len()];
        span.each_key(&mut |key| {
            for (is_of, provider) in is_of.iter_mut().zip(PROVIDERS) {
                *is_of |= provider.prefixes().iter().any(|prefix| key.starts_with(prefix));
            }
        })?;
        let mut found = PROVIDERS.into_iter().zip(is_of);
        Ok(found.find(|&(_, is_of)| is_of).map(|(provider, _)| provider))
    }

    const fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Vercel => &["ai.", "eve."],
            Self::PydanticAi => &["pydantic_ai."],
            Self::Traceloop => &["traceloop.", "llm.request.type"],
            Self::GenAi => &["gen_ai."],
        }
    }

    /// The event that a span with these attributes becomes, for now: one without a parent becomes a
    /// trace later on.
    pub(super) fn event(self, attributes: &Properties) -> &'static str {
        let text = |key: &str| attributes.get(key).and_then(|value| value.as_str());
        let operation = text("gen_ai.operation.name").map(of_operation);
        let event = match self {
            Self::PydanticAi => None,
            Self::GenAi => operation,
            Self::Traceloop => text("llm.request.type").and_then(of_request_type),
            Self::Vercel if attributes.contains_key("ai.operationId") => {
                text("ai.operationId").map(of_vercel_operation)
            }
            Self::Vercel => operation,
        };
        event.unwrap_or(SPAN)
    }
}

fn of_operation(operation: &str) -> &'static str {
    match operation {
        "chat" => GENERATION,
        "embeddings" => EMBEDDING,
        _ => SPAN,
    }
}

fn of_vercel_operation(operation: &str) -> &'static str {
    match operation {
        "ai.embed.doEmbed" | "ai.embedMany.doEmbed" => EMBEDDING,
        _ if operation.ends_with(".doGenerate") || operation.ends_with(".doStream") => GENERATION,
        _ => SPAN,
    }
}

fn of_request_type(request_type: &str) -> Option<&'static str> {
    match request_type {
        "chat" | "completion" => Some(GENERATION),
        "embedding" | "embeddings" => Some(EMBEDDING),
        _ => None,
    }
}

/// OpenLLMetry's request type decides for spans of other providers too, where nothing else did.
pub(super) fn settle_by_request_type(draft: &mut Draft) {
    let request_type = draft.text("llm.request.type").and_then(of_request_type);
    if let (SPAN, Some(event)) = (draft.event, request_type) {
        draft.event = event;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(attributes: &[(&str, &str)]) -> Option<&'static str> {
        let keys: Vec<_> = attributes.iter().map(|(key, _)| json!({ "key": key })).collect();
        let span = json!({ "attributes": keys }).to_string();
        let provider = Provider::of(&Span::of(&span, None).unwrap()).unwrap()?;
        let pairs = attributes.iter().map(|&(key, value)| (key.to_owned(), json!(value)));
        Some(provider.event(&pairs.collect()))
    }

    #[test]
    fn names_of_attributes_tell_the_provider() {
        assert_eq!(event(&[("gen_ai.operation.name", "chat")]), Some(GENERATION));
        assert_eq!(event(&[("gen_ai.operation.name", "embeddings")]), Some(EMBEDDING));
        assert_eq!(event(&[("gen_ai.request.model", "m")]), Some(SPAN));
        assert_eq!(event(&[("llm.request.type", "completion")]), Some(GENERATION));
        assert_eq!(event(&[("llm.request.type", "rerank")]), Some(SPAN));
        assert_eq!(event(&[("pydantic_ai.all_messages", "[]")]), Some(SPAN));
        assert_eq!(event(&[("eve.session.id", "s")]), Some(SPAN));
        for other in ["http.request.method", "langchain.chain.name", "air.quality"] {
            assert_eq!(event(&[(other, "x")]), None);
        }
        assert_eq!(event(&[]), None);
    }

    #[test]
    fn vercels_operation_wins_where_it_is_there() {
        let chat = ("gen_ai.operation.name", "chat");
        assert_eq!(event(&[chat, ("ai.operationId", "ai.toolCall")]), Some(SPAN));
        assert_eq!(event(&[("ai.operationId", "ai.streamText.doStream")]), Some(GENERATION));
        assert_eq!(event(&[("ai.operationId", "ai.embedMany.doEmbed")]), Some(EMBEDDING));
        assert_eq!(event(&[chat, ("ai.usage.tokens", "5")]), Some(GENERATION));
    }
}
