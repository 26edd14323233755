//! Promises of [`SessionStore`](crate::SessionStore).

use posthaste_core::{Session, TokenHash, UserId};

use super::{
    Promise,
    fixtures::{NOON, noon_plus},
};
use crate::Stores;

fn session(token: u8, user: UserId) -> Session {
    Session {
        token: TokenHash::new([token; 32]),
        user,
        began_at: NOON,
        used_at: NOON,
        until: noon_plus(60),
        address: Some([192, 0, 2, token].into()),
        agent: "a browser ü🦀".to_owned(),
    }
}

/// Every field comes back.
pub async fn a_session_is_found_as_it_began(stores: Stores) -> Promise {
    let (known, bare) =
        (session(1, UserId::generate()), Session { address: None, ..session(2, UserId::generate()) });
    for session in [&known, &bare] {
        stores.sessions.begin(session).await?;
        assert_eq!(stores.sessions.find(session.token, noon_plus(59)).await?.as_ref(), Some(session));
    }
    assert_eq!(stores.sessions.find(TokenHash::new([3; 32]), NOON).await?, None);
    Ok(())
}

/// At its end it is gone, for every question.
pub async fn a_session_lapses(stores: Stores) -> Promise {
    let session = session(1, UserId::generate());
    stores.sessions.begin(&session).await?;
    assert_eq!(stores.sessions.find(session.token, noon_plus(60)).await?, None);
    assert!(stores.sessions.of(session.user, noon_plus(60)).await?.is_empty());
    assert!(!stores.sessions.renew(&session, noon_plus(60)).await?);
    Ok(())
}

/// Renewed it lasts longer.
pub async fn a_session_is_renewed(stores: Stores) -> Promise {
    let mut session = session(1, UserId::generate());
    stores.sessions.begin(&session).await?;
    (session.used_at, session.until) = (noon_plus(30), noon_plus(120));
    assert!(stores.sessions.renew(&session, noon_plus(30)).await?);
    assert_eq!(stores.sessions.find(session.token, noon_plus(119)).await?, Some(session.clone()));
    assert_eq!(stores.sessions.of(session.user, noon_plus(119)).await?, [session]);
    Ok(())
}

/// Ended it is gone, and nobody who was about to renew it brings it back.
pub async fn an_ended_session_does_not_come_back(stores: Stores) -> Promise {
    let session = session(1, UserId::generate());
    stores.sessions.begin(&session).await?;
    assert!(stores.sessions.end(session.token).await?);
    assert!(!stores.sessions.end(session.token).await?);
    assert!(!stores.sessions.renew(&session, NOON).await?);
    assert_eq!(stores.sessions.find(session.token, NOON).await?, None);
    assert!(stores.sessions.of(session.user, NOON).await?.is_empty());
    Ok(())
}

/// A person's are told, and nobody else's.
pub async fn sessions_are_told_by_person(stores: Stores) -> Promise {
    let (one, other) = (UserId::generate(), UserId::generate());
    let first = session(9, one);
    let second = Session { began_at: noon_plus(1), ..session(1, one) };
    for session in [&second, &first, &session(5, other)] {
        stores.sessions.begin(session).await?;
    }
    assert_eq!(stores.sessions.of(one, noon_plus(2)).await?, [first, second]);
    assert!(stores.sessions.of(UserId::generate(), NOON).await?.is_empty());
    Ok(())
}

/// A sweep takes lapsed ones alone, no more at once than it may. Stores that forget by themselves have none to sweep.
pub async fn lapsed_sessions_are_swept_step_by_step(stores: Stores) -> Promise {
    let user = UserId::generate();
    let lasting = Session { until: noon_plus(500), ..session(9, user) };
    for session in (1..=3).map(|token| session(token, user)).chain([lasting.clone()]) {
        stores.sessions.begin(&session).await?;
    }
    assert_eq!(stores.sessions.sweep(noon_plus(59), 10).await?, 0, "none has lapsed");
    let (first, second) =
        (stores.sessions.sweep(noon_plus(60), 2).await?, stores.sessions.sweep(noon_plus(60), 2).await?);
    assert!((first, second) == (2, 1) || (first, second) == (0, 0), "{first} and {second}");
    assert_eq!(stores.sessions.of(user, noon_plus(60)).await?, [lasting]);
    Ok(())
}
