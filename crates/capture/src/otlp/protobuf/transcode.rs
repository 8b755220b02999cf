//! Messages become JSON objects.
//!
//! A message is gone through once to see which fields it has, and once for each of these, so that
//! a list is whole however its items were spread. Nothing is kept but the text.

use std::fmt::Display;

use event::limits::JSON_DEPTH;

use super::schema::{Field, Kind, Message, Place};
use super::{Fields, Wire};
use crate::otlp::output::Output;
use crate::{Error, Note, Notes};

/// Writes messages as JSON.
pub(in crate::otlp) struct Transcoder<'t, 'b, 'm> {
    output: &'t mut Output<'b, 'm>,
    notes: &'t mut Notes,
    /// How many objects and lists are open.
    depth: usize,
}

impl<'t, 'b, 'm> Transcoder<'t, 'b, 'm> {
    pub(in crate::otlp) fn new(output: &'t mut Output<'b, 'm>, notes: &'t mut Notes) -> Self {
        Self { output, notes, depth: 0 }
    }

    /// Writes a message as an object.
    pub(in crate::otlp) fn message(
        &mut self,
        schema: &Message,
        message: &[u8],
    ) -> Result<(), Error> {
        let present = present(schema, message)?;
        self.open("{")?;
        let mut separator = "\"";
        for (index, field) in schema.fields.iter().enumerate() {
            if present & 1 << index != 0 {
                self.output.push(separator)?;
                self.output.push(field.name)?;
                self.output.push("\":")?;
                self.field(field, message)?;
                separator = ",\"";
            }
        }
        self.close("}")
    }

    /// Writes what a message has of a field: a list, or the last value.
    fn field(&mut self, field: &Field, message: &[u8]) -> Result<(), Error> {
        let mut last = None;
        if field.place == Place::Many {
            self.open("[")?;
        }
        let mut is_first = true;
        for other in Fields::of(message) {
            let (number, wire) = other?;
            match field.place {
                _ if number != field.number => {}
                Place::Many => self.items(field, wire, &mut is_first)?,
                Place::One | Place::Choice => last = Some(wire),
            }
        }
        match last {
            Some(wire) => self.value(field, wire),
            None => self.close("]"),
        }
    }

    /// Writes an item of a list, or several: numbers come packed.
    fn items(&mut self, field: &Field, wire: Wire<'_>, is_first: &mut bool) -> Result<(), Error> {
        let mut packed = match (wire, packing(field.kind)) {
            (Wire::Bytes(bytes), Some(packing)) => Packed { rest: Fields::of(bytes), packing },
            _ => return self.item(field, wire, is_first),
        };
        while !packed.rest.is_at_end() {
            let wire = packed.next().ok_or_else(|| mistyped(field))?;
            self.item(field, wire, is_first)?;
        }
        Ok(())
    }

    fn item(&mut self, field: &Field, wire: Wire<'_>, is_first: &mut bool) -> Result<(), Error> {
        if !std::mem::take(is_first) {
            self.output.push(",")?;
        }
        self.value(field, wire)
    }

    fn value(&mut self, field: &Field, wire: Wire<'_>) -> Result<(), Error> {
        match (field.kind, wire) {
            (Kind::Message(schema), Wire::Bytes(message)) => self.message(schema, message),
            (Kind::Text, Wire::Bytes(bytes)) => self.text(bytes),
            (Kind::Id, Wire::Bytes(bytes)) => self.output.hex(bytes),
            (Kind::Bytes, Wire::Bytes(bytes)) => self.output.base64(bytes),
            (Kind::Bool, Wire::Varint(0)) => self.output.push("false"),
            (Kind::Bool, Wire::Varint(_)) => self.output.push("true"),
            // Longer numbers are cut to their lower half, by the rules of protobuf.
            (Kind::Int32, Wire::Varint(number)) => self.number(number as i32),
            (Kind::Uint32, Wire::Varint(number)) => self.number(number as u32),
            (Kind::Sint32, Wire::Varint(number)) => self.number(unfolded(number as u32)),
            (Kind::Fixed32, Wire::Fixed32(number)) => self.number(number),
            (Kind::Int64, Wire::Varint(number)) => self.quoted(number as i64),
            (Kind::Uint64, Wire::Varint(number)) => self.quoted(number),
            (Kind::Fixed64, Wire::Fixed64(number)) => self.quoted(number),
            (Kind::Sfixed64, Wire::Fixed64(number)) => self.quoted(number as i64),
            (Kind::Double, Wire::Fixed64(bits)) => self.double(f64::from_bits(bits)),
            _ => Err(mistyped(field)),
        }
    }

    /// A text should be UTF-8, and Go's libraries do not see to it; what is not becomes U+FFFD.
    fn text(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.output.push("\"")?;
        for chunk in bytes.utf8_chunks() {
            self.output.escaped(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                self.output.push("\u{fffd}")?;
                self.notes.take(Note::BrokenText);
            }
        }
        self.output.push("\"")
    }

    fn number(&mut self, number: impl Display) -> Result<(), Error> {
        self.output.push(&number.to_string())
    }

    fn quoted(&mut self, number: impl Display) -> Result<(), Error> {
        self.output.push(&format!("\"{number}\""))
    }

    fn double(&mut self, number: f64) -> Result<(), Error> {
        match number {
            _ if number.is_nan() => self.output.push("\"NaN\""),
            f64::INFINITY => self.output.push("\"Infinity\""),
            f64::NEG_INFINITY => self.output.push("\"-Infinity\""),
            _ => self.output.push(&serde_json::Value::from(number).to_string()),
        }
    }

    fn open(&mut self, bracket: &str) -> Result<(), Error> {
        self.depth += 1;
        match self.depth > JSON_DEPTH {
            true => Err(Error::unparsable(format!("JSON nests deeper than {JSON_DEPTH} levels"))),
            false => self.output.push(bracket),
        }
    }

    fn close(&mut self, bracket: &str) -> Result<(), Error> {
        self.depth -= 1;
        self.output.push(bracket)
    }
}

/// Which fields a message has, a bit each; of a choice only the one that was sent last.
///
/// A message sent in several parts would have to be merged. Nobody sends one so, and taking only a
/// part of it would lose the rest in silence.
fn present(schema: &Message, message: &[u8]) -> Result<u32, Error> {
    let mut present = 0u32;
    for other in Fields::of(message) {
        let (number, _) = other?;
        let Some(index) = schema.fields.iter().position(|field| field.number == number) else {
            continue;
        };
        let Some(field) = schema.fields.get(index) else {
            continue;
        };
        let is_repeated = present & 1 << index != 0;
        match (field.place, field.kind) {
            (Place::One | Place::Choice, Kind::Message(_)) if is_repeated => {
                let why = format!("invalid protobuf: `{}` is there twice", field.name);
                return Err(Error::unparsable(why));
            }
            (Place::Choice, _) => present &= !choices(schema),
            _ => {}
        }
        present |= 1 << index;
    }
    Ok(present)
}

/// The bits of a message's choice.
fn choices(schema: &Message) -> u32 {
    let indexed = schema.fields.iter().enumerate();
    let choices = indexed.filter(|(_, field)| field.place == Place::Choice);
    choices.fold(0, |bits, (index, _)| bits | 1 << index)
}

fn mistyped(field: &Field) -> Error {
    Error::unparsable(format!("invalid protobuf: `{}` is of another type", field.name))
}

/// A number whose sign is its lowest bit.
const fn unfolded(number: u32) -> i32 {
    (number >> 1) as i32 ^ -((number & 1) as i32)
}

/// How numbers of a kind are packed.
#[derive(Clone, Copy)]
enum Packing {
    Varint,
    Fixed64,
    Fixed32,
}

const fn packing(kind: Kind) -> Option<Packing> {
    match kind {
        Kind::Text | Kind::Bytes | Kind::Id | Kind::Message(_) => None,
        Kind::Fixed32 => Some(Packing::Fixed32),
        Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => Some(Packing::Fixed64),
        Kind::Bool | Kind::Int32 | Kind::Uint32 | Kind::Sint32 | Kind::Int64 | Kind::Uint64 => {
            Some(Packing::Varint)
        }
    }
}

struct Packed<'a> {
    rest: Fields<'a>,
    packing: Packing,
}

impl<'a> Packed<'a> {
    fn next(&mut self) -> Option<Wire<'a>> {
        match self.packing {
            Packing::Varint => self.rest.varint().map(Wire::Varint),
            Packing::Fixed64 => self.rest.fixed64().map(Wire::Fixed64),
            Packing::Fixed32 => self.rest.fixed32().map(Wire::Fixed32),
        }
    }
}
