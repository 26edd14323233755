//! What a key's name says.

use crate::{
    found::{AccountKind, Counts, FoundUsage},
    source::known,
};

/// What stands under a name.
pub(super) enum Name<'a> {
    /// An account.
    Account(AccountKind, &'a str),
    /// A client key.
    Key(&'a str),
    /// A group of accounts.
    Group(&'a str),
    /// A user.
    User(&'a str),
    /// The administrator.
    Admin,
    /// What a client key used.
    Used(Used),
    /// Settings that are read.
    Setting,
    /// Something that is only counted.
    Counted(&'static str),
    /// Something derived, something that passes by itself, or somebody else's.
    Other,
}

/// Counts of a client key's use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Used {
    pub(super) key: String,
    pub(super) what: What,
}

/// Which counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Total,
    AllTime(String),
    Month(String, String),
    Day(String, String),
    Billed,
    Cost,
    BilledDay(String),
    BilledWeek(String),
}

impl What {
    /// Whether they stand in a hash; money stands in a text.
    pub(super) const fn is_hash(&self) -> bool {
        matches!(self, Self::Total | Self::AllTime(_) | Self::Month(..) | Self::Day(..))
    }

    /// Puts counts in their place.
    pub(super) fn set(&self, usage: &mut FoundUsage, counts: Counts) {
        match self {
            Self::Total => {
                let Counts { cost, billed, .. } = usage.total;
                usage.total = Counts { cost, billed, ..counts };
            }
            Self::AllTime(model) => drop(usage.all_time.insert(model.clone(), counts)),
            Self::Month(month, model) => drop(usage.months.insert((month.clone(), model.clone()), counts)),
            Self::Day(day, model) => drop(usage.days.insert((day.clone(), model.clone()), counts)),
            Self::Billed | Self::Cost | Self::BilledDay(_) | Self::BilledWeek(_) => {}
        }
    }

    /// Puts dollars in their place.
    pub(super) fn set_money(&self, usage: &mut FoundUsage, dollars: f64) {
        match self {
            Self::Billed => usage.set_money(Some(dollars), None),
            Self::Cost => usage.set_money(None, Some(dollars)),
            Self::BilledDay(day) => usage.set_day(day, dollars),
            Self::BilledWeek(start) => usage.set_week(start, dollars),
            Self::Total | Self::AllTime(_) | Self::Month(..) | Self::Day(..) => {}
        }
    }
}

/// Reads a name.
pub(super) fn read<'a>(name: &'a str, today: &str) -> Name<'a> {
    if let Some(id) = own_id(name, "apikey:") {
        return if id == "hash_map" { Name::Other } else { Name::Key(id) };
    }
    for kind in AccountKind::ALL {
        if let Some(id) = own_id(name, kind.prefix()) {
            return if id == "index" { Name::Other } else { Name::Account(kind, id) };
        }
    }
    if let Some(id) = own_id(name, "account_group:") {
        return Name::Group(id);
    }
    if let Some(id) = own_id(name, "user:") {
        return Name::User(id);
    }
    if name == ADMIN {
        return Name::Admin;
    }
    if matches!(name, RELAY_CONFIG | SERVICE_RATES | NOTIFICATIONS) {
        return Name::Setting;
    }
    if let Some(used) = name.strip_prefix("usage:").and_then(|rest| used(rest, today)) {
        return Name::Used(used);
    }
    // Beside accounts there stand counters under this prefix, with one more word.
    if name.starts_with("claude_account:") && own_id(name, "claude_account:").is_none() {
        return Name::Other;
    }
    match known::kind(name) {
        Some("") | None => Name::Other,
        Some(what) => Name::Counted(what),
    }
}

/// What follows the prefix, where that is one word: more words are indexes and the like.
fn own_id<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    name.strip_prefix(prefix).filter(|id| !id.is_empty() && !id.contains(':'))
}

fn used(rest: &str, today: &str) -> Option<Used> {
    let of = |key: &str, what| Some(Used { key: key.to_owned(), what });
    if !rest.contains(':') {
        return of(rest, What::Total);
    }
    if let Some(key) = own_id(rest, "cost:total:") {
        return of(key, What::Billed);
    }
    if let Some(key) = own_id(rest, "cost:real:total:") {
        return of(key, What::Cost);
    }
    if let Some((key, day)) = rest.strip_prefix("cost:daily:").and_then(|rest| rest.split_once(':')) {
        return if day == today { of(key, What::BilledDay(day.to_owned())) } else { None };
    }
    if let Some((key, week)) = rest.strip_prefix("opus:weekly:").and_then(|rest| rest.split_once(':')) {
        return of(key, What::BilledWeek(week.to_owned()));
    }
    let (key, rest) = rest.split_once(":model:")?;
    if key.contains(':') {
        return None;
    }
    if let Some(model) = rest.strip_prefix("alltime:") {
        return of(key, What::AllTime(model.to_owned()));
    }
    // A model's name may hold colons; a day and a month do not.
    let (period, rest) = rest.split_once(':')?;
    let (model, span) = rest.rsplit_once(':')?;
    let (model, span) = (model.to_owned(), span.to_owned());
    match period {
        "daily" => of(key, What::Day(span, model)),
        "monthly" => of(key, What::Month(span, model)),
        _ => None,
    }
}

pub(super) const RELAY_CONFIG: &str = "claude_relay_config";
pub(super) const SERVICE_RATES: &str = "system:service_rates";
pub(super) const NOTIFICATIONS: &str = "webhook_config:default";
pub(super) const ADMIN: &str = "session:admin_credentials";

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str) -> String {
        match read(name, "2026-11-26") {
            Name::Account(kind, id) => format!("{} {id}", kind.as_str()),
            Name::Key(id) => format!("key {id}"),
            Name::Group(id) => format!("group {id}"),
            Name::User(id) => format!("user {id}"),
            Name::Admin => "administrator".to_owned(),
            Name::Used(Used { key, what }) => format!("{key} {what:?}"),
            Name::Setting => "setting".to_owned(),
            Name::Counted(what) => format!("counted: {what}"),
            Name::Other => "other".to_owned(),
        }
    }

    #[test]
    fn names_are_told_apart() {
        for (name, means) in [
            ("apikey:1", "key 1"),
            ("apikey:hash_map", "other"),
            ("apikey:idx:all", "other"),
            ("apikey:set:active", "other"),
            ("apikey:tags:all", "other"),
            ("apikey_hash:00", "other"),
            ("claude:account:1", "claude-official 1"),
            ("claude:account:index", "other"),
            ("claude:account:index:empty", "other"),
            ("gemini_account:1", "gemini 1"),
            ("gemini_api_account:1", "gemini-api 1"),
            ("openai:account:1", "openai 1"),
            ("openai_responses_account:1", "openai-responses 1"),
            ("account_group:1", "group 1"),
            ("account_group_members:1", "other"),
            ("account_groups", "other"),
            ("user:1", "user 1"),
            ("usage:1", "1 Total"),
            ("usage:cost:total:1", "1 Billed"),
            ("usage:cost:real:total:1", "1 Cost"),
            ("usage:cost:real:daily:1:2026-11-26", "other"),
            ("usage:cost:daily:1:2026-11-26", r#"1 BilledDay("2026-11-26")"#),
            ("usage:cost:daily:1:2026-11-25", "other"),
            ("usage:opus:weekly:1:2026-11-23T00", r#"1 BilledWeek("2026-11-23T00")"#),
            ("usage:1:model:daily:a:0:2026-11-26", r#"1 Day("2026-11-26", "a:0")"#),
            ("usage:1:model:monthly:a:2026-11", r#"1 Month("2026-11", "a")"#),
            ("usage:1:model:hourly:a:2026-11-26:05", "other"),
            ("usage:1:model:alltime:a:0", r#"1 AllTime("a:0")"#),
            ("usage:daily:1:2026-11-26", "other"),
            ("usage:keymodel:daily:index:2026-11-26", "other"),
            ("claude_relay_config", "setting"),
            ("webhook_config:default", "setting"),
            ("session:admin_credentials", "administrator"),
            ("session:0123", "other"),
            ("user_session:1", "other"),
            ("claude_account:1:401_errors", "other"),
            ("posthaste:{config}:revision", "other"),
        ] {
            assert_eq!(told(name), means, "{name}");
        }
        assert!(told("usage:model:daily:a:2026-11-26").starts_with("counted: statistics"));
        assert!(told("claude_account:1").starts_with("counted: accounts"));
        assert!(told("quota_card:1").starts_with("counted: quota cards"));
        assert!(told("webhook_config:other").starts_with("counted: webhook settings"));
    }
}
