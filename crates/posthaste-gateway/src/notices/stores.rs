//! The store that is away or back.

use posthaste_core::{Notice, NoticeEvent, Subject, Timestamp};
use posthaste_storage::StoreLoss;

/// Looks at the store's health now and then, and tells when it went away and when it is back.
#[derive(Debug, Default)]
pub(super) struct StoreWatch {
    lost: Option<StoreLoss>,
}

impl StoreWatch {
    /// Looks; `loss` is what [`StoreHealth`](posthaste_storage::StoreHealth) tells.
    pub(super) fn look(&mut self, loss: Option<StoreLoss>, now: Timestamp) -> Option<Notice> {
        let event = match (&self.lost, &loss) {
            (None, Some(StoreLoss { since, reason })) => {
                NoticeEvent::StoreLost { since: *since, reason: reason.clone() }
            }
            (Some(lost), None) => NoticeEvent::StoreBack { lost_seconds: now.since(lost.since).as_secs() },
            // Away since, back and away again between two looks is one trouble.
            (None, None) | (Some(_), Some(_)) => return None,
        };
        self.lost = loss;
        Some(Notice { at: now, subject: Subject::Store, event })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_and_its_end_are_told_once() {
        let (mut watch, since) = (StoreWatch::default(), Timestamp::from_secs(1_000));
        let loss = || Some(StoreLoss { since, reason: "it does not answer".to_owned() });
        assert_eq!(watch.look(None, since), None);
        let lost = watch.look(loss(), Timestamp::from_secs(1_001)).unwrap();
        assert_eq!(lost.event, NoticeEvent::StoreLost { since, reason: "it does not answer".to_owned() });
        assert_eq!(watch.look(loss(), Timestamp::from_secs(1_010)), None);
        let back = watch.look(None, Timestamp::from_secs(1_060)).unwrap();
        assert_eq!(back.event, NoticeEvent::StoreBack { lost_seconds: 60 });
        assert!(back.ends(&lost.dedup_key()));
        assert_eq!(watch.look(None, Timestamp::from_secs(1_061)), None);
    }
}
