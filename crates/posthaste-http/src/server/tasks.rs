//! The tasks of a server: its connections, and of HTTP/2 each request.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use hyper::rt::Executor;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

/// Owns tasks. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    /// Clients are to come on new connections.
    retiring: Arc<AtomicBool>,
    stop: CancellationToken,
    cut: CancellationToken,
}

impl Tasks {
    /// A place among them for work that somebody else spawns, such as an upgraded connection's.
    pub(crate) fn place(&self) -> Place {
        Place { counted: self.tracker.token(), stop: self.stop.clone(), cut: self.cut.clone() }
    }

    /// Asks those that go on for as long as their client likes to come to an end.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Has answers ask their clients to come on new connections.
    pub(super) fn retire(&self) {
        self.retiring.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_retiring(&self) -> bool {
        self.retiring.load(Ordering::Relaxed)
    }

    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(until_cut(self.cut.clone(), work));
    }

    /// A guard: when it is dropped, all tasks are as well.
    pub(super) fn cut_on_drop(&self) -> impl Sized + use<> {
        self.cut.clone().drop_guard()
    }

    /// Waits for the end of every task.
    pub(super) async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Drops what still runs and waits until it is gone; tells how many tasks that were.
    pub(super) async fn cut(&self) -> usize {
        let open = self.tracker.len();
        self.cut.cancel();
        self.ended().await;
        open
    }
}

/// A task's place, taken before it is spawned: the server does not end in between.
#[derive(Debug)]
pub(crate) struct Place {
    counted: TaskTrackerToken,
    stop: CancellationToken,
    cut: CancellationToken,
}

impl Place {
    /// Carries the work, which is handed the server's wish that it should end, to its end or until it is cut off.
    pub(crate) async fn carry<W: Future<Output = ()>>(self, work: impl FnOnce(CancellationToken) -> W) {
        let Self { counted, stop, cut } = self;
        until_cut(cut, work(stop)).await;
        drop(counted);
    }
}

/// Carries work to its end or until it is cut off. The future of tokio-util's `run_until_cancelled_owned` holds the work three
/// times over, which were 9 KiB of an open connection.
async fn until_cut(cut: CancellationToken, work: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        () = cut.cancelled() => {}
        () = work => {}
    }
}

/// hyper spawns the requests of an HTTP/2 connection beside it.
impl<F: Future + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, work: F) {
        self.spawn(async move {
            work.await;
        });
    }
}
