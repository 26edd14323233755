//! A request's way for people: who was asked, why not the others, what each answered, how long it took and what it cost.

use posthaste_admin::ExplainView;
use posthaste_core::{AttemptRow, CapturedBody, CheckedLimit, PlannedLeg, RequestPlan, Stop, StopEnd};

use super::told::{amount, barrier, rest, size, took};
use crate::cli::output;

pub(super) fn text(view: &ExplainView) -> String {
    let mut parts = vec![head(view)];
    if !view.record.limits.is_empty() {
        parts.push(format!("limits of the client key\n{}", limits(&view.record.limits)));
    }
    parts.extend(view.record.plans.iter().map(|plan| self::plan(view, plan)));
    if !view.record.stops.is_empty() {
        parts.push(turns(view));
    }
    parts.extend(losses(view));
    parts.push(steps(view));
    parts.extend(bodies(view));
    parts.join("\n\n")
}

fn head(view: &ExplainView) -> String {
    let record = &view.record;
    let stream = if record.streamed { "a stream" } else { "a whole answer" };
    let key = view.key.clone().unwrap_or_else(|| "(removed)".to_owned());
    let mut rows = vec![
        ("request", record.id.to_string()),
        ("received", record.received_at.to_string()),
        ("client key", format!("{key} ({})", record.key_id)),
        (
            "asked for",
            format!(
                "{} of {} in {} ({stream}; {} sent)",
                record.operation,
                record.model,
                record.dialect,
                size(record.prompt_bytes)
            ),
        ),
    ];
    if let Some(pinned) = record.pinned {
        rows.push(("only of", format!("accounts that speak {pinned}: the path names them")));
    }
    rows.push(("outcome", outcome(view)));
    rows.extend(conversation(view).map(|text| ("conversation", text)));
    if let Some(repairs) = record.repaired {
        rows.push((
            "repaired",
            format!("{} tool calls answered, {} results left out", repairs.answered, repairs.dropped),
        ));
    }
    if let Some(estimate) = record.estimated {
        rows.push(("estimated", format!("{} tokens, {} at the dearest", estimate.tokens, estimate.cost)));
    }
    rows.push(("cost", cost(view)));
    rows.push(("configuration", format!("revision {}", record.revision)));
    output::list(&rows)
}

fn outcome(view: &ExplainView) -> String {
    let record = &view.record;
    let attempts = output::counted(view.attempts.len() as u64, "attempt", "attempts");
    let served = record.stops.iter().rev().find(|stop| stop.end == StopEnd::Delivered);
    let by = match served {
        Some(stop) => Some(format!("answered by {}", view.account(stop.account))),
        None if record.stops.is_empty() && record.fault.is_none() && record.status.is_some() => {
            Some("answered by the relay itself".to_owned())
        }
        None => None,
    };
    let status = record.status.map(|status| format!("status {status}"));
    let ending = view.attempts.last().filter(|_| served.is_some()).map(|row| row.outcome.as_str().to_owned());
    let fault = record.fault.as_ref().map(|fault| {
        let words =
            fault.message.as_deref().unwrap_or("(what it said may repeat what was sent, so it is not kept)");
        format!("{}: {words}", fault.kind.as_str())
    });
    let nothing =
        (status.is_none() && fault.is_none()).then(|| "the client left without an answer".to_owned());
    let parts = [status, by, ending, fault, nothing].into_iter().flatten();
    let said = parts.collect::<Vec<_>>().join(", ");
    format!("{said}; {attempts}, {}", took(record.steps.ended_us))
}

/// Where the conversation lived, and where it went.
fn conversation(view: &ExplainView) -> Option<String> {
    let record = &view.record;
    if let Some(home) = record.answer_home {
        return Some(format!("goes on from an answer of {}, who alone has it", view.account(home)));
    }
    let found = record.conversation?;
    let sealed = if found.sealed { "; it carries what only its maker can read" } else { "" };
    let served = record.stops.iter().rev().find(|stop| stop.end == StopEnd::Delivered);
    Some(match (found.home, served) {
        (None, _) => format!("new, or of nobody's cache{sealed}"),
        (Some(home), Some(stop)) if stop.account == home => {
            format!("stayed with {}{sealed}", view.account(home))
        }
        (Some(home), Some(stop)) => {
            format!("moved from {} to {}{sealed}", view.account(home), view.account(stop.account))
        }
        (Some(home), None) => format!("lives with {}{sealed}", view.account(home)),
    })
}

fn cost(view: &ExplainView) -> String {
    let unpriced = view.attempts.iter().filter(|row| row.cost_basis.as_str() == "unpriced").count();
    let unpriced = if unpriced == 0 { String::new() } else { format!("; {unpriced} without a price") };
    format!("{}, billed {}{unpriced}", view.cost, view.billed)
}

fn limits(limits: &[CheckedLimit]) -> String {
    let mut table = output::table(&["LIMIT", "COUNTS", "RESERVED", "THEN USED", "OF", "STARTS ANEW"]);
    for limit in limits {
        let reserved = match limit.reserved {
            Some(reserved) => amount(limit.unit, reserved),
            None => "refused".to_owned(),
        };
        let shadow = if limit.shadow { " (shadow)" } else { "" };
        table.add_row([
            format!("{}{shadow}", limit.name),
            limit.unit.to_string(),
            reserved,
            amount(limit.unit, limit.used),
            amount(limit.unit, limit.limit),
            limit.resets_at.map_or_else(|| "-".to_owned(), |at| at.to_string()),
        ]);
    }
    table.to_string()
}

fn plan(view: &ExplainView, plan: &RequestPlan) -> String {
    let round = if view.record.rounds > 1 {
        format!(" (round {} of {})", plan.round, view.record.rounds)
    } else {
        String::new()
    };
    let legs: Vec<_> = plan.legs.iter().map(|leg| self::leg(view, leg, &round)).collect();
    legs.join("\n\n")
}

fn leg(view: &ExplainView, leg: &PlannedLeg, round: &str) -> String {
    let rules = leg.pool.map_or_else(
        || "the relay's own rules".to_owned(),
        |pool| format!("pool {}", view.pools.get(&pool).cloned().unwrap_or_else(|| pool.to_string())),
    );
    let mut table = output::table(&["ORDER", "ACCOUNT", "WHY"]);
    for (place, asked) in leg.asked.iter().enumerate() {
        table.add_row([(place + 1).to_string(), view.account(asked.account), asked.why.clone()]);
    }
    for passed in &leg.passed_over {
        table.add_row(["-".to_owned(), view.account(passed.account), barrier(passed)]);
    }
    let mut text = format!("plan for {}{round}: {}, by {rules}\n{table}", leg.model, leg.strategy.as_str());
    if leg.asked.is_empty() && leg.passed_over.is_empty() {
        text = format!("plan for {}{round}: there is no account", leg.model);
    }
    if leg.asked_more > 0 {
        text.push_str(&format!("\nand {} more to be asked after these", leg.asked_more));
    }
    if !leg.passed_over_more.is_empty() {
        let more: Vec<_> =
            leg.passed_over_more.iter().map(|(barrier, count)| format!("{count} {barrier}")).collect();
        text.push_str(&format!("\nand passed over: {}", more.join(", ")));
    }
    text
}

fn turns(view: &ExplainView) -> String {
    let mut table = output::table(&[
        "TURN",
        "ACCOUNT",
        "CAME OF IT",
        "STATUS",
        "READY",
        "HEAD",
        "CONTENT",
        "TOOK",
        "TOKENS",
        "COST",
    ]);
    for (number, stop) in view.record.stops.iter().enumerate() {
        let row = row(view, stop);
        table.add_row([
            (number + 1).to_string(),
            view.account(stop.account),
            came(stop, row),
            row.and_then(|row| row.status).map_or_else(|| "-".to_owned(), |status| status.to_string()),
            since(stop.began_us, stop.ready_us),
            since(stop.sent_us.unwrap_or(stop.began_us), stop.head_us),
            since(stop.sent_us.unwrap_or(stop.began_us), stop.content_us),
            since(stop.began_us, stop.ended_us),
            row.map_or_else(
                || "-".to_owned(),
                |row| format!("{} in, {} out", row.usage.prompt(), row.usage.output),
            ),
            row.map_or_else(|| "-".to_owned(), |row| row.cost.to_string()),
        ]);
    }
    let mut text = format!("turns\n{table}");
    if view.record.more_stops > 0 {
        text.push_str(&format!("\nand {} more in between", view.record.more_stops));
    }
    for (number, stop) in view.record.stops.iter().enumerate() {
        if let Some(given) = &stop.rest {
            text.push_str(&format!(
                "\nafter turn {}, {} {}",
                number + 1,
                view.account(stop.account),
                rest(given)
            ));
        }
        if !stop.limits.is_empty() {
            let account = view.account(stop.account);
            text.push_str(&format!("\n\nlimits at turn {}, {account}\n{}", number + 1, limits(&stop.limits)));
        }
    }
    text
}

fn row<'a>(view: &'a ExplainView, stop: &Stop) -> Option<&'a AttemptRow> {
    let attempt = stop.attempt?;
    view.attempts.iter().find(|row| row.attempt == attempt)
}

/// What came of a turn; of an answer, how it ended.
fn came(stop: &Stop, row: Option<&AttemptRow>) -> String {
    let detail = row.and_then(|row| match (stop.end, row.outcome.fault()) {
        (_, Some(fault)) => Some(fault.as_str()),
        (StopEnd::Delivered, None) => Some(row.outcome.as_str()),
        _ => None,
    });
    detail.map_or_else(|| stop.end.to_string(), |detail| format!("{}: {detail}", stop.end))
}

fn since(from: u64, until: Option<u64>) -> String {
    until.map_or_else(|| "-".to_owned(), |until| took(until.saturating_sub(from)))
}

fn losses(view: &ExplainView) -> Option<String> {
    let lost = |row: &AttemptRow| {
        let request = row.request_losses.iter().map(|loss| format!("the request lost {loss}"));
        let answer = row.answer_losses.iter().map(|loss| format!("the answer lost {loss}"));
        request.chain(answer).map(|loss| format!("attempt {}: {loss}", row.attempt)).collect::<Vec<_>>()
    };
    let lost: Vec<_> = view.attempts.iter().flat_map(lost).collect();
    (!lost.is_empty()).then(|| format!("translation\n{}", lost.join("\n")))
}

/// Each step's end since the request came in.
fn steps(view: &ExplainView) -> String {
    let steps = &view.record.steps;
    let rows = [
        ("body looked at", steps.peeked_us),
        ("admitted", steps.admitted_us),
        ("limits checked", steps.reserved_us),
        ("planned", steps.planned_us),
        ("head answered", steps.answered_us),
        ("over", Some(steps.ended_us)),
    ];
    let mut table = output::table(&["STEP", "AT", "TOOK"]);
    let mut before = 0;
    for (name, at) in rows {
        if let Some(at) = at {
            table.add_row([name.to_owned(), took(at), took(at.saturating_sub(before))]);
            before = at;
        }
    }
    format!("steps\n{table}")
}

fn bodies(view: &ExplainView) -> Option<String> {
    let Some(bodies) = &view.bodies else {
        if view.record.bodies_missed {
            return Some("its bodies could not be kept: too many were at that moment".to_owned());
        }
        return view.captured.then(|| "its bodies are kept: --bodies shows them".to_owned());
    };
    let answer = bodies
        .answer
        .as_ref()
        .map_or_else(|| "the answer's body: none was delivered".to_owned(), |answer| body("answer", answer));
    Some(format!("{}\n\n{answer}", body("request", &bodies.request)))
}

fn body(whose: &str, body: &CapturedBody) -> String {
    let cut = if body.cut { ", its beginning only" } else { "" };
    format!("the {whose}'s body ({}{cut})\n{}", size(body.whole_bytes), body.text)
}
