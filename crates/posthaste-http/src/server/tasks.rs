//! The tasks of a server: its connections, and of HTTP/2 each request.

use hyper::rt::Executor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Owns tasks. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tasks {
    tracker: TaskTracker,
    cut: CancellationToken,
}

impl Tasks {
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let cut = self.cut.clone();
        self.tracker.spawn(async move {
            cut.run_until_cancelled_owned(work).await;
        });
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

/// hyper spawns the requests of an HTTP/2 connection beside it.
impl<F: Future + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, work: F) {
        self.spawn(async move {
            work.await;
        });
    }
}
