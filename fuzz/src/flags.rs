//! Requests to `/flags` and `/decide`: whatever is asked, the answer has a shape that SDKs know.

use capture::flags::{Endpoint, Request, read};

use crate::Sent;
use crate::meter::Meter;

/// Where recordings are said to go.
const RECORDINGS: &str = "/s/";

/// Answers a request for flags.
pub fn flags(input: &[u8]) {
    let sent = Sent::parse(input);
    let mut answer = answered(&sent);
    let mut again = answered(&sent);
    for answer in [&mut answer, &mut again] {
        let id = answer["requestId"].take();
        assert!(uuid::Uuid::try_parse(id.as_str().expect("a request id")).is_ok());
    }
    assert_eq!(answer, again, "answered twice");
    assert_eq!(answer["evaluatedAt"], sent.now().as_millis());
    let flags = ["flags", "featureFlags"].map(|name| answer.get(name).is_some());
    assert!(flags[0] != flags[1], "neither or both shapes: {answer}");
    let recording = answer
        .get("sessionRecording")
        .is_none_or(|value| value == false || value["endpoint"] == RECORDINGS);
    assert!(recording, "an SDK would record: {answer}");
}

fn answered(sent: &Sent) -> serde_json::Value {
    let request = Request {
        endpoint: if sent.path.starts_with("/decide") { Endpoint::Decide } else { Endpoint::Flags },
        method: &sent.method,
        query: sent.query.as_deref(),
        headers: &sent.headers,
        body: sent.body.clone(),
        received_at: sent.now(),
    };
    let recordings = sent.client_ip.is_some().then_some(RECORDINGS);
    let mut config = serde_json::Map::new();
    if let Some(endpoint) = recordings {
        config.insert("sessionRecording".into(), serde_json::json!({ "endpoint": endpoint }));
    }
    let question = read(&request, &sent.settings, &mut Meter::unbounded());
    question.expect("memory without end").answer(config)
}
