//! Lists in pages, the dashboard and charts.

use std::{collections::BTreeSet, time::Duration};

use posthaste_admin::{
    AccountListInput, AccountRow, Actor, AdminError, Command, DashboardView, Every, KeyListInput, KeyRow,
    ListPage, NewKey, OwnerInput, PolicyInput, Replied, RequestsInput, RequestsPage, SortOrder, StatsBy,
    StatsInput, StatsView, TrendInput, TrendView, UsedIn, Who,
};
use posthaste_core::{ApiTokenId, Area, AttemptRow, ClientKeyId, CooldownReason, Role, UserId};
use posthaste_storage::KeptRequest;

use crate::{
    booked::{book, row},
    requests::served,
    support::{Bench, compatible, key as given, quiet},
};

const DAY: Duration = Duration::from_secs(86_400);

async fn act<T: Replied>(bench: &Bench, command: Command) -> Result<T, AdminError> {
    let reply = bench.admin.act(&Actor::machine(), command).await?;
    Ok(T::from_reply(reply).unwrap())
}

async fn keys(bench: &Bench, input: KeyListInput) -> ListPage<KeyRow> {
    act(bench, Command::PageKeys(input)).await.unwrap()
}

async fn accounts(bench: &Bench, input: AccountListInput) -> ListPage<AccountRow> {
    act(bench, Command::PageAccounts(input)).await.unwrap()
}

fn names(page: &ListPage<KeyRow>) -> Vec<&str> {
    page.items.iter().map(|row| row.key.name.as_str()).collect()
}

fn account_names(page: &ListPage<AccountRow>) -> Vec<&str> {
    page.items.iter().map(|row| row.account.name.as_str()).collect()
}

async fn new_key(bench: &Bench, name: &str, owner: Option<&str>, tag: &str) -> ClientKeyId {
    let policy = PolicyInput {
        owner: owner.map(str::to_owned),
        tags: Some(vec![tag.to_owned()]),
        ..PolicyInput::default()
    };
    let new = NewKey { name: name.to_owned(), policy, ..NewKey::default() };
    bench.admin.keys().create(new).await.unwrap().view.id
}

fn by(sort_by: &str, order: SortOrder) -> KeyListInput {
    KeyListInput { sort_by: Some(sort_by.to_owned()), sort_order: Some(order), ..KeyListInput::default() }
}

#[tokio::test]
async fn pages_tell_each_key_once_also_where_all_are_equal() {
    let bench = quiet().await;
    for number in 0..23 {
        new_key(&bench, &format!("key {number:02}"), None, "same").await;
    }
    for order in [SortOrder::Asc, SortOrder::Desc] {
        let mut told = Vec::new();
        for page in 1..=5 {
            let input = KeyListInput { page: Some(page), page_size: Some(5), ..by("cost", order) };
            let page = keys(&bench, input).await;
            assert_eq!(page.total, 23);
            told.extend(page.items.into_iter().map(|row| row.key.name));
        }
        assert_eq!((told.len(), told.iter().collect::<BTreeSet<_>>().len()), (23, 23));
        assert!(told.is_sorted(), "what is equal stands in the order of names");
    }
    assert!(keys(&bench, KeyListInput { page: Some(9), ..KeyListInput::default() }).await.items.is_empty());
}

#[tokio::test]
async fn the_order_of_last_use_stays_while_pages_are_turned_and_no_longer() {
    let bench = quiet().await;
    let now = bench.now();
    let (first, second) = (new_key(&bench, "a", None, "x").await, new_key(&bench, "b", None, "y").await);
    book(&bench, &[row(first, now, "m", 1), row(second, now.minus(DAY), "m", 20)]).await;
    let listed = async || {
        let last = keys(&bench, by("lastUsedAt", SortOrder::Desc)).await;
        last.items.into_iter().map(|row| (row.key.name, row.last_used_at)).collect::<Vec<_>>()
    };
    let before = listed().await;
    let later = now.plus(Duration::from_secs(3_600));
    book(&bench, &[row(second, later, "m", 5)]).await;
    let turned = listed().await;
    assert_eq!([&before[0].0, &before[1].0], [&turned[0].0, &turned[1].0], "the order stays");
    assert_eq!(turned[1].1, Some(later), "what is told of each is as it is now");
    // A key that was made meanwhile has everything read anew.
    new_key(&bench, "c", None, "x").await;
    assert_eq!(listed().await.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["b", "a", "c"]);
    book(&bench, &[row(first, now.plus(Duration::from_secs(7_200)), "m", 5)]).await;
    bench.clock.advance(Duration::from_secs(10));
    assert_eq!(listed().await[0].0, "a", "it is read anew after a moment");
}

#[tokio::test]
async fn keys_are_sorted_by_what_they_used_and_when() {
    let bench = quiet().await;
    let (now, month) = (bench.now(), 40 * DAY);
    let (first, second) = (new_key(&bench, "a", None, "x").await, new_key(&bench, "b", None, "y").await);
    new_key(&bench, "c", None, "x").await;
    let rows = [
        row(first, now.minus(month), "m", 500),
        row(first, now, "m", 1),
        row(second, now.minus(DAY), "m", 20),
    ];
    book(&bench, &rows).await;
    let ever = keys(&bench, by("cost", SortOrder::Desc)).await;
    assert_eq!(names(&ever), ["a", "b", "c"]);
    let used = |page: &ListPage<KeyRow>| -> Vec<u64> {
        page.items.iter().map(|row| row.usage.as_ref().unwrap().usage.output).collect()
    };
    assert_eq!(used(&ever), [501, 20, 0]);
    let lately = keys(&bench, KeyListInput { range: UsedIn::Week, ..by("cost", SortOrder::Desc) }).await;
    assert_eq!((names(&lately), used(&lately)), (vec!["b", "a", "c"], vec![20, 1, 0]));
    let last = keys(&bench, by("lastUsedAt", SortOrder::Desc)).await;
    assert_eq!(names(&last), ["a", "b", "c"]);
    assert!(last.items[0].last_used_at > last.items[1].last_used_at && last.items[2].last_used_at.is_none());
    book(&bench, &[row(second, now, "m", 5_000)]).await;
    assert_eq!(
        names(&keys(&bench, by("cost", SortOrder::Desc)).await),
        ["b", "a", "c"],
        "new rows count at once"
    );
}

#[tokio::test]
async fn keys_are_found_by_owner_team_tag_and_state() {
    let bench = quiet().await;
    bench.admin.owners().set_team("red", &Default::default()).await.unwrap();
    let with = OwnerInput { team: Some("red".to_owned()), ..OwnerInput::default() };
    bench.admin.owners().set("alice", &with).await.unwrap();
    new_key(&bench, "one", Some("alice"), "site-1").await;
    new_key(&bench, "two", None, "site-2").await;
    let off = new_key(&bench, "three", None, "site-1").await;
    bench.admin.keys().revoke(&off.to_string()).await.unwrap();
    let told = async |input: KeyListInput| {
        let page = keys(&bench, input).await;
        page.items.into_iter().map(|row| row.key.name).collect::<Vec<_>>()
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(told(KeyListInput { search: text("ALICE"), ..KeyListInput::default() }).await, ["one"]);
    assert_eq!(told(KeyListInput { search: text("red"), ..KeyListInput::default() }).await, ["one"]);
    assert_eq!(told(KeyListInput { tag: text("site-1"), ..KeyListInput::default() }).await, ["one", "three"]);
    assert_eq!(told(KeyListInput { team: text("red"), ..KeyListInput::default() }).await, ["one"]);
    assert_eq!(told(KeyListInput { owner: text(""), ..KeyListInput::default() }).await, ["three", "two"]);
    assert_eq!(told(KeyListInput { is_active: Some(true), ..KeyListInput::default() }).await, ["one", "two"]);
    assert_eq!(told(KeyListInput { state: text("revoked"), ..KeyListInput::default() }).await, ["three"]);
    bench.admin.keys().delete("one").await.unwrap();
    assert_eq!(told(KeyListInput::default()).await, ["three", "two"], "the list follows what is removed");
    for (input, field) in [
        (KeyListInput { state: text("odd"), ..KeyListInput::default() }, "state"),
        (by("hash", SortOrder::Asc), "sortBy"),
        (KeyListInput { page: Some(0), ..KeyListInput::default() }, "page"),
        (KeyListInput { page_size: Some(501), ..KeyListInput::default() }, "pageSize"),
    ] {
        let refused = act::<ListPage<KeyRow>>(&bench, Command::PageKeys(input)).await.unwrap_err();
        assert!(matches!(refused, AdminError::Invalid { field: found, .. } if found == field), "{refused}");
    }
}

#[tokio::test]
async fn whoever_may_not_see_usage_is_told_none() {
    let bench = quiet().await;
    let id = new_key(&bench, "one", None, "x").await;
    book(&bench, &[row(id, bench.now(), "m", 7)]).await;
    let who = Who::Token {
        id: ApiTokenId::generate(),
        name: "narrow".to_owned(),
        user: None,
        role: Role::Owner,
        scopes: vec![Area::Keys.read()],
    };
    let narrow = Actor { who, address: None };
    let page = bench.admin.act(&narrow, Command::PageKeys(KeyListInput::default())).await.unwrap();
    let page = ListPage::<KeyRow>::from_reply(page).unwrap();
    assert!(page.items[0].usage.is_none() && page.items[0].last_used_at.is_none());
    let refused = bench.admin.act(&narrow, Command::PageKeys(by("cost", SortOrder::Asc))).await.unwrap_err();
    assert!(matches!(refused, AdminError::Forbidden { .. }), "{refused}");
}

#[tokio::test]
async fn accounts_are_listed_by_kind_and_state_and_counted() {
    let bench = quiet().await;
    for name in ["a", "b", "c"] {
        bench.admin.accounts().add(compatible(name)).await.unwrap();
    }
    let other = posthaste_admin::NewAccount {
        preset: "openai".to_owned(),
        name: "d".to_owned(),
        api_key: given("sk-dummy"),
        ..Default::default()
    };
    bench.admin.accounts().add(other).await.unwrap();
    bench.admin.accounts().set_enabled("c", false).await.unwrap();
    let resting = bench.admin.accounts().show("b").await.unwrap().id;
    let parked = posthaste_admin::ParkedView {
        reason: CooldownReason::RateLimited,
        until: bench.now().plus(DAY),
        why: "too many".to_owned(),
    };
    bench.runtime.parked.lock().insert(resting, parked);
    let now = bench.now();
    let used = |output| AttemptRow { account_id: resting, ..row(ClientKeyId::generate(), now, "m", output) };
    book(&bench, &[used(9)]).await;
    let text = |text: &str| Some(text.to_owned());
    let limited =
        accounts(&bench, AccountListInput { state: text("limited"), ..AccountListInput::default() }).await;
    assert_eq!(account_names(&limited), ["b"]);
    assert_eq!(limited.items[0].usage.as_ref().unwrap().usage.output, 9);
    let input = AccountListInput { preset: text("openai, gemini"), ..AccountListInput::default() };
    assert_eq!(account_names(&accounts(&bench, input).await), ["d"]);
    let dearest = AccountListInput {
        sort_by: text("cost"),
        sort_order: Some(SortOrder::Desc),
        ..AccountListInput::default()
    };
    assert_eq!(account_names(&accounts(&bench, dearest).await), ["b", "a", "c", "d"]);

    let board: DashboardView = act(&bench, Command::Dashboard).await.unwrap();
    let counts = board.accounts;
    assert_eq!((counts.total, counts.ready, counts.limited, counts.disabled), (4, 2, 1, 1));
    assert_eq!(board.by_provider.len(), 2);
    assert_eq!((board.today.usage.output, board.total.usage.output), (9, 9));
    assert_eq!((board.pace.requests_per_minute, board.pace.tokens_per_minute), (1, 9));
}

#[tokio::test]
async fn a_chart_has_a_line_for_those_who_used_most() {
    let bench = quiet().await;
    let now = bench.now();
    let ids: Vec<ClientKeyId> = (0..4).map(|_| ClientKeyId::generate()).collect();
    let mut rows = Vec::new();
    for (position, id) in ids.iter().enumerate() {
        rows.push(row(*id, now, "m", 10 * (position as u64 + 1)));
        rows.push(row(*id, now.minus(2 * DAY), "m", 1));
    }
    book(&bench, &rows).await;
    let input = TrendInput { by: Some(StatsBy::Key), top: Some(2), ..TrendInput::default() };
    let told: TrendView = act(&bench, Command::Trend(input)).await.unwrap();
    assert_eq!((told.spans.len(), told.left_out), (2, 2));
    let outputs: Vec<Vec<u64>> =
        told.lines.iter().map(|line| line.points.iter().map(|point| point.output).collect()).collect();
    assert_eq!(outputs, [[1, 40], [1, 30]]);
    assert_eq!(told.lines[0].of.key.as_ref().unwrap().id, ids[3].uuid());
    let all = TrendInput { every: Every::Month, ..TrendInput::default() };
    let all: TrendView = act(&bench, Command::Trend(all)).await.unwrap();
    let sum: u64 = all.lines[0].points.iter().map(|point| point.output).sum();
    assert_eq!((all.lines.len(), sum), (1, 104));
    let wrong = TrendInput { by: Some(StatsBy::Day), ..TrendInput::default() };
    assert!(act::<TrendView>(&bench, Command::Trend(wrong)).await.is_err());
}

#[tokio::test]
async fn teams_are_told_apart_by_their_owners() {
    let bench = quiet().await;
    let now = bench.now();
    let mut rows = vec![row(ClientKeyId::generate(), now, "m", 1_000)];
    for (owner, team, output) in [("alice", "red", 1), ("bob", "red", 20), ("carol", "blue", 300)] {
        bench.admin.owners().set_team(team, &Default::default()).await.unwrap();
        let with = OwnerInput { team: Some(team.to_owned()), ..OwnerInput::default() };
        let id: UserId = bench.admin.owners().set(owner, &with).await.unwrap().id;
        rows.push(AttemptRow { owner: Some(id), ..row(ClientKeyId::generate(), now, "m", output) });
    }
    book(&bench, &rows).await;
    let asked = StatsInput { by: vec![StatsBy::Team], ..StatsInput::default() };
    let told: StatsView = act(&bench, Command::Stats(asked)).await.unwrap();
    let told: Vec<_> = told
        .rows
        .iter()
        .map(|row| (row.team.as_ref().and_then(|team| team.name.as_deref()), row.totals.usage.output))
        .collect();
    assert_eq!(told, [(None, 1_000), (Some("blue"), 300), (Some("red"), 21)]);
    let asked = StatsInput {
        by: vec![StatsBy::Owner],
        team: Some("red".to_owned()),
        top: Some(1),
        ..StatsInput::default()
    };
    let told: StatsView = act(&bench, Command::Stats(asked)).await.unwrap();
    assert_eq!((told.totals.usage.output, told.rows.len(), told.left_out), (21, 1, 1));
    assert_eq!(told.rows[0].owner.as_ref().unwrap().name.as_deref(), Some("bob"));
}

#[tokio::test]
async fn requests_are_told_page_by_page_and_filtered() {
    let bench = quiet().await;
    let account = bench.admin.accounts().add(compatible("a")).await.unwrap().account.id;
    let key = new_key(&bench, "team", None, "x").await;
    let mut kept = Vec::new();
    for number in 0..10_u16 {
        let mut record = served(if number % 2 == 0 { key } else { ClientKeyId::generate() }, account);
        record.status = Some(if number == 4 { 429 } else { 200 });
        kept.push(KeptRequest { record, bodies: None });
    }
    bench.stores.requests.put(&kept, DAY).await.unwrap();
    let page = async |input: RequestsInput| act::<RequestsPage>(&bench, Command::PageRequests(input)).await;
    let (mut told, mut after) = (Vec::new(), None);
    loop {
        let part = page(RequestsInput { after, limit: Some(4), ..RequestsInput::default() }).await.unwrap();
        told.extend(part.requests.iter().map(|request| request.id));
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    let newest: Vec<_> = kept.iter().rev().map(|kept| kept.record.id).collect();
    assert_eq!(told, newest);
    let text = |text: &str| Some(text.to_owned());
    let own = page(RequestsInput { key: text("team"), ..RequestsInput::default() }).await.unwrap();
    assert_eq!((own.requests.len(), own.next), (5, None));
    assert_eq!(own.requests[0].key.as_deref(), Some("team"));
    let failed = page(RequestsInput { status: text("failed"), ..RequestsInput::default() }).await.unwrap();
    assert_eq!(failed.requests.iter().map(|request| request.id).collect::<Vec<_>>(), [newest[5]]);
    let limited = RequestsInput { status: text("429"), account: text("a"), ..RequestsInput::default() };
    assert_eq!(page(limited).await.unwrap().requests.len(), 1);
    let none = RequestsInput { endpoint: text("embeddings"), ..RequestsInput::default() };
    assert_eq!(page(none).await.unwrap().requests.len(), 0);
    assert!(page(RequestsInput { status: text("odd"), ..RequestsInput::default() }).await.is_err());
    assert!(page(RequestsInput { limit: Some(501), ..RequestsInput::default() }).await.is_err());
}
