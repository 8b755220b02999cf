//! A setting that is off, on, or on with details.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// `true`, `false`, or a list or table that says more.
#[derive(Clone, Debug, PartialEq)]
pub enum Switch<T> {
    /// `false`.
    Off,
    /// `true`.
    On,
    /// On, with details.
    With(T),
}

impl<T> Switch<T> {
    /// Whether it is on, with or without details.
    pub fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }
}

/// By hand, since serde's untagged enums do not say which key of the details is wrong.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Switch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SwitchVisitor(PhantomData))
    }
}

struct SwitchVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for SwitchVisitor<T> {
    type Value = Switch<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, or details")
    }

    fn visit_bool<E>(self, on: bool) -> Result<Self::Value, E> {
        Ok(match on {
            true => Switch::On,
            false => Switch::Off,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Switch::With)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(seq)).map(Switch::With)
    }
}
