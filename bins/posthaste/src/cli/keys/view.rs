//! Client keys for people.

use posthaste_admin::{CreatedKey, KeyView, PlaceInput, UsageView, length_text, limit_text};
use posthaste_core::{
    ClientPattern, Clock, Expiry, KeyStatus, Limit, ModelPattern, Network, ProviderKind, SystemClock,
    Timestamp,
};

use crate::cli::{output, totals};

pub(super) fn created(created: &CreatedKey) -> String {
    format!(
        "{}\n\nclient key `{}` ({}). It is shown this once and kept only as a hash: store it now.",
        created.key.secret().expose(),
        created.view.name,
        created.view.id
    )
}

pub(super) fn table(keys: &[KeyView]) -> String {
    if keys.is_empty() {
        return "no client keys yet; make one: posthaste keys create --name NAME".to_owned();
    }
    let mut table = output::table(&["NAME", "ENDS WITH", "STATE", "EXPIRES", "TAGS", "ID"]);
    for key in keys {
        table.add_row([
            key.name.clone(),
            key.hint.clone(),
            state(key),
            expiry(key),
            listed(key.policy.tags.iter().cloned(), "-"),
            key.id.to_string(),
        ]);
    }
    table.to_string()
}

pub(super) fn one(key: &KeyView) -> String {
    let policy = &key.policy;
    output::list(&[
        ("name", key.name.clone()),
        ("id", key.id.to_string()),
        ("ends with", key.hint.clone()),
        ("state", state_and_why(key)),
        ("expires", expiry(key)),
        ("opens", patterns(&key.models.allow, "all models")),
        ("does not open", patterns(&key.models.deny, "-")),
        ("limits", limits(&key.policy.limits)),
        ("providers", listed(policy.providers.iter().copied().map(ProviderKind::as_str), "all")),
        ("clients", listed(policy.clients.iter().map(ClientPattern::as_str), "all")),
        ("networks", listed(policy.networks.iter().map(Network::to_string), "all")),
        ("served by", served_by(key)),
        ("line", line(key)),
        ("billed at", policy.multiplier.to_string()),
        ("repairs", if policy.repair_conversations { "conversations" } else { "-" }.to_owned()),
        ("bodies", bodies(key)),
        ("tags", listed(policy.tags.iter().cloned(), "-")),
        ("owner", owner(key)),
        ("made", key.created_at.to_string()),
        ("changed", key.updated_at.to_string()),
    ])
}

/// Limits as they are written on the command line.
pub(in crate::cli) fn limits(limits: &[Limit]) -> String {
    let texts: Vec<_> = limits.iter().map(limit_text).collect();
    if texts.is_empty() { "-".to_owned() } else { texts.join("\n") }
}

fn owner(key: &KeyView) -> String {
    let unnamed = || key.policy.owner.map_or_else(|| "-".to_owned(), |owner| owner.to_string());
    key.owner.clone().unwrap_or_else(unnamed)
}

fn served_by(key: &KeyView) -> String {
    let place = match &key.bound_to {
        None => return "all accounts".to_owned(),
        Some(PlaceInput::Pool(name)) => format!("pool `{name}`"),
        Some(PlaceInput::Account(name)) => format!("account `{name}`"),
    };
    let strict = key.policy.binding.is_some_and(|binding| binding.strict);
    if strict { format!("{place} only") } else { format!("{place} first") }
}

fn bodies(key: &KeyView) -> String {
    let rules = key.policy.capture.filter(|rules| rules.until > SystemClock.now());
    rules.map_or_else(
        || "not kept".to_owned(),
        |rules| format!("kept until {}, {} bytes of each at most", rules.until, rules.most_bytes),
    )
}

fn line(key: &KeyView) -> String {
    key.policy.queue.map_or("none".to_owned(), |rules| {
        format!("{} requests for {:?}", rules.length, std::time::Duration::from_millis(rules.patience_ms))
    })
}

pub(super) fn usage(usage: &UsageView) -> String {
    let name = usage.name.as_deref().unwrap_or("(removed)");
    let mut text = format!("client key `{name}` ({})\n", usage.key_id);
    let all = std::iter::once((vec!["all".to_owned()], &usage.totals));
    text.push_str(&totals::table(&[""], all));
    if !usage.by_model.is_empty() {
        let models = usage.by_model.iter().map(|row| (vec![row.model.to_string()], &row.totals));
        text.push_str(&format!("\n{}", totals::table(&["MODEL"], models)));
        let days = usage.by_day.iter().map(|row| (vec![day(row.day)], &row.totals));
        text.push_str(&format!("\n{}", totals::table(&["DAY (UTC)"], days)));
    }
    text.push_str(&totals::remarks(&usage.totals));
    text
}

fn state(key: &KeyView) -> String {
    status(key.state).to_owned()
}

/// In a word.
pub(in crate::cli) fn status(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Active => "active",
        KeyStatus::Disabled => "disabled",
        KeyStatus::Revoked => "revoked",
        KeyStatus::Deleted => "deleted",
        KeyStatus::Expired { .. } => "expired",
    }
}

fn expiry(key: &KeyView) -> String {
    match (key.expires_at, key.expiry) {
        (Some(at), _) => at.to_string(),
        (None, Expiry::AfterFirstUse { seconds }) => {
            format!("{} after first use", length_text(seconds))
        }
        (None, _) => "never".to_owned(),
    }
}

fn patterns(patterns: &[ModelPattern], none: &str) -> String {
    listed(patterns.iter().map(ModelPattern::as_str), none)
}

fn listed<T: Into<String>>(texts: impl Iterator<Item = T>, none: &str) -> String {
    let texts: Vec<String> = texts.map(Into::into).collect();
    if texts.is_empty() { none.to_owned() } else { texts.join(", ") }
}

fn state_and_why(key: &KeyView) -> String {
    match &key.disabled_because {
        Some(reason) => format!("{} ({reason})", state(key)),
        None => state(key),
    }
}

fn day(start: Timestamp) -> String {
    start.to_string().chars().take_while(|c| *c != 'T').collect()
}
