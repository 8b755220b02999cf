//! The tables that the journal's rows go to. One file each: its columns, in order.

mod erasures;
mod events;
mod group_types;
mod groups;
mod heatmaps;
mod otel;
mod person_distinct_ids;
mod person_overrides;
mod persons;
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
    /// Persons, each as it is after a change.
    Persons = 4,
    /// Distinct ids, and whose each is.
    PersonDistinctIds = 5,
    /// Persons that became another's.
    PersonOverrides = 6,
    /// Groups, each as it is after a change.
    Groups = 7,
    /// Names of the types of groups.
    GroupTypes = 8,
    /// That something was erased.
    Erasures = 9,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 10] = [
        Self::Events,
        Self::Heatmaps,
        Self::Quarantine,
        Self::Otel,
        Self::Persons,
        Self::PersonDistinctIds,
        Self::PersonOverrides,
        Self::Groups,
        Self::GroupTypes,
        Self::Erasures,
    ];

    /// Its name in the lake.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Heatmaps => "heatmaps",
            Self::Quarantine => "quarantine",
            Self::Otel => "otel",
            Self::Persons => "persons",
            Self::PersonDistinctIds => "person_distinct_ids",
            Self::PersonOverrides => "person_overrides",
            Self::Groups => "groups",
            Self::GroupTypes => "group_types",
            Self::Erasures => "erasures",
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
            Self::Persons => "Persons, whole.",
            Self::PersonDistinctIds => "Whose each distinct id is.",
            Self::PersonOverrides => {
                "Which rows of `events` belong to another person than the one they were written with."
            }
            Self::Groups => "Groups, whole.",
            Self::GroupTypes => "What the project calls its types of groups.",
            Self::Erasures => "That a person was deleted or made anonymous, and when; not who.",
        }
    }

    /// Its columns, in order.
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Events => events::COLUMNS,
            Self::Heatmaps => heatmaps::COLUMNS,
            Self::Quarantine => quarantine::COLUMNS,
            Self::Otel => otel::COLUMNS,
            Self::Persons => persons::COLUMNS,
            Self::PersonDistinctIds => person_distinct_ids::COLUMNS,
            Self::PersonOverrides => person_overrides::COLUMNS,
            Self::Groups => groups::COLUMNS,
            Self::GroupTypes => group_types::COLUMNS,
            Self::Erasures => erasures::COLUMNS,
        }
    }

    /// The columns that its files are sorted by, at most four.
    ///
    /// In a table that [keeps the latest](Self::keeps_latest) all but the last are the key, and of
    /// the last the highest counts.
    pub const fn sorted_by(self) -> &'static [&'static str] {
        match self {
            Self::Events | Self::Heatmaps | Self::Quarantine => &["token", "event", "timestamp"],
            Self::Otel => &["token", "signal", "received_at"],
            Self::Persons => &["team_id", "id", "version"],
            Self::PersonDistinctIds => &["team_id", "distinct_id", "version"],
            Self::PersonOverrides => &["team_id", "old_person_id", "version"],
            Self::Groups => &["team_id", "group_type_index", "group_key", "version"],
            Self::GroupTypes => &["team_id", "group_type_index", "changed_at"],
            Self::Erasures => &["team_id", "requested_at"],
        }
    }

    /// The time of its rows: that by whose days the files of events lie.
    pub const fn time(self) -> &'static str {
        match self {
            Self::Events | Self::Heatmaps | Self::Quarantine => "timestamp",
            Self::Otel => "received_at",
            Self::Erasures => "requested_at",
            _ => "changed_at",
        }
    }

    /// Whether a row takes the place of those before it that have its key.
    pub const fn keeps_latest(self) -> bool {
        matches!(
            self,
            Self::Persons
                | Self::PersonDistinctIds
                | Self::PersonOverrides
                | Self::Groups
                | Self::GroupTypes
        )
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
            let kind = |name: &str| {
                let column = table.columns().iter().find(|column| column.name == name).unwrap();
                assert!(column.required, "{table:?}.{name}");
                column.kind
            };
            let kinds: Vec<_> = table.sorted_by().iter().map(|name| kind(name)).collect();
            assert!(kinds.len() <= 4, "{table:?}");
            assert!(!kinds.contains(&Kind::Json), "{table:?}");
            assert_ne!(kinds.last(), Some(&Kind::Text), "{table:?}");
            assert_eq!(kind(table.time()), Kind::Timestamp);
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
