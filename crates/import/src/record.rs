//! A row of a source, before it is known what it is.

use serde_json::value::RawValue;

/// What a source has in a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// Text, or a number as it is written.
    Text(String),
    /// JSON as it stands.
    Json(String),
    /// A moment.
    Micros(i64),
}

impl Cell {
    /// As text; of JSON, what a string says, and other values as they stand.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Micros(micros) => Some(event::Timestamp::from_micros(*micros).to_string()),
            Self::Json(raw) if raw.starts_with('"') => serde_json::from_str(raw).ok(),
            Self::Json(raw) if raw == "null" => None,
            Self::Json(raw) => Some(raw.clone()),
        }
    }

    /// As a JSON object, which may be written in a string.
    ///
    /// # Errors
    /// When it is something else; nothing at all is no object, and no error.
    pub(crate) fn object(&self) -> Result<Option<String>, ()> {
        let text = match self {
            Self::Json(raw) if raw.starts_with('{') => return Ok(Some(raw.clone())),
            other => other.text(),
        };
        let Some(text) = text else { return Ok(None) };
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed == "null" {
            return Ok(None);
        }
        let is_object =
            trimmed.starts_with('{') && serde_json::from_str::<&RawValue>(trimmed).is_ok();
        is_object.then(|| Some(trimmed.to_owned())).ok_or(())
    }

    /// As a JSON value: what looks like a number or a boolean is one.
    pub(crate) fn value(&self) -> Option<String> {
        match self {
            Self::Json(raw) if raw == "null" => None,
            Self::Json(raw) => Some(raw.clone()),
            Self::Micros(_) => self.text().map(|text| quoted(&text)),
            Self::Text(text) => Some(match text.as_str() {
                "true" | "false" => text.clone(),
                _ if is_number(text) => text.clone(),
                _ => quoted(text),
            }),
        }
    }
}

/// Whether JSON would write a number so: leading zeros, as of postcodes, stay text.
fn is_number(text: &str) -> bool {
    text.len() <= 15
        && text.starts_with(|first: char| first.is_ascii_digit() || first == '-')
        && serde_json::from_str::<serde_json::Number>(text).is_ok()
}

/// A string as JSON writes it.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A row: its columns' names and what is in them; what is not there is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Record(pub(crate) Vec<(String, Cell)>);

impl Record {
    pub(crate) fn get(&self, name: &str) -> Option<&Cell> {
        self.0.iter().find(|(column, _)| column == name).map(|(_, cell)| cell)
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.text().filter(|text| !text.is_empty())
    }

    /// As one JSON object, for people.
    pub(crate) fn json(&self) -> String {
        let members = self.0.iter().map(|(name, cell)| {
            let value = match cell {
                Cell::Json(raw) => raw.clone(),
                cell => quoted(&cell.text().unwrap_or_default()),
            };
            format!("{}:{value}", quoted(name))
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_may_stand_in_a_string() {
        let raw = Cell::Json(r#"{"a":1}"#.into());
        let in_string = Cell::Json(r#""{\"a\":1}""#.into());
        let text = Cell::Text(r#"{"a":1}"#.into());
        for cell in [raw, in_string, text] {
            assert_eq!(cell.object(), Ok(Some(r#"{"a":1}"#.into())));
        }
        assert_eq!(Cell::Text(String::new()).object(), Ok(None));
        assert_eq!(Cell::Text("{\"a\":".into()).object(), Err(()));
        assert_eq!(Cell::Json("[1]".into()).object(), Err(()));
    }

    #[test]
    fn numbers_are_numbers_and_postcodes_are_not() {
        let value = |text: &str| Cell::Text(text.into()).value();
        assert_eq!(value("12.5"), Some("12.5".into()));
        assert_eq!(value("01234"), Some("\"01234\"".into()));
        assert_eq!(value("true"), Some("true".into()));
        assert_eq!(value("x"), Some("\"x\"".into()));
    }
}
