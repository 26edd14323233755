//! Accounts that nobody asks for.

use std::{sync::Arc, time::Duration};

use posthaste_core::{Account, AccountId};
use posthaste_testkit::AccountSetters;
use tokio::time::sleep;

use crate::support::{LIFE, Scripted, World, invalid_grant};

async fn accounts(world: &World) -> Arc<Vec<Arc<Account>>> {
    let all = world.accounts().all().await.expect("the store answers");
    Arc::new(all.into_iter().map(|account| Arc::new(account.value)).collect())
}

#[tokio::test(start_paused = true)]
async fn tokens_of_idle_accounts_do_not_lapse() {
    let world = World::new().await;
    let idle = world.logged_in("a", Duration::from_secs(50)).await;
    let accounts = accounts(&world).await;
    let instance = world.instance();
    let keeping = tokio::spawn({
        let instance = instance.clone();
        async move { instance.keep_fresh(|| Arc::clone(&accounts)).await }
    });
    sleep(Duration::from_secs(20)).await;
    assert_eq!(world.stored_token(&idle).await.generation, 2);
    // What is held is told from: the snapshot stays the old one all the while.
    for generation in 3..6 {
        world.clock.advance(LIFE - Duration::from_secs(60));
        sleep(Duration::from_secs(20)).await;
        assert_eq!(world.stored_token(&idle).await.generation, generation);
    }
    assert_eq!(world.asked(), 4);
    keeping.abort();
}

#[tokio::test(start_paused = true)]
async fn what_is_switched_off_fresh_or_dead_is_left_alone() {
    let world = World::new().await;
    let off = world.logged_in("off", Duration::from_secs(10)).await;
    let current = world.accounts().account(off.id).await.unwrap().unwrap();
    world.accounts().replace(current.value.disabled(), current.version).await.unwrap();
    world.logged_in("fresh", Duration::from_secs(3_000)).await;
    world.logged_in("dead", Duration::from_secs(10)).await;
    world.server.next(Scripted::Reply(invalid_grant()));
    let accounts = accounts(&world).await;
    let instance = world.instance();
    let keeping = tokio::spawn({
        let instance = instance.clone();
        async move { instance.keep_fresh(|| Arc::clone(&accounts)).await }
    });
    sleep(Duration::from_secs(1_000)).await;
    assert_eq!(world.asked(), 1);
    keeping.abort();
}

#[tokio::test(start_paused = true)]
async fn many_that_end_together_go_a_few_at_a_time() {
    let world = World::new().await;
    let mut names: Vec<(AccountId, String)> = Vec::new();
    for number in 0..30 {
        let name = format!("a{number}");
        names.push((world.logged_in(&name, Duration::from_secs(10)).await.id, name));
    }
    // One refresh token is good for one of them only; what counts here is how many ask at once.
    let (now, most) = (Arc::new(std::sync::atomic::AtomicUsize::new(0)), Arc::default());
    let counting = Counting { inner: world.transport.clone(), now, most };
    let instance = world.instance_on(&world.stores, Arc::new(counting.clone()), []);
    let accounts = accounts(&world).await;
    let keeping = tokio::spawn({
        let instance = instance.clone();
        async move { instance.keep_fresh(|| Arc::clone(&accounts)).await }
    });
    sleep(Duration::from_secs(14)).await;
    assert_eq!(world.asked(), 30);
    assert_eq!(counting.most.load(std::sync::atomic::Ordering::SeqCst), 8);
    keeping.abort();
}

/// Counts how many requests are under way.
#[derive(Clone)]
struct Counting {
    inner: posthaste_testkit::MemoryTransport,
    now: Arc<std::sync::atomic::AtomicUsize>,
    most: Arc<std::sync::atomic::AtomicUsize>,
}

#[async_trait::async_trait]
impl posthaste_core::Transport for Counting {
    async fn send(
        &self,
        request: http::Request<posthaste_core::Payload>,
        egress: &posthaste_core::Egress,
    ) -> Result<http::Response<posthaste_core::RelayBody>, posthaste_core::TransportError> {
        use std::sync::atomic::Ordering::SeqCst;
        self.most.fetch_max(self.now.fetch_add(1, SeqCst) + 1, SeqCst);
        sleep(Duration::from_millis(100)).await;
        let answer = self.inner.send(request, egress).await;
        self.now.fetch_sub(1, SeqCst);
        answer
    }
}
