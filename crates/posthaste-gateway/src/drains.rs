//! Streams that are read on for the books after their clients have left.

use tokio::runtime::Handle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The tasks that read them. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Drains {
    tasks: TaskTracker,
    over: CancellationToken,
}

impl Drains {
    /// Lets a task run until it is done, or until all are ended.
    pub(crate) fn spawn(&self, runtime: &Handle, task: impl Future<Output = ()> + Send + 'static) {
        let over = self.over.clone();
        let task = async move {
            // Either is an end.
            let _ = over.run_until_cancelled_owned(task).await;
        };
        self.tasks.spawn_on(task, runtime);
    }

    /// Ends all, and returns when what they had seen is handed to the books.
    pub(crate) async fn end(&self) {
        self.over.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
