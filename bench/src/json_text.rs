//! JSON as SDKs write it: members in their own order, no spaces.

use std::fmt::{Display, Write};

/// An object under construction. Names and values must need no escapes.
#[derive(Debug)]
pub(crate) struct Object {
    text: String,
}

impl Object {
    /// An object without members.
    pub(crate) fn new() -> Self {
        Self { text: "{".to_owned() }
    }

    /// Adds a string.
    pub(crate) fn text(self, name: &str, value: impl Display) -> Self {
        self.member(name, format_args!("\"{value}\""))
    }

    /// Adds a number, a boolean, or what is JSON already.
    pub(crate) fn json(self, name: &str, value: impl Display) -> Self {
        self.member(name, format_args!("{value}"))
    }

    /// The object's text.
    pub(crate) fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }

    fn member(mut self, name: &str, value: std::fmt::Arguments<'_>) -> Self {
        let comma = if self.text.len() > 1 { "," } else { "" };
        write!(self.text, "{comma}\"{name}\":{value}").expect("a String grows");
        self
    }
}

/// An array of what is JSON already.
pub(crate) fn array(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    format!("[{}]", items.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order() {
        let inner = Object::new().text("z", "y").finish();
        let object = Object::new().json("b", 1).json("a", array([inner, "true".to_owned()]));
        assert_eq!(object.finish(), r#"{"b":1,"a":[{"z":"y"},true]}"#);
        assert_eq!(Object::new().finish(), "{}");
    }
}
