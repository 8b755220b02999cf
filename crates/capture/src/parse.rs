//! The one parse of a payload.
//!
//! PostHog tells three shapes apart: an array of items, an envelope `{"api_key", "batch": […],
//! "sent_at"}`, and a single item. `properties` are walked in the same pass, member by member.

use std::cell::OnceCell;
use std::fmt;

use event::limits::JSON_DEPTH;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::document::{Document, Item, Member, Source, Span};
use crate::memory::Budget;
use crate::{Error, Note, Notes, depth, json, repair};

/// PostHog's message for JSON of no known shape.
const NO_SHAPE: &str = "data did not match any variant of untagged enum RawRequest";

/// Whether values may nest without limit. Recordings hold whole DOM trees, and nobody makes a tree
/// of their text; all else stays within [`JSON_DEPTH`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nesting {
    Limited,
    Unlimited,
}

/// Parses a payload; if that fails for control characters raw in strings, they are escaped in
/// `repaired` and it is parsed once more.
pub(crate) fn parse<'a>(
    text: &'a str,
    repaired: &'a OnceCell<String>,
    nesting: Nesting,
    budget: &mut Budget<'_>,
    notes: &mut Notes,
) -> Result<Document<'a>, Error> {
    let root =
        |parser: &mut Parser<'_, '_, 'a>, json: &mut Json<'a>| Root(parser).deserialize(json);
    let (document, ()) = parse_with(text, repaired, nesting, budget, notes, root)?;
    Ok(document)
}

/// The parser of serde_json over a text.
pub(crate) type Json<'a> = serde_json::Deserializer<serde_json::de::StrRead<'a>>;

/// Likewise a payload of another shape, which `root` reads.
pub(crate) fn parse_with<'a, T>(
    text: &'a str,
    repaired: &'a OnceCell<String>,
    nesting: Nesting,
    budget: &mut Budget<'_>,
    notes: &mut Notes,
    root: impl Fn(&mut Parser<'_, '_, 'a>, &mut Json<'a>) -> serde_json::Result<T>,
) -> Result<(Document<'a>, T), Error> {
    let before = *notes;
    let error = match Parser::new(text, nesting, budget, notes).parse(text, &root) {
        Err(error @ Error::Unparsable { .. }) => error,
        outcome => return outcome,
    };
    let count = repair::raw_control_characters(text);
    if count == 0 {
        return Err(error);
    }
    budget.reserve(text.len() + repair::ESCAPE_GROWTH * count)?;
    *notes = before;
    notes.take_many(Note::RawControlCharacter, count);
    let text = repaired.get_or_init(|| repair::escape_control_characters(text, count));
    Parser::new(text, nesting, budget, notes).parse(text, &root)
}

/// What an item costs beside its text: itself, the event that it becomes, and the latter's strings.
const ITEM_BYTES: usize = size_of::<Item<'_>>() + size_of::<event::Event>() + 256;
/// What a member costs: its spans, and its place in the search for repetitions.
const MEMBER_BYTES: usize = 2 * size_of::<Member>();
/// Memory is asked for in steps, so that small requests never ask.
const BUDGET_STEP: usize = 64 * 1024;

/// What a parse fills, and what bounds it.
pub(crate) struct Parser<'p, 'm, 'a> {
    pub(crate) document: Document<'a>,
    is_batch: bool,
    nesting: Nesting,
    budget: &'p mut Budget<'m>,
    notes: &'p mut Notes,
    not_yet_reserved: usize,
    /// The error to report instead of the parser's.
    failure: Option<Error>,
}

impl<'p, 'm, 'a> Parser<'p, 'm, 'a> {
    fn new(
        text: &'a str,
        nesting: Nesting,
        budget: &'p mut Budget<'m>,
        notes: &'p mut Notes,
    ) -> Self {
        Self {
            document: Document {
                source: Source::of(text),
                items: Vec::new(),
                envelope: None,
                members: Vec::new(),
                extras: Vec::new(),
            },
            is_batch: false,
            nesting,
            budget,
            notes,
            not_yet_reserved: 0,
            failure: None,
        }
    }

    fn parse<T>(
        mut self,
        text: &'a str,
        root: impl FnOnce(&mut Self, &mut Json<'a>) -> serde_json::Result<T>,
    ) -> Result<(Document<'a>, T), Error> {
        if u32::try_from(text.len()).is_err() {
            return Err(Error::inflated_too_large(u32::MAX as usize, text.len()));
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let outcome = root(&mut self, &mut json).and_then(|read| json.end().map(|()| read));
        match (outcome, self.failure) {
            (Ok(read), _) => Ok((self.document, read)),
            (Err(_), Some(failure)) => Err(failure),
            (Err(error), None) => Err(Error::unparsable(explain(&error, text))),
        }
    }

    fn fail<E: de::Error>(&mut self, failure: Error) -> E {
        self.failure.get_or_insert(failure);
        E::custom("refused")
    }

    /// Asks for memory before it is used.
    pub(crate) fn charge<E: de::Error>(&mut self, bytes: usize) -> Result<(), E> {
        self.not_yet_reserved += bytes;
        if self.not_yet_reserved < BUDGET_STEP {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.not_yet_reserved);
        self.budget.reserve(bytes).map_err(|error| self.fail(error))
    }

    pub(crate) fn note(&mut self, note: Note) {
        self.notes.take(note);
    }

    /// A member whose value stands at this level of nesting.
    #[inline]
    pub(crate) fn member<E: de::Error>(
        &mut self,
        key: &'a RawValue,
        value: &'a RawValue,
        level: usize,
    ) -> Result<Member, E> {
        self.charge(MEMBER_BYTES)?;
        if self.nesting == Nesting::Limited && depth::exceeds(value.get(), JSON_DEPTH - level) {
            let why = format!("JSON nests deeper than {JSON_DEPTH} levels");
            return Err(self.fail(Error::unparsable(why)));
        }
        Ok(Member { key: self.span(key.get()), value: self.span(value.get()) })
    }

    /// Where a borrowed piece stands in the text, whose length fits in 32 bits.
    #[inline]
    fn span(&self, piece: &'a str) -> Span {
        let start = piece.as_ptr() as usize - self.document.source.text.as_ptr() as usize;
        Span { start: start as u32, end: (start + piece.len()) as u32 }
    }

    pub(crate) fn push<E: de::Error>(&mut self, item: Item<'a>) -> Result<(), E> {
        self.charge(ITEM_BYTES)?;
        self.document.items.push(item);
        Ok(())
    }
}

/// serde's words, and clearer ones for what serializers of other languages write as numbers.
fn explain(error: &serde_json::Error, text: &str) -> String {
    const WORDS: [&[u8]; 4] = [b"-Infinity", b"Infinity", b"NaN", b"undefined"];
    let (line, column) = (error.line(), error.column());
    let bytes = text.split('\n').nth(line.saturating_sub(1)).map(str::as_bytes);
    // The error stands at the word or just behind its first byte.
    let near = (column.saturating_sub(3)..column).rev();
    let found = WORDS.into_iter().find(|word| {
        let stands_at = |at: usize| bytes.and_then(|bytes| bytes.get(at..));
        near.clone().any(|at| stands_at(at).is_some_and(|rest| rest.starts_with(word)))
    });
    match found {
        Some(word) => {
            let word = String::from_utf8_lossy(word);
            format!("{word} is not JSON at line {line} column {column}")
        }
        None => error.to_string(),
    }
}

/// The whole payload.
struct Root<'x, 'p, 'm, 'a>(&'x mut Parser<'p, 'm, 'a>);

impl<'de> DeserializeSeed<'de> for Root<'_, '_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Root<'_, '_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array or object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let level = 2;
        while let Some(()) = items.next_element_seed(Listed(self.0, level))? {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let item = read_item(self.0, map, 1)?;
        if self.0.is_batch {
            // The extras of its items lie among the envelope's own.
            let of_items: usize = self.0.document.items.iter().map(|i| i.extras.len()).sum();
            let ignored = item.extras.len() - of_items;
            self.0.notes.take_many(Note::IgnoredEnvelopeMember, ignored);
            self.0.document.envelope = Some(item);
            return Ok(());
        }
        self.0.push(item)
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Err(self.0.fail(Error::unparsable(NO_SHAPE)))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        self.visit_unit()
    }
}

/// One of several items, at this level of nesting.
struct Listed<'x, 'p, 'm, 'a>(&'x mut Parser<'p, 'm, 'a>, usize);

impl<'de> DeserializeSeed<'de> for Listed<'_, '_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Listed<'_, '_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let item = read_item(self.0, map, self.1)?;
        self.0.push(item)
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.0.notes.take(Note::NullItem);
        Ok(())
    }
}

/// The value of `batch`: items, or nothing.
struct Batch<'x, 'p, 'm, 'a>(&'x mut Parser<'p, 'm, 'a>);

impl<'de> DeserializeSeed<'de> for Batch<'_, '_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Batch<'_, '_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("batch to be an array")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.0.is_batch = true;
        let level = 3;
        while let Some(()) = items.next_element_seed(Listed(self.0, level))? {}
        Ok(())
    }
}

/// The value of `properties`: an object, or nothing.
struct Properties<'x, 'p, 'm, 'a>(&'x mut Parser<'p, 'm, 'a>, usize);

impl<'de> DeserializeSeed<'de> for Properties<'_, '_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Properties<'_, '_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("properties to be an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(parser, level) = self;
        while let Some(key) = map.next_key::<&RawValue>()? {
            let member = parser.member(key, map.next_value()?, level)?;
            parser.document.members.push(member);
        }
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    /// PHP writes an empty object as an empty array.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        match items.next_element::<IgnoredAny>()? {
            None => Ok(()),
            Some(_) => Err(de::Error::custom("properties must be an object")),
        }
    }
}

/// Reads an item that stands at this level of nesting.
fn read_item<'de, A: MapAccess<'de>>(
    parser: &mut Parser<'_, '_, 'de>,
    mut map: A,
    level: usize,
) -> Result<Item<'de>, A::Error> {
    let mut item = Item::default();
    let extras = parser.document.extras.len() as u32;
    while let Some(key) = map.next_key::<&RawValue>()? {
        let name = json::string(key.get()).unwrap_or_default();
        match name.as_ref() {
            "properties" => {
                let start = parser.document.members.len() as u32;
                map.next_value_seed(Properties(parser, level + 1))?;
                item.properties = start..parser.document.members.len() as u32;
            }
            "batch" if level == 1 => map.next_value_seed(Batch(parser))?,
            name => {
                let value: &RawValue = map.next_value()?;
                let member = parser.member(key, value, level)?;
                place(parser, &mut item, name, member);
            }
        }
    }
    item.extras = extras..parser.document.extras.len() as u32;
    Ok(item)
}

/// Puts a member where it belongs; of several spellings of one the first that is not empty counts.
fn place<'a>(parser: &mut Parser<'_, '_, 'a>, item: &mut Item<'a>, name: &str, member: Member) {
    let raw = parser.document.source.get(member.value);
    match item.place(name, raw) {
        Some(_) if raw == "null" => {}
        Some(place @ None) => *place = Some(raw),
        Some(place) if place.is_some_and(json::is_empty) => *place = Some(raw),
        Some(_) => {}
        None if json::is_empty(raw) => {}
        None => parser.document.extras.push(member),
    }
}
