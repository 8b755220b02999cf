//! Bodies of answers: `{"status":1}` on every lane that writes, `{"status":0,"error":…}` else.

use std::fmt;

/// The body of a success. posthog-js takes only status 200 for one, so it goes with 200, or with an
/// empty 204 where the request was a beacon.
pub const SUCCESS_BODY: &str = r#"{"status":1}"#;

/// The body of a failure; an [`Error`](crate::Error) displays as its message.
pub fn error_body(message: impl fmt::Display) -> String {
    serde_json::json!({ "status": 0, "error": message.to_string() }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_message_makes_a_json_body() {
        let body: serde_json::Value = serde_json::from_str(&error_body("a \"b\"\n")).unwrap();
        assert_eq!(body["status"], 0);
        assert_eq!(body["error"], "a \"b\"\n");
    }
}
