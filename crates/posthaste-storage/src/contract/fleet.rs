//! Promises of [`FleetStore`](crate::FleetStore).

use std::{sync::Arc, time::Duration};

use posthaste_core::{
    AccountId, CooldownReason, CooldownScope, HealthNews, InstanceId, Timestamp, Told, ToldRest,
};

use super::{
    Promise,
    fixtures::{NOON, TTL, noon_plus},
};
use crate::{Mark, Member, News, NewsPage, Revision, Stores, TrialHolder};

/// A relay that has announced itself is listed as it is, by itself and by others.
pub async fn a_relay_that_is_there_is_listed(stores: Stores) -> Promise {
    assert_eq!(stores.fleet.instances(NOON).await?, []);
    let member = member(1);
    assert_eq!(stores.fleet.announce(&member, TTL, NOON).await?, std::slice::from_ref(&member));
    assert_eq!(stores.fleet.instances(noon_plus(59)).await?, [member]);
    Ok(())
}

/// The one that started first stands in front, whoever announced itself last.
pub async fn the_most_senior_relay_comes_first(stores: Stores) -> Promise {
    let [first, second, third] = [1, 2, 3].map(member);
    stores.fleet.announce(&third, TTL, NOON).await?;
    stores.fleet.announce(&first, TTL, NOON).await?;
    let listed = stores.fleet.announce(&second, TTL, noon_plus(1)).await?;
    assert_eq!(listed, [first, second, third]);
    assert_eq!(stores.fleet.instances(noon_plus(1)).await?, listed);
    Ok(())
}

/// A relay that has not been heard of for its time is not there any more.
pub async fn a_relay_that_falls_silent_is_not_listed(stores: Stores) -> Promise {
    let [silent, lively] = [1, 2].map(member);
    stores.fleet.announce(&silent, TTL, NOON).await?;
    stores.fleet.announce(&lively, TTL, NOON).await?;
    let renewed = Member { seen_at: noon_plus(30), revision: Revision(9), ..lively };
    assert_eq!(stores.fleet.announce(&renewed, TTL, noon_plus(30)).await?.len(), 2);
    assert_eq!(stores.fleet.instances(noon_plus(60)).await?, std::slice::from_ref(&renewed));
    assert_eq!(stores.fleet.announce(&renewed, TTL, noon_plus(61)).await?, [renewed]);
    Ok(())
}

/// A relay that leaves is gone at once, and its leaving touches no other.
pub async fn a_relay_that_leaves_is_gone_at_once(stores: Stores) -> Promise {
    let [first, second] = [1, 2].map(member);
    stores.fleet.announce(&first, TTL, NOON).await?;
    stores.fleet.announce(&second, TTL, NOON).await?;
    stores.fleet.leave(first.id).await?;
    stores.fleet.leave(InstanceId::generate()).await?;
    assert_eq!(stores.fleet.instances(NOON).await?, [second]);
    Ok(())
}

/// What is told reaches whoever waits, whole.
pub async fn news_reach_a_reader_that_waits(stores: Stores) -> Promise {
    let from = stores.fleet.health(NOON).await?;
    assert_eq!(from.news, []);
    let reader = Arc::clone(&stores.fleet);
    let waiting = tokio::spawn(async move { reader.news(from.mark).await });
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert!(!waiting.is_finished(), "there is nothing to tell yet");
    let told = resting(AccountId::generate(), 30, 1);
    stores.fleet.tell(&told, NOON).await?;
    let page = waiting.await.expect("a reader does not panic")?;
    assert_eq!((page.news, page.truncated), (vec![told], false));
    Ok(())
}

/// News come in the order in which they were told, and each of them once to a reader that goes on where it was.
pub async fn news_come_in_their_order(stores: Stores) -> Promise {
    let accounts = [(); 5].map(|()| AccountId::generate());
    let told: Vec<_> = accounts.into_iter().map(|account| resting(account, 30, 1)).collect();
    let mut mark = stores.fleet.health(NOON).await?.mark;
    for (number, news) in told.iter().enumerate() {
        stores.fleet.tell(news, NOON).await?;
        if number == 2 {
            let page = stores.fleet.news(mark).await?;
            assert_eq!(page.news, told[..3]);
            mark = page.mark;
        }
    }
    let page = stores.fleet.news(mark).await?;
    assert_eq!((page.news.as_slice(), page.truncated), (&told[3..], false));
    Ok(())
}

/// A reader whose place the feed does not know must read all again, and then can go on.
pub async fn a_reader_whose_place_is_not_known_is_told_so(stores: Stores) -> Promise {
    stores.fleet.tell(&resting(AccountId::generate(), 30, 1), NOON).await?;
    let lost = stores.fleet.news(Mark(u64::MAX >> 12)).await?;
    assert_eq!((lost.news, lost.truncated), (Vec::new(), true));
    let mark = stores.fleet.health(NOON).await?.mark;
    let told = resting(AccountId::generate(), 30, 1);
    stores.fleet.tell(&told, NOON).await?;
    assert_eq!(stores.fleet.news(mark).await?.news, [told]);
    Ok(())
}

/// So must a reader that has slept through more than the feed holds.
pub async fn a_reader_that_slept_too_long_is_told_so(stores: Stores) -> Promise {
    let account = AccountId::generate();
    stores.fleet.tell(&resting(account, 30, 1), NOON).await?;
    let mark = stores.fleet.health(NOON).await?.mark;
    for strikes in 2..1_300 {
        stores.fleet.tell(&resting(account, 30, strikes), NOON).await?;
    }
    let NewsPage { news, truncated, .. } = stores.fleet.news(mark).await?;
    assert!(truncated, "{} news", news.len());
    assert_eq!(stores.fleet.health(NOON).await?.news, [resting(account, 30, 1_299)]);
    Ok(())
}

/// Who joins late is told the last news of everything, once.
pub async fn a_reader_that_joins_late_is_told_what_is_known(stores: Stores) -> Promise {
    let [one, two] = [(); 2].map(|()| AccountId::generate());
    let longer = resting(one, 60, 2);
    let part = of_models(resting(two, 30, 1), "claude-opus");
    stores.fleet.tell(&resting(one, 30, 1), NOON).await?;
    stores.fleet.tell(&longer, NOON).await?;
    stores.fleet.tell(&resting(two, 40, 1), NOON).await?;
    stores.fleet.tell(&part, NOON).await?;
    let known = stores.fleet.health(NOON).await?.news;
    assert_eq!(known.len(), 3, "{known:?}");
    for news in [longer, resting(two, 40, 1), part] {
        assert!(known.contains(&news), "{news:?} in {known:?}");
    }
    Ok(())
}

/// A rest that is over is known for a while, since nobody has tried the account; then it is forgotten.
pub async fn a_rest_that_is_long_over_is_forgotten(stores: Stores) -> Promise {
    let account = AccountId::generate();
    stores.fleet.tell(&resting(account, 30, 1), NOON).await?;
    assert_eq!(stores.fleet.health(noon_plus(300)).await?.news.len(), 1);
    assert_eq!(stores.fleet.health(noon_plus(3_600)).await?.news, []);
    let answer = stores.fleet.try_trial(account, anybody(), TTL, noon_plus(3_600)).await?;
    assert_eq!(answer.known, []);
    Ok(())
}

/// Many relays meet the same trouble: it is told once, and again where it got worse.
pub async fn a_rest_that_says_nothing_new_is_not_told(stores: Stores) -> Promise {
    let account = AccountId::generate();
    let [longer, more] = [resting(account, 31, 1), resting(account, 20, 2)];
    stores.fleet.tell(&resting(account, 30, 1), NOON).await?;
    let mark = stores.fleet.health(NOON).await?.mark;
    for same in [resting(account, 30, 1), resting(account, 10, 1)] {
        stores.fleet.tell(&same, noon_plus(1)).await?;
    }
    stores.fleet.tell(&longer, noon_plus(2)).await?;
    stores.fleet.tell(&more, noon_plus(3)).await?;
    assert_eq!(stores.fleet.news(mark).await?.news, [longer, more]);
    Ok(())
}

/// A recovery takes the place of the rest that it ended; one that was asked for before the rest began does not.
pub async fn a_recovery_ends_what_began_before_it(stores: Stores) -> Promise {
    let account = AccountId::generate();
    let rest = since(resting(account, 90, 1), noon_plus(10));
    stores.fleet.tell(&rest, noon_plus(10)).await?;
    let mark = stores.fleet.health(NOON).await?.mark;
    stores.fleet.tell(&serving(account, noon_plus(9)), noon_plus(20)).await?;
    assert_eq!(stores.fleet.health(noon_plus(20)).await?.news, std::slice::from_ref(&rest));
    let serves = serving(account, noon_plus(100));
    stores.fleet.tell(&serves, noon_plus(101)).await?;
    assert_eq!(stores.fleet.health(noon_plus(101)).await?.news, std::slice::from_ref(&serves));
    assert_eq!(stores.fleet.news(mark).await?.news, std::slice::from_ref(&serves));
    // What was on its way meanwhile is old.
    stores.fleet.tell(&since(resting(account, 200, 1), noon_plus(99)), noon_plus(102)).await?;
    assert_eq!(stores.fleet.health(noon_plus(102)).await?.news, [serves]);
    let anew = since(resting(account, 200, 1), noon_plus(103));
    stores.fleet.tell(&anew, noon_plus(103)).await?;
    assert_eq!(stores.fleet.health(noon_plus(103)).await?.news, [anew]);
    Ok(())
}

/// What is said of an account and of its models is kept apart.
pub async fn an_account_and_its_models_are_told_apart(stores: Stores) -> Promise {
    let account = AccountId::generate();
    let whole = resting(account, 30, 1);
    let part = of_models(resting(account, 60, 1), "claude-opus");
    stores.fleet.tell(&whole, NOON).await?;
    stores.fleet.tell(&part, NOON).await?;
    let serves = serving(account, noon_plus(40));
    stores.fleet.tell(&serves, noon_plus(40)).await?;
    let known = stores.fleet.health(noon_plus(40)).await?.news;
    assert!(known.len() == 2 && known.contains(&serves) && known.contains(&part), "{known:?}");
    Ok(())
}

/// An operator's hand ends every rest of an account, and of no other.
pub async fn a_release_ends_every_rest_of_the_account(stores: Stores) -> Promise {
    let [account, other] = [(); 2].map(|()| AccountId::generate());
    let kept = resting(other, 30, 1);
    stores.fleet.tell(&resting(account, 30, 1), NOON).await?;
    stores.fleet.tell(&of_models(resting(account, 60, 1), "claude-opus"), NOON).await?;
    stores.fleet.tell(&kept, NOON).await?;
    let mark = stores.fleet.health(NOON).await?.mark;
    let released = news(account, Told::Released { at: noon_plus(1) });
    stores.fleet.tell(&released, noon_plus(1)).await?;
    assert_eq!(stores.fleet.news(mark).await?.news, std::slice::from_ref(&released));
    let known = stores.fleet.health(noon_plus(1)).await?.news;
    assert!(known.len() == 2 && known.contains(&kept) && known.contains(&released), "{known:?}");
    Ok(())
}

/// While one tries an account nobody else does; the same may ask again, and accounts are tried apart.
pub async fn one_tries_an_account(stores: Stores) -> Promise {
    let (account, holder) = (AccountId::generate(), anybody());
    assert!(stores.fleet.try_trial(account, holder, TTL, NOON).await?.granted);
    assert!(!stores.fleet.try_trial(account, anybody(), TTL, noon_plus(1)).await?.granted);
    assert!(stores.fleet.try_trial(account, holder, TTL, noon_plus(2)).await?.granted);
    let other = AccountId::generate();
    assert!(stores.fleet.try_trial(other, anybody(), TTL, NOON).await?.granted);
    Ok(())
}

/// However many ask at once, one is granted the trial.
pub async fn of_parallel_relays_exactly_one_tries(stores: Stores) -> Promise {
    let account = AccountId::generate();
    let tries: Vec<_> = (0..16)
        .map(|_| {
            let fleet = Arc::clone(&stores.fleet);
            tokio::spawn(async move { fleet.try_trial(account, anybody(), TTL, NOON).await })
        })
        .collect();
    let mut granted = 0;
    for attempt in tries {
        granted += usize::from(attempt.await.expect("a relay does not panic")?.granted);
    }
    assert_eq!(granted, 1);
    Ok(())
}

/// The trial of a relay that fell silent lapses.
pub async fn a_trial_lapses(stores: Stores) -> Promise {
    let (account, other) = (AccountId::generate(), anybody());
    stores.fleet.try_trial(account, anybody(), TTL, NOON).await?;
    assert!(!stores.fleet.try_trial(account, other, TTL, noon_plus(59)).await?.granted);
    assert!(stores.fleet.try_trial(account, other, TTL, noon_plus(60)).await?.granted);
    Ok(())
}

/// A trial that was ended is anybody's; only its holder ends it.
pub async fn only_its_holder_ends_a_trial(stores: Stores) -> Promise {
    let account = AccountId::generate();
    let [holder, other] = [(); 2].map(|()| anybody());
    stores.fleet.try_trial(account, holder, TTL, NOON).await?;
    stores.fleet.end_trial(account, other).await?;
    assert!(!stores.fleet.try_trial(account, other, TTL, NOON).await?.granted);
    stores.fleet.end_trial(account, holder).await?;
    assert!(stores.fleet.try_trial(account, other, TTL, NOON).await?.granted);
    Ok(())
}

/// The end of a relay's earlier trial, told late, does not end the one that it has now.
pub async fn a_late_end_of_an_earlier_trial_ends_nothing(stores: Stores) -> Promise {
    let (account, earlier) = (AccountId::generate(), anybody());
    let later = TrialHolder { trial: earlier.trial + 1, ..earlier };
    stores.fleet.try_trial(account, earlier, TTL, NOON).await?;
    assert!(stores.fleet.try_trial(account, later, TTL, NOON).await?.granted);
    stores.fleet.end_trial(account, earlier).await?;
    assert!(!stores.fleet.try_trial(account, anybody(), TTL, NOON).await?.granted);
    stores.fleet.end_trial(account, later).await?;
    assert!(stores.fleet.try_trial(account, anybody(), TTL, NOON).await?.granted);
    Ok(())
}

/// Who would try an account is told what has been told of it, so that no trial is made in vain.
pub async fn who_would_try_is_told_the_last_news(stores: Stores) -> Promise {
    let account = AccountId::generate();
    let [holder, other] = [(); 2].map(|()| anybody());
    assert_eq!(stores.fleet.try_trial(account, holder, TTL, NOON).await?.known, []);
    let told = [resting(account, 30, 1), of_models(resting(account, 60, 1), "claude-opus")];
    for news in &told {
        stores.fleet.tell(news, NOON).await?;
    }
    stores.fleet.tell(&resting(AccountId::generate(), 30, 1), NOON).await?;
    stores.fleet.end_trial(account, holder).await?;
    let answer = stores.fleet.try_trial(account, other, TTL, noon_plus(1)).await?;
    assert!(answer.granted && answer.known.len() == 2, "{answer:?}");
    assert!(told.iter().all(|news| answer.known.contains(news)), "{answer:?}");
    let refused = stores.fleet.try_trial(account, holder, TTL, noon_plus(1)).await?;
    assert!(!refused.granted && refused.known.len() == 2, "{refused:?}");
    Ok(())
}

fn member(number: u8) -> Member {
    Member {
        id: InstanceId::generate(),
        host: format!("host-{number}"),
        address: format!("10.0.0.{number}:8080"),
        version: "1.2.3".to_owned(),
        started_at: NOON.minus(Duration::from_secs(3_600 - u64::from(number))),
        revision: Revision(u64::from(number)),
        seen_at: NOON,
    }
}

/// An account rests until so many seconds after noon.
fn resting(account: AccountId, until: u64, strikes: u32) -> News {
    let rest = ToldRest {
        reason: CooldownReason::RateLimited,
        until: noon_plus(until),
        early: noon_plus(until),
        why: "429: slow down, \"please\"".to_owned(),
        strikes,
        since: NOON,
    };
    news(account, Told::Rests(rest))
}

fn serving(account: AccountId, asked_at: Timestamp) -> News {
    news(account, Told::Serves { asked_at, hope: false })
}

fn news(account: AccountId, told: Told) -> News {
    News { from: teller(), health: HealthNews { account, scope: CooldownScope::Account, told } }
}

/// Who tells everything here.
fn teller() -> InstanceId {
    InstanceId::from_uuid(uuid::Uuid::from_u128(7))
}

fn of_models(mut news: News, beginning: &str) -> News {
    news.health.scope = CooldownScope::Models(beginning.to_owned());
    news
}

fn since(mut news: News, moment: Timestamp) -> News {
    if let Told::Rests(rest) = &mut news.health.told {
        rest.since = moment;
    }
    news
}

/// A relay with its first trial.
fn anybody() -> TrialHolder {
    TrialHolder { relay: InstanceId::generate(), trial: 1 }
}
