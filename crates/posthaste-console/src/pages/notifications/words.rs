//! What happens that channels are told of, and what became of messages, in words.

use posthaste_core::{NoticeKind, Severity};

/// A kind of notice, as the pages tell of it.
pub(super) struct Event {
    pub(super) kind: NoticeKind,
    pub(super) name: &'static str,
    /// What has to happen for it.
    pub(super) when: &'static str,
    /// How much it matters.
    pub(super) matters: &'static str,
    /// Whether its end is told too.
    pub(super) ends: bool,
}

/// Every kind that a relay tells of by itself.
pub(super) fn events() -> [Event; 12] {
    let (warning, critical) = (text("warning"), text("critical"));
    [
        Event {
            kind: NoticeKind::AccountState,
            name: text("An account rests, or serves again"),
            when: text(
                "It was sent to rest, as a whole or for some models, or its rest is over or was ended by hand.",
            ),
            matters: text(
                "info for limits that pass by themselves; warning for a used-up quota and failures; critical for a refused credential",
            ),
            ends: true,
        },
        Event {
            kind: NoticeKind::Quota,
            name: text("A plan's window is being used up"),
            when: text("A vendor tells that a window of an account's plan has passed 80, 95 or 100 %."),
            matters: text("warning; critical at 100 %"),
            ends: false,
        },
        Event {
            kind: NoticeKind::Forecast,
            name: text("A plan's window will not last"),
            when: text(
                "30 % or more of it is used, and nothing is left before it starts anew if it goes on like this.",
            ),
            matters: warning,
            ends: false,
        },
        Event {
            kind: NoticeKind::Limit,
            name: text("A limit is being used up"),
            when: text("A limit has been used up to 50, 80, 95 or 100 %."),
            matters: text("info at 50 %; warning from 80 %; critical at 100 %, unless it only counts"),
            ends: false,
        },
        Event {
            kind: NoticeKind::KeyExpiry,
            name: text("A client key ends"),
            when: text("It ends within 7, 3 or 1 days, or has ended within the last day."),
            matters: warning,
            ends: false,
        },
        Event {
            kind: NoticeKind::PoolDown,
            name: text("A pool cannot serve"),
            when: text("Each of its accounts that is switched on has rested as a whole for half a minute."),
            matters: critical,
            ends: true,
        },
        Event {
            kind: NoticeKind::ErrorRate,
            name: text("Many attempts fail"),
            when: text("Half of at least twenty attempts within five minutes failed; it is over at a fifth."),
            matters: warning,
            ends: true,
        },
        Event {
            kind: NoticeKind::UnknownPrice,
            name: text("A model has no price"),
            when: text("It was used, or refused for that. Told once for each model while the relay runs."),
            matters: warning,
            ends: false,
        },
        Event {
            kind: NoticeKind::Store,
            name: text("The shared store is away"),
            when: text("It does not answer. The relay goes on by itself as far as it can."),
            matters: critical,
            ends: true,
        },
        Event {
            kind: NoticeKind::RefusedData,
            name: text("New settings were refused"),
            when: text("The configuration file has changed and is not in order; the former settings stay."),
            matters: warning,
            ends: false,
        },
        Event {
            kind: NoticeKind::SignIn,
            name: text("Somebody logs in from elsewhere"),
            when: text("The network is not among the last ten of that person."),
            matters: text("info"),
            ends: false,
        },
        Event {
            kind: NoticeKind::SignInLocked,
            name: text("Logging in is locked for a while"),
            when: text("Wrong passwords make a person wait at an address."),
            matters: critical,
            ends: false,
        },
    ]
}

/// What a kind is called, also one that is no event of its own.
pub(super) fn name(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Test => text("A test"),
        _ => events().into_iter().find(|event| event.kind == kind).map_or(kind.as_str(), |event| event.name),
    }
}

pub(super) fn least(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => text("all, also what is only good to know"),
        Severity::Warning => text("what will matter if nobody does anything, and worse"),
        Severity::Critical => text("only where requests fail or somebody has to act now"),
    }
}

/// The class of a badge for how much something matters.
pub(super) fn badge(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "",
        Severity::Warning => "limited",
        Severity::Critical => "failing",
    }
}

/// A severity as a word.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => text("info"),
        Severity::Warning => text("warning"),
        Severity::Critical => text("critical"),
    }
}

/// What became of a message: the class of its badge, and a word.
pub(super) fn outcome(outcome: &str) -> (&'static str, &'static str) {
    match outcome {
        "delivered" => ("done", text("delivered")),
        "refused" => ("failing", text("refused by the service")),
        "given_up" => ("failing", text("given up")),
        _ => ("limited", text("not tried to the end")),
    }
}

/// What a test came to, in a sentence.
pub(super) fn verdict(outcome: &str) -> &'static str {
    match outcome {
        "delivered" => text("The service has taken the test message. Look whether it has arrived."),
        "refused" => text("The test message was refused: what is said below has to be put right."),
        "given_up" => text("The service could not be reached, or did not take the message for now."),
        _ => text("The test was not tried to the end. Try it again."),
    }
}

/// Marks a text that pages say in the reader's language.
fn text(text: &'static str) -> &'static str {
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_words() {
        for kind in NoticeKind::ALL {
            assert_ne!(name(kind), kind.as_str());
        }
        assert_eq!(outcome("dropped").1, "not tried to the end");
    }
}
