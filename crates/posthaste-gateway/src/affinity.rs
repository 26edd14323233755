//! Conversations stay with the account that holds their prompt cache.
//!
//! The relay remembers for each conversation of a tenant who served it last and how much of it that account has in its
//! cache; the scheduler weighs that against what speaks for others. Who has served a conversation is its home from then
//! on, so that one that had to move stays where it went.

use std::{sync::Arc, time::Duration};

use http::HeaderMap;
use moka::sync::Cache;
use posthaste_core::{
    Account, AccountId, AffinityRules, ClientKeyId, ConversationFound, NanoUsd, Timestamp, Usage, UsageSource,
};
use posthaste_metering::PriceBook;
use posthaste_scheduler::Warmth;
use posthaste_storage::{AffinityKey, AffinityStore};
use posthaste_wire::{Conversation, Envelope};
use xxhash_rust::xxh3::Xxh3Default;

use crate::asked::AskedModel;

/// A request's part in a conversation.
#[derive(Debug)]
pub(crate) struct Affinity {
    key: AffinityKey,
    rules: AffinityRules,
    home: Option<Home>,
    /// Whether the request carries what only its maker can read: signatures, sealed thoughts.
    sealed: bool,
}

/// Who served a conversation last.
#[derive(Clone, Copy, Debug)]
struct Home {
    account: AccountId,
    /// When it is forgotten.
    until: Timestamp,
    /// The tokens of its last prompt and answer; `None` when another relay or an earlier run of this one saw them.
    tokens: Option<u64>,
    warmed_at: Timestamp,
    /// How long the vendor keeps what it has cached.
    kept: Duration,
}

impl Affinity {
    /// What is known of the request's conversation; `None` where it is part of none.
    pub(crate) async fn of(
        homes: &Homes,
        tenant: ClientKeyId,
        rules: &AffinityRules,
        request: (&HeaderMap, &Envelope, &bytes::Bytes),
        now: Timestamp,
    ) -> Option<Self> {
        let (headers, envelope, body) = request;
        let conversation = digest(headers, envelope, body)?;
        let key = AffinityKey { tenant, conversation };
        let home = homes.find(key, now).await;
        let sealed = home.is_some() && envelope.is_sealed();
        Some(Self { key, rules: rules.clone(), home, sealed })
    }

    /// What is known of the conversation, for the request's record.
    pub(crate) fn found(&self) -> ConversationFound {
        ConversationFound { home: self.home(), sealed: self.sealed }
    }

    /// The account that served the conversation last.
    pub(crate) fn home(&self) -> Option<AccountId> {
        self.home.map(|home| home.account)
    }

    /// Whether the account made what the request carries and nobody else can read.
    pub(crate) fn is_home(&self, account: AccountId) -> bool {
        self.sealed && self.home.is_some_and(|home| home.account == account)
    }

    /// What the account has of the conversation in its cache.
    pub(crate) fn warmth(
        &self,
        account: &Account,
        model: &AskedModel,
        (prices, prompt): (&PriceBook, u64),
    ) -> Option<Warmth> {
        let home = self.home.filter(|home| home.account == account.id)?;
        Some(Warmth {
            tokens: home.tokens.unwrap_or(prompt),
            gap: gap(account, model, prices),
            warmed_at: home.warmed_at,
            ttl: home.kept,
        })
    }
}

/// What a million tokens cost less when they are read from the cache. Where no price is known, or the vendor gives no
/// discount, a cache still saves time: a little.
fn gap(account: &Account, model: &AskedModel, prices: &PriceBook) -> NanoUsd {
    let model = model.upstream(account);
    let cost =
        |usage: &Usage| prices.charge(account, model.as_str(), usage, UsageSource::Reported).cost.as_nanos();
    let fresh = cost(&Usage { input: SAMPLE, ..Usage::default() });
    let cached = cost(&Usage { cache_read: SAMPLE, ..Usage::default() });
    NanoUsd::from_nanos(fresh.saturating_sub(cached).saturating_mul(PER_MILLION)).max(LEAST_GAP)
}

/// What marks a conversation: what the client calls it, or how it begins.
///
/// Not a cryptographic hash, which takes 50,000 instructions for each kilobyte where a processor has none of its own for it: whoever
/// made two conversations of one tenant look alike would win the other one's home, and nothing of what is in it.
fn digest(headers: &HeaderMap, envelope: &Envelope, body: &bytes::Bytes) -> Option<[u8; 16]> {
    let header = SESSION_HEADERS.iter().find_map(|name| headers.get(*name)?.to_str().ok());
    let mut hash = Xxh3Default::new();
    match header.filter(|name| !name.is_empty()).map(|name| Conversation::Named(name.into())) {
        Some(Conversation::Named(name)) => name_into(&mut hash, &name),
        _ => match envelope.conversation(body)? {
            Conversation::Named(name) => name_into(&mut hash, &name),
            Conversation::Opening { system, first } => {
                hash.update(b"opening\0");
                hash.update(system.as_bytes());
                hash.update(b"\0");
                hash.update(first.as_bytes());
            }
        },
    }
    Some(hash.digest128().to_be_bytes())
}

fn name_into(hash: &mut Xxh3Default, name: &str) {
    hash.update(b"named\0");
    hash.update(name.as_bytes());
}

/// All conversations' homes: those that this relay saw, and behind them the store's.
pub(crate) struct Homes {
    known: Cache<AffinityKey, Home>,
    store: Arc<dyn AffinityStore>,
}

impl Homes {
    /// How many conversations are known here, to a few that were forgotten a moment ago.
    pub(crate) fn known(&self) -> u64 {
        self.known.entry_count()
    }

    pub(crate) fn new(store: Arc<dyn AffinityStore>) -> Self {
        Self { known: Cache::builder().max_capacity(MOST_KNOWN).time_to_idle(LONGEST).build(), store }
    }

    async fn find(&self, key: AffinityKey, now: Timestamp) -> Option<Home> {
        // One that is over here may have gone on at another relay, which the store knows.
        if let Some(home) = self.known.get(&key).filter(|home| home.until > now) {
            return Some(home);
        }
        let found = self.store.home(key, now).await;
        let account = found
            .inspect_err(|error| tracing::warn!(%error, "a conversation's home cannot be read; it may move"))
            .ok()??;
        // The promise is taken to be just over: what the cache is worth is halved with time from now on.
        let warmed_at = now.minus(SHORT_KEPT);
        Some(Home { account, until: now.plus(SHORT_KEPT), tokens: None, warmed_at, kept: SHORT_KEPT })
    }

    /// Notes that an account serves a conversation, and once it is over, what it has in its cache.
    pub(crate) fn note(
        &self,
        affinity: &Affinity,
        account: AccountId,
        usage: Option<&Usage>,
        now: Timestamp,
    ) {
        let Affinity { key, rules, .. } = affinity;
        let ttl = Duration::from_secs(rules.ttl_seconds);
        let before = self.known.get(key).filter(|home| home.until > now && home.account == account);
        if before.is_some() && usage.is_none() {
            // It is at home there, and what its cache holds is told when it is over.
            return;
        }
        let tokens = usage.map(|usage| usage.prompt().saturating_add(usage.output));
        let long = usage.is_some_and(|usage| usage.cache_write_1h > 0);
        let home = match before {
            Some(home) => Home {
                until: if rules.renew { now.plus(ttl) } else { home.until },
                tokens: tokens.or(home.tokens),
                warmed_at: now,
                kept: if long { LONG_KEPT } else { home.kept },
                ..home
            },
            None => Home {
                account,
                until: now.plus(ttl),
                tokens,
                warmed_at: now,
                kept: if long { LONG_KEPT } else { SHORT_KEPT },
            },
        };
        // The store is told of moves, and of renewals once a tenth of the time is over; until then the old end stays, so that
        // many short steps add up.
        let due = before.is_none_or(|before| home.until.since(before.until) * 10 >= ttl);
        let until = if due { home.until } else { before.map_or(home.until, |before| before.until) };
        self.known.insert(*key, Home { until, ..home });
        if due {
            self.tell_store(*key, account, ttl, now);
        }
    }

    fn tell_store(&self, key: AffinityKey, account: AccountId, ttl: Duration, now: Timestamp) {
        let store = Arc::clone(&self.store);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = store.settle_at(key, account, ttl, now).await {
                tracing::warn!(%error, "a conversation's home cannot be kept; other relays do not know of it");
            }
        });
    }
}

/// What clients call their conversations, in headers: Claude Code, Codex, OpenCode.
const SESSION_HEADERS: [&str; 5] =
    ["x-claude-code-session-id", "session-id", "session_id", "x-session-affinity", "x-session-id"];

/// Prices are asked for so many tokens, so that no step of a price for long prompts is reached.
const SAMPLE: u64 = 1_000;
const PER_MILLION: i64 = 1_000;

/// A thousandth of a dollar.
const LEAST_GAP: NanoUsd = NanoUsd::from_nanos(1_000_000);

/// What vendors promise unless an hour is paid for.
const SHORT_KEPT: Duration = Duration::from_secs(300);
const LONG_KEPT: Duration = Duration::from_secs(3_600);

/// Some 10 MB.
const MOST_KNOWN: u64 = 100_000;
const LONGEST: Duration = Duration::from_secs(86_400);
