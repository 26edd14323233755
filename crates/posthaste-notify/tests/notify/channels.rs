//! Who hears of what.

use std::sync::Arc;

use posthaste_core::{
    AccountId, Channel, CooldownReason, CooldownScope, Notice, NoticeEvent, NoticeFilter, NoticeKind,
    NoticeSink, Sealed, Severity, Subject, Timestamp,
};
use posthaste_notify::DeliveryOutcome;

use crate::support::{Bench, down, errors, hook, pass, taking, types};

#[tokio::test(start_paused = true)]
async fn each_channel_hears_what_it_wants() {
    let transport = taking();
    let bench = Bench::new(Arc::new(transport.clone()));
    let filtered = |name: &str, filter| Channel { filter, ..hook(name) };
    let kinds = NoticeFilter { kinds: vec![NoticeKind::ErrorRate], ..NoticeFilter::default() };
    let least = NoticeFilter { least: Severity::Critical, ..NoticeFilter::default() };
    bench.notifier.set_channels(vec![
        hook("all"),
        filtered("errors", kinds),
        filtered("critical", least),
        Channel { enabled: false, ..hook("off") },
    ]);
    bench.tell(down());
    bench.tell(errors());
    pass(1).await;
    assert_eq!(types(&transport, "/all"), ["pool_down", "error_rate"]);
    assert_eq!(types(&transport, "/errors"), ["error_rate"]);
    assert_eq!(types(&transport, "/critical"), ["pool_down"]);
    assert_eq!(types(&transport, "/off"), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_same_is_told_once_in_ten_minutes() {
    let transport = taking();
    let bench = Bench::new(Arc::new(transport.clone()));
    bench.notifier.set_channels(vec![hook("all")]);
    for _ in 0..4 {
        bench.tell(down());
        pass(290).await;
    }
    assert_eq!(
        types(&transport, "/all").len(),
        2,
        "at the start, not after 290 s and 580 s, but after 870 s"
    );
    bench.tell_of(2, down());
    pass(1).await;
    assert_eq!(types(&transport, "/all").len(), 3, "another pool");
}

#[tokio::test(start_paused = true)]
async fn whoever_heard_of_trouble_hears_of_its_end() {
    let transport = taking();
    let bench = Bench::new(Arc::new(transport.clone()));
    let errors_only = NoticeFilter { kinds: vec![NoticeKind::ErrorRate], ..NoticeFilter::default() };
    let silent = NoticeFilter { without_recoveries: true, ..NoticeFilter::default() };
    bench.notifier.set_channels(vec![
        hook("all"),
        Channel { filter: errors_only, ..hook("errors") },
        Channel { filter: silent, ..hook("silent") },
    ]);
    bench.tell(down());
    pass(3_600).await;
    bench.tell(NoticeEvent::PoolServes);
    bench.tell(NoticeEvent::PoolServes);
    pass(1).await;
    assert_eq!(types(&transport, "/all"), ["pool_down", "pool_down"]);
    assert_eq!(types(&transport, "/errors"), Vec::<String>::new());
    assert_eq!(types(&transport, "/silent"), ["pool_down"]);
    // The next trouble is none that was told.
    bench.tell(down());
    pass(1).await;
    assert_eq!(types(&transport, "/all").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_end_is_heard_as_its_beginning_was_however_much_either_matters() {
    let transport = taking();
    let bench = Bench::new(Arc::new(transport.clone()));
    let least =
        |name: &str, least| Channel { filter: NoticeFilter { least, ..Default::default() }, ..hook(name) };
    bench.notifier.set_channels(vec![
        least("info", Severity::Info),
        least("warning", Severity::Warning),
        least("critical", Severity::Critical),
    ]);
    let account = |number, event| {
        let id = AccountId::from_uuid(uuid::Uuid::from_u128(number));
        let subject = Subject::Account { id, name: format!("account {number}") };
        bench.notifier.tell(Notice { at: Timestamp::EPOCH, subject, event });
    };
    let (scope, until) = (CooldownScope::Account, Timestamp::EPOCH);
    let reasons = [CooldownReason::RateLimited, CooldownReason::Failing, CooldownReason::Unauthorised];
    for (number, reason) in (1..).zip(reasons) {
        let why = String::new();
        account(number, NoticeEvent::AccountRests { reason, scope: scope.clone(), until, why });
        // Its own weight is the same for all three.
        account(number, NoticeEvent::AccountServes { scope: scope.clone(), by_operator: false });
    }
    pass(1).await;
    let heard = ["/info", "/warning", "/critical"].map(|path| types(&transport, path).len());
    assert_eq!(heard, [6, 4, 2]);
}

#[tokio::test(start_paused = true)]
async fn the_log_keeps_what_was_told_and_what_became_of_it() {
    let bench = Bench::new(Arc::new(taking()));
    let channel = hook("all");
    bench.notifier.set_channels(vec![channel.clone()]);
    bench.tell(down());
    pass(1).await;
    let deliveries = bench.deliveries(&channel).await;
    assert_eq!(deliveries.len(), 1);
    let delivery = &deliveries[0];
    assert_eq!((delivery.outcome, delivery.tries, &delivery.error), (DeliveryOutcome::Delivered, 1, &None));
    assert_eq!(delivery.notices[0].title, "Pool pool 1: no account can serve");
    assert_eq!(delivery.notices[0].severity, Severity::Critical);
}

#[tokio::test(start_paused = true)]
async fn a_test_is_sent_at_once_whatever_the_channel_wants() {
    let transport = taking();
    let bench = Bench::new(Arc::new(transport.clone()));
    let nothing = NoticeFilter { kinds: vec![NoticeKind::ErrorRate], ..NoticeFilter::default() };
    let channel = Channel { enabled: false, filter: nothing, ..hook("new") };
    let delivery = bench.notifier.test(&channel).await;
    assert_eq!((delivery.outcome, delivery.tries), (DeliveryOutcome::Delivered, 1));
    assert_eq!(types(&transport, "/new"), ["test"]);
    assert_eq!(bench.deliveries(&channel).await, [delivery]);
}

#[tokio::test(start_paused = true)]
async fn a_test_tells_what_is_wrong() {
    let bench = Bench::new(Arc::new(taking()));
    let broken = Channel { target: Some(Sealed::from_text("broken")), ..hook("new") };
    let delivery = bench.notifier.test(&broken).await;
    assert_eq!(delivery.outcome, DeliveryOutcome::Refused);
    assert_eq!(delivery.error.as_deref(), Some("the channel's target does not open: set it anew"));
    assert!(bench.notifier.check(&broken).is_err());
    assert!(bench.notifier.check(&hook("new")).is_ok());
}
