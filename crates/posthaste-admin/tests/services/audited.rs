//! The audit log: what is in it, and that nobody changes it unnoticed.

use std::{sync::Arc, time::Duration};

use posthaste_admin::{
    Actor, AdminError, AuditEntry, AuditInput, BrandingChange, Command, Credentials, KeyChange, NewKey,
    Outcome, Reply, Visit,
};
use posthaste_core::Role;
use posthaste_storage::{JournalEntry, Stores};
use serde_json::json;

use crate::{
    doubles::UnsoundJournals,
    people::{PASSWORD, add, secret},
    support::{Bench, compatible, quiet},
};

async fn entries(bench: &Bench) -> Vec<AuditEntry> {
    let input = AuditInput { limit: Some(1_000), ..AuditInput::default() };
    let mut entries = bench.admin.audit().list(&input).await.unwrap().entries;
    entries.reverse();
    entries
}

fn named(name: &str) -> Command {
    Command::CreateKey(NewKey { name: name.to_owned(), ..NewKey::default() })
}

#[tokio::test]
async fn what_was_done_is_told_with_what_it_changed() {
    let bench = quiet().await;
    bench.admin.execute(named("team")).await.unwrap();
    let change = KeyChange { enabled: Some(false), ..KeyChange::default() };
    bench.admin.execute(Command::UpdateKey { key: "team".to_owned(), change }).await.unwrap();
    bench.admin.execute(Command::ListKeys).await.unwrap();
    bench.admin.execute(Command::DeleteKey { key: "team".to_owned() }).await.unwrap();
    let entries = entries(&bench).await;
    let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["key.create", "key.update", "key.delete"]);
    let [created, updated, deleted] = &entries[..] else { panic!() };
    assert_eq!(created.who, json!({ "kind": "machine" }));
    assert_eq!(
        (created.before.is_none(), created.after.as_ref().unwrap()["name"].as_str()),
        (true, Some("team"))
    );
    let target = updated.target.as_ref().unwrap();
    assert_eq!((target.kind.as_str(), target.name.as_str()), ("client_key", "team"));
    assert_eq!(updated.before.as_ref().unwrap()["enabled"], json!(true));
    let after = updated.after.as_ref().unwrap().as_object().unwrap();
    assert_eq!(after["enabled"], json!(false));
    assert!(!after.contains_key("name"), "{after:?}");
    assert!(deleted.after.as_ref().unwrap()["deleted_at"].is_string(), "{:?}", deleted.after);

    bench.admin.execute(Command::PurgeKey { key: "team".to_owned() }).await.unwrap();
    let dropped = self::entries(&bench).await.pop().unwrap();
    assert_eq!(dropped.action, "key.purge");
    assert!(dropped.before.is_some() && dropped.after.is_none());
}

#[tokio::test]
async fn secrets_are_not_in_it() {
    let bench = quiet().await;
    bench.admin.execute(Command::AddAccount(compatible("one"))).await.unwrap();
    let Reply::CreatedKey(key) = bench.admin.execute(named("team")).await.unwrap() else { panic!() };
    let id = add(&bench, "ada", Role::Admin).await;
    let password = secret("a canary that nobody sees");
    bench.admin.execute(Command::SetPassword { user: id.to_string(), password }).await.unwrap();
    let given = Credentials { name: "ada".to_owned(), password: secret("another canary"), code: None };
    let _ = bench.admin.sign_in().by_password(given, &Visit::default()).await;
    let text = serde_json::to_string(&entries(&bench).await).unwrap();
    for canary in ["sk-ant-dummy", key.key.secret().expose(), "canary", "argon2id"] {
        assert!(!text.contains(canary), "{canary} in {text}");
    }
    assert!(text.contains("hidden "), "that a secret was changed is told: {text}");
}

#[tokio::test]
async fn what_was_refused_or_failed_is_told_too() {
    let bench = quiet().await;
    add(&bench, "ada", Role::Viewer).await;
    let given = |password| Credentials { name: "ada".to_owned(), password: secret(password), code: None };
    let visit = Visit { address: Some([192, 0, 2, 1].into()), agent: String::new() };
    let signed = bench.admin.sign_in().by_password(given(PASSWORD), &visit).await.unwrap();
    let person = bench.admin.sign_in().person(signed.token.expose()).await.unwrap().unwrap();
    let viewer = person.actor(visit.address);
    assert!(matches!(bench.admin.act(&viewer, named("team")).await, Err(AdminError::Forbidden { .. })));
    assert!(bench.admin.execute(Command::DeleteKey { key: "nobody".to_owned() }).await.is_err());
    assert!(bench.admin.sign_in().by_password(given("wrong"), &visit).await.is_err());
    let entries = entries(&bench).await;
    let told: Vec<_> = entries.iter().map(|entry| (entry.action.as_str(), entry.outcome)).collect();
    let expected = [
        ("session.begin", Outcome::Done),
        ("key.create", Outcome::Refused),
        ("key.delete", Outcome::Failed),
        ("session.begin", Outcome::Refused),
    ];
    assert_eq!(told, expected);
    assert_eq!((&entries[1].who["name"], entries[1].address), (&json!("ada"), visit.address));
    assert_eq!(entries[2].target.as_ref().unwrap().name, "nobody");
    assert_eq!(entries[3].who, json!({ "kind": "stranger" }));
}

#[tokio::test]
async fn the_log_is_asked_in_parts() {
    let bench = quiet().await;
    for n in 0..7 {
        bench.admin.execute(named(&format!("key{n}"))).await.unwrap();
        bench.clock.advance(Duration::from_secs(1));
    }
    let page = |before, limit| AuditInput { before, limit: Some(limit), ..AuditInput::default() };
    let first = bench.admin.audit().list(&page(None, 5)).await.unwrap();
    assert_eq!(first.entries.iter().map(|entry| entry.number).collect::<Vec<_>>(), [7, 6, 5, 4, 3]);
    let second = bench.admin.audit().list(&page(first.next, 5)).await.unwrap();
    assert_eq!(second.entries.len(), 2);
    assert_eq!(second.next, None);
    let input = AuditInput {
        target: Some("key3".to_owned()),
        action: Some("key.".to_owned()),
        ..AuditInput::default()
    };
    assert_eq!(bench.admin.audit().list(&input).await.unwrap().entries.len(), 1);
}

#[tokio::test]
async fn a_log_as_it_was_written_is_whole() {
    let bench = quiet().await;
    assert!(bench.admin.audit().verify().await.unwrap().problems.is_empty());
    for n in 0..5 {
        bench.admin.execute(named(&format!("key{n}"))).await.unwrap();
    }
    let report = bench.admin.audit().verify().await.unwrap();
    assert_eq!((report.entries, report.first, report.last), (5, Some(1), Some(5)));
    assert!(report.problems.is_empty() && report.link.is_some(), "{report:?}");
}

#[tokio::test]
async fn what_the_relay_called_itself_before_and_after_is_told() {
    let bench = quiet().await;
    let change = |change| bench.admin.execute(Command::SetBranding(change));
    let icon = format!("data:image/png;base64,{}", "QUJD".repeat(9_000));
    let site_name = Some("Ours".to_owned());
    change(BrandingChange { site_name, ..BrandingChange::default() }).await.unwrap();
    let site_icon = Some(icon.clone());
    change(BrandingChange { site_icon, ..BrandingChange::default() }).await.unwrap();
    let site_name = Some(String::new());
    assert!(change(BrandingChange { site_name, ..BrandingChange::default() }).await.is_err());
    let told = entries(&bench).await;
    let [first, second, refused] = &told[..] else { panic!("{told:?}") };
    assert_eq!(first.before, Some(json!({ "site_name": "Posthaste" })));
    assert_eq!(first.after, Some(json!({ "site_name": "Ours" })));
    let target = second.target.as_ref().unwrap();
    assert_eq!((target.kind.as_str(), target.name.as_str()), ("branding", "Ours"));
    assert_eq!(second.before, Some(json!({ "site_icon": "" })));
    let after = second.after.as_ref().unwrap()["site_icon"].as_str().unwrap();
    assert!(
        after.starts_with("data:image/png;base64,… (36000 characters, "),
        "a picture is not told whole: {after}"
    );
    assert_eq!((refused.outcome, &refused.after), (Outcome::Failed, &None));
}

#[tokio::test]
async fn parallel_writers_share_one_chain() {
    let bench = Arc::new(quiet().await);
    let writers: Vec<_> = (0..6)
        .map(|n| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move { bench.admin.execute(named(&format!("key{n}"))).await.unwrap() })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let report = bench.admin.audit().verify().await.unwrap();
    assert_eq!((report.entries, report.problems.len()), (6, 0), "{report:?}");
}

#[tokio::test]
async fn old_entries_are_forgotten_and_the_rest_can_be_followed() {
    let bench = quiet().await;
    for n in 0..4 {
        bench.admin.execute(named(&format!("key{n}"))).await.unwrap();
        bench.clock.advance(Duration::from_secs(3_600));
    }
    let cut = entries(&bench).await[2].at;
    assert_eq!(bench.admin.audit().forget(cut).await.unwrap(), 2);
    let report = bench.admin.audit().verify().await.unwrap();
    assert_eq!((report.first, report.entries, report.problems.len()), (Some(3), 3, 0), "{report:?}");
    assert_eq!(bench.admin.audit().forget(cut).await.unwrap(), 0);
}

#[tokio::test]
async fn whoever_changes_or_removes_an_entry_is_found_out() {
    let bench = quiet().await;
    for n in 0..5 {
        bench.admin.execute(named(&format!("key{n}"))).await.unwrap();
    }
    type Forge = fn(JournalEntry) -> Option<JournalEntry>;
    let forgeries: [(&str, Forge); 5] = [
        ("another text", |entry| {
            let text = entry.text.replace("key", "kez");
            Some(JournalEntry { text, ..entry })
        }),
        ("another link", |entry| {
            let text = format!("{}{}", "0".repeat(64), &entry.text[64..]);
            Some(JournalEntry { text, ..entry })
        }),
        ("another moment", |entry| Some(JournalEntry { at: entry.at.plus(Duration::from_secs(1)), ..entry })),
        ("no link", |entry| Some(JournalEntry { text: "{}".to_owned(), ..entry })),
        ("removed", |_| None),
    ];
    for (what, forge) in forgeries {
        for number in 1..=4 {
            let forged = UnsoundJournals::forged(&bench.stores.journals, move |entry| {
                if entry.number == number { forge(entry) } else { Some(entry) }
            });
            let stores = Stores { journals: Arc::new(forged), ..bench.stores.clone() };
            let admin = bench.with_stores(stores);
            let report = admin.audit().verify().await.unwrap();
            assert!(!report.problems.is_empty(), "{what} at {number}: {report:?}");
        }
    }
}

#[test]
fn every_command_has_a_word_of_its_own_in_the_log() {
    let policy = named("x").policy();
    assert_eq!((policy.action, policy.audited), ("key.create", true));
    let bodies = Command::Explain { request: "x".to_owned(), bodies: true }.policy();
    assert!(bodies.audited && bodies.need.to_string() == "bodies:read");
    assert!(!Command::Status.policy().audited);
    assert!(!Actor { who: posthaste_admin::Who::Stranger, address: None }.may(Command::Status.policy().need));
}

#[tokio::test]
async fn refused_log_ins_do_not_fill_the_log_and_are_all_told() {
    let bench = quiet().await;
    add(&bench, "ada", Role::Owner).await;
    let sign_in = bench.admin.sign_in();
    let attempt = |name: &str, last: u8| {
        let visit = Visit { address: Some([192, 0, 2, last].into()), agent: String::new() };
        let given = Credentials { name: name.to_owned(), password: secret("wrong"), code: None };
        async move { assert!(sign_in.by_password(given, &visit).await.is_err()) }
    };
    for _ in 0..5 {
        attempt("ada", 1).await;
    }
    attempt("ada", 2).await;
    let refused = || async {
        let input = AuditInput { action: Some("session.begin".to_owned()), ..AuditInput::default() };
        bench.admin.audit().list(&input).await.unwrap().entries
    };
    assert_eq!(refused().await.len(), 2, "one for each address");
    sign_in.tell_refusals().await;
    assert_eq!(refused().await.len(), 2, "their time is not over");
    bench.clock.advance(Duration::from_secs(600));
    sign_in.tell_refusals().await;
    let told = refused().await;
    assert_eq!(told.len(), 3);
    assert_eq!(told[0].after.as_ref().unwrap()["times"], 4);
    assert_eq!(told[0].address, Some([192, 0, 2, 1].into()));
    attempt("ada", 2).await;
    attempt("ada", 2).await;
    bench.admin.settle().await;
    let told = refused().await;
    assert_eq!((told.len(), told[0].after.as_ref().unwrap()["times"].as_u64()), (5, Some(1)));
    assert!(bench.admin.audit().verify().await.unwrap().problems.is_empty());
}
