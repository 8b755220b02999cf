//! The server's `/metrics`, of which the bench believes a few.

/// A page of Prometheus text.
#[derive(Debug)]
pub(crate) struct Page(String);

impl Page {
    /// Wraps a page.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Rows that the journal of events has on disk.
    pub(crate) fn journal_rows(&self) -> u64 {
        self.count("hogflare_journal_written_rows_total", "journal=\"events\"")
    }

    /// Those of events; the others say what events changed of persons.
    pub(crate) fn event_rows(&self) -> u64 {
        self.journal_rows().saturating_sub(self.count("hogflare_person_changes_total", ""))
    }

    /// Bytes that it wrote for them.
    pub(crate) fn journal_bytes(&self) -> u64 {
        self.count("hogflare_journal_written_bytes_total", "journal=\"events\"")
    }

    /// Events that were taken for retries.
    pub(crate) fn duplicates(&self) -> u64 {
        self.count("hogflare_events_duplicate_total", "")
    }

    /// Rows that a sink keeps.
    pub(crate) fn sink_rows(&self, sink: &str) -> u64 {
        self.count("hogflare_sink_rows_total", &format!("sink=\"{sink}\""))
    }

    /// Times that a sink failed and tried again.
    pub(crate) fn sink_failures(&self, sink: &str) -> u64 {
        self.count("hogflare_sink_failures_total", &format!("sink=\"{sink}\""))
    }

    /// Requests that a pipeline took.
    pub(crate) fn pipeline_requests(&self) -> u64 {
        self.count("hogflare_pipeline_requests_total", "outcome=\"success\"")
    }

    /// Bytes of their bodies.
    pub(crate) fn pipeline_bytes(&self) -> u64 {
        self.count("hogflare_pipeline_bytes_total", "outcome=\"success\"")
    }

    /// Bytes of a row in the lake's files, where there are any.
    pub(crate) fn lake_bytes_per_row(&self) -> Option<f64> {
        let rows = self.value("hogflare_lake_rows", "").filter(|&rows| rows > 0.0)?;
        Some(self.value("hogflare_lake_file_bytes", "")? / rows)
    }

    fn count(&self, name: &str, label: &str) -> u64 {
        self.value(name, label).unwrap_or_default() as u64
    }

    /// The value of the first sample of this name with this label.
    fn value(&self, name: &str, label: &str) -> Option<f64> {
        self.0.lines().find_map(|line| {
            let rest = line.strip_prefix(name)?;
            let (labels, value) = rest.rsplit_once(' ')?;
            let is_it = labels.is_empty() || labels.starts_with('{');
            (is_it && labels.contains(label)).then(|| value.parse().ok())?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_found_by_name_and_label() {
        let page = Page::new(
            "# TYPE hogflare_journal_written_rows_total counter\n\
             hogflare_journal_written_rows_total{journal=\"recordings\"} 3\n\
             hogflare_journal_written_rows_total{journal=\"events\"} 1234567\n\
             hogflare_events_duplicate_total 2\n\
             hogflare_lake_rows 100\nhogflare_lake_file_bytes 4250\n",
        );
        assert_eq!(page.journal_rows(), 1_234_567);
        assert_eq!(page.duplicates(), 2);
        assert_eq!(page.sink_rows("lake"), 0);
        assert_eq!(page.lake_bytes_per_row(), Some(42.5));
    }
}
