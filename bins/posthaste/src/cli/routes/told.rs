//! Who would serve a request, for people: what would become of it, who would be asked, and why not the others.

use posthaste_admin::PlanView;
use posthaste_core::{AccountId, Outlook, OutlookAccount, OutlookLeg, OutlookLimit, RefusingStep};

use crate::cli::{
    output,
    requests::told::{amount, barrier},
};

pub(super) fn text(view: &PlanView) -> String {
    let outlook = &view.outlook;
    let mut parts = vec![head(view)];
    if !outlook.limits.is_empty() {
        parts.push(format!("limits that count it\n{}", limits(&outlook.limits)));
    }
    parts.extend((0..).zip(&outlook.legs).map(|(number, leg)| self::leg(view, number, leg)));
    parts.join("\n\n")
}

fn head(view: &PlanView) -> String {
    let (outlook, question) = (&view.outlook, &view.question);
    let stream = if question.streamed { "a stream" } else { "a whole answer" };
    let key = match (&view.key, view.key_id) {
        (Some(name), Some(id)) => format!("{name} ({id})"),
        _ => "none: one without limits".to_owned(),
    };
    let mut rows = vec![
        ("outcome", outcome(view)),
        ("client key", key),
        (
            "asked for",
            format!("{} of {} in {} ({stream})", question.operation, question.model, question.dialect),
        ),
    ];
    if let Some(pinned) = question.pinned {
        rows.push(("only of", format!("accounts that speak {pinned}")));
    }
    if let Some(meaning) = &outlook.meaning {
        rows.push(("stands for", meaning.to_string()));
    }
    if outlook.route.is_some() {
        rows.push(("route", format!("{} has one", question.model)));
    }
    if let Some(home) = outlook.conversation.and_then(|found| found.home) {
        rows.push(("conversation", format!("lives with {}", view.account(home))));
    }
    if !outlook.networks.is_empty() {
        rows.push(("only from", joined(outlook.networks.iter().map(ToString::to_string))));
    }
    if !outlook.clients.is_empty() {
        rows.push(("only for", joined(outlook.clients.iter().map(|client| client.as_str().to_owned()))));
    }
    rows.push((
        "would reserve",
        format!("{} tokens, {} at the dearest", outlook.estimated.tokens, outlook.estimated.cost),
    ));
    rows.push(("so it was at", outlook.at.to_string()));
    output::list(&rows)
}

fn joined(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn outcome(view: &PlanView) -> String {
    let outlook = &view.outlook;
    if let Some(refusal) = &outlook.refusal {
        let by = match refusal.by {
            RefusingStep::Key => "by the client key",
            RefusingStep::Limit => "by a limit",
            RefusingStep::Nobody => "since nobody is left",
        };
        let message = refusal.fault.message.as_deref().unwrap_or_default();
        return format!("refused {by}: {}: {message}", refusal.fault.kind.as_str());
    }
    if outlook.answered_here {
        return "answered by the relay itself, which estimates what no account can count".to_owned();
    }
    if let Some(waits) = outlook.waits_ms {
        return format!(
            "nobody can be asked now: it would wait {} s and be planned anew",
            waits.div_ceil(1_000)
        );
    }
    let order: Vec<_> = outlook.turns.iter().map(|turn| view.account(turn.account)).collect();
    let last = if outlook.last_resort { "; nobody is well, so it is tried all the same" } else { "" };
    match order.as_slice() {
        [] => "none of those that were looked at can be asked".to_owned(),
        order => format!("{} would be asked{last}", order.join(", then ")),
    }
}

fn limits(limits: &[OutlookLimit]) -> String {
    let mut table =
        output::table(&["LIMIT", "WHOSE", "COUNTS", "RESERVES", "THEN USED", "OF", "STARTS ANEW"]);
    for OutlookLimit { of, limit, waits, .. } in limits {
        let reserved = match limit.reserved {
            Some(reserved) => amount(limit.unit, reserved),
            None if *waits => "waits in line".to_owned(),
            None => "refused".to_owned(),
        };
        let shadow = if limit.shadow { " (shadow)" } else { "" };
        table.add_row([
            format!("{}{shadow}", limit.name),
            of.clone(),
            limit.unit.to_string(),
            reserved,
            amount(limit.unit, limit.used),
            amount(limit.unit, limit.limit),
            limit.resets_at.map_or_else(|| "-".to_owned(), |at| at.to_string()),
        ]);
    }
    table.to_string()
}

fn leg(view: &PlanView, number: u16, leg: &OutlookLeg) -> String {
    let planned = &leg.planned;
    let rules = planned
        .pool
        .map_or_else(|| "the relay's own rules".to_owned(), |pool| format!("pool {}", view.pool(pool)));
    let title = format!("step {}: {}, {}, by {rules}", number + 1, planned.model, planned.strategy.as_str());
    if planned.asked.is_empty() && planned.passed_over.is_empty() && planned.passed_over_more.is_empty() {
        return format!("{title}: there is no account");
    }
    let mut table = output::table(&["TURN", "ACCOUNT", "PRIORITY", "IN FLIGHT", "ASKED AS", "WHY"]);
    for (place, asked) in planned.asked.iter().enumerate() {
        let known = leg.known.get(place);
        let told = |tell: fn(&OutlookAccount) -> String| known.map_or_else(|| "-".to_owned(), tell);
        table.add_row([
            turn(&view.outlook, number, asked.account),
            view.account(asked.account),
            told(|known| known.priority.to_string()),
            told(|known| known.in_flight.to_string()),
            told(|known| format!("{} in {}", known.upstream_model, known.dialect)),
            why(&asked.why, known),
        ]);
    }
    for passed in &planned.passed_over {
        let [dash, priority, in_flight, asked_as] = ["-"; 4].map(str::to_owned);
        table.add_row([dash, view.account(passed.account), priority, in_flight, asked_as, barrier(passed)]);
    }
    let mut text = format!("{title}\n{table}");
    if planned.asked_more > 0 {
        text.push_str(&format!("\nand {} more to be asked after these", planned.asked_more));
    }
    if !planned.passed_over_more.is_empty() {
        let more = planned.passed_over_more.iter().map(|(barrier, count)| format!("{count} {barrier}"));
        text.push_str(&format!("\nand passed over: {}", joined(more)));
    }
    let attempts = output::counted(u64::from(leg.attempts), "attempt", "attempts");
    text.push_str(&format!("\nat most {attempts} here"));
    if leg.by_chance {
        text.push_str("; lots are drawn, and this is one draw with the likeliest first");
    }
    text
}

/// Its number among all that would be asked.
fn turn(outlook: &Outlook, leg: u16, account: AccountId) -> String {
    let found = outlook.turns.iter().position(|turn| turn.leg == leg && turn.account == account);
    found.map_or_else(|| "-".to_owned(), |at| (at + 1).to_string())
}

/// Why it stands where it stands, how often it comes first where lots are drawn, and what keeps it from its turn.
fn why(why: &str, known: Option<&OutlookAccount>) -> String {
    let mut text = why.to_owned();
    if let Some(percent) = known.and_then(|known| known.first_percent) {
        text.push_str(&format!("; first in {percent} % of requests"));
    }
    if let Some(OutlookLimit { of, limit, .. }) = known.and_then(|known| known.full.as_ref()) {
        let until = limit.resets_at.map_or_else(String::new, |at| format!(" until {at}"));
        text.push_str(&format!("; limit `{}` of {of} is used up{until}", limit.name));
    }
    text
}
