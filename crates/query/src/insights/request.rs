//! A request's JSON: what is PostHog's and only for drawing is passed over, and what is left must be
//! known, so that no part of a question is ever silently unanswered.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::wrong::{Wrong, wrong};

/// Members that say how something is drawn, called or kept.
const DRAWING: [&str; 40] = [
    "aggregationAxisFormat",
    "aggregationAxisPostfix",
    "aggregationAxisPrefix",
    "confidenceLevel",
    "dashboardDisplay",
    "decimalPlaces",
    "detailedResultsAggregationType",
    "excludeBoxPlotOutliers",
    "funnelStepReference",
    "funnelVizLayout",
    "goalLines",
    "label",
    "hiddenLegendBreakdowns",
    "hiddenLegendIndexes",
    "hideWeekends",
    "meanRetentionCalculation",
    "minDecimalPlaces",
    "modifiers",
    "movingAverageIntervals",
    "name",
    "resultCustomizationBy",
    "resultCustomizations",
    "retentionReference",
    "selectedInterval",
    "showAlertThresholdLines",
    "showConfidenceIntervals",
    "showLabelsOnSeries",
    "showLegend",
    "showMean",
    "showMovingAverage",
    "showMultipleYAxes",
    "showPercentStackView",
    "showTrendLines",
    "showValuesOnSeries",
    "tags",
    "toggledLifecycles",
    "version",
    "yAxisScaleType",
    "dataColorTheme",
    "response",
];

/// Reads a request of a kind, without what is for drawing.
pub(super) fn read(text: &[u8], kind: &str) -> Result<Value, Wrong> {
    let mut request: Value =
        serde_json::from_slice(text).map_err(|error| wrong("body", error.to_string()))?;
    let Some(members) = request.as_object_mut() else {
        return Err(wrong("body", "an object is expected"));
    };
    match members.remove("kind") {
        Some(Value::String(other)) if other != kind => {
            return Err(wrong("kind", format!("{other} is not {kind}")));
        }
        _ => {}
    }
    if members.remove("samplingFactor").is_some_and(|factor| !factor.is_null() && factor != 1) {
        return Err(wrong("samplingFactor", "every event is counted"));
    }
    clean(members);
    Ok(request)
}

fn clean(members: &mut Map<String, Value>) {
    members.retain(|name, value| !DRAWING.contains(&name.as_str()) && !value.is_null());
    for (name, value) in members {
        // What is compared with is the user's.
        if name != "value" {
            clean_within(value);
        }
    }
}

fn clean_within(value: &mut Value) {
    match value {
        Value::Object(members) => clean(members),
        Value::Array(items) => items.iter_mut().for_each(clean_within),
        _ => {}
    }
}

/// The request's own type; what does not fit is told by its path.
pub(super) fn parse<T: DeserializeOwned>(request: Value) -> Result<T, Wrong> {
    serde_path_to_error::deserialize(request).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { "body".to_owned() } else { path };
        wrong(field, error.inner().to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(request: Value) -> Result<Value, String> {
        let text = serde_json::to_vec(&request).unwrap();
        super::read(&text, "TrendsQuery").map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn what_is_for_drawing_is_passed_over_and_what_is_compared_with_is_not() {
        let saved = serde_json::json!({
            "kind": "TrendsQuery",
            "version": 2,
            "series": [{"event": "x", "name": "x", "properties": [
                {"key": "name", "label": "Name", "value": {"version": 1}},
            ]}],
            "trendsFilter": {"showLegend": true, "display": null},
            "samplingFactor": 1,
        });
        let left = serde_json::json!({
            "series": [{"event": "x", "properties": [{"key": "name", "value": {"version": 1}}]}],
            "trendsFilter": {},
        });
        assert_eq!(read(saved), Ok(left));
    }

    #[test]
    fn another_kind_and_a_sample_are_refused() {
        let failed = |request| read(request).unwrap_err();
        let kind = failed(serde_json::json!({"kind": "PathsQuery"}));
        assert_eq!(kind, "kind: PathsQuery is not TrendsQuery");
        assert!(failed(serde_json::json!({"samplingFactor": 0.1})).starts_with("samplingFactor"));
        assert!(failed(serde_json::json!([])).starts_with("body"));
    }

    #[test]
    fn a_wrong_member_is_told_by_its_path() {
        let failed = |request| parse::<super::super::Trends>(request).unwrap_err().to_string();
        let math = serde_json::json!({"series": [{"event": "x"}, {"math": "mode"}]});
        assert!(failed(math).starts_with("series[1].math: unknown variant `mode`"));
        let unknown = serde_json::json!({"trendsFilter": {"formla": "A"}});
        assert!(failed(unknown).starts_with("trendsFilter.formla: unknown field"));
        let filter = serde_json::json!({"properties": [{"key": "a", "type": "cohort"}]});
        let filter = failed(filter);
        assert!(filter.contains("properties") && filter.contains("`cohort`"), "{filter}");
    }
}
