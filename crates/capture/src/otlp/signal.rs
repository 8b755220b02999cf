//! The three signals, and what their members are called.

/// What a request brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Log records.
    Logs,
    /// Spans.
    Traces,
    /// Data points.
    Metrics,
}

impl Signal {
    /// Its name in paths, and in the table of raw signals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Traces => "traces",
            Self::Metrics => "metrics",
        }
    }

    /// The only member of a request: a list with one entry for each resource.
    pub(super) const fn resources(self) -> &'static str {
        match self {
            Self::Logs => "resourceLogs",
            Self::Traces => "resourceSpans",
            Self::Metrics => "resourceMetrics",
        }
    }
}
