//! What is held of one account's credential, and the one flight that gets the next.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use posthaste_core::{
    AccessToken, Account, AccountId, AccountSettings, Credential, Sealed, Timestamp, TokenFacts,
};
use tokio::{sync::watch, time::Instant};

use super::Issued;
use crate::{StoredToken, VaultError, oauth::OAuthError};

/// One account's credential.
#[derive(Default)]
pub(super) struct Slot {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// A record that was looked at and holds an older token than `held`, so that it is not opened again and again.
    passed_over: Option<Sealed>,
    flight: Option<Flight>,
    trouble: Option<Trouble>,
}

/// A credential that can be presented.
#[derive(Clone)]
pub(super) struct Held {
    origin: Origin,
    credential: Arc<Credential>,
    issued_at: Option<Timestamp>,
    /// When the next one is to be got; `None` when there is no way, or no need.
    pub(super) renew_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    /// Why there will be no next one, if that is known.
    dead: Option<OAuthError>,
}

/// What it was made from: when that changes, it does not count any more.
#[derive(Clone, PartialEq)]
enum Origin {
    /// The account's record.
    Stored { sealed: Sealed, generation: u64 },
    /// An issuer, for an account with these.
    Issued { credential: Option<Sealed>, settings: AccountSettings },
}

/// Failures in a row.
struct Trouble {
    error: OAuthError,
    /// Of the token that was held; `None` for those that are not stored.
    generation: Option<u64>,
    failures: u32,
    /// When to try again; `None` when only another login helps.
    until: Option<Instant>,
}

/// What a look at the slot says.
pub(super) enum Look {
    /// Good for a while.
    Fresh(Arc<Credential>),
    /// Good, but the next one should be got.
    Ahead(Arc<Credential>),
    /// Nothing good is there.
    Now,
}

/// What there is beside a refused credential.
pub(super) enum Other {
    /// Another one.
    Held(Arc<Credential>),
    /// The refused one is so new that a newer one would fare no better.
    TooSoon,
    /// None yet.
    None,
}

/// A credential on its way; clones wait for the same one.
#[derive(Clone)]
pub(super) struct Flight(watch::Receiver<Option<Landed>>);

type Landed = Result<Arc<Credential>, Delayed>;

/// Gives a flight its end. Dropped without one, those who wait are told.
pub(super) struct Landing(watch::Sender<Option<Landed>>);

#[derive(Clone)]
struct Delayed {
    error: OAuthError,
    retry_after: Option<Duration>,
}

/// What is known of an account's token. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenReport {
    /// Grows by one with each refresh and each login; 0 for tokens that are not stored.
    pub generation: u64,
    /// When the token ends, if that is known.
    pub expires_at: Option<Timestamp>,
    /// What its issuer told.
    pub facts: TokenFacts,
}

impl Slot {
    /// Takes the token of a record that is not the one held, unless it is an older one: an account at hand may be from
    /// before the last refresh.
    pub(super) fn look_at(
        &self,
        sealed: &Sealed,
        open: impl FnOnce() -> Result<(StoredToken, Duration), VaultError>,
    ) -> Result<(), VaultError> {
        let mut state = self.state.lock();
        let known =
            |held: &Held| matches!(&held.origin, Origin::Stored { sealed: from, .. } if from == sealed);
        if state.held.as_ref().is_some_and(known) || state.passed_over.as_ref() == Some(sealed) {
            return Ok(());
        }
        let (token, window) = open()?;
        if state.held.as_ref().and_then(Held::generation).is_some_and(|held| held > token.generation) {
            state.passed_over = Some(sealed.clone());
        } else {
            state.take(Held::stored(sealed.clone(), &token, window));
        }
        Ok(())
    }

    /// Forgets what was issued for an account that has other settings now.
    pub(super) fn keep_if_issued_for(&self, account: &Account) {
        let mut state = self.state.lock();
        let fits = |held: &Held| {
            matches!(&held.origin, Origin::Issued { credential, settings }
                if *credential == account.credential && *settings == account.settings)
        };
        if state.held.as_ref().is_some_and(|held| !fits(held)) {
            *state = State { flight: state.flight.take(), ..State::default() };
        }
    }

    pub(super) fn look(&self, now: Timestamp) -> Look {
        let state = self.state.lock();
        let Some(held) = &state.held else { return Look::Now };
        if held.has_ended(now) {
            return Look::Now;
        }
        let credential = Arc::clone(&held.credential);
        let due = held.renew_at.is_some_and(|at| at <= now);
        if due && state.flight.is_none() && state.may_try() {
            Look::Ahead(credential)
        } else {
            Look::Fresh(credential)
        }
    }

    pub(super) fn other_than(&self, refused: &Credential, now: Timestamp) -> Other {
        let state = self.state.lock();
        match &state.held {
            Some(held) if *held.credential != *refused && !held.has_ended(now) => {
                Other::Held(Arc::clone(&held.credential))
            }
            Some(held)
                if *held.credential == *refused
                    && held.issued_at.is_some_and(|at| now.since(at) < BRAND_NEW) =>
            {
                Other::TooSoon
            }
            _ => Other::None,
        }
    }

    /// Joins the flight under way or lets `start` begin one. After failures none begins before its time, unless an
    /// operator asks.
    pub(super) fn fly(&self, asked: bool, start: impl FnOnce(Landing)) -> Result<Flight, VaultError> {
        let mut state = self.state.lock();
        if let Some(flight) = &state.flight {
            return Ok(flight.clone());
        }
        if !asked {
            if let Some(trouble) = state.trouble.as_ref().filter(|trouble| !trouble.is_over()) {
                return Err(trouble.delayed().into());
            }
            if let Some(error) = state.held.as_ref().and_then(|held| held.dead.clone()) {
                return Err(error.into());
            }
        }
        let (sender, receiver) = watch::channel(None);
        let flight = Flight(receiver);
        state.flight = Some(flight.clone());
        start(Landing(sender));
        Ok(flight)
    }

    /// Ends a flight.
    pub(super) fn land(&self, account: AccountId, found: Result<Held, OAuthError>, landing: Landing) {
        let landed = {
            let mut state = self.state.lock();
            state.flight = None;
            match found {
                Ok(held) => {
                    state.trouble = None;
                    let credential = Arc::clone(&held.credential);
                    let older = held.generation() < state.held.as_ref().and_then(Held::generation);
                    if !older {
                        state.take(held);
                    }
                    Ok(credential)
                }
                Err(error) => Err(state.note(account, error)),
            }
        };
        // Nobody may be waiting.
        let _ = landing.0.send(Some(landed));
    }

    /// Forgets what is held. Failures are kept in mind.
    pub(super) fn forget(&self) {
        let mut state = self.state.lock();
        state.held = None;
        state.passed_over = None;
    }

    pub(super) fn generation(&self) -> u64 {
        self.state.lock().held.as_ref().and_then(Held::generation).unwrap_or_default()
    }

    pub(super) fn report(&self) -> Option<TokenReport> {
        let state = self.state.lock();
        let held = state.held.as_ref()?;
        let facts = match &*held.credential {
            Credential::Token(token) => token.facts.clone(),
            Credential::Key(_) | Credential::Aws(_) => TokenFacts::default(),
        };
        Some(TokenReport {
            generation: held.generation().unwrap_or_default(),
            expires_at: held.expires_at,
            facts,
        })
    }
}

impl State {
    /// Holds another credential. Trouble with one is not trouble with the next.
    fn take(&mut self, held: Held) {
        if self.trouble.as_ref().is_some_and(|trouble| held.generation() > trouble.generation) {
            self.trouble = None;
        }
        self.held = Some(held);
        self.passed_over = None;
    }

    fn may_try(&self) -> bool {
        self.trouble.as_ref().is_none_or(Trouble::is_over)
    }

    fn note(&mut self, account: AccountId, error: OAuthError) -> Delayed {
        let failures = self.trouble.as_ref().map_or(0, |trouble| trouble.failures).saturating_add(1);
        let pause = error.retry_after().map(|wait| wait.min(LONGEST_ASKED)).unwrap_or_default();
        let pause = pause.max(pause_after(account, failures));
        let until = (!error.needs_login()).then(|| Instant::now() + pause);
        let generation = self.held.as_ref().and_then(Held::generation);
        let trouble = Trouble { error, generation, failures, until };
        let delayed = trouble.delayed();
        self.trouble = Some(trouble);
        delayed
    }
}

impl Held {
    /// A stored token. `window` is how long before its end the next one is wanted.
    pub(super) fn stored(sealed: Sealed, token: &StoredToken, window: Duration) -> Self {
        let generation = token.generation;
        let dead = token.dead();
        let renewable = dead.is_none() && token.refresh_token.is_some();
        let ahead = Ahead { window, spread: spread_of(&sealed) };
        Self {
            origin: Origin::Stored { sealed, generation },
            credential: Arc::new(Credential::Token(AccessToken {
                secret: token.access_token.clone(),
                expires_at: token.expires_at,
                facts: token.facts.clone(),
            })),
            issued_at: token.issued_at,
            renew_at: token.expires_at.filter(|_| renewable).map(|end| ahead.of(token.issued_at, end)),
            expires_at: token.expires_at,
            dead,
        }
    }

    /// A credential that was issued for an account.
    pub(super) fn issued(account: &Account, issued: Issued, began: Timestamp) -> Self {
        let ahead = Ahead { window: ISSUED_WINDOW, spread: spread_of(&(account.id, began.as_micros())) };
        Self {
            origin: Origin::Issued {
                credential: account.credential.clone(),
                settings: account.settings.clone(),
            },
            credential: Arc::new(issued.credential),
            issued_at: Some(began),
            renew_at: issued.expires_at.map(|end| ahead.of(Some(began), end)),
            expires_at: issued.expires_at,
            dead: None,
        }
    }

    fn generation(&self) -> Option<u64> {
        match self.origin {
            Origin::Stored { generation, .. } => Some(generation),
            Origin::Issued { .. } => None,
        }
    }

    /// Whether there will be no next one.
    pub(super) const fn is_dead(&self) -> bool {
        self.dead.is_some()
    }

    pub(super) fn has_ended(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// How long before its end a token is renewed.
struct Ahead {
    window: Duration,
    /// 0 to 1,000: so that accounts that were logged in together, and instances, do not all come at once.
    spread: u32,
}

impl Ahead {
    fn of(&self, issued: Option<Timestamp>, end: Timestamp) -> Timestamp {
        let ahead = self.window + self.window / 2 / 1_000 * self.spread;
        // A token that lives for less than its window would be renewed without pause.
        let ahead = issued.map_or(ahead, |issued| ahead.min(end.since(issued) / 2));
        end.minus(ahead)
    }
}

impl Flight {
    /// Waits for its end.
    pub(super) async fn landed(mut self) -> Result<Arc<Credential>, VaultError> {
        let cut_off = || VaultError::from(OAuthError::store("the refresh was cut off"));
        let landed = self.0.wait_for(Option::is_some).await.map_err(|_| cut_off())?;
        landed.clone().ok_or_else(cut_off)?.map_err(VaultError::from)
    }
}

impl Trouble {
    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }

    fn delayed(&self) -> Delayed {
        let retry_after = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        Delayed { error: self.error.clone(), retry_after }
    }
}

impl From<Delayed> for VaultError {
    fn from(delayed: Delayed) -> Self {
        Self::OAuth { error: delayed.error, retry_after: delayed.retry_after }
    }
}

/// 1 s, doubled with each failure, at most 5 min; up to a fifth is taken off, another share for each account.
fn pause_after(account: AccountId, failures: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    let pause = doubled.min(LONGEST_PAUSE);
    pause - pause / 5 / 1_000 * spread_of(&(account, failures))
}

/// 0 to 1,000, the same for the same value.
fn spread_of(value: &impl Hash) -> u32 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    u32::try_from(hasher.finish() % 1_001).expect("less than 1,001")
}

/// A token refused this soon after it was issued is not refused for its age.
const BRAND_NEW: Duration = Duration::from_secs(30);
/// Of credentials that come from an issuer.
const ISSUED_WINDOW: Duration = Duration::from_secs(120);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// The longest `retry-after` that is believed.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);
