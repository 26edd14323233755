//! The vault over a store: what is written when, and what is refused.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are not marked as tests themselves")]

mod stores;

use std::sync::Arc;

use posthaste_core::{
    Account, AccountId, AccountSettings, AuthForm, ModelMap, ModelRules, PresetName, ProviderKind,
    SchedulingRules, Sealed, Secret, Timestamp,
};
use posthaste_storage::{ConfigStore, Entity, Expect, Record, RecordKind, memory::MemoryStores};
use posthaste_vault::{
    CredentialSource, CrsKey, MasterKey, Place, StaticCredentials, Vault, VaultError,
    account_credential_place,
};
use rstest::rstest;
use uuid::Uuid;

use stores::{LateWriters, records};

fn store() -> Arc<dyn ConfigStore> {
    MemoryStores::stores().config
}

async fn vault(store: &Arc<dyn ConfigStore>) -> (MasterKey, Arc<Vault>) {
    let master = MasterKey::generate().unwrap();
    let vault = Vault::open(&master, Arc::clone(store)).await.unwrap();
    (master, Arc::new(vault))
}

fn account(id: AccountId, credential: Option<Sealed>) -> Account {
    Account {
        id,
        name: format!("account {id}"),
        preset: PresetName("anthropic".into()),
        provider: ProviderKind::Anthropic,
        base_url: "https://api.example.com".into(),
        auth: AuthForm::XApiKey,
        dialects: Vec::new(),
        credential,
        priority: Account::DEFAULT_PRIORITY,
        enabled: true,
        models: ModelRules::default(),
        model_map: ModelMap::default(),
        private_address: None,
        proxy: None,
        settings: AccountSettings::default(),
        scheduling: SchedulingRules::default(),
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    }
}

async fn put<T: Entity>(store: &Arc<dyn ConfigStore>, value: T) {
    let body = serde_json::to_string(&value).unwrap();
    store.put(T::KIND, value.id(), value.lookup(), body, Expect::Absent).await.unwrap();
}

async fn put_raw(store: &Arc<dyn ConfigStore>, kind: RecordKind, body: &str) {
    store.put(kind, Uuid::nil(), None, body.to_owned(), Expect::Absent).await.unwrap();
}

/// A store that holds `keyring` and nothing else.
async fn store_with_keyring(keyring: &str) -> Arc<dyn ConfigStore> {
    let store = store();
    put_raw(&store, RecordKind::Keyring, keyring).await;
    store
}

async fn keyring(store: &Arc<dyn ConfigStore>) -> Record {
    store.get(RecordKind::Keyring, Uuid::nil()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_second_start_opens_what_the_first_one_sealed() {
    let store = store();
    let (master, first) = vault(&store).await;
    let place = account_credential_place(AccountId::generate());
    let sealed = first.seal(&place, &Secret::new("sk-ant-dummy")).unwrap();
    let before = records(&store).await;

    let second = Vault::open(&master, Arc::clone(&store)).await.unwrap();
    assert_eq!(second.unseal(&place, &sealed).unwrap().expose(), "sk-ant-dummy");
    assert_eq!(second.hash_client_key("cr_dummy"), first.hash_client_key("cr_dummy"));
    assert_eq!(records(&store).await, before, "a second start writes nothing");
}

#[tokio::test]
async fn two_stores_have_nothing_in_common() {
    let (_, a) = vault(&store()).await;
    let (_, b) = vault(&store()).await;
    let place = account_credential_place(AccountId::generate());
    let sealed = a.seal(&place, &Secret::new("sk-ant-dummy")).unwrap();
    assert!(matches!(b.unseal(&place, &sealed), Err(VaultError::Unsealable { .. })));
    assert_ne!(a.hash_client_key("cr_dummy"), b.hash_client_key("cr_dummy"));
}

#[tokio::test]
async fn a_wrong_master_key_is_refused_and_leaves_the_store_untouched() {
    let store = store();
    let (right, vault) = vault(&store).await;
    let id = AccountId::generate();
    let sealed = vault.seal(&account_credential_place(id), &Secret::new("sk-ant-dummy")).unwrap();
    put(&store, account(id, Some(sealed))).await;
    let (before, revision) = (records(&store).await, store.revision().await.unwrap());

    let wrong = MasterKey::generate().unwrap();
    let error = Vault::open(&wrong, Arc::clone(&store)).await.unwrap_err();
    let VaultError::WrongMasterKey { hint } = &error else { panic!("{error:?}") };
    assert!(hint.contains(&right.fingerprint()) && hint.contains(&wrong.fingerprint()), "{hint}");
    assert_eq!(records(&store).await, before);
    assert_eq!(store.revision().await.unwrap(), revision);
    assert!(Vault::open(&right, store).await.is_ok(), "the right key still opens");
}

#[rstest]
#[case::accounts(RecordKind::Account)]
#[case::client_keys(RecordKind::ClientKey)]
#[tokio::test]
async fn a_store_that_lost_its_keyring_is_refused_and_left_untouched(#[case] kind: RecordKind) {
    let store = store();
    put_raw(&store, kind, "{}").await;
    let (before, revision) = (records(&store).await, store.revision().await.unwrap());
    let error = Vault::open(&MasterKey::generate().unwrap(), Arc::clone(&store)).await.unwrap_err();
    assert!(matches!(error, VaultError::KeyringMissing), "{error:?}");
    assert_eq!(records(&store).await, before);
    assert_eq!(store.revision().await.unwrap(), revision);
}

#[tokio::test]
async fn processes_that_open_an_empty_store_at_once_agree() {
    let store: Arc<dyn ConfigStore> = Arc::new(LateWriters::new(store(), 2));
    let master = MasterKey::generate().unwrap();
    let open = || Vault::open(&master, Arc::clone(&store));
    let (a, b) = tokio::join!(open(), open());
    let (a, b) = (a.unwrap(), b.unwrap());
    let place = account_credential_place(AccountId::generate());
    let sealed = a.seal(&place, &Secret::new("sk-ant-dummy")).unwrap();
    assert_eq!(b.unseal(&place, &sealed).unwrap().expose(), "sk-ant-dummy");
    assert_eq!(a.hash_client_key("cr_dummy"), b.hash_client_key("cr_dummy"));
    assert_eq!(keyring(&store).await.version, 1, "one of them wrote");
}

#[tokio::test]
async fn the_loser_of_that_race_with_another_master_key_is_refused() {
    let store: Arc<dyn ConfigStore> = Arc::new(LateWriters::new(store(), 2));
    let (a, b) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
    let opened = tokio::join!(Vault::open(&a, Arc::clone(&store)), Vault::open(&b, Arc::clone(&store)));
    let refused = [opened.0, opened.1].into_iter().filter_map(Result::err).collect::<Vec<_>>();
    assert!(matches!(&refused[..], [VaultError::WrongMasterKey { .. }]), "{refused:?}");
}

#[tokio::test]
async fn every_damage_to_the_keyring_is_refused() {
    let origin = store();
    let (master, _) = vault(&origin).await;
    let body: serde_json::Value = serde_json::from_str(&keyring(&origin).await.body).unwrap();
    for pointer in ["/check", "/pepper", "/data_keys/0/wrapped"] {
        let sealed = body.pointer(pointer).unwrap().as_str().unwrap();
        for index in 0..sealed.len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
            let mut damaged = body.clone();
            *damaged.pointer_mut(pointer).unwrap() = String::from_utf8(bytes).unwrap().into();
            let store = store_with_keyring(&damaged.to_string()).await;
            let error = Vault::open(&master, store).await.unwrap_err();
            assert!(matches!(error, VaultError::KeyringUnreadable { .. }), "{pointer} {index}: {error:?}");
        }
    }
}

#[rstest]
#[case::swapped_fields("/pepper", "/data_keys/0/wrapped")]
#[case::check_as_pepper("/pepper", "/check")]
#[tokio::test]
async fn sealed_parts_of_the_keyring_cannot_change_places(#[case] to: &str, #[case] from: &str) {
    let origin = store();
    let (master, _) = vault(&origin).await;
    let mut body: serde_json::Value = serde_json::from_str(&keyring(&origin).await.body).unwrap();
    *body.pointer_mut(to).unwrap() = body.pointer(from).unwrap().clone();
    let error = Vault::open(&master, store_with_keyring(&body.to_string()).await).await.unwrap_err();
    assert!(matches!(error, VaultError::KeyringUnreadable { .. }), "{error:?}");
}

#[rstest]
#[case("not json", "expected")]
#[case(r#"{"format":2,"more":"of it"}"#, "its format is 2, this release reads 1")]
#[case(r#"{"format":1}"#, "missing field")]
#[tokio::test]
async fn a_keyring_of_another_kind_is_refused(#[case] body: &str, #[case] expected: &str) {
    let store = store_with_keyring(body).await;
    let before = records(&store).await;
    let error = Vault::open(&MasterKey::generate().unwrap(), Arc::clone(&store)).await.unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(records(&store).await, before);
}

#[tokio::test]
async fn an_active_data_key_that_is_not_there_is_refused() {
    let origin = store();
    let (master, _) = vault(&origin).await;
    let mut body: serde_json::Value = serde_json::from_str(&keyring(&origin).await.body).unwrap();
    body["active"] = 2.into();
    let error = Vault::open(&master, store_with_keyring(&body.to_string()).await).await.unwrap_err();
    assert!(error.to_string().contains("data key 2 is not in it"), "{error}");
}

#[tokio::test]
async fn a_secret_moved_to_another_record_or_field_does_not_open() {
    let (_, vault) = vault(&store()).await;
    let [a, b] = [(); 2].map(|()| account_credential_place(AccountId::generate()));
    let sealed = vault.seal(&a, &Secret::new("sk-ant-dummy")).unwrap();
    for place in [b, Place { field: "proxy_password", ..a }, Place { kind: "client_key", ..a }] {
        let error = vault.unseal(&place, &sealed).unwrap_err();
        assert!(error.to_string().contains(&place.to_string()), "{error}");
    }
}

#[tokio::test]
async fn nothing_shows_a_secret() {
    let store = store();
    let (master, vault) = vault(&store).await;
    let place = account_credential_place(AccountId::generate());
    let sealed = vault.seal(&place, &Secret::new("sk-ant-dummy-canary")).unwrap();
    let error = vault.unseal(&Place { field: "other", ..place }, &sealed).unwrap_err();
    let credentials = StaticCredentials::new(Arc::clone(&vault));
    let shown = format!("{master:?} {vault:?} {sealed:?} {credentials:?} {error:?} {error}");
    let stored = format!("{:?}", records(&store).await);
    for secret in ["canary", master.to_hex().expose(), sealed.as_text()] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(!stored.contains(master.to_hex().expose()));
    assert!(shown.starts_with("MasterKey(…) Vault(…) Sealed(…) StaticCredentials(…)"), "{shown}");
}

#[tokio::test]
async fn an_account_gets_its_own_credential() {
    let (_, vault) = vault(&store()).await;
    let credentials = StaticCredentials::new(Arc::clone(&vault));
    let id = AccountId::generate();
    let seal = |text: &str| vault.seal(&account_credential_place(id), &Secret::new(text)).unwrap();

    let mut account = account(id, None);
    assert!(credentials.credential(&account).await.unwrap().is_none());

    account.credential = Some(seal("sk-ant-dummy-1"));
    let first = credentials.credential(&account).await.unwrap().unwrap();
    assert_eq!(first.text().unwrap().expose(), "sk-ant-dummy-1");
    let again = credentials.credential(&account).await.unwrap().unwrap();
    assert!(Arc::ptr_eq(&first, &again), "opened once");

    account.credential = Some(seal("sk-ant-dummy-2"));
    let changed = credentials.credential(&account).await.unwrap().unwrap();
    assert_eq!(changed.text().unwrap().expose(), "sk-ant-dummy-2", "a changed credential counts at once");

    credentials.invalidate(id);
    let fresh = credentials.credential(&account).await.unwrap().unwrap();
    assert!(!Arc::ptr_eq(&changed, &fresh), "opened anew");
}

#[tokio::test]
async fn another_accounts_credential_is_not_handed_out() {
    let (_, vault) = vault(&store()).await;
    let credentials = StaticCredentials::new(Arc::clone(&vault));
    let [a, b] = [(); 2].map(|()| AccountId::generate());
    let sealed = vault.seal(&account_credential_place(a), &Secret::new("sk-ant-dummy")).unwrap();
    credentials.credential(&account(a, Some(sealed.clone()))).await.unwrap();
    let error = credentials.credential(&account(b, Some(sealed))).await.unwrap_err();
    assert!(matches!(error, VaultError::Unsealable { .. }), "{error:?}");
}

#[tokio::test]
async fn the_key_of_another_relay_is_kept_sealed_and_there_is_one() {
    let store = store();
    let (master, vault) = vault(&store).await;
    let key = || CrsKey::new(Secret::new("canary-0123456789abcdef0123456789"));
    assert!(!vault.knows_crs() && vault.hash_crs_client_key("cr_dummy").is_none());
    let elsewhere = Vault::open(&master, Arc::clone(&store)).await.unwrap();
    vault.keep_crs_key(&*store, &key()).await.unwrap();
    assert!(!elsewhere.knows_crs());
    elsewhere.reload(&*store).await.unwrap();
    assert!(elsewhere.keeps_crs_key(&key()));
    vault.keep_crs_key(&*store, &key()).await.unwrap();
    let other = vault.keep_crs_key(&*store, &CrsKey::new(Secret::new("another"))).await;
    assert!(matches!(other, Err(VaultError::AnotherCrsKey)));
    for record in records(&store).await {
        assert!(!record.body.contains("canary"), "{}", record.body);
    }

    let reopened = Vault::open(&master, Arc::clone(&store)).await.unwrap();
    assert!(reopened.keeps_crs_key(&key()));
    assert_eq!(reopened.hash_crs_client_key("cr_dummy"), Some(key().hash_client_key("cr_dummy")));
}
