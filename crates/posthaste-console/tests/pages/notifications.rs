//! Channels on their pages.

use std::sync::Mutex;

use async_trait::async_trait;
use http::StatusCode;
use posthaste_admin::{
    AdminError, ChannelChange, Command, DeliveryView, Disclosed, Messenger, NewChannel, NewPool, NotedView,
    UnfitChannel,
};
use posthaste_core::{
    Channel, ChannelId, ChannelKind, Language, NoticeKind, Secret, Severity, SubjectRef, Timestamp,
};

use crate::support::Rig;

const LIST: &str = "/admin-next/notifications";
const NEW: &str = "/admin-next/notifications/new/telegram";

/// Takes every message but those to channels with `bad` in their name, and remembers them.
#[derive(Default)]
pub(crate) struct Post(Mutex<Vec<(ChannelId, String, DeliveryView)>>);

impl Post {
    fn tested(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|(_, name, _)| name.clone()).collect()
    }
}

#[async_trait]
impl Messenger for Post {
    fn check(&self, channel: &Channel) -> Result<(), UnfitChannel> {
        let needs_target = !matches!(channel.service, ChannelKind::Smtp(_));
        match &channel.target {
            None if needs_target => Err(UnfitChannel { field: "target", message: "is missing".to_owned() }),
            _ => Ok(()),
        }
    }

    fn target_host(&self, _: &Secret) -> Option<String> {
        Some("https://hooks.example".to_owned())
    }

    async fn test(&self, channel: &Channel) -> DeliveryView {
        let is_bad = channel.name.contains("bad");
        let notice = NotedView {
            kind: NoticeKind::Test,
            severity: Severity::Info,
            recovery: false,
            title: format!("This is a test {}", channel.name),
        };
        let delivery = DeliveryView {
            id: uuid::Uuid::nil(),
            notices: vec![notice],
            at: Timestamp::EPOCH,
            ended_at: Timestamp::EPOCH,
            outcome: if is_bad { "refused" } else { "delivered" }.to_owned(),
            tries: 1,
            error: is_bad.then(|| format!("chat not found: {}", channel.name)),
        };
        self.0.lock().unwrap().push((channel.id, channel.name.clone(), delivery.clone()));
        delivery
    }

    async fn deliveries(&self, channel: ChannelId, limit: usize) -> Result<Vec<DeliveryView>, AdminError> {
        let kept = self.0.lock().unwrap();
        let of_it = kept.iter().rev().filter(|(id, ..)| *id == channel);
        Ok(of_it.take(limit).map(|(.., delivery)| delivery.clone()).collect())
    }
}

async fn channel(rig: &Rig, name: &str) -> String {
    let secret = |text: &str| Some(Disclosed::new(Secret::new(text)));
    let with = ChannelChange {
        target: secret("https://hooks.example/dummy-path"),
        key: secret("dummy-signing-key"),
        ..ChannelChange::default()
    };
    let new = NewChannel { name: name.to_owned(), service: ChannelKind::Webhook, with };
    rig.admin.channels().create(new).await.unwrap().id.to_string()
}

#[tokio::test]
async fn a_channel_is_tried_and_then_added() {
    let rig = Rig::running().await;
    let mut browser = rig.logged_in("operator").await;
    rig.admin.pools().create(NewPool { name: "main".to_owned(), ..NewPool::default() }).await.unwrap();
    assert!(rig.get(&mut browser, LIST).await.page().contains("Nobody is told of anything yet."));
    let kinds = rig.get(&mut browser, "/admin-next/notifications/new").await;
    for kind in ["webhook", "smtp", "telegram", "slack", "discord", "wecom", "dingtalk", "feishu", "bark"] {
        assert!(kinds.page().contains(&format!("/notifications/new/{kind}\"")), "{kind}");
    }
    let form = [
        ("name", "ops"),
        ("enabled", "on"),
        ("target", "1:dummy-token"),
        ("chat", "-100123"),
        ("thread", "7"),
        ("least", "warning"),
        ("kinds", "quota"),
        ("kinds", "store"),
        ("subjects", "pool main\nmodel gpt-5"),
        ("language", "zh-CN"),
        ("digest", "15m"),
        ("per_minute", "9"),
    ];
    let tried = [form.as_slice(), &[("try", "on")]].concat();
    let tried = rig.fill_in(&mut browser, NEW, NEW, &tried).await;
    assert!(tried.page().contains("The service has taken the test message."), "{}", tried.html);
    for kept in [
        "value=\"ops\"",
        "value=\"-100123\"",
        "value=\"1:dummy-token\"",
        "value=\"quota\" checked",
        "pool main",
    ] {
        assert!(tried.html.contains(kept), "{kept}: {}", tried.html);
    }
    assert!(rig.admin.channels().list().await.unwrap().is_empty(), "a try keeps nothing");
    let bad = [form.as_slice(), &[("try", "on")]].concat();
    let bad: Vec<_> = bad
        .into_iter()
        .map(|(name, value)| if name == "name" { (name, "bad") } else { (name, value) })
        .collect();
    let bad = rig.fill_in(&mut browser, NEW, NEW, &bad).await;
    assert!(bad.page().contains("was refused") && bad.html.contains("chat not found"), "{}", bad.html);
    let page = rig.fill_in(&mut browser, NEW, NEW, &form).await.to().to_owned();
    let made = rig.admin.channels().show("ops").await.unwrap();
    assert_eq!(page, format!("{LIST}/{}", made.id));
    let ChannelKind::Telegram(settings) = &made.service else { panic!("{made:?}") };
    assert_eq!((settings.chat.as_str(), settings.thread), ("-100123", Some(7)));
    assert_eq!((made.digest_seconds, made.per_minute, made.language), (900, 9, Language::Chinese));
    assert_eq!(made.filter.kinds, [NoticeKind::Quota, NoticeKind::Store]);
    assert!(made.filter.without_recoveries && made.filter.least == Severity::Warning);
    assert!(matches!(made.filter.subjects[..], [SubjectRef::Pool(_), SubjectRef::Model(_)]));
    let shown = rig.get(&mut browser, &page).await;
    for part in ["pool main", "model gpt-5", "15m", "-100123 / 7", "None yet.", "is not told"] {
        assert!(shown.page().contains(part), "{part}: {}", shown.html);
    }
    assert!(!shown.html.contains("dummy-token"));
}

#[tokio::test]
async fn nothing_typed_for_a_channel_is_lost() {
    let rig = Rig::running().await;
    let mut browser = rig.logged_in("operator").await;
    let new = "/admin-next/notifications/new/smtp";
    let form = [
        ("name", "mail"),
        ("host", "smtp.example.org"),
        ("from", "relay@example.org"),
        ("to", "ops@example.org"),
        ("digest", "1h"),
    ];
    for (field, value, says) in [
        ("port", "70000", "port: "),
        ("subjects", "pool nowhere", "subjects: "),
        ("subjects", "moon", "is none of"),
        ("per_minute", "0", "per_minute: "),
    ] {
        let wrong = [form.as_slice(), &[(field, value)]].concat();
        let wrong = rig.fill_in(&mut browser, new, new, &wrong).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        for kept in ["value=\"smtp.example.org\"", "ops@example.org", "value=\"1h\"", value, says] {
            assert!(wrong.html.contains(kept), "{field}: {kept}: {}", wrong.html);
        }
    }
    assert!(rig.admin.channels().list().await.unwrap().is_empty());
    let odd = rig.get(&mut browser, "/admin-next/notifications/new/pigeon").await;
    assert_eq!(odd.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_channel_is_changed_as_its_page_showed_it_and_its_secrets_stay() {
    let rig = Rig::running().await;
    let mut browser = rig.logged_in("admin").await;
    let id = channel(&rig, "hook").await;
    let edit = format!("{LIST}/{id}/edit");
    let page = rig.get(&mut browser, &edit).await;
    assert!(!page.page().contains("dummy"), "secrets are not shown");
    let (csrf, version) = (page.field("csrf"), page.field("version"));
    let form = |name, more: &[(&'static str, &'static str)]| {
        let form = [
            ("csrf", csrf.clone()),
            ("version", version.clone()),
            ("name", String::from(name)),
            ("enabled", "on".to_owned()),
            ("recoveries", "on".to_owned()),
            ("target", String::new()),
            ("key", String::new()),
        ];
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        form.into_iter().chain(more).collect::<Vec<_>>()
    };
    let send = |form: Vec<(&'static str, String)>| {
        let (rig, edit, mut browser) = (&rig, edit.clone(), browser.clone());
        async move {
            let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            rig.post(&mut browser, &edit, &form).await
        }
    };
    assert_eq!(send(form("renamed", &[("allow_private", "on")])).await.to(), format!("{LIST}/{id}"));
    let now = rig.admin.channels().show(&id).await.unwrap();
    assert_eq!((now.name.as_str(), now.has_key, now.allow_private), ("renamed", true, true));
    assert_eq!(now.target_host.as_deref(), Some("https://hooks.example"));
    let late = send(form("too late", &[])).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.html.contains("value=\"too late\"") && late.html.contains("was changed in the meantime"));
    // Somebody who may not give the consent does not take it away by saving either.
    let mut operator = rig.logged_in("operator").await;
    let saved = rig
        .fill_in(&mut operator, &edit, &edit, &[("name", "again"), ("no_key", "on"), ("test", "on")])
        .await;
    assert!(saved.page().contains("The service has taken the test message."), "{}", saved.html);
    let now = rig.admin.channels().show(&id).await.unwrap();
    assert_eq!((now.has_key, now.allow_private, now.enabled), (false, true, false));
    assert_eq!(rig.post_box.tested(), ["again"]);
}

#[tokio::test]
async fn a_channel_is_tested_switched_and_removed() {
    let rig = Rig::running().await;
    let mut browser = rig.logged_in("operator").await;
    let page = format!("{LIST}/{}", channel(&rig, "bad hook").await);
    let tested = rig.fill_in(&mut browser, &page, &format!("{page}/test"), &[]).await;
    assert!(
        tested.page().contains("refused by the service") && tested.html.contains("chat not found: bad hook"),
        "{}",
        tested.html
    );
    let shown = rig.get(&mut browser, &page).await;
    assert!(shown.page().contains("This is a test bad hook") && shown.html.contains("chat not found"));
    let list = rig.get(&mut browser, LIST).await;
    assert!(list.page().contains("refused by the service"), "{}", list.html);
    for (action, is_on) in [("off", false), ("on", true)] {
        let done = rig.fill_in(&mut browser, &page, &format!("{page}/{action}"), &[]).await;
        assert_eq!(done.to(), page);
        assert_eq!(rig.admin.channels().show("bad hook").await.unwrap().enabled, is_on);
    }
    let odd = rig.fill_in(&mut browser, &page, &format!("{page}/explode"), &[]).await;
    assert_eq!(odd.status, StatusCode::NOT_FOUND);
    assert!(shown.html.contains("<details class=\"confirm\"><summary>Remove the channel"));
    let gone = rig.fill_in(&mut browser, &page, &format!("{page}/delete"), &[]).await;
    assert_eq!(gone.to(), LIST);
    assert!(rig.admin.channels().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn where_nobody_sends_messages_the_pages_say_so() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    let page = format!("{LIST}/{}", channel(&rig, "hook").await);
    for path in [LIST, page.as_str()] {
        assert!(rig.get(&mut browser, path).await.page().contains("notify.enabled"), "{path}");
    }
    let tested = rig.fill_in(&mut browser, &page, &format!("{page}/test"), &[]).await;
    assert_eq!(tested.to(), page);
}

#[tokio::test]
async fn every_event_is_explained_and_a_viewer_sees_none_of_it() {
    let rig = Rig::running().await;
    let mut browser = rig.logged_in("operator").await;
    let events = rig.get(&mut browser, "/admin-next/notifications/events").await;
    let told = NoticeKind::ALL.into_iter().filter(|kind| *kind != NoticeKind::Test);
    for kind in told {
        assert!(events.page().contains(&format!("<code class=\"faint\">{kind}</code>")), "{kind}");
    }
    let mut viewer = rig.logged_in("viewer").await;
    assert_eq!(rig.get(&mut viewer, LIST).await.status, StatusCode::FORBIDDEN);
    assert!(!rig.get(&mut viewer, "/admin-next/keys").await.page().contains("/admin-next/notifications"));
}

#[tokio::test]
async fn names_and_errors_of_channels_are_text() {
    let rig = Rig::running().await;
    let mut browser = rig.logged_in("owner").await;
    for (number, nasty) in crate::inert::NASTY.into_iter().enumerate() {
        let id = channel(&rig, &format!("bad {number} {nasty}")).await;
        let filter = posthaste_core::NoticeFilter {
            subjects: vec![SubjectRef::Model(nasty.to_owned()), SubjectRef::Person(nasty.to_owned())],
            ..Default::default()
        };
        let change = ChannelChange { filter: Some(filter), ..ChannelChange::default() };
        rig.admin.channels().update(&id, change).await.unwrap();
        rig.admin.execute(Command::TestChannel { channel: id.clone() }).await.unwrap();
        for path in [LIST.to_owned(), format!("{LIST}/{id}"), format!("{LIST}/{id}/edit")] {
            let shown = rig.get(&mut browser, &path).await;
            crate::inert::check(shown.page(), &path);
        }
        let tested =
            rig.fill_in(&mut browser, &format!("{LIST}/{id}"), &format!("{LIST}/{id}/test"), &[]).await;
        crate::inert::check(tested.page(), "a test");
        let form = [("name", nasty), ("chat", nasty), ("subjects", nasty), ("digest", nasty)];
        let wrong = rig.fill_in(&mut browser, NEW, NEW, &form).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        crate::inert::check(&wrong.html, "a form");
    }
}
