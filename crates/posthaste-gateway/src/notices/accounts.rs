//! Accounts that rest and serve again.

use posthaste_core::{
    Account, AccountId, CooldownScope, HealthNews, Notice, NoticeEvent, Subject, Timestamp, Told,
};
use posthaste_scheduler::Parked;

/// An account was sent to rest.
pub(super) fn account_rests(
    account: &Account,
    scope: &CooldownScope,
    parked: &Parked,
    now: Timestamp,
) -> Notice {
    let Parked { reason, until, why, .. } = parked;
    let why = why.to_string();
    let event = NoticeEvent::AccountRests { reason: *reason, scope: scope.clone(), until: *until, why };
    of_account(account.id, &account.name, event, now)
}

/// An account has shown that it serves.
pub(super) fn account_serves(account: &Account, scope: &CooldownScope, now: Timestamp) -> Notice {
    let event = NoticeEvent::AccountServes { scope: scope.clone(), by_operator: false };
    of_account(account.id, &account.name, event, now)
}

/// What relays tell each other of an account, as this one knows it by `name`.
pub(super) fn from_health_news(news: &HealthNews, name: &str, now: Timestamp) -> Notice {
    let HealthNews { account, scope, told } = news;
    let event = match told {
        Told::Rests(rest) => NoticeEvent::AccountRests {
            reason: rest.reason,
            scope: scope.clone(),
            until: rest.until,
            why: rest.why.clone(),
        },
        Told::Serves { .. } => NoticeEvent::AccountServes { scope: scope.clone(), by_operator: false },
        Told::Released { .. } => {
            NoticeEvent::AccountServes { scope: CooldownScope::Account, by_operator: true }
        }
    };
    of_account(*account, name, event, now)
}

fn of_account(id: AccountId, name: &str, event: NoticeEvent, now: Timestamp) -> Notice {
    Notice { at: now, subject: Subject::Account { id, name: name.to_owned() }, event }
}

#[cfg(test)]
mod tests {
    use posthaste_core::{CooldownReason, ToldRest};

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

    #[test]
    fn what_relays_tell_each_other_becomes_a_notice_and_its_end() {
        let account = AccountId::generate();
        let scope = CooldownScope::Model("gpt-5".to_owned());
        let news = |scope: &CooldownScope, told| HealthNews { account, scope: scope.clone(), told };
        let rest = ToldRest {
            reason: CooldownReason::QuotaExhausted,
            until: NOW,
            early: NOW,
            why: "no balance".to_owned(),
            strikes: 1,
            since: NOW,
        };
        let rests = from_health_news(&news(&scope, Told::Rests(rest)), "one", NOW);
        let NoticeEvent::AccountRests { reason, why, .. } = &rests.event else { panic!("{rests:?}") };
        assert_eq!((*reason, why.as_str()), (CooldownReason::QuotaExhausted, "no balance"));
        let serves = Told::Serves { asked_at: NOW, hope: false };
        assert!(from_health_news(&news(&scope, serves.clone()), "one", NOW).ends(&rests.dedup_key()));
        let whole = news(&CooldownScope::Account, serves);
        assert!(!from_health_news(&whole, "one", NOW).ends(&rests.dedup_key()), "another part of it");
        let released = news(&CooldownScope::Account, Told::Released { at: NOW });
        assert!(from_health_news(&released, "one", NOW).ends(&rests.dedup_key()));
    }
}
