//! People, their tokens, sessions and channels, on their way from store to store.

use std::sync::Arc;

use posthaste_admin::{
    Admin, AdminError, AdminParts, BrandingChange, ChannelChange, Command, Credentials, Disclosed,
    NewChannel, TokenInput, UserChange, Visit, Who,
    data::{self, Export, ExportedSecrets, Fate},
};
use posthaste_core::{Area, Channel, ChannelField, ChannelKind, Clock, Role, Secret, Timestamp, User};
use posthaste_storage::{Repository, memory::MemoryStores};
use posthaste_vault::{CodeSecret, PassphraseKey, channel_place};

use crate::{
    people::{PASSWORD, add, secret},
    support::{Bench, quiet},
};

/// Somebody with everything, as the device that makes the codes has it.
async fn furnished() -> (Bench, CodeSecret, String) {
    let bench = quiet().await;
    add(&bench, "ada", Role::Owner).await;
    add(&bench, "bob", Role::Viewer).await;
    let session = logged_in(&bench.admin, None).await.unwrap();
    let person = bench.admin.sign_in().person(&session).await.unwrap().unwrap();
    let factor = bench.admin.sign_in().new_second_factor(&person).unwrap();
    let device = CodeSecret::from_base32(factor.secret.secret().clone());
    let code = Disclosed::new(device.code(bench.now()).unwrap());
    bench.admin.sign_in().enrol_second_factor(&person, &factor.secret, &code).await.unwrap();
    bench.clock.advance(std::time::Duration::from_secs(30));
    let with = ChannelChange {
        target: Some(secret("https://hooks.example/canary-path")),
        key: Some(secret("canary-key")),
        proxy: Some(secret("http://me:canary-pass@proxy.example:3128")),
        ..ChannelChange::default()
    };
    let service = ChannelKind::Webhook;
    let channel = NewChannel { name: "ops".to_owned(), service, with };
    bench.admin.execute(Command::CreateChannel(channel)).await.unwrap();
    (bench, device, session)
}

async fn token(bench: &Bench) -> String {
    let scopes = vec![Area::Keys.read()];
    let new = TokenInput { name: "ci".to_owned(), scopes, lasts_seconds: None };
    let actor = posthaste_admin::Actor::machine();
    bench.admin.tokens().create(&actor, new).await.unwrap().token.secret().expose().to_owned()
}

async fn logged_in(admin: &Admin, code: Option<Disclosed>) -> Result<String, AdminError> {
    let given = Credentials { name: "ada".to_owned(), password: secret(PASSWORD), code };
    let visit = Visit { address: Some("192.0.2.1".parse().unwrap()), agent: "a browser".to_owned() };
    let signed = admin.sign_in().by_password(given, &visit).await?;
    Ok(signed.token.expose().to_owned())
}

async fn export(bench: &Bench, phrase: Option<&Secret>) -> (Export, String) {
    let export = data::export(&bench.stores, &bench.vault, bench.clock.now(), phrase).await.unwrap();
    let text = serde_json::to_string(&export).unwrap();
    assert_eq!(data::read_export(&text).unwrap(), export);
    (export, text)
}

#[tokio::test]
async fn without_a_passphrase_nobody_can_log_in_with_an_export() {
    let (bench, _, _) = furnished().await;
    let token = token(&bench).await;
    let (masked, text) = export(&bench, None).await;
    let ada = bench.stores.config.find(posthaste_storage::RecordKind::User, "ada").await.unwrap().unwrap();
    let ada: User = serde_json::from_str(&ada.body).unwrap();
    let recovery = ada.second_factor.unwrap().recovery[0].to_hex();
    for canary in ["$argon2", "canary", recovery.as_str(), &token, "pht_"] {
        assert!(!text.contains(canary), "{canary}: {text}");
    }
    assert_eq!((masked.users.len(), masked.logins.len(), masked.api_tokens.len()), (2, 0, 0));
    let left: Vec<_> = masked.left_out.iter().map(|left| (left.name.as_str(), left.field.as_str())).collect();
    let secrets = [("ops", "target"), ("ops", "key"), ("ops", "proxy")];
    let wanted = [("ada", "login"), ("bob", "login"), ("ci", "token")];
    assert!(wanted.iter().chain(&secrets).all(|wanted| left.contains(wanted)), "{left:?}");

    let other = quiet().await;
    let plan = data::plan_import(&other.stores, &other.vault, &masked, None).await.unwrap();
    assert!(plan.records.iter().any(|told| told.name == "ada" && told.why.contains("reset-password")));
    plan.apply(&other.stores, other.now()).await.unwrap();
    assert!(logged_in(&other.admin, None).await.is_err());
    assert_eq!(other.admin.people().show("ada").await.unwrap().role, Role::Owner);
    assert!(!other.admin.channels().show("ops").await.unwrap().enabled, "it lacks its target");
    let again = data::plan_import(&other.stores, &other.vault, &masked, None).await.unwrap();
    assert_eq!((again.count(Fate::New), again.count(Fate::Changed)), (0, 0), "{again:?}");

    // At home nobody loses anything, and what somebody wrote into the file is not taken.
    let home = data::plan_import(&bench.stores, &bench.vault, &masked, None).await.unwrap();
    assert_eq!((home.count(Fate::New), home.count(Fate::Changed)), (0, 0), "{home:?}");
    let mut forged = masked;
    let users = Repository::<User>::new(Arc::clone(&bench.stores.config));
    forged.users[0] = users.get(forged.users[0].id.uuid()).await.unwrap().unwrap().value;
    let (third, visitor) = (quiet().await, forged.users[0].id);
    let plan = data::plan_import(&third.stores, &third.vault, &forged, None).await.unwrap();
    plan.apply(&third.stores, third.now()).await.unwrap();
    let users = Repository::<User>::new(Arc::clone(&third.stores.config));
    let kept = users.get(visitor.uuid()).await.unwrap().unwrap().value;
    assert!(!kept.has_sign_in() && kept.second_factor.is_none());
}

#[tokio::test]
async fn with_a_passphrase_people_log_in_elsewhere_as_they_do_here() {
    let (bench, device, _) = furnished().await;
    let token = token(&bench).await;
    let phrase = Secret::new("a dummy passphrase");
    let (sealed, text) = export(&bench, Some(&phrase)).await;
    for canary in ["$argon2", "canary", &token] {
        assert!(!text.contains(canary), "{canary}");
    }
    let ExportedSecrets::Sealed { derivation, .. } = &sealed.secrets else { panic!("sealed") };
    let key = PassphraseKey::derive(&phrase, derivation).unwrap();
    let other = quiet().await;
    let plan = data::plan_import(&other.stores, &other.vault, &sealed, Some(&key)).await.unwrap();
    plan.apply(&other.stores, other.now()).await.unwrap();
    let code = |at: Timestamp| Some(Disclosed::new(device.code(at).unwrap()));
    assert!(logged_in(&other.admin, None).await.is_err(), "the second factor came along");
    other.clock.advance(std::time::Duration::from_secs(30));
    logged_in(&other.admin, code(other.now())).await.unwrap();
    let who = other.admin.tokens().actor(&token).await.unwrap();
    assert!(matches!(who, Some(Who::Token { name, .. }) if name == "ci"));
    let channels = Repository::<Channel>::new(Arc::clone(&other.stores.config));
    let channel = channels.find("ops").await.unwrap().unwrap().value;
    let open = |field| {
        let (_, sealed) = channel.sealed().find(|(kept, _)| *kept == field).unwrap();
        other.vault.unseal(&channel_place(channel.id, field), sealed).unwrap().expose().to_owned()
    };
    assert_eq!(open(ChannelField::Target), "https://hooks.example/canary-path");
    assert_eq!(
        (open(ChannelField::Key), open(ChannelField::Proxy)),
        ("canary-key".into(), "canary-pass".into())
    );
    assert_eq!(data::verify(&other.stores, &other.vault, &|_, _, _| {}).await.problems, []);

    // A code that was taken here since is not free again.
    let again = data::plan_import(&other.stores, &other.vault, &sealed, Some(&key)).await.unwrap();
    assert_eq!((again.count(Fate::New), again.count(Fate::Changed)), (0, 0), "{again:?}");
    let change = UserChange { role: Some(Role::User), ..UserChange::default() };
    let actor = posthaste_admin::Actor::machine();
    other.admin.people().update(&actor, "bob", change).await.unwrap();
    let changed = data::plan_import(&other.stores, &other.vault, &sealed, Some(&key)).await.unwrap();
    assert_eq!(changed.count(Fate::Changed), 1);
}

#[tokio::test]
async fn whoever_has_a_name_to_log_in_with_keeps_it() {
    let (bench, _, _) = furnished().await;
    let (masked, _) = export(&bench, None).await;
    let masked = Export { owners: Vec::new(), ..masked };
    let other = quiet().await;
    let own = add(&other, "ada", Role::Viewer).await;
    let plan = data::plan_import(&other.stores, &other.vault, &masked, None).await.unwrap();
    let ada = plan.records.iter().find(|told| told.name == "ada").unwrap();
    assert_eq!((ada.fate, plan.count(Fate::Conflict)), (Fate::Skipped, 0));
    plan.apply(&other.stores, other.now()).await.unwrap();
    let kept = other.admin.people().show("ada").await.unwrap();
    assert_eq!((kept.id, kept.role), (own, Role::Viewer));
}

#[tokio::test]
async fn an_export_of_version_one_is_still_read() {
    let (bench, _, _) = furnished().await;
    bench.admin.accounts().add(crate::support::compatible("one")).await.unwrap();
    let (masked, text) = export(&bench, None).await;
    let mut old: serde_json::Value = serde_json::from_str(&text).unwrap();
    old["version"] = 1.into();
    let fields = old.as_object_mut().unwrap();
    for name in ["users", "logins", "api_tokens", "channels"] {
        fields.remove(name).unwrap();
    }
    let accounts = masked.left_out.iter().filter(|left| left.field == "credential");
    fields["left_out"] = accounts
        .map(|left| serde_json::json!({ "account": left.id, "name": left.name, "field": left.field }))
        .collect();
    let read = data::read_export(&old.to_string()).unwrap();
    assert_eq!((read.accounts.len(), read.users.len(), read.left_out.len()), (1, 0, 1));
    let other = quiet().await;
    let plan = data::plan_import(&other.stores, &other.vault, &read, None).await.unwrap();
    plan.apply(&other.stores, other.now()).await.unwrap();
    assert!(!other.admin.accounts().show("one").await.unwrap().enabled);
}

#[tokio::test]
async fn what_a_relay_calls_itself_travels_and_a_version_follows_on_the_other() {
    let bench = quiet().await;
    let (none, _) = export(&bench, None).await;
    assert_eq!(none.branding, None, "nobody has said anything");
    let named = |site_name: &str| {
        let site_name = Some(site_name.to_owned());
        Command::SetBranding(BrandingChange { site_name, ..BrandingChange::default() })
    };
    for name in ["First", "Ours"] {
        bench.admin.execute(named(name)).await.unwrap();
    }
    let (told, _) = export(&bench, None).await;
    let other = quiet().await;
    for (fate, versions) in [(Fate::New, 1), (Fate::Same, 1)] {
        let plan = data::plan_import(&other.stores, &other.vault, &told, None).await.unwrap();
        assert_eq!(plan.branding, Some(fate));
        plan.apply(&other.stores, other.now()).await.unwrap();
        let there = other.admin.branding().await.unwrap();
        assert_eq!((there.branding.site_name.as_str(), there.version), ("Ours", versions));
    }
    other.admin.execute(named("Theirs")).await.unwrap();
    let plan = data::plan_import(&other.stores, &other.vault, &none, None).await.unwrap();
    assert_eq!(plan.branding, None, "what an export does not tell stays as it is");
    let plan = data::plan_import(&other.stores, &other.vault, &told, None).await.unwrap();
    assert_eq!(plan.branding, Some(Fate::Changed));
    other.admin.execute(named("Theirs again")).await.unwrap();
    let raced = plan.apply(&other.stores, other.now()).await;
    assert!(matches!(raced, Err(AdminError::Conflict { .. })), "{raced:?}");
    let mut forged = told;
    forged.branding.as_mut().unwrap().site_icon = "javascript:alert(1)".to_owned();
    let refused = data::plan_import(&other.stores, &other.vault, &forged, None).await;
    assert!(matches!(refused, Err(AdminError::Invalid { field: "site_icon", .. })), "{refused:?}");

    let to = MemoryStores::stores();
    let moved = data::transfer(&bench.stores, &to, &|_, _, _| {}).await.unwrap();
    assert_eq!(moved.problems, []);
    let there = bench.with_stores(to).branding().await.unwrap();
    assert_eq!(there, bench.admin.branding().await.unwrap());
}

#[tokio::test]
async fn what_became_of_messages_to_a_removed_channel_moves_as_well() {
    let (bench, _, _) = furnished().await;
    let channel = bench.admin.channels().show("ops").await.unwrap().id;
    let name = data::deliveries_journal(channel);
    bench.stores.journals.note(&name, bench.now(), "{}".to_owned()).await.unwrap();
    bench.admin.execute(Command::DeleteChannel { channel: "ops".to_owned() }).await.unwrap();
    let to = MemoryStores::stores();
    let moved = data::transfer(&bench.stores, &to, &|_, _, _| {}).await.unwrap();
    assert_eq!(moved.problems, []);
    let ours = bench.stores.journals.after(&name, 0, 9).await.unwrap();
    assert_eq!((to.journals.after(&name, 0, 9).await.unwrap(), ours.len()), (ours.clone(), 1));
    to.journals.note(&name, bench.now(), "{}".to_owned()).await.unwrap();
    let told = data::transfer(&bench.stores, &to, &|_, _, _| {}).await.unwrap();
    assert_eq!(told.problems.len(), 1, "{told:?}");
}

#[tokio::test]
async fn sessions_and_the_audit_log_move_and_the_chain_holds() {
    let (bench, _, session) = furnished().await;
    let journals = &bench.stores.journals;
    bench.clock.advance(std::time::Duration::from_secs(60));
    for name in ["a", "b", "c"] {
        let name = name.to_owned();
        let new = posthaste_admin::NewPool { name, ..posthaste_admin::NewPool::default() };
        bench.admin.execute(Command::CreatePool(new)).await.unwrap();
    }
    // The log need not begin at its beginning.
    assert!(bench.admin.audit().forget(bench.now()).await.unwrap() > 0);
    let channel = bench.admin.channels().show("ops").await.unwrap().id;
    let name = data::deliveries_journal(channel);
    journals.note(&name, bench.now(), "{}".to_owned()).await.unwrap();
    let to = MemoryStores::stores();
    let moved = data::transfer(&bench.stores, &to, &|_, _, _| {}).await.unwrap();
    assert_eq!((moved.sessions, moved.problems.len()), (1, 0), "{moved:?}");
    let parts = AdminParts { stores: to.clone(), ..bench.parts.clone() };
    let there = Admin::new(parts);
    assert!(there.sign_in().person(&session).await.unwrap().is_some(), "nobody has to log in again");
    let (ours, theirs) = (bench.admin.audit().verify().await.unwrap(), there.audit().verify().await.unwrap());
    assert!(ours == theirs && theirs.problems.is_empty() && theirs.entries > 2, "{ours:?} {theirs:?}");
    assert!(theirs.first > Some(1), "{theirs:?}");
    assert_eq!(to.journals.after(&name, 0, 9).await.unwrap().len(), 1);
    let found = data::verify(&to, &bench.vault, &|_, _, _| {}).await;
    assert_eq!((found.sessions, found.audit, found.problems.len()), (1, theirs.entries, 0));

    // In a second go only what came since; a log that went on there is told.
    let later = posthaste_admin::NewPool { name: "d".to_owned(), ..posthaste_admin::NewPool::default() };
    bench.admin.execute(Command::CreatePool(later)).await.unwrap();
    let again = data::transfer(&bench.stores, &to, &|_, _, _| {}).await.unwrap();
    assert_eq!((again.written, again.problems.len()), (1, 0), "{again:?}");
    assert_eq!(there.audit().verify().await.unwrap(), bench.admin.audit().verify().await.unwrap());
    to.journals.note("audit", bench.now(), "{}".to_owned()).await.unwrap();
    let told = data::transfer(&bench.stores, &to, &|_, _, _| {}).await.unwrap();
    assert!(told.problems.iter().any(|problem| problem.place == "journal audit"), "{told:?}");
    let found = data::verify(&to, &bench.vault, &|_, _, _| {}).await;
    assert!(found.problems.iter().any(|problem| problem.place.starts_with("audit log, entry")), "{found:?}");
}
