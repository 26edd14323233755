//! From a notice to words, in the language of the channel.
//!
//! All that comes from elsewhere (names, what an upstream said) is tamed here: no control characters, and never long. What is
//! left is escaped by whoever formats it.

mod chinese;
mod english;
mod label;

use posthaste_core::{CooldownScope, Language, LimitUnit, Notice, NoticeEvent, Severity, Subject, Timestamp};

pub(crate) use label::Label;

/// A notice in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// A few words that say it all.
    pub(crate) title: String,
    /// A sentence or two: what it means, and what to do.
    pub(crate) text: String,
    /// What is known of it, for the eye.
    pub(crate) facts: Vec<(&'static str, String)>,
}

/// Says a notice.
pub(crate) fn say(language: Language, notice: &Notice) -> Said {
    let name = name_of(language, &notice.subject);
    let (title, text) = match language {
        Language::English => (english::title(&name, notice), english::text(notice)),
        Language::Chinese => (chinese::title(&name, notice), chinese::text(notice)),
    };
    let facts = facts(notice).into_iter().map(|(label, value)| (label.name(language), value));
    Said { title: tame(&title, LONGEST_TITLE), text, facts: facts.collect() }
}

/// How much it matters, or that it is over.
pub(crate) fn mark(language: Language, severity: Severity, is_recovery: bool) -> &'static str {
    match language {
        Language::English => english::mark(severity, is_recovery),
        Language::Chinese => chinese::mark(severity, is_recovery),
    }
}

/// The title of a message that holds several notices.
pub(crate) fn several(language: Language, count: usize) -> String {
    match language {
        Language::English => format!("{count} notices"),
        Language::Chinese => format!("{count} 条通知"),
    }
}

/// What stands at the end of a message that was cut.
pub(crate) fn cut(language: Language, lines: usize) -> String {
    match language {
        Language::English => format!("… cut: {lines} more lines did not fit"),
        Language::Chinese => format!("…… 内容过长，已省略 {lines} 行"),
    }
}

/// Between a label and its value.
pub(crate) const fn colon(language: Language) -> &'static str {
    match language {
        Language::English => ": ",
        Language::Chinese => "：",
    }
}

/// A moment, for people: to the minute, in UTC.
pub(crate) fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from(at).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Makes a text harmless in every format: one line, no control characters and none that turn the direction of writing, and
/// at most `most` characters.
pub(crate) fn tame(text: &str, most: usize) -> String {
    let mut tamed: String =
        text.chars().map(|character| if is_wild(character) { ' ' } else { character }).collect();
    if let Some((end, _)) = tamed.char_indices().nth(most) {
        tamed.truncate(end);
        tamed.push('…');
    }
    tamed.trim().to_owned()
}

fn is_wild(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn name_of(language: Language, subject: &Subject) -> String {
    match subject.name() {
        Some(name) => tame(name, LONGEST_NAME),
        None => match language {
            Language::English => english::unnamed(subject),
            Language::Chinese => chinese::unnamed(subject),
        }
        .to_owned(),
    }
}

/// An amount of what a limit counts.
fn amount(unit: LimitUnit, amount: i64) -> String {
    match unit {
        LimitUnit::Cost => {
            format!("${}.{:02}", amount / NANOS_IN_DOLLAR, amount % NANOS_IN_DOLLAR / NANOS_IN_CENT)
        }
        LimitUnit::Requests | LimitUnit::Tokens | LimitUnit::Concurrency => amount.to_string(),
    }
}

/// A share in whole percent.
fn percent(part: u32, whole: u32) -> u64 {
    u64::from(part) * 100 / u64::from(whole.max(1))
}

/// What is known, each with its label.
fn facts(notice: &Notice) -> Vec<(Label, String)> {
    let mut facts = Vec::new();
    let mut add = |label, value: String| facts.push((label, value));
    match &notice.event {
        NoticeEvent::AccountRests { reason, scope, until, why } => {
            add(Label::Reason, reason.to_string());
            if *scope != CooldownScope::Account {
                add(Label::Models, tame(&scope.to_string(), LONGEST_NAME));
            }
            add(Label::Until, moment(*until));
            add(Label::Said, tame(why, LONGEST_WORDS));
        }
        NoticeEvent::AccountServes { scope, .. } => {
            if *scope != CooldownScope::Account {
                add(Label::Models, tame(&scope.to_string(), LONGEST_NAME));
            }
        }
        NoticeEvent::QuotaReached { used_percent, resets_at, runs_out_at, .. } => {
            add(Label::Used, format!("{used_percent} %"));
            add(Label::ResetsAt, moment(*resets_at));
            if let Some(at) = runs_out_at {
                add(Label::RunsOutAt, moment(*at));
            }
        }
        NoticeEvent::QuotaRunsOut { used_percent, runs_out_at, resets_at } => {
            add(Label::Used, format!("{used_percent} %"));
            add(Label::RunsOutAt, moment(*runs_out_at));
            add(Label::ResetsAt, moment(*resets_at));
        }
        NoticeEvent::LimitReached { limit, unit, used, amount: most, resets_at, .. } => {
            add(Label::Limit, tame(limit, LONGEST_NAME));
            add(Label::Used, format!("{} / {} ({unit})", amount(*unit, *used), amount(*unit, *most)));
            if let Some(at) = resets_at {
                add(Label::ResetsAt, moment(*at));
            }
        }
        NoticeEvent::KeyExpires { expires_at, .. } | NoticeEvent::KeyExpired { expires_at } => {
            add(Label::Ends, moment(*expires_at));
        }
        NoticeEvent::PoolDown { accounts, next_at } => {
            add(Label::Accounts, accounts.to_string());
            if let Some(at) = next_at {
                add(Label::Next, moment(*at));
            }
        }
        NoticeEvent::ErrorsRose { failed, attempts, .. }
        | NoticeEvent::ErrorsFell { failed, attempts, .. } => {
            add(Label::Failed, format!("{failed} / {attempts} ({} %)", percent(*failed, *attempts)));
        }
        NoticeEvent::PriceUnknown { provider, .. } => add(Label::Provider, provider.to_string()),
        NoticeEvent::StoreLost { since, reason } => {
            add(Label::Since, moment(*since));
            add(Label::Reason, tame(reason, LONGEST_WORDS));
        }
        NoticeEvent::StoreBack { lost_seconds } => add(Label::Away, format!("{lost_seconds} s")),
        NoticeEvent::SignedIn { address } => add(Label::Address, tame(address, LONGEST_NAME)),
        NoticeEvent::SignInLocked { address, misses, until } => {
            add(Label::Address, tame(address, LONGEST_NAME));
            add(Label::Misses, misses.to_string());
            add(Label::Until, moment(*until));
        }
        NoticeEvent::DataRefused { source, why } => {
            add(Label::Source, tame(source, LONGEST_WORDS));
            add(Label::Reason, tame(why, LONGEST_WORDS));
        }
        NoticeEvent::PoolServes | NoticeEvent::Test => {}
    }
    facts.push((Label::At, moment(notice.at)));
    facts
}

const LONGEST_NAME: usize = 80;
const LONGEST_TITLE: usize = 160;
/// What others said.
const LONGEST_WORDS: usize = 400;

const NANOS_IN_DOLLAR: i64 = 1_000_000_000;
const NANOS_IN_CENT: i64 = 10_000_000;

#[cfg(test)]
mod tests;
