//! Rows as bytes.

mod encoder;
mod json_column;

use std::str::FromStr;

pub(crate) use self::encoder::Encoder;
pub(crate) use self::json_column::{plain, plain_schema};

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Columns in a box, for people.
    #[default]
    Table,
    /// With a header line.
    Csv,
    /// One array of objects; NULLs are there as `null`.
    Json,
    /// One object a line, likewise.
    Ndjson,
    /// Arrow's stream of record batches, with their schema in front.
    Arrow,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "table" => Ok(Self::Table),
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            "ndjson" => Ok(Self::Ndjson),
            "arrow" => Ok(Self::Arrow),
            other => Err(format!("{other} is none of table, csv, json, ndjson, arrow")),
        }
    }
}

impl Format {
    /// The media type of the bytes.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Table => "text/plain; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }
}
