//! From its Redis.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use posthaste_core::{
    Account, AccountId, AuthForm, Binding, ClientKey, HashForm, Owner, Place, Pool, Secret,
};
use posthaste_gateway::Authenticator;
use posthaste_import::{ImportError, Part, State, apply, plan, read_redis};
use posthaste_storage::{
    Counter, CounterWindow, Dimension, Half, Repository, RollupPeriod, Unit, UsageQuery, Versioned,
};
use posthaste_storage_sqlite::SqliteStores;
use posthaste_testkit::{SpawnedRedis, spawn_redis};
use posthaste_vault::{
    CrsKey, StoredAwsKeys, StoredCredential, StoredToken, account_credential_place, account_proxy_place,
};

use crate::{
    predecessor::{Predecessor, connect, crs_key, dump, id, secret},
    support::{Home, now, options, read},
};

async fn predecessor() -> SpawnedRedis {
    let redis = spawn_redis();
    Predecessor::whole().write(&redis.url()).await;
    redis
}

#[tokio::test]
async fn a_look_tells_everything_and_writes_nothing_anywhere() {
    let redis = predecessor().await;
    let before = dump(&redis.url()).await;
    let home = Home::new().await;
    let revision = home.stores.config.revision().await.unwrap();
    let report = home.report(&read(&redis.url()).await).await;
    insta::assert_snapshot!("look", report.text(50));
    let told = serde_json::to_string(&report).unwrap();
    assert!(!told.contains("dummy-pass") && !told.contains("canary") && !told.contains("-dummy"), "{told}");
    assert_eq!(home.stores.config.revision().await.unwrap(), revision);
    assert!(home.all::<ClientKey>().await.is_empty());
    assert_eq!(dump(&redis.url()).await, before);
}

#[tokio::test]
async fn what_is_taken_over_is_as_it_was_and_a_second_time_changes_nothing() {
    let redis = predecessor().await;
    let before = dump(&redis.url()).await;
    let home = Home::new().await;
    let applied = home.apply(&read(&redis.url()).await, false).await;
    assert_eq!(applied.kept, 0);
    insta::assert_snapshot!("records", home.records().await);

    let (records, revision) = (home.records().await, home.stores.config.revision().await.unwrap());
    let found = read(&redis.url()).await;
    let again = home.report(&found).await;
    assert!(again.is_all_same(), "{}", again.text(50));
    let applied = home.apply(&found, true).await;
    assert!(applied.written.is_empty(), "{applied:?}");
    assert_eq!(home.records().await, records);
    assert_eq!(home.stores.config.revision().await.unwrap(), revision);
    assert_eq!(dump(&redis.url()).await, before, "the source is only read");
}

#[tokio::test]
async fn secrets_come_out_as_they_went_in() {
    let redis = predecessor().await;
    let home = Home::new().await;
    home.apply(&read(&redis.url()).await, false).await;
    let accounts = home.all::<Account>().await;
    let of = |number| accounts.iter().find(|account| account.id.to_string() == id(number)).unwrap();
    let key = |number| {
        let account = of(number);
        let sealed = account.credential.as_ref().unwrap();
        home.vault.unseal(&account_credential_place(account.id), sealed).unwrap().expose().to_owned()
    };
    for (number, plain, auth) in [
        (3, "console-dummy", AuthForm::Bearer),
        (4, "sk-ant-twice-dummy", AuthForm::XApiKey),
        (5, "ccr-dummy", AuthForm::Bearer),
        (8, "AIza-dummy", AuthForm::XGoogApiKey),
        (10, "sk-dummy", AuthForm::Bearer),
        (11, "sk-other-dummy", AuthForm::Bearer),
        (12, "azure-dummy", AuthForm::ApiKey),
        (15, "bedrock-dummy", AuthForm::Bearer),
    ] {
        assert_eq!((key(number).as_str(), of(number).auth), (plain, auth), "{number}");
    }
    let token = |number| {
        let account = of(number);
        assert_eq!(account.auth, AuthForm::OAuth);
        StoredToken::open(&home.vault, account.id, account.credential.as_ref().unwrap()).unwrap()
    };
    let refresh = |token: &StoredToken| token.refresh_token.as_ref().map(|token| token.expose().to_owned());
    let claude = token(1);
    assert_eq!((claude.provider.as_str(), claude.access_token.expose()), ("claude", "sk-ant-oat-dummy"));
    assert_eq!(refresh(&claude).as_deref(), Some("sk-ant-ort-dummy"));
    assert_eq!(claude.expires_at.unwrap().as_millis(), 1_790_000_000_000);
    assert_eq!(claude.facts.identity.as_deref(), Some("me@example.org"));
    assert_eq!((token(2).access_token.expose(), refresh(&token(2))), ("sk-ant-oat-setup-dummy", None));
    assert_eq!((token(6).provider.as_str(), refresh(&token(6)).as_deref()), ("google", Some("1//dummy")));
    assert_eq!(
        (token(9).provider.as_str(), token(9).facts.account.as_deref()),
        ("openai", Some("acct-dummy"))
    );
    let aws = StoredAwsKeys::open(&home.vault, of(14).id, of(14).credential.as_ref().unwrap()).unwrap();
    assert_eq!((aws.access_key_id.as_str(), aws.secret_access_key.expose()), ("AKIADUMMY", "aws-dummy"));
    let password = of(1).proxy.as_ref().unwrap().password.as_ref().unwrap();
    assert_eq!(home.vault.unseal(&account_proxy_place(of(1).id), password).unwrap().expose(), "dummy-pass");
    // What cannot be read is taken over switched off, and with nothing in the secret's place.
    for number in [0x20, 0x21, 0x22, 0x23] {
        assert!(of(number).credential.is_none() && !of(number).enabled, "{number:x}");
    }
    assert!(of(0x24).credential.is_some() && !of(0x24).enabled && of(0x24).proxy.is_none());
    assert!(of(4).enabled && of(4).scheduling.schedulable, "what switched itself off for a while is on");
}

#[tokio::test]
async fn an_old_client_key_opens_the_door_and_is_hashed_anew() {
    let redis = predecessor().await;
    let home = Home::new().await;
    home.apply(&read(&redis.url()).await, false).await;
    let door = Authenticator::new(Arc::clone(&home.vault), Arc::clone(&home.stores.config));
    for number in [1, 2, 3, 5, 6, 7, 8] {
        let caller = door.authenticate(Some(&secret(number))).await.unwrap();
        assert_eq!(caller.key().id.to_string(), id(0x100 + u32::from(number)));
    }
    assert!(door.authenticate(Some(&secret(99))).await.is_err());
    let kept = home.key("everything").await;
    assert_eq!((kept.hash_form, kept.hash), (HashForm::Own, home.vault.hash_client_key(&secret(1))));
    // Used keys are not taken for changed ones, and their hashes stay.
    let found = read(&redis.url()).await;
    assert!(home.report(&found).await.is_all_same());
    home.apply(&found, true).await;
    assert_eq!(home.key("everything").await.hash_form, HashForm::Own);
}

#[tokio::test]
async fn bindings_let_keys_use_what_they_could_use() {
    let redis = predecessor().await;
    let home = Home::new().await;
    home.apply(&read(&redis.url()).await, false).await;
    let accounts = home.all::<Account>().await;
    let usable = |key: &ClientKey| -> BTreeSet<String> {
        let binding = key.policy.binding;
        let fits = |account: &&Account| match binding {
            None => true,
            Some(Binding { to: Place::Account(id), strict: true }) => account.id == id,
            Some(Binding { to: Place::Pool(id), strict: true }) => account.scheduling.pools.contains(&id),
            Some(_) => panic!("a bond that lets others in"),
        };
        accounts.iter().filter(fits).map(|account| account.name.clone()).collect()
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(usable(&home.key("everything").await), names(&["max", "console"]));
    assert_eq!(usable(&home.key("plain (00000106)").await), names(&["setup token"]));
    // The shared ones: no group's, no dedicated one, none that is asked for by prefix.
    let shared = usable(&home.key("plain").await);
    assert!(
        shared.contains("console")
            && shared.contains("gemini")
            && shared.contains("azure")
            && shared.contains("bedrock")
    );
    assert!(!shared.contains("max") && !shared.contains("setup token") && !shared.contains("router"));
    // Bound for Claude and Gemini; for OpenAI to an account that is gone; free for Azure.
    assert_eq!(usable(&home.key("mixed").await), names(&["console", "gemini key", "azure"]));
    let group = home.all::<Pool>().await.into_iter().find(|pool| pool.name == "claude group").unwrap();
    assert_eq!(home.key("everything").await.policy.binding.unwrap().to, Place::Pool(group.id));
}

#[tokio::test]
async fn books_and_limits_go_on_from_where_they_stood() {
    let redis = predecessor().await;
    let home = Home::new().await;
    home.apply(&read(&redis.url()).await, false).await;
    let key = home.key("everything").await;
    for period in [RollupPeriod::Day, RollupPeriod::Month] {
        let query = UsageQuery { key_id: Some(key.id), ..UsageQuery::all(period) };
        let sums = home.stores.ledger.sums(&query, &[]).await.unwrap().remove(0).sums;
        assert_eq!((sums.attempts, sums.completed), (100, 100), "{period:?}");
        assert_eq!((sums.usage.input, sums.usage.output), (10_000, 5_000));
        assert_eq!(
            (sums.usage.cache_read, sums.usage.cache_write_5m, sums.usage.cache_write_1h),
            (900, 600, 100)
        );
        assert_eq!((sums.billed.as_nanos(), sums.cost.as_nanos()), (20_500_000_000, 10_250_000_000));
    }
    let query = UsageQuery { key_id: Some(key.id), ..UsageQuery::all(RollupPeriod::Month) };
    let months = home.stores.ledger.sums(&query, &[Dimension::Span, Dimension::Owner]).await.unwrap();
    let told: Vec<_> =
        months.iter().map(|month| (month.group.start.unwrap().to_string(), month.sums.attempts)).collect();
    let month = |month: &str| format!("2026-{month}-01T00:00:00Z");
    assert_eq!(told, [(month("02"), 49), (month("10"), 30), (month("11"), 21)]);
    assert!(months.iter().all(|month| month.group.owner == key.policy.owner && key.policy.owner.is_some()));

    let standing = async |name: &str| {
        let limit = key.policy.limits.iter().find(|limit| limit.name == name).unwrap();
        let window = match posthaste_metering::span(&limit.window, now()).unwrap() {
            posthaste_metering::Span::Between { start, end } => CounterWindow::Span { start, end },
            _ => CounterWindow::Total,
        };
        // In its owner's slot, under a name of its own.
        let counter =
            Counter { name: format!("key-{}-{name}", key.id.uuid().simple()), unit: Unit::Cost, window };
        let owner = key.policy.owner.unwrap().uuid();
        home.stores.admission.used(Half::Caller, owner, &counter, now()).await.unwrap()
    };
    assert_eq!(standing("total-cost").await, 20_500_000_000);
    assert_eq!(standing("daily-cost").await, 600_000_000);
    assert_eq!(standing("weekly-claude-cost").await, 1_750_000_000);

    // The old one goes on a while: what it counts more is added, once.
    let client = connect(&redis.url()).await;
    let owner = id(0x101);
    fred::interfaces::KeysInterface::set::<(), _, _>(
        &client,
        format!("usage:cost:total:{owner}"),
        "21.5",
        None,
        None,
        false,
    )
    .await
    .unwrap();
    for _ in 0..2 {
        home.apply(&read(&redis.url()).await, false).await;
        assert_eq!(standing("total-cost").await, 21_500_000_000);
        let sums = home
            .stores
            .ledger
            .sums(&UsageQuery { key_id: Some(key.id), ..UsageQuery::all(RollupPeriod::Day) }, &[])
            .await
            .unwrap();
        assert_eq!(sums[0].sums.billed.as_nanos(), 21_500_000_000);
    }
}

#[tokio::test]
async fn what_was_changed_here_stays_unless_it_is_wanted_otherwise() {
    let redis = predecessor().await;
    let home = Home::new().await;
    let found = read(&redis.url()).await;
    home.apply(&found, false).await;
    let accounts = Repository::<Account>::new(home.stores.config.clone());
    let max = accounts.account(AccountId::from_uuid(id(1).parse().unwrap())).await.unwrap().unwrap();
    let mut changed = max.value.clone();
    changed.priority = 77;
    // Refreshed here meanwhile.
    let mut token = StoredToken::open(&home.vault, changed.id, changed.credential.as_ref().unwrap()).unwrap();
    token.refresh_token = Some(Secret::new("newer-dummy"));
    changed.credential = Some(token.seal(&home.vault, changed.id).unwrap());
    accounts.replace(changed, max.version).await.unwrap();

    let report = home.report(&found).await;
    let entry = report.parts[&Part::Accounts].iter().find(|entry| entry.name == "max").unwrap();
    assert_eq!(entry.state, State::Changed);
    let told: Vec<_> = entry
        .differences
        .iter()
        .map(|difference| (difference.field.as_str(), difference.here.as_str(), difference.there.as_str()))
        .collect();
    assert_eq!(told, [("priority", "77", "10")]);

    let applied = home.apply(&found, false).await;
    assert_eq!((applied.kept, home.account("max").await.priority), (1, 77));
    home.apply(&found, true).await;
    let max = home.account("max").await;
    assert_eq!(max.priority, 10);
    let token = StoredToken::open(&home.vault, max.id, max.credential.as_ref().unwrap()).unwrap();
    assert_eq!(
        token.refresh_token.unwrap().expose(),
        "newer-dummy",
        "a token is never replaced by an older one"
    );
}

#[tokio::test]
async fn only_the_parts_that_are_asked_for_are_written() {
    let redis = predecessor().await;
    let home = Home::new().await;
    let (found, key) = (read(&redis.url()).await, crs_key());
    let only = BTreeSet::from([Part::Owners, Part::Pools]);
    let plan = plan(home.target(), &found, Some(&key), &options(), &only).await.unwrap();
    apply(home.target(), plan, None, false, now(), &|_, _, _| {}).await.unwrap();
    assert_eq!(home.all::<Owner>().await.len(), 5);
    assert!(home.all::<Account>().await.is_empty() && home.all::<ClientKey>().await.is_empty());
    assert!(!home.vault.knows_crs());
}

#[tokio::test]
async fn the_wrong_key_and_no_key_are_noticed_before_anything_is_written() {
    let redis = predecessor().await;
    let home = Home::new().await;
    let found = read(&redis.url()).await;
    let wrong = CrsKey::new(Secret::new("ffffffffffffffffffffffffffffffff"));
    assert!(matches!(
        home.plan_with(&found, Some(&wrong)).await,
        Err(ImportError::WrongKey(_) | ImportError::Vault(_))
    ));
    let plan = home.plan_with(&found, None).await.unwrap();
    assert!(plan.report.unreadable.iter().all(|unreadable| unreadable.why.contains("no ENCRYPTION_KEY")));
    let refused = apply(home.target(), plan, None, false, now(), &|_, _, _| {}).await;
    assert!(matches!(refused, Err(ImportError::NoKey)));
    assert!(home.all::<Account>().await.is_empty());

    home.apply(&found, false).await;
    let other =
        home.plan_with(&found, Some(&CrsKey::new(Secret::new("another ENCRYPTION_KEY, 32 bytes")))).await;
    assert!(other.is_err());
}

#[tokio::test]
async fn a_server_without_the_predecessors_data_or_without_an_answer_is_told() {
    let redis = spawn_redis();
    let url = |url: String| async move {
        read_redis(&Secret::new(url), &posthaste_import::ReadOptions::default(), &|_, _, _| {})
            .await
            .unwrap_err()
            .to_string()
    };
    assert!(url(redis.url()).await.contains("nothing of claude-relay-service"));
    let nobody = url("redis://:canary@127.0.0.1:1".to_owned()).await;
    assert!(nobody.contains("cannot be read") && !nobody.contains("canary"), "{nobody}");
    assert!(url("canary".to_owned()).await.contains("URL is not"));
}

/// `cargo test --release -p posthaste-import -- --ignored hundred_thousand --nocapture` tells how long it takes.
#[tokio::test]
#[ignore = "takes a minute, and its figure means something in a release build alone"]
async fn a_hundred_thousand_keys() {
    let redis = spawn_redis();
    let client = connect(&redis.url()).await;
    let key = crs_key();
    for chunk in 0..200_u32 {
        let pipeline = client.pipeline();
        for number in 0..500_u32 {
            let number = chunk * 500 + number;
            let own = id(0x100_0000 + number);
            let hash = key.hash_client_key(&format!("cr_{number:064x}")).to_hex();
            let fields = [
                ("name", format!("key {number}")),
                ("apiKey", hash),
                ("isActive", "true".to_owned()),
                ("createdAt", "2026-01-01T00:00:00.000Z".to_owned()),
                ("permissions", "[]".to_owned()),
                ("totalCostLimit", "100".to_owned()),
                ("concurrencyLimit", "3".to_owned()),
            ];
            let _: () =
                fred::interfaces::HashesInterface::hset(&pipeline, format!("apikey:{own}"), fields.to_vec())
                    .await
                    .unwrap();
            let totals = [("totalRequests", "10"), ("totalInputTokens", "1000")];
            let _: () =
                fred::interfaces::HashesInterface::hset(&pipeline, format!("usage:{own}"), totals.to_vec())
                    .await
                    .unwrap();
            let _: () = fred::interfaces::KeysInterface::set(
                &pipeline,
                format!("usage:cost:total:{own}"),
                "1.5",
                None,
                None,
                false,
            )
            .await
            .unwrap();
        }
        let _: Vec<fred::types::Value> = pipeline.all().await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let sqlite = SqliteStores::open(&folder.path().join("posthaste.db")).unwrap();
    let home = Home::on(sqlite.stores()).await;
    let start = Instant::now();
    let found = read(&redis.url()).await;
    let read_in = start.elapsed();
    let plan = home.plan_with(&found, Some(&key)).await.unwrap();
    let planned_in = start.elapsed() - read_in;
    let steps = parking_lot::Mutex::new(Vec::new());
    let told = |step, done: u64, all: u64| {
        if done == all {
            steps.lock().push(format!("{step:?} after {:?}", start.elapsed()));
        }
    };
    let applied = apply(home.target(), plan, Some(&key), false, now(), &told).await.unwrap();
    let all = start.elapsed();
    assert_eq!(applied.written[&Part::Keys], 100_000);
    let again = Instant::now();
    assert!(home.report(&found).await.is_all_same());
    let text = format!(
        "read {read_in:?}, planned {planned_in:?}, all {all:?}, {:?}; planned again {:?}",
        steps.lock(),
        again.elapsed()
    );
    std::fs::write(std::env::temp_dir().join("posthaste-import-100k.txt"), text).unwrap();
    let found: Option<Versioned<ClientKey>> = Repository::<ClientKey>::new(home.stores.config.clone())
        .by_crs_hash(key.hash_client_key(&format!("cr_{:064x}", 5)))
        .await
        .unwrap();
    assert_eq!(found.unwrap().value.name, "key 5");
    sqlite.close().await.unwrap();
}
