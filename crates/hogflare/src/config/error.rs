//! What is wrong with a setting.

use std::fmt;

/// A setting that the start cannot accept.
#[derive(Debug)]
pub(crate) struct ConfigError {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
    pub(crate) expected: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}: expected {}", self.name, self.expected),
            None => write!(f, "{}: {}", self.name, self.expected),
        }
    }
}

impl std::error::Error for ConfigError {}
