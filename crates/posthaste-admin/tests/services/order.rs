//! Several accounts given other places at once.

use posthaste_admin::{
    AccountOrder, AccountPlace, Actor, AdminError, AuditInput, Command, FailureKind, NewAccount,
};

use crate::{
    support::{Bench, compatible, quiet},
    versions::raced,
};

async fn three() -> Bench {
    let bench = quiet().await;
    for name in ["a", "b", "c"] {
        bench.admin.accounts().add(compatible(name)).await.unwrap();
    }
    bench
}

fn to(account: &str, priority: u32) -> AccountPlace {
    AccountPlace { account: account.to_owned(), priority: Some(priority), ..AccountPlace::default() }
}

async fn order(bench: &Bench, accounts: Vec<AccountPlace>) -> Result<posthaste_admin::OrderView, AdminError> {
    bench.admin.order_accounts(&Actor::machine(), AccountOrder { accounts }).await
}

async fn places(bench: &Bench) -> Vec<(u8, u16)> {
    let views = bench.admin.accounts().list().await.unwrap();
    views.iter().map(|view| (view.priority, view.scheduling.weight)).collect()
}

#[tokio::test]
async fn all_of_them_move_and_each_is_noted() {
    let bench = three().await;
    let heavy = AccountPlace { weight: Some(9), ..to("c", 1) };
    let view = order(&bench, vec![to("a", 20), heavy]).await.unwrap();
    assert_eq!((view.done, view.failed), (2, 0), "{view:?}");
    assert_eq!((view.items[1].priority, view.items[1].weight), (1, 9));
    assert_eq!(places(&bench).await, [(20, 1), (50, 1), (1, 9)]);
    let log = bench.admin.audit().list(&AuditInput::default()).await.unwrap();
    let noted = log.entries.iter().filter(|entry| entry.action == "account.update").count();
    assert_eq!(noted, 2);
    // The answer tells the versions from which the next move goes on.
    let next = AccountPlace { version: Some(view.items[0].version), ..to("a", 30) };
    assert_eq!(order(&bench, vec![next]).await.unwrap().done, 1);
}

#[tokio::test]
async fn nothing_moves_where_one_cannot() {
    let bench = three().await;
    let too_far = AccountPlace { weight: Some(1_001), ..to("b", 7) };
    let cases = [
        vec![],
        vec![to("a", 1), to("nobody", 2)],
        vec![to("a", 1), to("b", 101)],
        vec![to("a", 1), too_far],
    ];
    for accounts in cases {
        let refused = order(&bench, accounts.clone()).await.unwrap_err();
        let fits = matches!(refused, AdminError::Invalid { .. } | AdminError::NotFound { .. });
        assert!(fits, "{accounts:?}: {refused}");
    }
    let id = bench.admin.accounts().show("a").await.unwrap().id.to_string();
    let twice = order(&bench, vec![to("a", 1), to(&id, 2)]).await.unwrap_err();
    assert!(matches!(twice, AdminError::Invalid { field: "accounts", .. }), "{twice}");
    let late = vec![to("a", 1), AccountPlace { version: Some(99), ..to("b", 2) }];
    let stale = order(&bench, late).await.unwrap_err();
    let AdminError::Stale { what, current: Some(current), .. } = stale else { panic!("{stale}") };
    assert_eq!((what.as_str(), &current["name"]), ("account `b`", &serde_json::json!("b")));
    assert_eq!(places(&bench).await, [(50, 1); 3]);
}

#[tokio::test]
async fn who_is_overtaken_at_the_write_is_told_so_and_stops_no_other() {
    let (bench, admin) = raced().await;
    bench.admin.accounts().add(NewAccount { priority: Some(60), ..compatible("two") }).await.unwrap();
    let accounts = vec![to("one", 1), to("two", 2)];
    let view = admin.order_accounts(&Actor::machine(), AccountOrder { accounts }).await.unwrap();
    assert_eq!((view.done, view.failed), (1, 1), "{view:?}");
    let failure = view.items[0].failure.as_ref().unwrap();
    assert_eq!((failure.kind, view.items[0].priority), (FailureKind::Conflict, 50));
    assert_eq!(places(&bench).await, [(50, 1), (2, 1)]);
}

#[tokio::test]
async fn it_needs_what_changing_an_account_needs() {
    let bench = three().await;
    let stranger = Actor { who: posthaste_admin::Who::Stranger, address: None };
    let order = AccountOrder { accounts: vec![to("a", 1)] };
    let refused = bench.admin.order_accounts(&stranger, order).await.unwrap_err();
    let change = posthaste_admin::AccountChange::default();
    let need = Command::UpdateAccount { account: "a".to_owned(), change }.policy().need.to_string();
    assert!(matches!(refused, AdminError::Forbidden { need: told } if told == need));
}
