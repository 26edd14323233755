//! Bringing a card to a client key, or back: two records, changed one after the other, each by compare-and-set.
//!
//! 1. The card says that it is on its way, to which key, and under which id. One of many who try is first.
//! 2. The key is changed and notes the id, in one write; or it notes that the card does not fit.
//! 3. The card says what the key decided.
//!
//! Whoever finds a card on its way, also after a crash, goes on from there: [`finish`] may be called by many at once. The key
//! is changed once, for this reason. Whoever changes it has read it first and has then seen the card on its way still. If
//! another was faster, the key has another version by now, and the write fails. And a note leaves the key only when its card
//! is past that step for good, so that a key without the note, read before a card that is on its way, has not been changed.

use posthaste_core::{
    Card, CardId, CardLimits, CardState, CardStep, ClientKey, ClientKeyId, Limit, RedemptionId, Timestamp,
};
use posthaste_storage::{StorageError, Versioned};

use super::fitting;
use crate::{Admin, AdminError, standings};

/// Brings a card's open step to its end. A card without one is answered as it is; `None` when there is no such card.
///
/// # Errors
/// When the store fails, or others change the same records without end.
pub(super) async fn finish(admin: &Admin, id: CardId) -> Result<Option<Card>, AdminError> {
    let (cards, keys) = (admin.card_records(), admin.key_records());
    for _ in 0..MOST_TRIES {
        let Some(seen) = cards.get(id.uuid()).await? else { return Ok(None) };
        let Some((step, key_id)) = seen.value.open_step() else { return Ok(Some(seen.value)) };
        let key = keys.get(key_id.uuid()).await?;
        // Looked at again, after the key: see above.
        let Some(card) = cards.get(id.uuid()).await? else { return Ok(None) };
        if card.value.open_step() != Some((step, key_id)) {
            continue;
        }
        let Some(decided) = decided(admin, key, &card.value, step).await? else { continue };
        let now = admin.now();
        let next = Card { state: ended(&card.value, decided), updated_at: now, ..card.value };
        match cards.replace(next, card.version).await {
            Ok(card) => return Ok(Some(card.value)),
            Err(StorageError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let what = "others change the same card or client key at this moment; try again".to_owned();
    Err(AdminError::Conflict { what })
}

/// Brings every card that is on its way to its end. Answers how many there were.
///
/// # Errors
/// As [`finish`].
pub(super) async fn finish_all(admin: &Admin) -> Result<usize, AdminError> {
    let known = admin.directory().await?;
    let open: Vec<CardId> =
        known.cards.values().filter(|card| card.open_step().is_some()).map(|card| card.id).collect();
    for id in &open {
        finish(admin, *id).await?;
    }
    Ok(open.len())
}

/// What the key decided on the step, now or before; `None` when somebody else changed the key meanwhile.
async fn decided(
    admin: &Admin,
    key: Option<Versioned<ClientKey>>,
    card: &Card,
    step: RedemptionId,
) -> Result<Option<CardStep>, AdminError> {
    // Nobody can tell any more what the key had. It has nothing now, and the card is not redeemed twice.
    let Some(Versioned { version, value: mut key }) = key else {
        return Ok(Some(CardStep { id: step, card: card.id, done: true, taken: 0 }));
    };
    if let Some(known) = key.card_steps.iter().find(|known| known.id == step) {
        return Ok(Some(*known));
    }
    let now = admin.now();
    let decided = decide(admin, &mut key, card, step, now).await?;
    forget_ended(admin, &mut key).await?;
    if key.card_steps.len() >= MOST_STEPS {
        let what = "too many cards are on their way to this client key; try again".to_owned();
        return Err(AdminError::Conflict { what });
    }
    key.card_steps.push(decided);
    key.updated_at = now;
    match admin.key_records().replace(key, version).await {
        Ok(_) => Ok(Some(decided)),
        Err(StorageError::Conflict { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn decide(
    admin: &Admin,
    key: &mut ClientKey,
    card: &Card,
    id: RedemptionId,
    now: Timestamp,
) -> Result<CardStep, AdminError> {
    let step = CardStep { id, card: card.id, done: true, taken: 0 };
    if matches!(card.state, CardState::TakingBack { .. }) {
        let used = used(admin, key).await?;
        let taken = fitting::take(key, card.gives.quota, |limit| {
            used.iter().find(|(name, _)| *name == limit.name).map_or(0, |(_, used)| *used)
        });
        return Ok(CardStep { taken, ..step });
    }
    let limits = super::limits(admin).await?;
    let mut changed = key.clone();
    let fits = fitting::give(&mut changed, card.gives, &limits, now).is_ok();
    if fits {
        *key = changed;
    }
    Ok(CardStep { done: fits, ..step })
}

/// Whether the card fits the key as it is now: asked before a card is sent on its way, so that most that do not fit stay where
/// they are and are told why.
///
/// # Errors
/// [`AdminError::Conflict`] with the reason.
pub(super) fn check(
    key: &ClientKey,
    card: &Card,
    limits: &CardLimits,
    now: Timestamp,
) -> Result<(), AdminError> {
    let fits = fitting::give(&mut key.clone(), card.gives, limits, now);
    fits.map_err(|what| AdminError::Conflict { what: format!("the card was not redeemed: {what}") })
}

/// What is used of the key's limits on its total cost, and reserved for requests under way.
async fn used(admin: &Admin, key: &ClientKey) -> Result<Vec<(String, u64)>, AdminError> {
    let is_meant = |name: &str| {
        key.policy.limits.iter().any(|limit: &Limit| limit.name == name && fitting::is_total_cost(limit))
    };
    let standings = standings::of_key(admin, key).await?;
    let own = standings.into_iter().filter(|standing| standing.whose == "key" && is_meant(&standing.name));
    Ok(own.map(|standing| (standing.name, u64::try_from(standing.used).unwrap_or(0))).collect())
}

/// Drops the notes whose cards are past that step.
async fn forget_ended(admin: &Admin, key: &mut ClientKey) -> Result<(), AdminError> {
    let cards = admin.card_records();
    let mut open = Vec::with_capacity(key.card_steps.len());
    for step in &key.card_steps {
        let card = cards.get(step.card.uuid()).await?;
        if card.and_then(|card| card.value.open_step()).is_some_and(|(id, _)| id == step.id) {
            open.push(*step);
        }
    }
    key.card_steps = open;
    Ok(())
}

/// The card after its step.
fn ended(card: &Card, decided: CardStep) -> CardState {
    match card.state.clone() {
        CardState::Redeeming { redemption } if decided.done => CardState::Redeemed { redemption },
        CardState::Redeeming { .. } => CardState::Unused,
        CardState::TakingBack { redemption, at, by, .. } => {
            CardState::TakenBack { redemption, quota: decided.taken, at, by }
        }
        state => state,
    }
}

/// The key that a step is about, for whoever begins one.
pub(super) async fn key(admin: &Admin, id: ClientKeyId) -> Result<ClientKey, AdminError> {
    let found = admin.key_records().client_key(id).await?;
    let gone = || AdminError::NotFound { what: format!("client key `{id}`") };
    found.map(|found| found.value).ok_or_else(gone)
}

/// Each try that fails is another's success.
const MOST_TRIES: u32 = 100;

/// As many as are on their way to one key at once, or were when a relay stopped.
const MOST_STEPS: usize = 64;
