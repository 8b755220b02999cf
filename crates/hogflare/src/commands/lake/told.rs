//! What was found out about a lake, for people.

use std::fmt::Write;

use lake::{Compacted, Expired, Stats, TableStats, Verified};

/// A line a table, and what lies beside them.
pub(super) fn stats(stats: &Stats) -> String {
    let head = [
        "table",
        "rows",
        "in tail",
        "files",
        "small",
        "size",
        "B/row",
        "days",
        "oldest",
        "newest",
        "snapshots",
        "metadata",
        "replaced",
    ];
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(stats.tables.iter().map(table));
    let mut text = aligned(&lines);
    let mut line = |name: &str, rest: String| writeln!(text, "{name:<12} {rest}").ok();
    line("tail", size(stats.tail_bytes));
    line("orphans", format!("{} in {} files", size(stats.orphan_bytes), stats.orphan_files));
    text
}

fn table(table: &TableStats) -> [String; 13] {
    let day = |time: &Option<String>| {
        let day = time.as_deref().and_then(|time| time.split('T').next());
        day.unwrap_or("–").to_owned()
    };
    [
        table.table.clone(),
        table.rows.to_string(),
        table.tail_rows.to_string(),
        table.files.to_string(),
        table.small_files.to_string(),
        size(table.bytes),
        table.bytes_per_row.map_or("–".to_owned(), |bytes| format!("{bytes:.1}")),
        table.days.to_string(),
        day(&table.oldest),
        day(&table.newest),
        table.snapshots.to_string(),
        size(table.metadata_bytes),
        size(table.replaced_bytes),
    ]
}

/// Columns under each other, the first to the left, numbers to the right.
fn aligned<const COLUMNS: usize>(lines: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<usize> = (0..COLUMNS).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for line in lines {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            // Writing to a string does not fail.
            match column {
                0 => write!(text, "{cell:<width$}").ok(),
                _ => write!(text, "  {cell:>width$}").ok(),
            };
        }
        text.push('\n');
    }
    text
}

/// What is wrong, a line each, and what was looked at.
pub(super) fn verified(verified: &Verified) -> String {
    let mut text = String::new();
    for problem in &verified.problems {
        let place = problem.file.as_ref().or(problem.table.as_ref());
        let place = place.map_or(String::new(), |place| format!("{place}: "));
        writeln!(text, "  BAD   {place}{}", problem.what).ok();
    }
    let sum = |of: fn(&lake::VerifiedTable) -> u64| verified.tables.iter().map(of).sum::<u64>();
    let (files, rows) = (sum(|table| table.files), sum(|table| table.rows));
    let (snapshots, manifests) = (sum(|table| table.snapshots), sum(|table| table.manifests));
    let found = match verified.problems.len() {
        0 => "all is well".to_owned(),
        1 => "1 problem".to_owned(),
        problems => format!("{problems} problems"),
    };
    writeln!(
        text,
        "{found}: {files} files with {rows} rows, {snapshots} snapshots with {manifests} manifests, \
         {} tables",
        verified.tables.len()
    )
    .ok();
    text
}

/// What merging did.
pub(super) fn compacted(compacted: &Compacted) -> String {
    let &Compacted { files_in, files_out, bytes_in, bytes_out } = compacted;
    match files_in {
        0 => "there was nothing to merge\n".to_owned(),
        _ => format!(
            "{files_in} files ({}) became {files_out} ({})\n",
            size(bytes_in),
            size(bytes_out)
        ),
    }
}

/// What an expiry did.
pub(super) fn expired(expired: &Expired) -> String {
    let Expired { snapshots, files, bytes } = expired;
    format!("{snapshots} snapshots let go of, {files} files ({}) deleted\n", size(*bytes))
}

/// `1.5 MiB`.
fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64;
    let mut unit = "B";
    for larger in units {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    match unit {
        "B" => format!("{bytes} B"),
        unit => format!("{size:.1} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use lake::{Problem, VerifiedTable};

    use super::*;

    #[test]
    fn sizes_are_told_in_the_largest_unit_that_fits() {
        let told = [0, 1_023, 1_024, 1_572_864, 5 << 40].map(size);
        assert_eq!(told, ["0 B", "1023 B", "1.0 KiB", "1.5 MiB", "5.0 TiB"]);
    }

    #[test]
    fn a_problem_names_its_file() {
        let tables = vec![VerifiedTable {
            table: "events".into(),
            files: 3,
            rows: 40,
            snapshots: 1,
            manifests: 2,
        }];
        let problem = Problem {
            table: Some("events".into()),
            file: Some("data/events/a.parquet".into()),
            what: "it is gone".into(),
        };
        let sound = Verified { tables: tables.clone(), problems: Vec::new() };
        assert!(verified(&sound).starts_with("all is well: 3 files with 40 rows"));
        let told = verified(&Verified { tables, problems: vec![problem] });
        assert!(
            told.starts_with("  BAD   data/events/a.parquet: it is gone\n1 problem: "),
            "{told}"
        );
    }

    #[test]
    fn columns_stand_under_each_other() {
        let lines = [["a", "10"], ["long", "2"]].map(|line| line.map(str::to_owned));
        assert_eq!(aligned(&lines), "a     10\nlong   2\n");
    }
}
