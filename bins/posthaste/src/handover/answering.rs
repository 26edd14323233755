//! Limits that this process counts, asked by the process before until that has served its last stream.

use std::sync::Arc;

use posthaste_storage::{AdmissionStore, StorageError};
use tokio::{
    io::BufReader,
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::mpsc,
};

use super::talk::{Ask, MOST_LINE_BYTES, Question, Tell, Told};
use crate::admin_socket::frame;

/// Answers until the other end is gone.
pub(super) async fn answer(
    mut reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    admission: Arc<dyn AdmissionStore>,
) {
    let (answers, told) = mpsc::unbounded_channel();
    let telling = tokio::spawn(tell(told, writer));
    while let Ok(Some(line)) = frame::read_line(&mut reader, MOST_LINE_BYTES).await {
        let Ok(Question { id, now, ask }) = frame::parse::<Question>(&line) else { break };
        let (admission, answers) = (Arc::clone(&admission), answers.clone());
        // A claim of one request does not wait for another's.
        tokio::spawn(async move {
            let told = match ask_of(&*admission, ask, now).await {
                Ok(told) => told,
                Err(error) => Tell::Failed(error.to_string()),
            };
            // The other end may be gone.
            let _ = answers.send(Told { id, told });
        });
    }
    drop(answers);
    let _ = telling.await;
}

async fn ask_of(
    admission: &dyn AdmissionStore,
    ask: Ask,
    now: posthaste_core::Timestamp,
) -> Result<Tell, StorageError> {
    Ok(match ask {
        Ask::Reserve(claim) => Tell::Reserved(admission.reserve(&claim, now).await?),
        Ask::Renew { lease, ttl } => Tell::Renewed(admission.renew(lease, ttl, now).await?),
        Ask::Settle { lease, truth } => {
            admission.settle(lease, &truth, now).await?;
            Tell::Settled
        }
        Ask::Used { half, owner, counter } => Tell::Used(admission.used(half, owner, &counter, now).await?),
        Ask::Leases { half, owner, counter, limit } => {
            Tell::Leases(admission.leases(half, owner, &counter, now, limit).await?)
        }
    })
}

async fn tell(mut told: mpsc::UnboundedReceiver<Told>, mut writer: OwnedWriteHalf) {
    while let Some(told) = told.recv().await {
        if frame::write_line(&mut writer, &told).await.is_err() {
            return;
        }
    }
}
