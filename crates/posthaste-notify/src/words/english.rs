//! English.

use posthaste_core::{CooldownReason, Notice, NoticeEvent, Severity, Subject};

pub(super) const fn mark(severity: Severity, is_recovery: bool) -> &'static str {
    match severity {
        _ if is_recovery => "Recovered",
        Severity::Info => "Info",
        Severity::Warning => "Warning",
        Severity::Critical => "Critical",
    }
}

/// What has no name of its own.
pub(super) const fn unnamed(subject: &Subject) -> &'static str {
    match subject {
        Subject::Store => "the store",
        _ => "the relay",
    }
}

pub(super) fn title(name: &str, notice: &Notice) -> String {
    let whose = sort(&notice.subject);
    match &notice.event {
        NoticeEvent::AccountRests { reason, .. } => format!("Account {name} rests: {}", because(*reason)),
        NoticeEvent::AccountServes { by_operator: true, .. } => {
            format!("Account {name}: its rests were ended")
        }
        NoticeEvent::AccountServes { .. } => format!("Account {name} serves again"),
        NoticeEvent::QuotaReached { percent: 100.., .. } => format!("Account {name}: quota used up"),
        NoticeEvent::QuotaReached { percent, .. } => format!("Account {name}: {percent} % of its quota used"),
        NoticeEvent::QuotaRunsOut { .. } => format!("Account {name}: quota will run out early"),
        NoticeEvent::LimitReached { percent: 100.., .. } => format!("{whose} {name}: a limit is used up"),
        NoticeEvent::LimitReached { percent, .. } => format!("{whose} {name}: {percent} % of a limit used"),
        NoticeEvent::KeyExpires { within_days: 1, .. } => format!("Client key {name} ends within a day"),
        NoticeEvent::KeyExpires { within_days, .. } => {
            format!("Client key {name} ends within {within_days} days")
        }
        NoticeEvent::KeyExpired { .. } => format!("Client key {name} has ended"),
        NoticeEvent::PoolDown { .. } => format!("Pool {name}: no account can serve"),
        NoticeEvent::PoolServes => format!("Pool {name} serves again"),
        NoticeEvent::ErrorsRose { .. } => format!("{whose} {name}: many attempts fail"),
        NoticeEvent::ErrorsFell { .. } => format!("{whose} {name}: attempts go well again"),
        NoticeEvent::PriceUnknown { .. } => format!("No price for model {name}"),
        NoticeEvent::StoreLost { .. } => "The store is away".to_owned(),
        NoticeEvent::StoreBack { .. } => "The store is back".to_owned(),
        NoticeEvent::SignedIn { .. } => format!("{name} signed in from a new address"),
        NoticeEvent::SignInLocked { .. } => format!("Signing in as {name} is locked for a while"),
        NoticeEvent::DataRefused { .. } => "New settings were refused".to_owned(),
        NoticeEvent::Test => "This is a test".to_owned(),
    }
}

pub(super) fn text(notice: &Notice) -> String {
    match &notice.event {
        NoticeEvent::AccountRests { reason, .. } => match reason {
            CooldownReason::Unauthorised => "Its credential is not accepted: log in again or set a new one.",
            CooldownReason::Forbidden => {
                "The vendor blocks it or does not allow this: look at the account there."
            }
            _ => "Other accounts are asked meanwhile; it is tried again by itself.",
        },
        NoticeEvent::AccountServes { by_operator: true, .. } => "An operator ended them.",
        NoticeEvent::AccountServes { .. } => "A request went well.",
        NoticeEvent::QuotaReached { percent: 100.., .. } => {
            "Nothing is left of the plan's window until it starts anew."
        }
        NoticeEvent::QuotaReached { .. } => "A window of its plan is being used up.",
        NoticeEvent::QuotaRunsOut { .. } => {
            "If it goes on like this, nothing is left some time before the window starts anew."
        }
        NoticeEvent::LimitReached { shadow: true, .. } => "The limit only counts; nobody is refused.",
        NoticeEvent::LimitReached { percent: 100.., .. } => {
            "Further requests are refused until it starts anew."
        }
        NoticeEvent::LimitReached { .. } => "At 100 % further requests are refused.",
        NoticeEvent::KeyExpires { .. } => {
            "Requests with it are refused from then on: extend it or hand out a new one."
        }
        NoticeEvent::KeyExpired { .. } => "Requests with it are refused.",
        NoticeEvent::PoolDown { .. } => "Requests that may use only this pool fail or wait.",
        NoticeEvent::PoolServes => "At least one of its accounts can be asked.",
        NoticeEvent::ErrorsRose { .. } => "Look at the accounts and at the vendors' status.",
        NoticeEvent::ErrorsFell { .. } => "The share of failures is back to what is usual.",
        NoticeEvent::PriceUnknown { priced: true, .. } => {
            "Its use is booked at the price set for unknown models."
        }
        NoticeEvent::PriceUnknown { .. } => "Its use is booked without a cost: add it to the price file.",
        NoticeEvent::StoreLost { .. } => "The relay goes on by itself as far as it can and books later.",
        NoticeEvent::StoreBack { .. } => "What was counted meanwhile is being written.",
        NoticeEvent::SignedIn { .. } => "If that was not them, reset the password and end their sessions.",
        NoticeEvent::SignInLocked { .. } => "There were too many wrong passwords.",
        NoticeEvent::DataRefused { .. } => "The former ones stay in use.",
        NoticeEvent::Test => "Notices reach this channel.",
    }
    .to_owned()
}

const fn sort(subject: &Subject) -> &'static str {
    match subject {
        Subject::Account { .. } => "Account",
        Subject::ClientKey { .. } => "Client key",
        Subject::Owner { .. } => "Owner",
        Subject::Team { .. } => "Team",
        Subject::Pool { .. } => "Pool",
        Subject::Model { .. } => "Model",
        Subject::Person { .. } => "User",
        Subject::Store | Subject::Relay => "All of",
    }
}

const fn because(reason: CooldownReason) -> &'static str {
    match reason {
        CooldownReason::RateLimited => "too many requests",
        CooldownReason::Overloaded => "the upstream is overloaded",
        CooldownReason::QuotaExhausted => "its quota is used up",
        CooldownReason::Unauthorised => "its credential is refused",
        CooldownReason::Forbidden => "it is blocked",
        CooldownReason::Failing => "it fails",
    }
}
