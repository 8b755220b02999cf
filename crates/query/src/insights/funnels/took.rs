//! How long it took to convert, as a histogram.

use serde_json::{Value as Json, json};

/// How many bars there are, where nothing is said, and at most.
const MOST_USUAL: usize = 60;
const MOST: usize = 90;
/// How wide a bar is where all took as long, in seconds.
const WIDTH_OF_ONE: f64 = 60.0;

/// Bars of these seconds: where each begins, and how many are in it.
pub(super) fn histogram(took: &[f64], bars: Option<i64>) -> Json {
    let usual = (took.len() as f64).cbrt().ceil() as usize;
    let count = match bars {
        Some(bars) => usize::try_from(bars).unwrap_or(1).clamp(1, MOST),
        None => usual.clamp(1, MOST_USUAL),
    };
    let least = took.iter().copied().fold(f64::INFINITY, f64::min).floor();
    let most = took.iter().copied().fold(f64::NEG_INFINITY, f64::max).ceil();
    if took.is_empty() {
        return json!({ "bins": [], "average_conversion_time": null });
    }
    let width = ((most - least) / count as f64).ceil();
    let width = if width > 0.0 { width } else { WIDTH_OF_ONE };
    let mut counts = vec![0_u64; count + 1];
    for seconds in took {
        let place = ((seconds - least) / width).floor() as usize;
        if let Some(count) = counts.get_mut(place) {
            *count += 1;
        }
    }
    let bins = counts.iter().enumerate();
    let bins = bins.map(|(place, count)| json!([least + place as f64 * width, count]));
    json!({
        "bins": bins.collect::<Vec<_>>(),
        "average_conversion_time": took.iter().sum::<f64>() / took.len() as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_in_a_bar() {
        let told = histogram(&[1.5, 2.0, 10.0, 61.2], Some(3));
        assert_eq!(told["bins"], json!([[1.0, 3], [22.0, 0], [43.0, 1], [64.0, 0]]));
        assert_eq!(told["average_conversion_time"], json!(74.7 / 4.0));
    }

    #[test]
    fn one_time_alone_has_a_bar_of_a_minute() {
        assert_eq!(histogram(&[5.0], None)["bins"], json!([[5.0, 1], [65.0, 0]]));
        assert_eq!(histogram(&[], None)["bins"], json!([]));
    }
}
