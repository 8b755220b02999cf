//! What each operator says of every kind of value, run by the engine.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use datafusion::prelude::SessionContext;
use event::Promoted;
use jiff::tz::TimeZone;
use serde_json::json;

use super::*;
use crate::interval::{Calendar, Interval};

/// `$browser` of each row, as JSON; `None` where it is not sent.
const VALUES: [Option<&str>; 14] = [
    None,
    Some("null"),
    Some(r#""""#),
    Some(r#""Chrome""#),
    Some(r#""chrome 2.10.1""#),
    Some("7"),
    Some("7.0"),
    Some(r#""7""#),
    Some("10"),
    Some("true"),
    Some(r#"["Chrome"]"#),
    Some(r#"{"name":"Chrome"}"#),
    Some(r#""2026-03-01T12:00:00Z""#),
    Some(r#""it's""#),
];

fn clock() -> Clock {
    let zone = TimeZone::UTC;
    let calendar = Calendar { interval: Interval::Day, week_start: crate::WeekStart::Sunday, zone };
    Clock { now: "2026-11-23T10:00:00Z".parse().unwrap(), calendar, is_exact: false }
}

/// The rows that a condition keeps, by their place in [`VALUES`].
async fn kept(condition: &str) -> Vec<usize> {
    let context = {
        let mut context = SessionContext::new_with_config(
            datafusion::prelude::SessionConfig::new()
                .set_str("datafusion.sql_parser.dialect", "PostgreSQL"),
        );
        datafusion_functions_json::register_all(&mut context).unwrap();
        crate::functions::register(&context);
        context
    };
    let properties: Vec<String> = VALUES
        .iter()
        .map(|value| value.map_or("{}".into(), |value| format!(r#"{{"$browser":{value}}}"#)))
        .collect();
    let browser: Vec<_> = properties
        .iter()
        .map(|json| Promoted::of(json).text("$browser").map(String::from))
        .collect();
    let places = (0..VALUES.len()).map(|place| place.to_string()).collect::<Vec<_>>();
    let batch = RecordBatch::try_from_iter([
        ("place", Arc::new(StringArray::from(places)) as arrow::array::ArrayRef),
        ("properties", Arc::new(StringArray::from(properties))),
        ("browser", Arc::new(StringArray::from(browser))),
    ]);
    context.register_batch("events", batch.unwrap()).unwrap();
    let sql = format!("SELECT place FROM events AS e WHERE {condition}");
    let rows = context.sql(&sql).await.unwrap().collect().await.unwrap();
    let places = rows.iter().flat_map(|rows| {
        let places = rows.column(0).as_string::<i32>();
        (0..places.len()).map(|row| places.value(row).parse().unwrap()).collect::<Vec<usize>>()
    });
    let mut places: Vec<usize> = places.collect();
    places.sort_unstable();
    places
}

fn condition(operator: &str, value: serde_json::Value) -> Result<String, Wrong> {
    let filter = json!({"key": "$browser", "operator": operator, "value": value});
    let filter: Filter = serde_json::from_value(filter).unwrap();
    let clock = clock();
    Conditions::new(&clock).list(&[filter], Logic::And, "properties")
}

/// What is kept, after checking that the column and the JSON say the same.
async fn asked(operator: &str, value: serde_json::Value) -> Vec<usize> {
    let condition = condition(operator, value).unwrap();
    let in_json = condition.replace("e.browser", "json_as_text(e.properties, '$browser')");
    let places = kept(&condition).await;
    assert_eq!(places, kept(&in_json).await, "{condition}");
    places
}

fn all_but(places: &[usize]) -> Vec<usize> {
    (0..VALUES.len()).filter(|place| !places.contains(place)).collect()
}

#[tokio::test]
async fn exact_compares_texts_and_numbers_as_what_they_are() {
    assert_eq!(asked("exact", json!("Chrome")).await, [3]);
    assert_eq!(asked("exact", json!(["Chrome", "7"])).await, [3, 5, 7]);
    assert_eq!(asked("exact", json!(7)).await, [5, 6, 7]);
    assert_eq!(asked("exact", json!("")).await, [2]);
    assert_eq!(asked("exact", json!(true)).await, [9]);
    assert_eq!(asked("exact", json!("it's")).await, [13]);
    assert_eq!(asked("in", json!(["Chrome", 10])).await, [3, 8]);
    assert_eq!(asked("exact", json!(r#"["Chrome"]"#)).await, [10]);
}

#[tokio::test]
async fn what_is_not_there_is_not_the_value() {
    assert_eq!(asked("is_not", json!("Chrome")).await, all_but(&[3]));
    assert_eq!(asked("is_not", json!(["Chrome", 7])).await, all_but(&[3, 5, 6, 7]));
    assert_eq!(asked("is_not", json!("true")).await, all_but(&[9]));
    assert_eq!(asked("not_in", json!(["10", "Chrome"])).await, all_but(&[3, 8]));
}

#[tokio::test]
async fn set_is_what_is_there_and_not_null() {
    assert_eq!(asked("is_set", json!("is_set")).await, all_but(&[0, 1]));
    assert_eq!(asked("is_not_set", json!("is_not_set")).await, [0, 1]);
}

#[tokio::test]
async fn containing_ignores_case_and_knows_no_wildcards() {
    assert_eq!(asked("icontains", json!("CHROME")).await, [3, 4, 10, 11]);
    assert_eq!(asked("icontains", json!("%")).await, Vec::<usize>::new());
    assert_eq!(asked("not_icontains", json!("chrome")).await, all_but(&[3, 4, 10, 11]));
    assert_eq!(asked("icontains", json!(["tru", "it'"])).await, [9, 13]);
    assert_eq!(asked("not_icontains_multi", json!(["chrome", "7"])).await, [0, 1, 2, 8, 9, 12, 13]);
}

#[tokio::test]
async fn patterns_may_match_anywhere() {
    assert_eq!(asked("regex", json!("^[Cc]hrome")).await, [3, 4]);
    assert_eq!(asked("not_regex", json!("hrome")).await, all_but(&[3, 4, 10, 11]));
    let failed = condition("regex", json!("(")).unwrap_err();
    assert!(failed.to_string().starts_with("properties[0].value: "), "{failed}");
}

#[tokio::test]
async fn order_is_that_of_numbers_where_the_value_is_one() {
    assert_eq!(asked("gt", json!(7)).await, [8]);
    assert_eq!(asked("gte", json!("7")).await, [5, 6, 7, 8]);
    assert_eq!(asked("lt", json!(10)).await, [5, 6, 7]);
    assert_eq!(asked("lte", json!(10)).await, [5, 6, 7, 8]);
    assert_eq!(asked("min", json!(8)).await, [8]);
    assert_eq!(asked("gt", json!("it")).await, [9, 11, 13], "texts, by their bytes");
}

#[tokio::test]
async fn borders_are_between() {
    assert_eq!(asked("between", json!([7, 10])).await, [5, 6, 7, 8]);
    assert_eq!(asked("not_between", json!([8, 9])).await, [5, 6, 7, 8]);
    assert!(condition("between", json!([9, 8])).is_err());
    assert!(condition("between", json!(["a", 8])).is_err());
}

#[tokio::test]
async fn dates_are_moments() {
    assert_eq!(asked("is_date_before", json!("2026-03-02")).await, [12]);
    assert_eq!(asked("is_date_after", json!("-365d")).await, [12]);
    assert_eq!(asked("is_date_after", json!("2026-03-01 12:00:00")).await, Vec::<usize>::new());
    assert_eq!(asked("is_date_exact", json!("2026-03-01T13:00:00+01:00")).await, [12]);
    assert!(condition("is_date_before", json!("soon")).is_err());
}

#[tokio::test]
async fn versions_are_found_in_texts() {
    assert_eq!(asked("semver_gt", json!("2.9.0")).await, [4, 6]);
    assert_eq!(asked("semver_caret", json!("2.1.0")).await, [4]);
    assert_eq!(asked("semver_neq", json!("2.10.1")).await, all_but(&[4]));
    assert!(condition("semver_gt", json!("latest")).is_err());
}

#[tokio::test]
async fn groups_join_their_filters() {
    let group = json!({"type": "OR", "values": [
        {"key": "$browser", "value": "Chrome"},
        {"type": "AND", "values": [
            {"key": "$browser", "operator": "is_set"},
            {"key": "$browser", "operator": "lt", "value": 8},
        ]},
        {"type": "AND", "values": [{"key": "$browser", "value": "it's"}]},
    ]});
    let clock = clock();
    let filters: Filters = serde_json::from_value(group).unwrap();
    let condition = Conditions::new(&clock).filters(&filters, "properties").unwrap();
    assert_eq!(kept(&condition).await, [3, 5, 6, 7, 13]);
}

#[test]
fn an_empty_choice_asks_for_nothing_and_a_missing_one_is_told() {
    assert_eq!(condition("exact", json!([])).unwrap(), "TRUE");
    let failed = condition("exact", serde_json::Value::Null).unwrap_err();
    assert_eq!(failed.to_string(), "properties[0].value: there is none");
}
