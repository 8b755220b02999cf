//! Going through JSON text value by value, without keeping any: a list of millions costs nothing.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::{Error, json};

/// Calls back with each item of a raw array; `null` has none.
pub(super) fn items<'a>(
    raw: &'a str,
    each: &mut dyn FnMut(&'a str) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut walk = Items { each, failure: None };
    let outcome = serde_json::Deserializer::from_str(raw).deserialize_any(&mut walk);
    settle(outcome, walk.failure)
}

/// Calls back with the name and raw value of each member of a raw object; `null` has none.
pub(super) fn members<'a>(
    raw: &'a str,
    each: &mut dyn FnMut(Cow<'a, str>, &'a str) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut walk = Members { each, failure: None };
    let outcome = serde_json::Deserializer::from_str(raw).deserialize_any(&mut walk);
    settle(outcome, walk.failure)
}

/// The raw value of a member, the last one where it is repeated.
pub(super) fn member<'a>(raw: &'a str, name: &str) -> Result<Option<&'a str>, Error> {
    let mut found = None;
    members(raw, &mut |other, value| {
        if other == name {
            found = Some(value);
        }
        Ok(())
    })?;
    Ok(found)
}

fn settle(outcome: Result<(), serde_json::Error>, failure: Option<Error>) -> Result<(), Error> {
    match (outcome, failure) {
        (_, Some(failure)) => Err(failure),
        (outcome, None) => outcome.map_err(|error| Error::unparsable(error.to_string())),
    }
}

struct Items<'w, 'a> {
    each: &'w mut dyn FnMut(&'a str) -> Result<(), Error>,
    failure: Option<Error>,
}

impl<'a> Visitor<'a> for &mut Items<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&RawValue>()? {
            if let Err(failure) = (self.each)(item.get()) {
                self.failure = Some(failure);
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

struct Members<'w, 'a> {
    each: &'w mut dyn FnMut(Cow<'a, str>, &'a str) -> Result<(), Error>,
    failure: Option<Error>,
}

impl<'a> Visitor<'a> for &mut Members<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let name = json::string(name.get()).unwrap_or_default();
            if let Err(failure) = (self.each)(name, value.get()) {
                self.failure = Some(failure);
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_list_is_an_error_but_null_is_empty() {
        let count = |raw| {
            let mut count = 0;
            items(raw, &mut |_| {
                count += 1;
                Ok(())
            })
            .map(|()| count)
        };
        assert_eq!(count("[1, {}, []]"), Ok(3));
        assert_eq!(count("null"), Ok(0));
        assert!(matches!(count("{}"), Err(Error::Unparsable { .. })));
    }

    #[test]
    fn a_refusal_ends_the_walk_with_its_own_error() {
        let refuse = &mut |_: Cow<'_, str>, _: &str| Err(Error::Busy);
        assert_eq!(members(r#"{"a":1}"#, refuse), Err(Error::Busy));
        assert_eq!(member(r#"{"a":1,"\u0061":2}"#, "a"), Ok(Some("2")));
    }
}
