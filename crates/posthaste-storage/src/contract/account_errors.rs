//! Promises of [`AccountErrorStore`](crate::AccountErrorStore).

use std::time::Duration;

use posthaste_core::{
    AccountError, AccountId, CooldownReason, FaultKind, GivenRest, ModelName, RequestId, Timestamp,
};

use super::{
    Promise,
    fixtures::{NOON, noon_plus},
};
use crate::{ErrorBounds, Stores};

/// Longer than any of these tests takes, so that no store forgets by itself.
const BOUNDS: ErrorBounds = ErrorBounds { most: 4, keep: Duration::from_secs(86_400) };

fn error(account: AccountId, at: Timestamp, message: &str) -> AccountError {
    AccountError {
        account,
        at,
        kind: FaultKind::RateLimited,
        status: Some(429),
        model: ModelName::parse("claude-sonnet-4-5").ok(),
        message: message.to_owned(),
        request: Some(RequestId::generate()),
        rest: Some(GivenRest {
            reason: CooldownReason::RateLimited,
            until: at.plus(Duration::from_secs(60)),
        }),
    }
}

/// Every field comes back, and accounts do not meet.
pub async fn an_accounts_errors_come_back_newest_first(stores: Stores) -> Promise {
    let (one, other) = (AccountId::generate(), AccountId::generate());
    let first = error(one, NOON, "slow down ü🦀");
    let bare =
        AccountError { status: None, model: None, request: None, rest: None, ..error(one, noon_plus(1), "") };
    let others = error(other, noon_plus(2), "elsewhere");
    stores.account_errors.note(&[first.clone(), bare.clone(), others.clone()], BOUNDS).await?;
    assert_eq!(stores.account_errors.latest(one, NOON, 9).await?, [bare.clone(), first]);
    assert_eq!(stores.account_errors.latest(one, NOON, 1).await?, [bare]);
    assert_eq!(stores.account_errors.latest(other, NOON, 9).await?, [others]);
    assert!(stores.account_errors.latest(AccountId::generate(), NOON, 9).await?.is_empty());
    stores.account_errors.note(&[], BOUNDS).await
}

/// More than are wanted push the oldest out, whether they come at once or one by one.
pub async fn of_each_account_the_latest_errors_are_kept(stores: Stores) -> Promise {
    let (busy, quiet) = (AccountId::generate(), AccountId::generate());
    let all: Vec<_> = (0..9).map(|second| error(busy, noon_plus(second), &second.to_string())).collect();
    stores.account_errors.note(&[error(quiet, NOON, "once")], BOUNDS).await?;
    stores.account_errors.note(&all[..7], BOUNDS).await?;
    for one in &all[7..] {
        stores.account_errors.note(std::slice::from_ref(one), BOUNDS).await?;
    }
    let kept: Vec<_> = all[5..].iter().rev().cloned().collect();
    assert_eq!(stores.account_errors.latest(busy, NOON, 99).await?, kept);
    assert_eq!(stores.account_errors.latest(quiet, NOON, 99).await?.len(), 1);
    Ok(())
}

/// Whoever asks says how far back.
pub async fn old_errors_are_not_told(stores: Stores) -> Promise {
    let account = AccountId::generate();
    let (old, new) = (error(account, NOON, "old"), error(account, noon_plus(10), "new"));
    stores.account_errors.note(&[old, new.clone()], BOUNDS).await?;
    assert_eq!(stores.account_errors.latest(account, noon_plus(10), 9).await?, [new]);
    assert!(stores.account_errors.latest(account, noon_plus(11), 9).await?.is_empty());
    Ok(())
}

/// A trim takes old ones alone, no more at once than it may. Stores that forget by themselves have none to trim.
pub async fn old_errors_are_trimmed_step_by_step(stores: Stores) -> Promise {
    let accounts = [AccountId::generate(), AccountId::generate()];
    for account in accounts {
        let old = (0..2).map(|second| error(account, noon_plus(second), "old"));
        let all: Vec<_> = old.chain([error(account, noon_plus(60), "new")]).collect();
        stores.account_errors.note(&all, BOUNDS).await?;
    }
    let errors = &stores.account_errors;
    assert_eq!(errors.trim(NOON, 9).await?, 0, "none is so old");
    let (first, second) = (errors.trim(noon_plus(60), 3).await?, errors.trim(noon_plus(60), 3).await?);
    assert!((first, second) == (3, 1) || (first, second) == (0, 0), "{first} and {second}");
    for account in accounts {
        assert_eq!(errors.latest(account, noon_plus(60), 9).await?.len(), 1);
    }
    Ok(())
}

/// One account's are gone, another's stay.
pub async fn an_accounts_errors_are_cleared(stores: Stores) -> Promise {
    let (one, other) = (AccountId::generate(), AccountId::generate());
    let all = [error(one, NOON, "a"), error(one, NOON, "b"), error(other, NOON, "c")];
    stores.account_errors.note(&all, BOUNDS).await?;
    assert_eq!(stores.account_errors.clear(one).await?, 2);
    assert_eq!(stores.account_errors.clear(one).await?, 0);
    assert!(stores.account_errors.latest(one, NOON, 9).await?.is_empty());
    assert_eq!(stores.account_errors.latest(other, NOON, 9).await?.len(), 1);
    stores.account_errors.note(&all[..1], BOUNDS).await?;
    assert_eq!(stores.account_errors.latest(one, NOON, 9).await?, all[..1]);
    Ok(())
}
