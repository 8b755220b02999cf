//! A parsed payload: its items, and where their members stand in the text.
//!
//! Values stay text: an [`Item`] borrows the few members that mean something, and `properties` are
//! remembered as [`Member`] spans, so that they can be stored byte for byte without being parsed
//! again.

use std::borrow::Cow;
use std::ops::Range;

use crate::json;
use crate::shape::Role;

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// A member of an object: its quoted key, and its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) key: Span,
    pub(crate) value: Span,
}

/// The text that spans refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    /// Whether any backslash is in it; most payloads have none, and then keys are as they look.
    has_escapes: bool,
}

impl<'a> Source<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let has_escapes = memchr::memchr(b'\\', text.as_bytes()).is_some();
        Self { text, has_escapes }
    }

    #[inline]
    pub(crate) fn get(self, span: Span) -> &'a str {
        let range = span.start as usize..span.end as usize;
        self.text.get(range).unwrap_or_default()
    }

    /// The name of a member.
    #[inline]
    pub(crate) fn name(self, member: &Member) -> Cow<'a, str> {
        if self.has_escapes {
            return json::string(self.get(member.key)).unwrap_or_default();
        }
        let Span { start, end } = member.key;
        let unquoted = start as usize + 1..end as usize - 1;
        Cow::Borrowed(self.text.get(unquoted).unwrap_or_default())
    }
}

/// The raw members of an item that mean something; none of them is `null`.
#[derive(Debug, Default)]
pub(crate) struct Item<'a> {
    pub(crate) role: Role,
    pub(crate) event: Option<&'a str>,
    pub(crate) kind: Option<&'a str>,
    pub(crate) token: Option<&'a str>,
    pub(crate) distinct_id: Option<&'a str>,
    pub(crate) uuid: Option<&'a str>,
    pub(crate) timestamp: Option<&'a str>,
    pub(crate) offset: Option<&'a str>,
    pub(crate) sent_at: Option<&'a str>,
    pub(crate) set: Option<&'a str>,
    pub(crate) set_once: Option<&'a str>,
    pub(crate) unset: Option<&'a str>,
    pub(crate) group_set: Option<&'a str>,
    pub(crate) context: Option<&'a str>,
    pub(crate) alias: Option<&'a str>,
    pub(crate) group_type: Option<&'a str>,
    pub(crate) group_key: Option<&'a str>,
    pub(crate) historical_migration: Option<&'a str>,
    /// Its properties, in [`Document::members`].
    pub(crate) properties: Range<u32>,
    /// Its other members, in [`Document::extras`].
    pub(crate) extras: Range<u32>,
}

impl<'a> Item<'a> {
    /// The place of a member by its name, if it has one and the value is of its kind.
    pub(crate) fn place(&mut self, name: &str, raw: &str) -> Option<&mut Option<&'a str>> {
        let (is_string, is_object) = (raw.starts_with('"'), json::is_object(raw));
        Some(match name {
            "event" => &mut self.event,
            "type" if is_string => &mut self.kind,
            "token" | "$token" | "api_key" if is_string => &mut self.token,
            "distinct_id" | "$distinct_id" => &mut self.distinct_id,
            "uuid" if is_string => &mut self.uuid,
            "timestamp" => &mut self.timestamp,
            "offset" => &mut self.offset,
            "sent_at" | "sentAt" => &mut self.sent_at,
            "$set" if is_object => &mut self.set,
            "$set_once" if is_object => &mut self.set_once,
            "$unset" => &mut self.unset,
            "$group_set" if is_object => &mut self.group_set,
            "context" => &mut self.context,
            "alias" => &mut self.alias,
            "group_type" => &mut self.group_type,
            "group_key" => &mut self.group_key,
            "historical_migration" => &mut self.historical_migration,
            _ => return None,
        })
    }
}

/// What a payload holds.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    pub(crate) source: Source<'a>,
    /// The items, in order.
    pub(crate) items: Vec<Item<'a>>,
    /// What stands beside `batch`.
    pub(crate) envelope: Option<Item<'a>>,
    /// The properties of all items.
    pub(crate) members: Vec<Member>,
    /// The unknown members of all items.
    pub(crate) extras: Vec<Member>,
}

impl<'a> Document<'a> {
    /// The members of an item's `properties`.
    pub(crate) fn properties(&self, item: &Item<'_>) -> &[Member] {
        slice(&self.members, &item.properties)
    }

    /// An item's members that have no place of their own.
    pub(crate) fn extras(&self, item: &Item<'_>) -> &[Member] {
        slice(&self.extras, &item.extras)
    }

    /// The raw value of an item's property; of a repeated key the last counts.
    pub(crate) fn property(&self, item: &Item<'_>, name: &str) -> Option<&'a str> {
        let found = self.properties(item).iter().rev();
        found
            .into_iter()
            .find(|member| self.source.name(member) == name)
            .map(|member| self.source.get(member.value))
    }
}

fn slice<'m>(members: &'m [Member], range: &Range<u32>) -> &'m [Member] {
    members.get(range.start as usize..range.end as usize).unwrap_or_default()
}
