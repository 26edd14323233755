//! People and the channels that they are told by.

use posthaste_core::{
    Channel, ChannelField, ChannelKind, ClientKey, MailSecurity, NoticeKind, Owner, PasswordHash, Role,
    SignIn, User,
};
use posthaste_import::{Part, State, apply};
use posthaste_storage::Repository;
use posthaste_testkit::{SpawnedRedis, spawn_redis};
use posthaste_vault::channel_place;

use crate::{
    predecessor::{Predecessor, connect, crs_key, id},
    support::{Home, now, read},
};

async fn moved() -> (Home, SpawnedRedis) {
    let redis = spawn_redis();
    Predecessor::whole().write(&redis.url()).await;
    let home = Home::new().await;
    home.apply(&read(&redis.url()).await, false).await;
    (home, redis)
}

#[tokio::test]
async fn people_come_with_their_roles_and_keys_and_without_a_password() {
    let (home, _redis) = moved().await;
    let people = home.all::<User>().await;
    let of = |name: &str| people.iter().find(|user| user.name == name).unwrap();
    let told: Vec<_> = ["admin", "alice", "bob"].map(|name| (of(name).role, of(name).enabled)).into();
    assert_eq!(told, [(Role::Owner, true), (Role::Admin, true), (Role::User, false)]);
    assert_eq!(people.len(), 3, "{people:?}");
    assert_eq!(of("admin").sign_in, SignIn::Password { hash: None });
    // They were known by a directory, and can be here; nobody has vouched for them yet.
    assert!(["alice", "bob"].iter().all(|name| of(name).sign_in == SignIn::Ldap { dn: String::new() }));
    assert_eq!(of("alice").email.as_deref(), Some("alice@example.org"));
    assert_eq!(of("alice").shown(), "Alice Example");
    // The keys of a person are the person's, and each person has an owner of the same identity.
    let keys = home.all::<ClientKey>().await;
    let key = keys.iter().find(|key| key.name == "everything").unwrap();
    assert_eq!(key.policy.owner, Some(of("alice").id));
    let owners = home.all::<Owner>().await;
    assert!(people.iter().all(|user| owners.iter().any(|owner| owner.id == user.id)), "{owners:?}");
}

#[tokio::test]
async fn a_password_that_was_given_here_stays_and_nobody_takes_anothers_name() {
    let (home, redis) = moved().await;
    let users = Repository::<User>::new(home.stores.config.clone());
    let alice = users.find("alice").await.unwrap().unwrap();
    let hash = Some(PasswordHash::from_text("$argon2id$dummy"));
    let with = User { sign_in: SignIn::Password { hash }, role: Role::Viewer, ..alice.value.clone() };
    users.replace(with.clone(), alice.version).await.unwrap();
    let found = read(&redis.url()).await;
    let report = home.report(&found).await;
    assert_eq!(report.count(Part::People, State::Changed), 1);
    home.apply(&found, true).await;
    let kept = users.find("alice").await.unwrap().unwrap().value;
    assert_eq!((kept.sign_in, kept.role), (with.sign_in, Role::Admin));

    // Somebody who made himself an owner here before is not replaced by the administrator there.
    let other = Home::new().await;
    let users = Repository::<User>::new(other.stores.config.clone());
    let id = posthaste_core::UserId::generate();
    users.create(User { id, name: "admin".to_owned(), ..alice.value }).await.unwrap();
    let report = other.report(&found).await;
    assert_eq!(report.parts[&Part::People].len(), 2);
    let told = "administrator `admin`: somebody else logs in by that name already";
    assert!(report.left_out.iter().any(|left| left.what == told), "{:?}", report.left_out);
}

#[tokio::test]
async fn an_owner_whose_name_another_has_is_told_and_stops_nothing() {
    let redis = spawn_redis();
    Predecessor::whole().write(&redis.url()).await;
    let found = read(&redis.url()).await;
    let owner = |name: &str| Owner {
        id: posthaste_core::UserId::generate(),
        name: name.to_owned(),
        limits: Vec::new(),
        team: None,
        created_at: now(),
        updated_at: now(),
    };
    let home = Home::new().await;
    let owners = Repository::<Owner>::new(home.stores.config.clone());
    let here = owners.create(owner("Alice")).await.unwrap().value;
    let key = crs_key();
    let plan = home.plan_with(&found, Some(&key)).await.unwrap();
    let told =
        plan.report.parts[&Part::Owners].iter().find(|entry| entry.name.starts_with("Alice (")).unwrap();
    assert_eq!(told.notes, ["called `Alice` there: another owner has that name here"]);
    // Somebody is faster than the plan.
    let faster = owners.create(owner("bob")).await.unwrap().value;
    let applied = apply(home.target(), plan, Some(&key), false, now(), &|_, _, _| {}).await.unwrap();
    let [clash] = &applied.conflicts[..] else { panic!("{applied:?}") };
    assert_eq!((clash.part, clash.name.as_str()), (Part::Owners, "bob"), "{clash:?}");
    assert_eq!(home.all::<ClientKey>().await.len(), usize::try_from(applied.written[&Part::Keys]).unwrap());
    for kept in [here, faster] {
        assert_eq!(owners.find(&kept.name).await.unwrap().unwrap().value, kept);
    }

    let again = home.apply(&found, false).await;
    assert_eq!((again.conflicts, again.written.get(&Part::Owners)), (vec![], Some(&1)));
    assert!(home.report(&found).await.is_all_same());
}

#[tokio::test]
async fn channels_come_with_their_secrets_sealed() {
    let (home, redis) = moved().await;
    let channels = home.all::<Channel>().await;
    let of = |number| channels.iter().find(|channel| channel.id.to_string() == id(number)).unwrap();
    let open = |channel: &Channel, field| {
        let (_, sealed) = channel.sealed().find(|(sealed, _)| *sealed == field).unwrap();
        home.vault.unseal(&channel_place(channel.id, field), sealed).unwrap().expose().to_owned()
    };
    for (number, target) in [
        (0x60, "https://wecom.test/send?key=canary-wecom"),
        (0x61, "https://dingtalk.test/robot?access_token=canary-ding"),
        (0x62, "https://feishu.test/hook/canary-feishu"),
        (0x64, "1:canary-bot"),
        (0x65, "canary-device"),
    ] {
        assert_eq!(open(of(number), ChannelField::Target), target);
    }
    assert_eq!(open(of(0x61), ChannelField::Key), "canary-ding-key");
    assert_eq!(open(of(0x64), ChannelField::Proxy), "canary-proxy");
    assert_eq!(open(of(0x66), ChannelField::Key), "canary-mail");
    assert!(of(0x62).key.is_none(), "signing was off");
    let ChannelKind::Smtp(mail) = &of(0x66).service else { panic!("mail") };
    assert_eq!((mail.security, mail.port, mail.to.len()), (MailSecurity::Tls, Some(465), 2));
    let ChannelKind::Bark(bark) = &of(0x65).service else { panic!("bark") };
    assert_eq!(bark.server.as_deref(), Some("https://bark.test"));
    let filter = &of(0x60).filter;
    assert!(filter.without_recoveries && filter.kinds.contains(&NoticeKind::Quota));
    assert!(!filter.kinds.contains(&NoticeKind::SignIn));
    let on: Vec<_> = [0x60, 0x61, 0x62, 0x63].map(|number| of(number).enabled).into();
    assert_eq!(on, [true, false, true, false], "off there, and one that no message can be sent to");
    assert_eq!(channels.len(), 7);

    // The same again is the same; another secret there is told without it.
    let found = read(&redis.url()).await;
    assert!(home.report(&found).await.is_all_same());
    let client = connect(&redis.url()).await;
    let text: String = fred::interfaces::KeysInterface::get(&client, "webhook_config:default").await.unwrap();
    let text = text.replace("canary-wecom", "canary-next");
    let () = fred::interfaces::KeysInterface::set(&client, "webhook_config:default", text, None, None, false)
        .await
        .unwrap();
    let report = home.report(&read(&redis.url()).await).await;
    assert_eq!(report.count(Part::Channels, State::Changed), 1);
    let told = serde_json::to_string(&report).unwrap();
    assert!(told.contains("another") && !told.contains("canary"), "{told}");
}
