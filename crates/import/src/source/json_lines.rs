//! A JSON object a line, as PostHog's batch exports write them.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::{MOST_ROW_BYTES, Row, Rows, inflate};
use crate::item::Reject;
use crate::progress::Bar;
use crate::record::{Cell, Record};

/// How many lines may be rubbish before the first that is an object.
const LINES_LOOKED_AT: usize = 100;

/// The members of the first object; `None` where there is no line.
pub(super) fn columns(path: &Path) -> anyhow::Result<Option<Vec<String>>> {
    let mut lines = Lines(inflate::open(path, None)?);
    let mut is_empty = true;
    for _ in 0..LINES_LOOKED_AT {
        let Some(line) = lines.next()? else { break };
        is_empty = false;
        if let Ok(record) = parsed(line) {
            return Ok(Some(record.0.into_iter().map(|(name, _)| name).collect()));
        }
    }
    match is_empty {
        true => Ok(None),
        false => anyhow::bail!("none of its first lines is a JSON object"),
    }
}

/// Its lines from one on.
pub(super) fn rows(path: &Path, from: u64, bar: &Arc<Bar>) -> anyhow::Result<Rows> {
    let mut lines = Lines(inflate::open(path, Some(bar))?);
    for _ in 0..from {
        if lines.next()?.is_none() {
            break;
        }
    }
    let mut is_over = false;
    Ok(Box::new(std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let line = lines.next();
        is_over = !matches!(line, Ok(Some(_)));
        line.map(|line| line.map(parsed)).transpose()
    })))
}

struct Lines(Box<dyn BufRead>);

/// A line, or as much of one as is too long.
enum Line {
    Whole(Vec<u8>),
    TooLong(Vec<u8>),
}

impl Lines {
    /// The next line that has something in it.
    fn next(&mut self) -> anyhow::Result<Option<Line>> {
        loop {
            let mut line = Vec::new();
            let read = self.0.by_ref().take(MOST_ROW_BYTES).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(None);
            }
            if read as u64 == MOST_ROW_BYTES && line.last() != Some(&b'\n') {
                self.skip_line()?;
                line.truncate(1_000);
                return Ok(Some(Line::TooLong(line)));
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some(Line::Whole(line)));
            }
        }
    }

    fn skip_line(&mut self) -> std::io::Result<()> {
        loop {
            let buffer = self.0.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let (amount, is_over) = (end.map_or(buffer.len(), |end| end + 1), buffer.is_empty());
            self.0.consume(amount);
            if end.is_some() || is_over {
                return Ok(());
            }
        }
    }
}

fn parsed(line: Line) -> Row {
    let line = match line {
        Line::Whole(line) => line,
        Line::TooLong(line) => {
            let text = String::from_utf8_lossy(&line).into_owned();
            return Err((Reject::new("too_large", "a line of more than 32 MiB"), text));
        }
    };
    match serde_json::from_slice::<BTreeMap<String, &RawValue>>(&line) {
        Ok(members) => {
            let members = members.into_iter().filter(|(_, raw)| raw.get() != "null");
            Ok(Record(
                members.map(|(name, raw)| (name, Cell::Json(raw.get().to_owned()))).collect(),
            ))
        }
        Err(error) => {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            Err((Reject::new("not_json", error.to_string()), text))
        }
    }
}
