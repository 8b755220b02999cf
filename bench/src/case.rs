//! What is sent: three SDKs' requests, or nothing.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Case {
    /// One event of 0.4 kB as JSON at `/capture`.
    Single,
    /// posthog-js: 20 events of 1.3 kB in an object, gzip that nobody announced, at `/e/`.
    Browser20,
    /// posthog-node: 100 events of 0.65 kB in an object, `Content-Encoding: gzip`, at `/batch/`.
    Node100,
}

impl Case {
    /// Events of a request.
    pub(crate) fn events(self) -> u64 {
        match self {
            Self::Single => 1,
            Self::Browser20 => 20,
            Self::Node100 => 100,
        }
    }

    /// Path of the request.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Single => "/capture",
            Self::Browser20 => "/e/",
            Self::Node100 => "/batch/",
        }
    }

    /// Headers of the request that say what the body is.
    pub(crate) fn headers(self) -> &'static str {
        match self {
            Self::Single => "Content-Type: application/json\r\n",
            Self::Browser20 => "Content-Type: text/plain\r\n",
            Self::Node100 => "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
        }
    }

    /// Whether the body is compressed.
    pub(crate) fn is_gzip(self) -> bool {
        self != Self::Single
    }

    /// More than a server on one core is expected to take, so that requests made ahead last.
    pub(crate) fn fastest_events_per_second(self) -> u64 {
        match self {
            Self::Single => 45_000,
            Self::Browser20 => 140_000,
            Self::Node100 => 220_000,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single => "single",
            Self::Browser20 => "browser20",
            Self::Node100 => "node100",
        })
    }
}

/// A case, or no requests at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// Requests of this case.
    Case(Case),
    /// Nothing: what a server costs that nobody talks to.
    Idle,
}

impl Load {
    /// Parses a name; `all` is several.
    pub(crate) fn parse_many(name: &str) -> Result<Vec<Self>, String> {
        match name {
            "all" => Ok([Case::Single, Case::Browser20, Case::Node100]
                .map(Self::Case)
                .into_iter()
                .chain([Self::Idle])
                .collect()),
            "idle" => Ok(vec![Self::Idle]),
            name => match Case::from_str(name, false) {
                Ok(case) => Ok(vec![Self::Case(case)]),
                Err(_) => Err("expected single, browser20, node100, idle or all".to_owned()),
            },
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Case(case) => case.fmt(f),
            Self::Idle => f.write_str("idle"),
        }
    }
}
