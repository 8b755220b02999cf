//! The messages of OTLP 1, as far as they are sent to us: field numbers, names in JSON, and kinds.

use crate::otlp::Signal;

/// A message type.
pub(in crate::otlp) struct Message {
    pub(super) fields: &'static [Field],
}

/// A field of a message type.
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) place: Place,
}

/// How often a field may be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At most once.
    One,
    /// At most once, and in place of the others of its kind: each message has one such choice.
    Choice,
    /// Any number of times.
    Many,
}

/// What a field's value is on the wire, and in JSON.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    /// Base64 in JSON.
    Bytes,
    /// A trace or span id: hexadecimal in JSON.
    Id,
    Bool,
    /// Also enums.
    Int32,
    Uint32,
    /// 64 bits are a string in JSON, as JavaScript's numbers cannot hold them.
    Int64,
    Uint64,
    Sint32,
    Fixed32,
    Fixed64,
    Sfixed64,
    Double,
    Message(&'static Message),
}

/// A request's entry of spans, whole.
pub(in crate::otlp) const fn resource_spans() -> &'static Message {
    &RESOURCE_SPANS
}

/// The two halves of a request's entry: the resource, and what it has to tell.
pub(in crate::otlp) const fn entry(signal: Signal) -> (&'static Message, &'static Message) {
    let told = match signal {
        Signal::Logs => &TOLD_LOGS,
        Signal::Traces => &TOLD_SPANS,
        Signal::Metrics => &TOLD_METRICS,
    };
    (&RESOURCE, told)
}

use Kind::{
    Bool, Bytes, Double, Fixed32, Fixed64, Id, Int32, Int64, Sfixed64, Sint32, Text, Uint32, Uint64,
};

const fn field(number: u32, name: &'static str, kind: Kind, place: Place) -> Field {
    Field { number, name, kind, place }
}

const fn one(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, Place::One)
}

const fn choice(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, Place::Choice)
}

const fn many(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, Place::Many)
}

const fn attributes(number: u32) -> Field {
    many(number, "attributes", Kind::Message(&KEY_VALUE))
}

const fn dropped_attributes(number: u32) -> Field {
    one(number, "droppedAttributesCount", Uint32)
}

const fn nanos(number: u32, name: &'static str) -> Field {
    one(number, name, Fixed64)
}

const ENTRY_RESOURCE: Field = one(1, "resource", Kind::Message(&RESOURCE));
const ENTRY_LOGS: Field = many(2, "scopeLogs", Kind::Message(&SCOPE_LOGS));
const ENTRY_SPANS: Field = many(2, "scopeSpans", Kind::Message(&SCOPE_SPANS));
const ENTRY_METRICS: Field = many(2, "scopeMetrics", Kind::Message(&SCOPE_METRICS));
const SCHEMA_URL: Field = one(3, "schemaUrl", Text);
const SCOPE: Field = one(1, "scope", Kind::Message(&INSTRUMENTATION_SCOPE));

static RESOURCE_SPANS: Message = Message { fields: &[ENTRY_RESOURCE, ENTRY_SPANS, SCHEMA_URL] };
static TOLD_LOGS: Message = Message { fields: &[ENTRY_LOGS, SCHEMA_URL] };
static TOLD_SPANS: Message = Message { fields: &[ENTRY_SPANS, SCHEMA_URL] };
static TOLD_METRICS: Message = Message { fields: &[ENTRY_METRICS, SCHEMA_URL] };

static RESOURCE: Message = Message {
    fields: &[
        attributes(1),
        dropped_attributes(2),
        many(3, "entityRefs", Kind::Message(&ENTITY_REF)),
    ],
};

static ENTITY_REF: Message = Message {
    fields: &[
        one(1, "schemaUrl", Text),
        one(2, "type", Text),
        many(3, "idKeys", Text),
        many(4, "descriptionKeys", Text),
    ],
};

static INSTRUMENTATION_SCOPE: Message = Message {
    fields: &[one(1, "name", Text), one(2, "version", Text), attributes(3), dropped_attributes(4)],
};

static KEY_VALUE: Message = Message {
    fields: &[
        one(1, "key", Text),
        one(2, "value", Kind::Message(&ANY_VALUE)),
        one(3, "keyStrindex", Int32),
    ],
};

static ANY_VALUE: Message = Message {
    fields: &[
        choice(1, "stringValue", Text),
        choice(2, "boolValue", Bool),
        choice(3, "intValue", Int64),
        choice(4, "doubleValue", Double),
        choice(5, "arrayValue", Kind::Message(&ARRAY_VALUE)),
        choice(6, "kvlistValue", Kind::Message(&KEY_VALUE_LIST)),
        choice(7, "bytesValue", Bytes),
        choice(8, "stringValueStrindex", Int32),
    ],
};

static ARRAY_VALUE: Message = Message { fields: &[many(1, "values", Kind::Message(&ANY_VALUE))] };
static KEY_VALUE_LIST: Message =
    Message { fields: &[many(1, "values", Kind::Message(&KEY_VALUE))] };

static SCOPE_LOGS: Message =
    Message { fields: &[SCOPE, many(2, "logRecords", Kind::Message(&LOG_RECORD)), SCHEMA_URL] };

static LOG_RECORD: Message = Message {
    fields: &[
        nanos(1, "timeUnixNano"),
        nanos(11, "observedTimeUnixNano"),
        one(2, "severityNumber", Int32),
        one(3, "severityText", Text),
        one(5, "body", Kind::Message(&ANY_VALUE)),
        attributes(6),
        dropped_attributes(7),
        one(8, "flags", Fixed32),
        one(9, "traceId", Id),
        one(10, "spanId", Id),
        one(12, "eventName", Text),
    ],
};

static SCOPE_SPANS: Message =
    Message { fields: &[SCOPE, many(2, "spans", Kind::Message(&SPAN)), SCHEMA_URL] };

static SPAN: Message = Message {
    fields: &[
        one(1, "traceId", Id),
        one(2, "spanId", Id),
        one(3, "traceState", Text),
        one(4, "parentSpanId", Id),
        one(16, "flags", Fixed32),
        one(5, "name", Text),
        one(6, "kind", Int32),
        nanos(7, "startTimeUnixNano"),
        nanos(8, "endTimeUnixNano"),
        attributes(9),
        dropped_attributes(10),
        many(11, "events", Kind::Message(&SPAN_EVENT)),
        one(12, "droppedEventsCount", Uint32),
        many(13, "links", Kind::Message(&SPAN_LINK)),
        one(14, "droppedLinksCount", Uint32),
        one(15, "status", Kind::Message(&STATUS)),
    ],
};

static SPAN_EVENT: Message = Message {
    fields: &[nanos(1, "timeUnixNano"), one(2, "name", Text), attributes(3), dropped_attributes(4)],
};

static SPAN_LINK: Message = Message {
    fields: &[
        one(1, "traceId", Id),
        one(2, "spanId", Id),
        one(3, "traceState", Text),
        attributes(4),
        dropped_attributes(5),
        one(6, "flags", Fixed32),
    ],
};

static STATUS: Message = Message { fields: &[one(2, "message", Text), one(3, "code", Int32)] };

static SCOPE_METRICS: Message =
    Message { fields: &[SCOPE, many(2, "metrics", Kind::Message(&METRIC)), SCHEMA_URL] };

static METRIC: Message = Message {
    fields: &[
        one(1, "name", Text),
        one(2, "description", Text),
        one(3, "unit", Text),
        choice(5, "gauge", Kind::Message(&GAUGE)),
        choice(7, "sum", Kind::Message(&SUM)),
        choice(9, "histogram", Kind::Message(&HISTOGRAM)),
        choice(10, "exponentialHistogram", Kind::Message(&EXPONENTIAL_HISTOGRAM)),
        choice(11, "summary", Kind::Message(&SUMMARY)),
        many(12, "metadata", Kind::Message(&KEY_VALUE)),
    ],
};

const TEMPORALITY: Field = one(2, "aggregationTemporality", Int32);
const NUMBER_POINTS: Field = many(1, "dataPoints", Kind::Message(&NUMBER_DATA_POINT));

static GAUGE: Message = Message { fields: &[NUMBER_POINTS] };
static SUM: Message =
    Message { fields: &[NUMBER_POINTS, TEMPORALITY, one(3, "isMonotonic", Bool)] };
static HISTOGRAM: Message =
    Message { fields: &[many(1, "dataPoints", Kind::Message(&HISTOGRAM_DATA_POINT)), TEMPORALITY] };
static EXPONENTIAL_HISTOGRAM: Message = Message {
    fields: &[many(1, "dataPoints", Kind::Message(&EXPONENTIAL_HISTOGRAM_DATA_POINT)), TEMPORALITY],
};
static SUMMARY: Message =
    Message { fields: &[many(1, "dataPoints", Kind::Message(&SUMMARY_DATA_POINT))] };

const START_TIME: Field = nanos(2, "startTimeUnixNano");
const TIME: Field = nanos(3, "timeUnixNano");
const COUNT: Field = one(4, "count", Fixed64);

static NUMBER_DATA_POINT: Message = Message {
    fields: &[
        attributes(7),
        START_TIME,
        TIME,
        choice(4, "asDouble", Double),
        choice(6, "asInt", Sfixed64),
        many(5, "exemplars", Kind::Message(&EXEMPLAR)),
        one(8, "flags", Uint32),
    ],
};

static HISTOGRAM_DATA_POINT: Message = Message {
    fields: &[
        attributes(9),
        START_TIME,
        TIME,
        COUNT,
        one(5, "sum", Double),
        many(6, "bucketCounts", Fixed64),
        many(7, "explicitBounds", Double),
        many(8, "exemplars", Kind::Message(&EXEMPLAR)),
        one(10, "flags", Uint32),
        one(11, "min", Double),
        one(12, "max", Double),
    ],
};

static EXPONENTIAL_HISTOGRAM_DATA_POINT: Message = Message {
    fields: &[
        attributes(1),
        START_TIME,
        TIME,
        COUNT,
        one(5, "sum", Double),
        one(6, "scale", Sint32),
        one(7, "zeroCount", Fixed64),
        one(8, "positive", Kind::Message(&BUCKETS)),
        one(9, "negative", Kind::Message(&BUCKETS)),
        one(10, "flags", Uint32),
        many(11, "exemplars", Kind::Message(&EXEMPLAR)),
        one(12, "min", Double),
        one(13, "max", Double),
        one(14, "zeroThreshold", Double),
    ],
};

static BUCKETS: Message =
    Message { fields: &[one(1, "offset", Sint32), many(2, "bucketCounts", Uint64)] };

static SUMMARY_DATA_POINT: Message = Message {
    fields: &[
        attributes(7),
        START_TIME,
        TIME,
        COUNT,
        one(5, "sum", Double),
        many(6, "quantileValues", Kind::Message(&VALUE_AT_QUANTILE)),
        one(8, "flags", Uint32),
    ],
};

static VALUE_AT_QUANTILE: Message =
    Message { fields: &[one(1, "quantile", Double), one(2, "value", Double)] };

static EXEMPLAR: Message = Message {
    fields: &[
        many(7, "filteredAttributes", Kind::Message(&KEY_VALUE)),
        nanos(2, "timeUnixNano"),
        choice(3, "asDouble", Double),
        choice(6, "asInt", Sfixed64),
        one(4, "spanId", Id),
        one(5, "traceId", Id),
    ],
};
