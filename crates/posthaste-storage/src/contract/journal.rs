//! Promises of [`JournalStore`](crate::JournalStore).

use std::sync::Arc;

use super::{
    Promise,
    fixtures::{NOON, noon_plus},
};
use crate::{JournalEntry, StorageError, Stores};

fn entry(number: u64) -> JournalEntry {
    JournalEntry { number, at: noon_plus(number), text: format!("{{\"entry\":{number}, \"ü\":\"🦀\"}}") }
}

async fn written(stores: &Stores, journal: &str, entries: u64) -> Promise {
    for number in 1..=entries {
        stores.journals.append(journal, &entry(number)).await?;
    }
    Ok(())
}

/// Entries come back as written, from either end and in parts.
pub async fn a_journal_is_read_from_both_ends(stores: Stores) -> Promise {
    let journals = &stores.journals;
    assert_eq!(journals.last("audit").await?, None);
    assert!(journals.latest("audit", None, 5).await?.is_empty());
    assert!(journals.after("audit", 0, 5).await?.is_empty());
    written(&stores, "audit", 12).await?;
    assert_eq!(journals.last("audit").await?, Some(entry(12)));
    assert_eq!(journals.latest("audit", None, 3).await?, [entry(12), entry(11), entry(10)]);
    assert_eq!(journals.latest("audit", Some(3), 5).await?, [entry(2), entry(1)]);
    assert_eq!(journals.after("audit", 0, 2).await?, [entry(1), entry(2)]);
    assert_eq!(journals.after("audit", 10, 5).await?, [entry(11), entry(12)]);
    assert!(journals.after("audit", 12, 5).await?.is_empty());
    Ok(())
}

/// An entry that does not follow the last one is refused.
pub async fn an_entry_follows_the_last_one(stores: Stores) -> Promise {
    written(&stores, "audit", 2).await?;
    let another = JournalEntry { text: "another".to_owned(), ..entry(2) };
    for entry in [entry(1), another, entry(4), entry(9)] {
        let number = entry.number;
        let refused = stores.journals.append("audit", &entry).await;
        assert!(matches!(refused, Err(StorageError::Conflict { .. })), "{number}: {refused:?}");
    }
    let refused = stores.journals.append("empty", &entry(2)).await;
    assert!(matches!(refused, Err(StorageError::Conflict { .. })), "{refused:?}");
    // Whoever does not know whether it was written may write it again.
    stores.journals.append("audit", &entry(2)).await?;
    assert_eq!(stores.journals.after("audit", 0, 9).await?, [entry(1), entry(2)]);
    Ok(())
}

/// A journal that comes from elsewhere begins where it begins there, and goes on as any other.
pub async fn a_journal_is_carried_over_from_where_it_begins(stores: Stores) -> Promise {
    let journals = &stores.journals;
    journals.carry_over("audit", &entry(7)).await?;
    // Whoever does not know whether it was written may write it again.
    journals.carry_over("audit", &entry(7)).await?;
    journals.carry_over("audit", &entry(8)).await?;
    for number in [1, 6, 7, 10] {
        let refused = journals.carry_over("audit", &entry(number)).await;
        assert!(matches!(refused, Err(StorageError::Conflict { .. })), "{number}: {refused:?}");
    }
    journals.append("audit", &entry(9)).await?;
    assert_eq!(journals.after("audit", 0, 9).await?, [entry(7), entry(8), entry(9)]);
    Ok(())
}

/// Whoever only wants to write something down gets the next number, however many do so at once.
pub async fn parallel_notes_all_get_a_place(stores: Stores) -> Promise {
    let notes: Vec<_> = (0..8)
        .map(|note| {
            let journals = Arc::clone(&stores.journals);
            tokio::spawn(async move { journals.note("notes", NOON, note.to_string()).await })
        })
        .collect();
    let mut numbers = Vec::new();
    for note in notes {
        numbers.push(note.await.expect("a writer does not panic")?.number);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
    assert_eq!(stores.journals.after("notes", 0, 99).await?.len(), 8);
    Ok(())
}

/// Forgotten entries are gone, the last one never, and the next one follows it.
pub async fn old_entries_are_forgotten_and_the_last_one_stays(stores: Stores) -> Promise {
    let journals = &stores.journals;
    written(&stores, "audit", 6).await?;
    written(&stores, "other", 2).await?;
    assert_eq!(journals.forget("audit", 4).await?, 4);
    assert_eq!(journals.after("audit", 0, 9).await?, [entry(5), entry(6)]);
    assert_eq!(journals.forget("audit", 99).await?, 1);
    assert_eq!(journals.forget("audit", 99).await?, 0);
    assert_eq!(journals.forget("nobody", 99).await?, 0);
    assert_eq!(journals.last("audit").await?, Some(entry(6)));
    journals.append("audit", &entry(7)).await?;
    assert_eq!(journals.latest("audit", None, 9).await?, [entry(7), entry(6)]);
    assert_eq!(journals.after("other", 0, 9).await?.len(), 2);
    Ok(())
}
