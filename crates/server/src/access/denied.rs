//! Why somebody does not get what they ask for, as an answer.

use std::time::Duration;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::response::{IntoResponse, Response};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use metrics::counter;
use serde_json::json;
use state::{Error, Permission, Refusal, TooMany};
use tracing::error;

use crate::answer::{self, Failure};

/// Why a request that is not an SDK's is not answered as it wishes.
#[derive(Debug)]
pub(crate) enum Denied {
    /// Nobody is known to ask.
    Unknown,
    /// It comes from a page of somebody else, or without the session's CSRF token.
    Foreign,
    /// It came by plain http, where there is https; anybody on the way could read it.
    Plain,
    /// Who asks may not.
    Lacks(Permission),
    /// Who asks may not ask for this project.
    OtherProject(i64),
    /// Who asks may ask for some projects only.
    OtherProjects,
    /// Only somebody who is logged in may.
    NeedsSession,
    /// It is not what it must be.
    Wrong(String),
    /// There is none.
    Absent(&'static str),
    /// It may not be, or cannot.
    Refused(Refusal),
    /// There were too many tries.
    TooMany(Duration),
    /// The settings cannot be read or written now.
    Unavailable,
    /// The body could not be read.
    Unread(Failure),
}

impl From<Error> for Denied {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::Refused(refusal),
            error => {
                error!(%error, "the settings cannot be used");
                Self::Unavailable
            }
        }
    }
}

impl From<TooMany> for Denied {
    fn from(too_many: TooMany) -> Self {
        Self::TooMany(too_many.retry_after)
    }
}

impl From<Failure> for Denied {
    fn from(failure: Failure) -> Self {
        Self::Unread(failure)
    }
}

impl From<QueryRejection> for Denied {
    fn from(wrong: QueryRejection) -> Self {
        Self::Wrong(wrong.body_text())
    }
}

impl From<PathRejection> for Denied {
    fn from(wrong: PathRejection) -> Self {
        Self::Wrong(wrong.body_text())
    }
}

impl Denied {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unknown | Self::Refused(Refusal::NotRecognized) => StatusCode::UNAUTHORIZED,
            Self::Foreign
            | Self::Plain
            | Self::Lacks(_)
            | Self::OtherProject(_)
            | Self::OtherProjects
            | Self::NeedsSession => StatusCode::FORBIDDEN,
            Self::Refused(
                Refusal::NotAllowed(_) | Refusal::ScopeTooWide(_) | Refusal::LinkUnknown,
            ) => StatusCode::FORBIDDEN,
            Self::Absent(_) | Self::Refused(Refusal::NoSuch(_)) => StatusCode::NOT_FOUND,
            Self::Wrong(_) | Self::Refused(Refusal::Wrong { .. }) => StatusCode::BAD_REQUEST,
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable | Self::Unread(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(crate) fn message(&self) -> String {
        match self {
            Self::Unknown => "log in, or show a key as `Authorization: Bearer …`; \
                              `hogflare key show` prints the read key"
                .to_owned(),
            Self::Foreign => "this must come from a page of this server, \
                              with the header X-Hogflare-CSRF"
                .to_owned(),
            Self::Plain => "only over https, or from this machine: whoever is on the way reads what goes \
                            over plain http, so a key or password that came with this is no secret any more"
                .to_owned(),
            Self::Lacks(permission) => format!("this needs the permission `{permission}`"),
            Self::OtherProject(team) => format!("the key is not for project {team}"),
            Self::OtherProjects => "this needs a key for all projects".to_owned(),
            Self::NeedsSession => "only somebody who is logged in may do that".to_owned(),
            Self::Wrong(message) => message.clone(),
            Self::Absent(what) => format!("there is no such {what}"),
            Self::Refused(refusal) => refusal.to_string(),
            Self::TooMany(_) => "too many tries, wait a little".to_owned(),
            Self::Unavailable | Self::Unread(_) => "not now, please try again".to_owned(),
        }
    }

    const fn reason(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Foreign => "foreign",
            Self::Plain => "plain_http",
            Self::Lacks(_) | Self::OtherProject(_) | Self::OtherProjects | Self::NeedsSession => {
                "forbidden"
            }
            Self::Refused(Refusal::NotRecognized) => "not_recognized",
            Self::Refused(Refusal::LinkUnknown) => "link_unknown",
            Self::TooMany(_) => "too_many_tries",
            Self::Unavailable => "unavailable",
            _ => "wrong",
        }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        counter!("hogflare_requests_denied_total", "reason" => self.reason()).increment(1);
        let (status, message) = (self.status(), self.message());
        if let Self::Unread(failure) = self {
            return failure.into_response();
        }
        let mut response = answer::json(status, json!({ "error": message }).to_string());
        let headers = response.headers_mut();
        match self {
            Self::Unknown => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::TooMany(retry_after) => {
                headers.insert(RETRY_AFTER, (retry_after.as_secs() + 1).into());
            }
            _ => {}
        }
        response
    }
}
