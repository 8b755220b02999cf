//! Columns that came later than a file.
//!
//! A version of this program may copy more properties to columns than the one before. Files that were
//! written before do not have these columns, and no file is written anew for them. In Iceberg's words
//! such a column is optional and has a field id of its own, so others read NULL. Here it is made of the
//! properties that the file has, by the same rule that writes it, when rows are queried, and for good
//! when a merge writes them anew.

use arrow::array::{Array, ArrayRef, StringArray};
use event::{Promoted, Row, StoredRow, Value};
use uuid::Uuid;

use crate::Table;
use crate::batch::Builder;
use crate::table::Column;

/// A column that follows from the properties of a row.
#[derive(Clone, Copy, Debug)]
pub struct LaterColumn {
    column: &'static Column,
}

impl LaterColumn {
    /// The column that it is made of.
    pub const SOURCE: &'static str = "properties";

    /// The column of that name, if it can be made of properties.
    pub fn of(table: &'static Table, name: &str) -> Option<Self> {
        let column = table.columns().iter().find(|column| column.name == name)?;
        let is_made = table.rows().has_promoted() && !column.required;
        // What is there without any property is made of something else.
        (is_made && value_of(column, &Promoted::default()) == Value::Null)
            .then_some(Self { column })
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.column.name
    }

    /// What it would be in rows with these properties.
    pub fn of_properties(self, properties: &StringArray) -> ArrayRef {
        let mut values = Builder::new(self.column.kind, properties.len());
        for properties in properties {
            let promoted = properties.map(Promoted::of).unwrap_or_default();
            values.append(value_of(self.column, &promoted));
        }
        values.finish()
    }
}

fn value_of<'a>(column: &Column, promoted: &'a Promoted<'a>) -> Value<'a> {
    static NO_ROW: std::sync::LazyLock<Row> = std::sync::LazyLock::new(Row::default);
    (column.value)(StoredRow { row: &NO_ROW, promoted, journal_id: Uuid::nil(), journal_offset: 0 })
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::{DataType, Int64Type};

    use super::*;

    fn of(name: &str) -> Option<LaterColumn> {
        LaterColumn::of(Table::of(event::Table::Events), name)
    }

    #[test]
    fn copies_of_properties_are_made_by_the_rule_that_writes_them() {
        let properties = StringArray::from(vec![
            Some(r#"{"$browser":"Chrome","$screen_width":"1280"}"#),
            Some(r#"{"$browser":{},"$screen_width":800.5}"#),
            None,
        ]);
        let browsers = of("browser").unwrap().of_properties(&properties);
        let browsers: Vec<_> = browsers.as_string::<i32>().iter().collect();
        assert_eq!(browsers, [Some("Chrome"), None, None]);
        let widths = of("screen_width").unwrap().of_properties(&properties);
        assert_eq!(widths.data_type(), &DataType::Int64);
        let widths: Vec<_> = widths.as_primitive::<Int64Type>().iter().collect();
        assert_eq!(widths, [Some(1_280), Some(800), None]);
    }

    #[test]
    fn what_follows_from_something_else_is_not_made() {
        for name in ["uuid", "token", "properties", "no such column"] {
            assert!(of(name).is_none(), "{name}");
        }
        assert!(LaterColumn::of(Table::of(event::Table::Persons), "last_seen_at").is_none());
    }
}
