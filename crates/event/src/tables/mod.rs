//! The tables that the journal's rows go to. One file each: its columns, in order.

mod events;
mod heatmaps;
mod otel;
mod quarantine;
mod shared;

pub use events::COLUMNS;

use crate::{Column, Row};

/// The table that a row belongs to.
///
/// The numbers are part of the journal's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Table {
    /// Events, as PostHog's table of that name holds them.
    Events = 0,
    /// `$$heatmap` events, which PostHog keeps apart too.
    Heatmaps = 1,
    /// Events that were accepted and are not counted, each with its reason.
    Quarantine = 2,
    /// OpenTelemetry logs, traces and metrics, raw.
    Otel = 3,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 4] = [Self::Events, Self::Heatmaps, Self::Quarantine, Self::Otel];

    /// Its name in the lake.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Heatmaps => "heatmaps",
            Self::Quarantine => "quarantine",
            Self::Otel => "otel",
        }
    }

    /// What it holds, in a sentence.
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Events => "What PostHog's table of that name holds: one row an event.",
            Self::Heatmaps => "`$$heatmap` events of posthog-js, which PostHog keeps apart too.",
            Self::Quarantine => {
                "Events that were accepted and are not in `events`, each with its reason."
            }
            Self::Otel => "OpenTelemetry logs, traces and metrics, one row a resource, raw.",
        }
    }

    /// Its columns, in order.
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Events => events::COLUMNS,
            Self::Heatmaps => heatmaps::COLUMNS,
            Self::Quarantine => quarantine::COLUMNS,
            Self::Otel => otel::COLUMNS,
        }
    }

    /// The columns that its files are sorted by: text, text, and the time that it is partitioned by.
    pub const fn sorted_by(self) -> [&'static str; 3] {
        match self {
            Self::Otel => ["token", "signal", "received_at"],
            _ => ["token", "event", "timestamp"],
        }
    }

    /// Whether it has columns that copy properties, for which [`Promoted`](crate::Promoted) is made.
    pub const fn has_promoted(self) -> bool {
        matches!(self, Self::Events | Self::Heatmaps)
    }
}

impl Row {
    /// The table that it belongs to; one that this version does not know counts as quarantined.
    pub fn table(&self) -> Table {
        Table::try_from(self.table_number).unwrap_or(Table::Quarantine)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use uuid::Uuid;

    use super::*;
    use crate::{Kind, Promoted, StoredRow};

    #[test]
    fn ids_and_names_are_unique_within_a_table() {
        for table in Table::ALL {
            let columns = table.columns();
            let ids: HashSet<_> = columns.iter().map(|column| column.id).collect();
            let names: HashSet<_> = columns.iter().map(|column| column.name).collect();
            assert_eq!((ids.len(), names.len()), (columns.len(), columns.len()), "{table:?}");
        }
    }

    #[test]
    fn files_are_sorted_by_required_columns() {
        for table in Table::ALL {
            let kinds = table.sorted_by().map(|name| {
                let column = table.columns().iter().find(|column| column.name == name).unwrap();
                assert!(column.required, "{table:?}.{name}");
                column.kind
            });
            assert_eq!(kinds, [Kind::Text, Kind::Text, Kind::Timestamp]);
        }
    }

    #[test]
    fn only_tables_that_say_so_copy_properties() {
        let row = Row {
            properties: r#"{"$current_url":"https://a.b/","$viewport_width":900,"$os":"iOS"}"#
                .into(),
            ..Row::default()
        };
        let values = |table: Table, promoted: &Promoted<'_>| -> Vec<String> {
            let stored =
                StoredRow { row: &row, promoted, journal_id: Uuid::nil(), journal_offset: 0 };
            let value = |column: &Column| format!("{:?}", (column.value)(stored));
            table.columns().iter().map(value).collect()
        };
        for table in Table::ALL {
            let (with, without) = (Promoted::of(&row.properties), Promoted::default());
            let differ = values(table, &with) != values(table, &without);
            assert_eq!(differ, table.has_promoted(), "{table:?}");
        }
    }

    #[test]
    fn a_row_of_a_table_to_come_is_quarantined() {
        let row = Row { table_number: 99, ..Row::default() };
        assert_eq!(row.table(), Table::Quarantine);
        assert_eq!(Row::default().table(), Table::Events);
    }
}
