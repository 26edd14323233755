//! The spans of a chart: those without use as well, and what each is called.

use std::{collections::BTreeMap, time::Duration};

use posthaste_admin::{Every, TrendPoint, TrendView};
use posthaste_core::Timestamp;

use crate::show::written;

/// Each span up to `end` with what the first line of the chart used in it.
pub(super) fn filled(trend: &TrendView, end: Timestamp) -> Vec<(Timestamp, TrendPoint)> {
    let points = trend.lines.first().map(|line| line.points.as_slice()).unwrap_or_default();
    let used: BTreeMap<_, _> = trend.spans.iter().copied().zip(points.iter().copied()).collect();
    let step = match trend.every {
        Every::Hour => HOUR,
        Every::Day => DAY,
        // Months differ in length: those without use are left out.
        Every::Month => return used.into_iter().collect(),
    };
    let Some(first) = trend.since else { return used.into_iter().collect() };
    let starts = std::iter::successors(Some(first), |at| Some(at.plus(step)));
    starts.take_while(|at| *at <= end).map(|at| (at, used.get(&at).copied().unwrap_or_default())).collect()
}

/// How a span is named in a chart.
pub(super) fn name(every: Every, at: Timestamp) -> String {
    let form = match every {
        Every::Hour => "%m-%d %H:00",
        Every::Day => "%m-%d",
        Every::Month => "%Y-%m",
    };
    written(at, form)
}

/// All tokens that were put in.
pub(super) fn prompt(point: &TrendPoint) -> u64 {
    let TrendPoint { input, cache_read, cache_write, .. } = *point;
    input.saturating_add(cache_read).saturating_add(cache_write)
}

pub(super) const HOUR: Duration = Duration::from_secs(3_600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);
