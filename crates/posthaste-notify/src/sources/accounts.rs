//! Accounts that rest and serve again.

use posthaste_core::{
    AccountId, CooldownReason, CooldownScope, HealthNews, Notice, NoticeEvent, Subject, Timestamp, Told,
};

/// An account was sent to rest.
pub fn account_rests(
    (id, name): (AccountId, &str),
    reason: CooldownReason,
    scope: CooldownScope,
    until: Timestamp,
    why: &str,
    now: Timestamp,
) -> Notice {
    let event = NoticeEvent::AccountRests { reason, scope, until, why: why.to_owned() };
    Notice { at: now, subject: Subject::Account { id, name: name.to_owned() }, event }
}

/// What relays tell each other of an account, as this one knows it by `name`.
pub fn from_health_news(news: &HealthNews, name: &str, now: Timestamp) -> Notice {
    let HealthNews { account, scope, told } = news;
    let event = match told {
        Told::Rests(rest) => {
            return account_rests((*account, name), rest.reason, scope.clone(), rest.until, &rest.why, now);
        }
        Told::Serves { .. } => NoticeEvent::AccountServes { scope: scope.clone(), by_operator: false },
        Told::Released { .. } => {
            NoticeEvent::AccountServes { scope: CooldownScope::Account, by_operator: true }
        }
    };
    Notice { at: now, subject: Subject::Account { id: *account, name: name.to_owned() }, event }
}

#[cfg(test)]
mod tests {
    use posthaste_core::ToldRest;

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
