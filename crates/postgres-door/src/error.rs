//! Why there is no answer, in PostgreSQL's codes.

use pgwire::error::{ErrorInfo, PgWireError};
use query::Error;

use crate::Refusal;

/// An error with a code and what to tell.
pub(crate) fn wrong(code: &str, message: impl Into<String>) -> PgWireError {
    error("ERROR", code, message)
}

/// Likewise one that ends the connection.
pub(crate) fn fatal(code: &str, message: impl Into<String>) -> PgWireError {
    error("FATAL", code, message)
}

fn error(severity: &str, code: &str, message: impl Into<String>) -> PgWireError {
    PgWireError::UserError(Box::new(ErrorInfo::new(
        severity.to_owned(),
        code.to_owned(),
        message.into(),
    )))
}

/// An error of the engine's.
pub(crate) fn of_engine(failed: &Error) -> PgWireError {
    let code = match failed {
        Error::Refused(_) => "25006",
        Error::Invalid(message) => code_of(message),
        Error::TimedOut { .. } => "57014",
        Error::OutOfMemory(_) => "53200",
        // cannot_connect_now: whoever tries again may have an answer.
        Error::NotReady(_) => "57P03",
        Error::AnswerTooLarge { .. } => "54000",
        Error::Failed(_) => "XX000",
    };
    wrong(code, failed.to_string())
}

/// The engine tells what is wrong in words only.
fn code_of(message: &str) -> &'static str {
    let known = [
        ("ParserError", "42601"),
        ("TokenizerError", "42601"),
        ("No field named", "42703"),
        ("Invalid function", "42883"),
        ("table function", "42883"),
        ("Divide by zero", "22012"),
        ("Cast error", "22P02"),
        ("Parser error", "22P02"),
        ("not found", "42P01"),
        ("not implemented", "0A000"),
    ];
    let found = known.iter().find(|(words, _)| message.contains(words));
    found.map_or("42000", |(_, code)| code)
}

/// What the keeper says, to somebody who is in already.
pub(crate) fn of_keeper(refusal: &Refusal) -> PgWireError {
    match refusal {
        Refusal::Unknown => fatal("28P01", "the key is not valid any more"),
        Refusal::Forbidden(why) => fatal("28000", why),
        Refusal::NoProject(project) => fatal("3D000", no_project(project)),
        Refusal::TooMany(_) => fatal("53300", "too many wrong keys, wait a little"),
        Refusal::Unavailable => wrong("57P03", "not now, please try again"),
    }
}

/// Likewise to somebody who has just come.
pub(crate) fn of_login(refusal: &Refusal) -> PgWireError {
    match refusal {
        Refusal::Unknown => {
            fatal("28P01", "the password must be a key that may read (docs/sql-clients.md)")
        }
        Refusal::Unavailable => fatal("57P03", "not now, please try again"),
        other => of_keeper(other),
    }
}

fn no_project(project: &str) -> String {
    format!("no project \"{project}\" that the key may read; leave it out, or say \"hogflare\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_codes() {
        let code = |error: &Error| match of_engine(error) {
            PgWireError::UserError(info) => info.code,
            other => panic!("{other}"),
        };
        let limit = std::time::Duration::from_secs(1);
        assert_eq!(code(&Error::TimedOut { limit }), "57014");
        assert_eq!(code(&Error::OutOfMemory("1 GiB".into())), "53200");
        assert_eq!(code(&Error::Refused("no".into())), "25006");
        assert_eq!(code(&Error::Invalid("table 'a.b.c' not found".into())), "42P01");
        assert_eq!(code(&Error::Invalid("No field named x".into())), "42703");
    }
}
