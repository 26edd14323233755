//! Limits of client keys and accounts.

use std::time::Duration;

use posthaste_core::{Calendar, Limit, LimitUnit, LimitWindow, ModelPattern, OnLoss, QueueRules, Timestamp};
use posthaste_metering::{Span, span};

use super::{Counted, MapOptions};
use crate::found::{Fields, FoundUsage};

/// The limits of a client key.
pub(super) fn of_key(fields: &Fields, zone: &str) -> Vec<Limit> {
    let mut limits = Vec::new();
    if let Some(minutes) = fields.whole("rateLimitWindow") {
        let seconds = minutes.saturating_mul(60).min(MOST_SECONDS);
        let rolling = |name, unit, amount| limit(name, unit, LimitWindow::Rolling { seconds }, amount);
        if let Some(requests) = fields.whole("rateLimitRequests") {
            limits.push(rolling("window-requests", LimitUnit::Requests, requests));
        }
        // The predecessor looks at the cost only where no limit on tokens is left over from older releases.
        match (fields.whole("tokenLimit"), fields.dollars("rateLimitCost")) {
            (Some(tokens), _) => limits.push(rolling("window-tokens", LimitUnit::Tokens, tokens)),
            (None, Some(cost)) => limits.push(rolling("window-cost", LimitUnit::Cost, cost)),
            (None, None) => {}
        }
    }
    if let Some(cost) = fields.dollars("dailyCostLimit") {
        limits.push(limit(DAILY, LimitUnit::Cost, LimitWindow::Day(calendar(zone, 0)), cost));
    }
    if let Some(cost) = fields.dollars("totalCostLimit") {
        limits.push(limit(TOTAL, LimitUnit::Cost, LimitWindow::Total, cost));
    }
    if let Some(cost) = fields.dollars("weeklyOpusCostLimit") {
        let window = LimitWindow::Week {
            starts_on: small(fields.whole("weeklyResetDay"), 1..=7).unwrap_or(1),
            calendar: calendar(zone, small(fields.whole("weeklyResetHour"), 0..=23).unwrap_or(0)),
        };
        // Once for Opus alone, it has come to cover every Claude model.
        let models = vec![ModelPattern::new("*claude*")];
        limits.push(Limit { models, ..limit(WEEKLY, LimitUnit::Cost, window, cost) });
    }
    if let Some(parallel) = fields.whole("concurrencyLimit") {
        limits.push(limit("concurrency", LimitUnit::Concurrency, LimitWindow::Now, parallel));
    }
    limits
}

/// The limits of an account, and what the operator should know of them.
pub(super) fn of_account(fields: &Fields, zone: &str) -> (Vec<Limit>, Vec<String>) {
    let (mut limits, mut notes) = (Vec::new(), Vec::new());
    if let Some(parallel) = fields.whole("maxConcurrentTasks") {
        limits.push(limit("concurrency", LimitUnit::Concurrency, LimitWindow::Now, parallel));
    }
    if let Some(cost) = fields.dollars("dailyQuota") {
        let time = fields.text("quotaResetTime").unwrap_or_default();
        let (hour, minute) = time.split_once(':').unwrap_or(("0", "0"));
        if minute.parse::<u8>().is_ok_and(|minute| minute != 0) {
            notes.push(format!("its daily quota starts anew at {time} there, and at the full hour here"));
        }
        let hour = hour.parse().ok().filter(|hour| *hour < 24).unwrap_or(0);
        limits.push(limit(DAILY, LimitUnit::Cost, LimitWindow::Day(calendar(zone, hour)), cost));
    }
    (limits, notes)
}

/// The line before a concurrency limit, where the predecessor has one.
pub(super) fn queue(relay: &Fields, limits: &[Limit]) -> Option<QueueRules> {
    if relay.flag("concurrentRequestQueueEnabled") != Some(true) {
        return None;
    }
    let parallel = limits.iter().find(|limit| limit.unit == LimitUnit::Concurrency)?.amount;
    let by_size = relay.whole("concurrentRequestQueueMaxSize").unwrap_or(3);
    let by_limit =
        parallel.saturating_mul(relay.whole("concurrentRequestQueueMaxSizeMultiplier").unwrap_or(0));
    let length = u32::try_from(by_size.max(by_limit)).unwrap_or(u32::MAX).clamp(1, MOST_WAITING);
    let patience_ms =
        relay.whole("concurrentRequestQueueTimeoutMs").unwrap_or(10_000).clamp(1, MOST_PATIENCE_MS);
    Some(QueueRules { length, patience_ms })
}

/// What was billed in the present windows of limits on money.
pub(super) fn counted(limits: &[Limit], usage: Option<&FoundUsage>, options: &MapOptions) -> Vec<Counted> {
    let Some(usage) = usage else { return Vec::new() };
    let mut counted = Vec::new();
    for limit in limits {
        let amount = match &*limit.name {
            TOTAL => Some(usage.total.billed),
            DAILY => start_in(limit, options).and_then(|start| {
                let day = usage.billed_days.get(&text(start, &options.zone, "%Y-%m-%d"));
                day.copied()
            }),
            WEEKLY => start_in(limit, options).and_then(|start| {
                usage.billed_weeks.get(&text(start, &options.zone, "%Y-%m-%dT%H")).copied()
            }),
            _ => None,
        };
        if let Some(amount) = amount.filter(|amount| *amount > 0) {
            counted.push(Counted { limit: limit.clone(), amount });
        }
    }
    counted
}

/// When a limit's present window began.
fn start_in(limit: &Limit, options: &MapOptions) -> Option<Timestamp> {
    match span(&limit.window, options.now) {
        Ok(Span::Between { start, .. }) => Some(start),
        _ => None,
    }
}

/// A moment by the clocks of a zone.
fn text(moment: Timestamp, zone: &str, format: &str) -> String {
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    zone.to_datetime(moment.into()).strftime(format).to_string()
}

fn limit(name: &str, unit: LimitUnit, window: LimitWindow, amount: u64) -> Limit {
    Limit {
        name: name.to_owned(),
        unit,
        window,
        amount,
        models: Vec::new(),
        shadow: false,
        on_loss: OnLoss::default(),
    }
}

fn calendar(zone: &str, hour: u8) -> Calendar {
    Calendar { zone: zone.to_owned(), hour }
}

fn small(number: Option<u64>, range: std::ops::RangeInclusive<u8>) -> Option<u8> {
    number.and_then(|number| u8::try_from(number).ok()).filter(|number| range.contains(number))
}

const DAILY: &str = "daily-cost";
const TOTAL: &str = "total-cost";
const WEEKLY: &str = "weekly-claude-cost";
/// What [`posthaste_metering::span`] takes.
const MOST_SECONDS: u64 = Duration::from_secs(366 * 86_400).as_secs();
/// What lines may be here.
const MOST_WAITING: u32 = 1_000;
const MOST_PATIENCE_MS: u64 = 300_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_limit_has_its_counterpart() {
        let fields = Fields::of(json!({
            "rateLimitWindow": "5", "rateLimitRequests": "100", "rateLimitCost": "2.5", "tokenLimit": "0",
            "dailyCostLimit": "10", "totalCostLimit": "100.25", "weeklyOpusCostLimit": "20", "weeklyResetDay": "3",
            "weeklyResetHour": "9", "concurrencyLimit": "4",
        }));
        let limits = of_key(&fields, "Asia/Shanghai");
        posthaste_metering::check_limits(&limits).unwrap();
        let told: Vec<_> =
            limits.iter().map(|limit| (&*limit.name, limit.unit.as_str(), limit.amount)).collect();
        assert_eq!(
            told,
            [
                ("window-requests", "requests", 100),
                ("window-cost", "cost", 2_500_000_000),
                ("daily-cost", "cost", 10_000_000_000),
                ("total-cost", "cost", 100_250_000_000),
                ("weekly-claude-cost", "cost", 20_000_000_000),
                ("concurrency", "concurrency", 4),
            ]
        );
        assert!(limits[4].covers("claude-haiku-4-5") && !limits[4].covers("gpt-5"));
        let week = LimitWindow::Week { starts_on: 3, calendar: calendar("Asia/Shanghai", 9) };
        assert_eq!(limits[4].window, week);
    }

    #[test]
    fn a_left_over_token_limit_goes_before_the_cost_and_no_window_means_no_limit() {
        let mut fields =
            Fields::of(json!({ "rateLimitCost": "2", "tokenLimit": "1000", "rateLimitRequests": "5" }));
        assert!(of_key(&fields, "UTC").is_empty());
        fields.set("rateLimitWindow", "60");
        let names: Vec<_> = of_key(&fields, "UTC").into_iter().map(|limit| limit.name).collect();
        assert_eq!(names, ["window-requests", "window-tokens"]);
    }

    #[test]
    fn what_was_billed_in_the_present_windows_is_found_by_their_starts() {
        let fields = Fields::of(json!({
            "dailyCostLimit": "10", "totalCostLimit": "100", "weeklyOpusCostLimit": "20", "weeklyResetDay": "3",
            "weeklyResetHour": "9",
        }));
        let mut usage = FoundUsage::default();
        usage.set_money(Some(50.0), None);
        usage.set_day("2026-11-27", 1.5);
        usage.set_day("2026-11-26", 9.0);
        usage.set_week("2026-11-25T09", 7.25);
        usage.set_week("2026-11-18T09", 9.0);
        // 2026-11-26T20:00Z is the 27th in Shanghai.
        let options =
            MapOptions { zone: "Asia/Shanghai".to_owned(), now: "2026-11-26T20:00:00Z".parse().unwrap() };
        let limits = of_key(&fields, &options.zone);
        let counted = counted(&limits, Some(&usage), &options);
        let told: Vec<_> = counted.iter().map(|counted| (&*counted.limit.name, counted.amount)).collect();
        assert_eq!(
            told,
            [
                ("daily-cost", 1_500_000_000),
                ("total-cost", 50_000_000_000),
                ("weekly-claude-cost", 7_250_000_000)
            ]
        );
    }
}
