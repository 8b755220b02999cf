//! AI spans become PostHog's events.

use bytes::Bytes;
use event::{Event, Table, UuidOrigin};
use hogflare_capture::otlp::{Request, Signal, Signals, decode_ai};
use hogflare_capture::{Error, Note, Settings, Unbounded};
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{NOW, json};

/// As `@posthog/ai` sends the spans of Vercel's AI SDK, with one of an HTTP client among them.
const VERCEL: &str = include_str!("../fixtures/otlp/ai.json");
const VERCEL_PROTOBUF: &[u8] = include_bytes!("../fixtures/otlp/ai.pb");
const PROTOBUF: &str = "application/x-protobuf";

fn send(body: impl Into<Bytes>, content_type: &str, token: Option<&str>) -> Result<Signals, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
    if let Some(token) = token {
        headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    }
    let request = Request {
        signal: Signal::Traces,
        query: Some("token=phc_query"),
        headers: &headers,
        body: body.into(),
        received_at: NOW.parse().unwrap(),
        client_ip: Some([203, 0, 113, 7].into()),
    };
    decode_ai(&request, &Settings::default(), &mut Unbounded)
}

fn decoded(body: impl Into<Bytes>) -> Signals {
    send(body, "application/json", Some("phc_a")).unwrap()
}

/// A request of spans with these attributes, beside other members, in a resource.
fn spans(resource: &Value, spans: &[Value]) -> String {
    let attributes = |map: &Value| {
        let pairs = map.as_object().unwrap().iter();
        let value = |value: &Value| match value {
            Value::String(text) => json!({ "stringValue": text }),
            Value::Number(number) if number.is_i64() => json!({ "intValue": number }),
            Value::Number(number) => json!({ "doubleValue": number }),
            Value::Bool(flag) => json!({ "boolValue": flag }),
            other => other.clone(),
        };
        pairs.map(|(key, other)| json!({"key": key, "value": value(other)})).collect::<Vec<_>>()
    };
    let span = |(index, span): (usize, &Value)| {
        let mut sent = json!({
            "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": format!("{:016x}", index + 1),
            "startTimeUnixNano": "1751367500000000000",
        });
        for (key, value) in span.as_object().unwrap() {
            sent[key] = if key == "attributes" { json!(attributes(value)) } else { value.clone() };
        }
        sent
    };
    let spans: Vec<Value> = spans.iter().enumerate().map(span).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": attributes(resource)}, "scopeSpans": [{"spans": spans}],
    }]})
    .to_string()
}

fn event(attributes: Value) -> Event {
    let span = json!({"attributes": attributes, "parentSpanId": "00000000000000ff"});
    let mut events = decoded(spans(&json!({}), &[span])).events;
    assert_eq!(events.len(), 1);
    events.remove(0)
}

/// The properties of a child span with these attributes, less those that all have.
fn properties(attributes: Value) -> Value {
    let mut properties = json(&event(attributes).properties);
    let of_all = [
        "$ai_trace_id",
        "$ai_span_id",
        "$ai_parent_id",
        "$ai_ingestion_source",
        "$lib",
        "$ip",
        "$geoip_disable",
    ];
    for key in of_all {
        properties.as_object_mut().unwrap().remove(key).unwrap();
    }
    properties
}

#[test]
fn spans_of_vercels_sdk_are_a_trace_and_a_generation() {
    let signals = decoded(VERCEL);
    assert_eq!(signals.token.as_str(), "phc_a");
    assert_eq!(signals.notes.count(Note::OtherSpan), 1);
    let [trace, generation] = signals.events.as_slice() else {
        panic!("two AI spans");
    };
    assert_eq!(trace.event, "$ai_trace");
    assert_eq!(trace.distinct_id.as_str(), "user-1");
    let answer = json!({"role": "assistant", "content": "Hello!"});
    let question = json!({"role": "user", "content": "Hi"});
    let of_both = json!({
        "$ai_trace_id": "0af7651916cd43dd8448eb211c80319c", "$ai_ingestion_source": "otel",
        "$ai_lib": "opentelemetry/vercel-ai", "$ai_framework": "vercel", "$ai_stop_reason": "stop",
        "$lib": "posthog-otel", "$lib_version": "5.0.8", "$geoip_disable": true,
        "$ip": "203.0.113.7", "service.name": "assistant", "posthog_distinct_id": "user-1",
        "$ai_output_choices": [answer],
    });
    let with = |more: Value| {
        let mut both = of_both.clone();
        both.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        both
    };
    let expected = with(json!({
        "$ai_span_id": "b7ad6b7169203331", "$ai_span_name": "greet", "functionId": "greet",
        "$ai_latency": 2.5, "$ai_session_id": "session-1", "plan": "pro",
        "$ai_input": [{"role": "system", "content": "Be kind."}, question],
        "$ai_input_state": question, "$ai_output_state": answer,
    }));
    assert_eq!(json(&trace.properties), expected);
    assert_eq!(generation.event, "$ai_generation");
    let expected = with(json!({
        "$ai_span_id": "b7ad6b7169203332", "$ai_parent_id": "b7ad6b7169203331",
        "$ai_span_name": "ai.generateText.doGenerate", "$ai_latency": 2.3, "$ai_input": [question],
        "$ai_provider": "openai.chat", "$ai_model": "gpt-4o-2024-08-06", "$ai_input_tokens": 12,
        "$ai_output_tokens": 3, "gen_ai.request.temperature": 0.5,
    }));
    assert_eq!(json(&generation.properties), expected);
}

#[test]
fn an_event_of_a_span_is_like_any_other() {
    let events = decoded(VERCEL).events;
    let generation = &events[1];
    assert_eq!(generation.table, Table::Events);
    assert_eq!(generation.timestamp.to_string(), "2025-07-01T11:00:00.100000Z");
    assert_eq!(generation.created_at.to_string(), NOW);
    assert!(generation.process_person_profile);
    assert_eq!(generation.extra, None);
}

#[test]
fn a_span_sent_again_is_the_same_event() {
    let (first, again) = (decoded(VERCEL).events, decoded(VERCEL).events);
    assert_eq!(first, again);
    assert_ne!(first[0].uuid, first[1].uuid);
    assert!(first.iter().all(|event| event.uuid_origin == UuidOrigin::Client));
    let without_id = json!({"attributes": {"gen_ai.system": "x"}, "spanId": ""});
    let event = &decoded(spans(&json!({}), &[without_id])).events[0];
    assert_eq!(event.uuid_origin, UuidOrigin::Server);
}

#[test]
fn both_encodings_give_the_same_events() {
    let of_protobuf = send(VERCEL_PROTOBUF, PROTOBUF, Some("phc_a")).unwrap();
    assert_eq!(of_protobuf, decoded(VERCEL));
}

#[test]
fn common_attributes_are_named_as_in_posthog() {
    let expected = json!({
        "$ai_input": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "?"}],
        "$ai_output_choices": "plain text", "$ai_input_tokens": 1, "$ai_output_tokens": 2,
        "$ai_cache_read_input_tokens": 3, "$ai_model": "asked", "$ai_provider": "anthropic",
        "$ai_base_url": "api.example", "$groups": {"company": "acme"}, "$ai_session_id": "thread",
        "gen_ai.conversation.id": "thread", "gen_ai.request.top_k": 4, "own": true,
    });
    let named = properties(json!({
        "gen_ai.operation.name": "chat", "gen_ai.input.messages": "[{\"role\":\"user\",\"content\":\"?\"}]",
        "gen_ai.system_instructions": "[{\"type\":\"text\",\"content\":\"Be brief.\"}]",
        "gen_ai.output.messages": "plain text", "gen_ai.usage.prompt_tokens": 1,
        "gen_ai.usage.output_tokens": 2, "gen_ai.usage.completion_tokens": 9,
        "gen_ai.usage.cache_read.input_tokens": 3, "gen_ai.request.model": "asked",
        "gen_ai.provider.name": "anthropic", "gen_ai.system": "old", "server.address": "api.example",
        "$groups": "{\"company\":\"acme\"}", "gen_ai.conversation.id": "thread", "user.id": "u",
        "gen_ai.request.top_k": 4, "own": true,
    }));
    assert_eq!(named, expected);
}

#[test]
fn messages_sent_as_events_are_messages() {
    let events = json!([
        {"event.name": "gen_ai.user.message", "gen_ai.message.index": 1, "content": "Hi"},
        {"event.name": "gen_ai.system.message", "gen_ai.message.index": 0, "content": "Be kind."},
        {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "content": "!"}},
        {"event.name": "other"}, 7,
    ]);
    let named = properties(json!({"gen_ai.operation.name": "chat", "events": events.to_string()}));
    let expected = json!({
        "$ai_input": [
            {"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"},
        ],
        "$ai_output_choices": [{"role": "assistant", "content": "!"}],
    });
    assert_eq!(named, expected);
}

#[test]
fn flat_attributes_of_openllmetry_are_lists_again() {
    let generation = event(json!({
        "llm.request.type": "chat", "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "?",
        "gen_ai.prompt.2.role": "tool", "gen_ai.prompt.2.tool_calls.0.name": "f",
        "gen_ai.prompt.x.role": "kept", "llm.completions.0.content": "!",
        "llm.request.functions.0.name": "f", "llm.usage.prompt_tokens": 5,
        "llm.response.stop_reason": "end", "traceloop.entity.name": "gone",
        "traceloop.association.properties.user": "gone",
    }));
    assert_eq!(generation.event, "$ai_generation");
    let told = json(&generation.properties);
    let prompt = json!([
        {"role": "user", "content": "?"}, {"role": "tool", "tool_calls": [{"name": "f"}]},
    ]);
    assert_eq!(told["$ai_input"], prompt);
    assert_eq!(told["$ai_output_choices"], json!([{"content": "!"}]));
    assert_eq!(told["$ai_tools"], json!([{"name": "f"}]));
    assert_eq!(told["$ai_input_tokens"], 5);
    assert_eq!(told["$ai_stop_reason"], "end");
    assert_eq!(told["$ai_lib"], "opentelemetry/traceloop");
    assert_eq!(told["gen_ai.prompt.x.role"], "kept");
    assert!(!generation.properties.contains("gone"));
}

#[test]
fn a_run_of_a_pydantic_agent_shows_question_and_answer() {
    let messages = json!([
        {"role": "system", "parts": []}, {"role": "user", "parts": ["?"]},
        {"role": "assistant", "parts": ["!"]},
    ]);
    let attributes = json!({
        "pydantic_ai.all_messages": messages.to_string(), "agent_name": "helper",
        "model_name": "gpt-4o", "logfire.msg": "helper run",
    });
    let told = json(&event(attributes).properties);
    assert_eq!(told["$ai_input_state"], messages[1]);
    assert_eq!(told["$ai_output_state"], messages[2]);
    assert_eq!(told["$ai_span_name"], "helper");
    assert_eq!(told["$ai_model"], "gpt-4o");
    let call = event(json!({
        "logfire.msg": "running tool", "gen_ai.tool.name": "search", "tool_arguments": "{\"q\":1}",
        "gen_ai.tool.call.result": "none",
    }));
    let told = json(&call.properties);
    assert_eq!(call.event, "$ai_span");
    assert_eq!(told["$ai_input_state"], json!({"q": 1}));
    assert_eq!(told["$ai_output_state"], "none");
    assert_eq!(told["$ai_span_name"], "search");
}

#[test]
fn a_tool_call_of_vercels_sdk_has_its_sides() {
    let told = properties(json!({
        "ai.operationId": "ai.toolCall", "ai.toolCall.name": "weather", "ai.toolCall.id": "c",
        "ai.toolCall.args": "{\"city\":\"Oslo\"}", "ai.toolCall.result": "rain",
        "ai.telemetry.metadata.$ai_span_name": "own name",
    }));
    let expected = json!({
        "$ai_span_name": "own name", "$ai_input_state": {"city": "Oslo"}, "$ai_output_state": "rain",
        "$ai_lib": "opentelemetry/vercel-ai", "$ai_framework": "vercel",
    });
    assert_eq!(told, expected);
}

#[test]
fn a_failed_span_says_so() {
    let span = json!({
        "attributes": {"gen_ai.operation.name": "chat"},
        "status": {"code": 2, "message": "HTTP status 429"},
    });
    let told = json(&decoded(spans(&json!({}), &[span])).events[0].properties);
    assert_eq!(told["$ai_is_error"], true);
    assert_eq!(told["$ai_error"], "HTTP status 429");
    assert_eq!(told["$ai_http_status"], 429);
}

#[test]
fn each_span_has_its_own_user_else_the_resources() {
    let chat = |more: Value| {
        let mut attributes = json!({"gen_ai.operation.name": "chat"});
        attributes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "attributes": attributes })
    };
    let sent = [chat(json!({"user.id": "a"})), chat(json!({}))];
    let resource = json!({"posthog.distinct_id": "process", "host.name": "gone", "env": "prod"});
    let events = decoded(spans(&resource, &sent)).events;
    assert_eq!(events[0].distinct_id.as_str(), "a");
    assert_eq!(events[1].distinct_id.as_str(), "process");
    assert_eq!(json(&events[0].properties)["env"], "prod");
    assert!(!events[0].properties.contains("gone"));
    let long = chat(json!({"user.id": "€".repeat(300)}));
    let signals = decoded(spans(&json!({}), &[long]));
    assert_eq!(signals.events[0].distinct_id.as_str(), "€".repeat(200));
    assert_eq!(signals.notes.count(Note::CutDistinctId), 1);
}

#[test]
fn a_time_that_cannot_be_meant_is_the_receipts() {
    let at = |nanos: &str| {
        let span = json!({"attributes": {"gen_ai.system": "x"}, "startTimeUnixNano": nanos});
        decoded(spans(&json!({}), &[span])).events.remove(0)
    };
    let future = at("1852000000000000000");
    assert_eq!(future.timestamp.to_string(), NOW);
    let extra = json(future.extra.as_deref().unwrap());
    assert_eq!(extra, json!({"original_timestamp": "2028-09-08T04:26:40.000000Z"}));
    let unknown = at("0");
    assert_eq!((unknown.timestamp.to_string().as_str(), unknown.extra), (NOW, None));
}

#[test]
fn a_span_whose_beginning_is_unknown_did_not_take_all_the_time_since_1970() {
    let span = json!({
        "attributes": {"gen_ai.system": "x"},
        "startTimeUnixNano": "0",
        "endTimeUnixNano": "1751367602500000000",
    });
    let event = decoded(spans(&json!({}), &[span])).events.remove(0);
    assert_eq!(json(&event.properties).get("$ai_latency"), None);
}

#[test]
fn limits_are_on_spans_and_on_bytes() {
    let other = || json!({"attributes": {"http.request.method": "GET"}});
    let ai = || json!({"attributes": {"gen_ai.operation.name": "chat"}});
    let many = |count, span: &dyn Fn() -> Value| {
        let body = spans(&json!({}), &(0..count).map(|_| span()).collect::<Vec<_>>());
        send(body, "application/json", Some("phc_a"))
    };
    assert_eq!(many(1_000, &other).unwrap().notes.count(Note::OtherSpan), 1_000);
    assert!(many(1_001, &other).unwrap_err().to_string().contains("Too many spans"));
    assert_eq!(many(100, &ai).unwrap().events.len(), 100);
    assert!(many(101, &ai).unwrap_err().to_string().contains("Too many AI spans"));
    let refused = |resource: usize, count: usize| {
        let all: Vec<Value> = (0..count).map(|_| ai()).collect();
        let body = spans(&json!({ "a": "x".repeat(resource) }), &all);
        send(body, "application/json", Some("phc_a")).map(|_| ()).map_err(|e| e.status().as_u16())
    };
    assert_eq!(refused(800_000, 10), Ok(()));
    assert_eq!(refused(800_000, 11), Err(413), "together");
    assert_eq!(refused(900_001, 1), Err(413), "a single one");
    assert_eq!(refused(5_000_000, 0), Err(413), "the body");
}

#[test]
fn the_token_is_in_the_header_alone() {
    let status = |token| send(VERCEL, "application/json", token).map_err(|e| e.status().as_u16());
    assert_eq!(status(None), Err(401));
    assert_eq!(status(Some("phx_secret")), Err(401));
    let empty = send("", "application/json", Some("phc_a"));
    assert_eq!(empty, Err(Error::EmptyPayload));
    assert!(decoded("{}").events.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn garbage_never_panics(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        for (body, content_type) in
            [(VERCEL.as_bytes(), "application/json"), (VERCEL_PROTOBUF, PROTOBUF)]
        {
            let mut body = body.to_vec();
            let at = at.index(body.len());
            body[at] = byte;
            if let Ok(signals) = send(body, content_type, Some("phc_a")) {
                for event in signals.events {
                    prop_assert!(json(&event.properties).is_object());
                    prop_assert!(!event.distinct_id.as_str().is_empty());
                }
            }
        }
    }

    #[test]
    fn attributes_of_any_shape_are_survived(
        keys in proptest::collection::vec("(gen_ai|ai|llm)\\.(prompt|prompts|toolCall|response|input|system_instructions|usage)(\\.(0|messages|args|text|functions))?(\\.(role|tool_calls))?(\\.1\\.name)?", 1..6),
        value in "(\\[|\\{|\"|\\}|\\]|a|1|null|:|,){0,12}",
    ) {
        let mut attributes = json!({"gen_ai.a": 1, "ai.operationId": "ai.toolCall"});
        for key in keys {
            attributes[key] = json!(value);
        }
        let told = event(attributes);
        prop_assert!(json(&told.properties).is_object());
    }
}
