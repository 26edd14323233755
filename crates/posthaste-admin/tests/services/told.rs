//! What operators are told of log-ins.

use std::sync::Arc;

use parking_lot::Mutex;
use posthaste_admin::{Admin, AdminParts, Credentials, Visit};
use posthaste_core::{Notice, NoticeEvent, NoticeSink, Role, Subject};

use crate::{
    people::{PASSWORD, add, secret},
    support::{Bench, quiet},
};

#[derive(Default)]
struct Heard(Mutex<Vec<Notice>>);

impl NoticeSink for Heard {
    fn tell(&self, notice: Notice) {
        self.0.lock().push(notice);
    }
}

impl Heard {
    fn take(&self) -> Vec<(Subject, NoticeEvent)> {
        self.0.lock().drain(..).map(|notice| (notice.subject, notice.event)).collect()
    }
}

async fn furnished() -> (Bench, Arc<Heard>) {
    let bench = quiet().await;
    let heard = Arc::new(Heard::default());
    let notices = Some(Arc::clone(&heard) as Arc<dyn NoticeSink>);
    let parts = AdminParts { notices, ..bench.parts };
    (Bench { admin: Admin::new(parts.clone()), parts, ..bench }, heard)
}

async fn try_from(bench: &Bench, name: &str, password: &str, address: Option<&str>) -> bool {
    let given = Credentials { name: name.to_owned(), password: secret(password), code: None };
    let visit = Visit { address: address.map(|address| address.parse().unwrap()), agent: String::new() };
    bench.admin.sign_in().by_password(given, &visit).await.is_ok()
}

#[tokio::test]
async fn a_log_in_from_a_network_that_is_new_is_told_once() {
    let (bench, heard) = furnished().await;
    add(&bench, "ada", Role::Admin).await;
    let log_in = |address| try_from(&bench, "ada", PASSWORD, address);
    for known in ["192.0.2.1", "192.0.2.200", "::ffff:192.0.2.7"] {
        assert!(log_in(Some(known)).await);
    }
    assert!(log_in(None).await);
    assert_eq!(heard.take(), [], "the first network of all, and others of it, are no news");
    for _ in 0..2 {
        assert!(log_in(Some("2001:db8:1:2::3")).await);
        assert!(log_in(Some("2001:db8:1:2:ffff::4")).await);
    }
    let ada = Subject::Person { name: "ada".to_owned() };
    let address = "2001:db8:1:2::3".to_owned();
    assert_eq!(heard.take(), [(ada, NoticeEvent::SignedIn { address })]);
    assert!(!try_from(&bench, "ada", "wrong", Some("203.0.113.9")).await);
    assert_eq!(heard.take(), [], "who is refused is nobody's news");
}

#[tokio::test]
async fn the_networks_that_were_used_last_are_remembered() {
    let (bench, heard) = furnished().await;
    add(&bench, "ada", Role::Admin).await;
    for n in 0..10 {
        assert!(try_from(&bench, "ada", PASSWORD, Some(&format!("192.0.{n}.1"))).await);
    }
    assert_eq!(heard.take().len(), 9);
    assert!(try_from(&bench, "ada", PASSWORD, Some("192.0.0.1")).await);
    assert!(heard.take().is_empty());
    assert!(try_from(&bench, "ada", PASSWORD, Some("192.0.99.1")).await);
    assert_eq!(heard.take().len(), 1);
    // The least recently used one has made room.
    assert!(try_from(&bench, "ada", PASSWORD, Some("192.0.0.1")).await);
    assert!(heard.take().is_empty());
    assert!(try_from(&bench, "ada", PASSWORD, Some("192.0.1.1")).await);
    assert_eq!(heard.take().len(), 1);
}

#[tokio::test]
async fn that_a_name_has_to_wait_is_told_once_and_of_people_alone() {
    let (bench, heard) = furnished().await;
    add(&bench, "ada", Role::Admin).await;
    for _ in 0..4 {
        try_from(&bench, "ada", "wrong", Some("198.51.100.1")).await;
        try_from(&bench, "nobody", "wrong", Some("198.51.100.2")).await;
    }
    assert_eq!(heard.take(), []);
    for _ in 0..5 {
        try_from(&bench, "ada", "wrong", Some("198.51.100.1")).await;
        try_from(&bench, "nobody", "wrong", Some("198.51.100.2")).await;
    }
    let told = heard.take();
    let [(Subject::Person { name }, NoticeEvent::SignInLocked { address, misses, until })] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!((name.as_str(), address.as_str(), *misses), ("ada", "198.51.100.1", 5));
    assert_eq!(*until, bench.now().plus(std::time::Duration::from_secs(2)));
}
