//! An event in the making, and the moves by which attributes become properties.

use serde_json::Value;

use super::tree;
use super::value::Properties;
use crate::Error;
use crate::memory::Budget;

/// An event in the making.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) event: &'static str,
    pub(super) properties: Properties,
}

impl Draft {
    pub(super) fn has(&self, key: &str) -> bool {
        self.properties.contains_key(key)
    }

    /// A property that is a text, and not empty.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.properties.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.properties.insert(key.to_owned(), value.into());
    }

    /// Sets a property that is not there yet.
    pub(super) fn set_absent(&mut self, key: &str, value: impl Into<Value>) {
        if !self.has(key) {
            self.set(key, value);
        }
    }

    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.properties.remove(key)
    }

    pub(super) fn remove(&mut self, keys: &[&str]) {
        for key in keys {
            self.properties.remove(*key);
        }
    }

    pub(super) fn remove_prefix(&mut self, prefix: &str) {
        self.properties.retain(|key, _| !key.starts_with(prefix));
    }

    /// Renames a property, whatever was there under its new name.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        if let Some(value) = self.take(from) {
            self.set(to, value);
        }
    }

    /// Renames a property where none is there under its new name, and removes it else.
    pub(super) fn fall_back(&mut self, from: &str, to: &str) {
        if let Some(value) = self.take(from) {
            self.set_absent(to, value);
        }
    }

    /// Takes a property, parsed where it is JSON in a text.
    pub(super) fn take_parsed(
        &mut self,
        key: &str,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Value>, Error> {
        self.take(key).map(|value| tree::parsed(value, budget)).transpose()
    }
}
