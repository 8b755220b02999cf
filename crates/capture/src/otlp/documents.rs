//! A text and the JSON objects in it: one, or one a line, as files of signals are written.

use std::cell::OnceCell;

use event::limits::JSON_DEPTH;
use serde_json::value::RawValue;

use super::Signal;
use super::walk::{items, members};
use crate::memory::Budget;
use crate::{Error, Note, Notes, depth, repair};

/// A text that is JSON throughout, and nests no deeper than a row may.
#[derive(Clone, Copy)]
pub(super) struct Documents<'a>(&'a str);

impl<'a> Documents<'a> {
    /// Checks a text; where control characters stand raw in its strings and nothing else is wrong,
    /// it is the text with these escaped, kept in `repaired`.
    pub(super) fn check(
        text: &'a str,
        repaired: &'a OnceCell<String>,
        budget: &mut Budget<'_>,
        notes: &mut Notes,
    ) -> Result<Self, Error> {
        let Err(error) = check(text) else {
            return Ok(Self(text));
        };
        let count = repair::raw_control_characters(text);
        if count == 0 {
            return Err(error);
        }
        budget.reserve(text.len() + repair::ESCAPE_GROWTH * count)?;
        notes.take_many(Note::RawControlCharacter, count);
        let text = repaired.get_or_init(|| repair::escape_control_characters(text, count));
        check(text).map(|()| Self(text))
    }

    /// Calls back with the entry of each resource.
    pub(super) fn resources(
        self,
        signal: Signal,
        each: &mut dyn FnMut(&'a str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for document in stream(self.0) {
            let (mut found, mut is_empty) = (None, true);
            members(document?, &mut |name, value| {
                is_empty = false;
                if name == signal.resources() || name == snake_case(signal.resources()) {
                    found = Some(value);
                }
                Ok(())
            })?;
            match found {
                Some(resources) => items(resources, each)?,
                None if is_empty => {}
                None => {
                    let why = format!("missing field `{}`", signal.resources());
                    return Err(Error::unparsable(why));
                }
            }
        }
        Ok(())
    }
}

fn check(text: &str) -> Result<(), Error> {
    for document in stream(text) {
        let document = document?;
        if !document.starts_with('{') {
            return Err(Error::unparsable("expected a JSON object"));
        }
        if depth::exceeds(document, JSON_DEPTH) {
            let why = format!("JSON nests deeper than {JSON_DEPTH} levels");
            return Err(Error::unparsable(why));
        }
    }
    Ok(())
}

fn stream(text: &str) -> impl Iterator<Item = Result<&str, Error>> {
    serde_json::Deserializer::from_str(text)
        .into_iter::<&RawValue>()
        .map(|document| document.map(RawValue::get).map_err(|e| Error::unparsable(e.to_string())))
}

/// The name as it stands in the `.proto` file, which protobuf's JSON allows too.
pub(super) fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 2);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}
