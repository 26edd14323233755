//! A large relay's records and books, made up: thousands of client keys and accounts, and months of attempts.
//!
//! What is made depends on the size alone, so that two runs measure the same. Requests come as they do in practice: a client
//! works for a while with one key, one model and the account that holds its conversation, some keys much more than others.

use std::time::Duration;

use posthaste_core::{
    Account, AttemptOutcome, AttemptPhase, AttemptRow, ClientKey, CostBasis, Dialect, FaultKind, LossList,
    ModelName, NanoUsd, Operation, Owner, ProviderKind, RequestId, Team, TeamId, Timestamp, Usage,
    UsageSource, UserId,
};
use uuid::Uuid;

use crate::{
    AccountSetters as _, Chance,
    records::{account, client_key, uuid_of},
};

/// How large an [`Estate`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EstateSize {
    /// Client keys.
    pub keys: usize,
    /// Accounts.
    pub accounts: usize,
    /// Rows of the books.
    pub rows: usize,
    /// How many days the rows go back.
    pub days: u32,
}

/// Records and books of a large relay.
#[derive(Clone, Debug)]
pub struct Estate {
    /// Teams of owners: one for ten owners.
    pub teams: Vec<Team>,
    /// Owners of keys: one for five keys.
    pub owners: Vec<Owner>,
    /// Client keys, with made-up hashes.
    pub keys: Vec<ClientKey>,
    /// Accounts of every kind but the sandbox's, at an address that nobody answers at, without credentials.
    pub accounts: Vec<Account>,
    size: EstateSize,
    until: Timestamp,
}

impl Estate {
    /// Makes the records. The latest row is made just before `until`.
    pub fn new(size: EstateSize, until: Timestamp) -> Self {
        let mut chance = Chance::new(1);
        let begin = until.minus(days(size.days));
        let owners_count = size.keys.div_ceil(5);
        let teams: Vec<Team> = (0..owners_count.div_ceil(10)).map(|number| team(number, begin)).collect();
        let owners: Vec<Owner> =
            (0..owners_count).map(|number| owner(number, &teams[number / 10], begin)).collect();
        let keys = (0..size.keys).map(|number| key(number, &owners, begin, &mut chance)).collect();
        let accounts = (0..size.accounts).map(|number| upstream(number, begin, &mut chance)).collect();
        Self { teams, owners, keys, accounts, size, until }
    }

    /// The rows, the oldest first.
    pub fn rows(&self) -> impl Iterator<Item = AttemptRow> + Send + '_ {
        EstateRows { estate: self, chance: Chance::new(2), sessions: Vec::new(), made: 0, again: None }
    }
}

fn team(number: usize, at: Timestamp) -> Team {
    let name = format!("team-{number:04}");
    let id = TeamId::from_uuid(uuid_of("team", &name));
    Team { id, name, limits: Vec::new(), created_at: at, updated_at: at }
}

fn owner(number: usize, team: &Team, at: Timestamp) -> Owner {
    let name = format!("owner-{number:05}");
    let id = UserId::from_uuid(uuid_of("owner", &name));
    Owner { id, name, limits: Vec::new(), team: Some(team.id), created_at: at, updated_at: at }
}

fn key(number: usize, owners: &[Owner], begin: Timestamp, chance: &mut Chance) -> ClientKey {
    let mut key = client_key(&format!("{}-{number:05}", chance.of(&PEOPLE)));
    key.created_at = begin.plus(Duration::from_secs(chance.below(200 * DAY)));
    key.updated_at = key.created_at;
    key.enabled = !chance.one_in(40);
    key.policy.tags = vec![format!("site-{}", number % 12), format!("rank-{}", number % 3)];
    // A tenth is nobody's.
    key.policy.owner = (number % 10 != 9).then(|| owners[number / 5].id);
    key
}

fn upstream(number: usize, begin: Timestamp, chance: &mut Chance) -> Account {
    let provider = *chance.of(&PROVIDERS);
    let mut account = account(&format!("{provider}-{number:05}")).with_provider(provider);
    account.preset.0 = PRESETS[provider.index()].to_owned();
    account.priority = 1 + u8::try_from(chance.below(100)).unwrap_or(0);
    account.enabled = !chance.one_in(30);
    account.created_at = begin.plus(Duration::from_secs(chance.below(200 * DAY)));
    account.updated_at = account.created_at;
    account
}

struct EstateRows<'a> {
    estate: &'a Estate,
    chance: Chance,
    /// Those who work at the moment.
    sessions: Vec<Session>,
    made: usize,
    /// A second attempt, after a first one that failed.
    again: Option<AttemptRow>,
}

struct Session {
    key: usize,
    account: usize,
    model: ModelName,
    left: u64,
    /// What is read from the prompt cache: grows with the conversation.
    context: u64,
}

impl Iterator for EstateRows<'_> {
    type Item = AttemptRow;

    fn next(&mut self) -> Option<AttemptRow> {
        if self.made == self.estate.size.rows
            || self.estate.keys.is_empty()
            || self.estate.accounts.is_empty()
        {
            return None;
        }
        self.made += 1;
        if let Some(row) = self.again.take() {
            return Some(row);
        }
        let place = usize::try_from(self.chance.below(AT_ONCE)).unwrap_or(0);
        while self.sessions.len() <= place {
            let session = self.session();
            self.sessions.push(session);
        }
        if self.sessions[place].left == 0 {
            self.sessions[place] = self.session();
        }
        let row = self.row(place);
        if self.chance.one_in(50) && self.made < self.estate.size.rows {
            let account = self.other_account(self.sessions[place].key);
            return Some(self.failed_first(row, account));
        }
        Some(row)
    }
}

impl EstateRows<'_> {
    fn session(&mut self) -> Session {
        let key = self.chance.skewed(self.estate.keys.len());
        let account = self.other_account(key);
        let models = models(self.estate.accounts[account].provider);
        let model = ModelName::parse(self.chance.of::<&str>(models)).expect("these are names of models");
        Session { key, account, model, left: 1 + self.chance.below(50), context: 0 }
    }

    /// One of the eight accounts that a key's conversations live at.
    fn other_account(&mut self, key: usize) -> usize {
        let nth = usize::try_from(self.chance.below(8)).unwrap_or(0);
        key.wrapping_mul(2_654_435_761).wrapping_add(nth * 977) % self.estate.accounts.len()
    }

    fn row(&mut self, place: usize) -> AttemptRow {
        let span = days(self.estate.size.days);
        let step = u64::try_from(span.as_micros()).unwrap_or(u64::MAX) / self.estate.size.rows.max(1) as u64;
        let age = Duration::from_micros(step * (self.estate.size.rows - self.made + 1) as u64);
        let at = self.estate.until.minus(age);
        let session = &mut self.sessions[place];
        session.left -= 1;
        let chance = &mut self.chance;
        let usage = Usage {
            input: 20 + chance.below(2_000),
            output: 10 + chance.below(1_500),
            cache_read: session.context,
            cache_write_5m: chance.below(3_000),
            ..Usage::NONE
        };
        session.context += usage.cache_write_5m + usage.output;
        let account = &self.estate.accounts[session.account];
        let key = &self.estate.keys[session.key];
        let cost = usage.input * 3_000
            + usage.output * 15_000
            + usage.cache_read * 300
            + usage.cache_write_5m * 3_750;
        let cost = NanoUsd::from_nanos(cost.cast_signed());
        let complete = !chance.one_in(100);
        let dialect = dialect(account.provider);
        AttemptRow {
            request_id: request(at, chance),
            attempt: 1,
            started_at: at,
            key_id: key.id,
            owner: key.policy.owner,
            account_id: account.id,
            provider: account.provider,
            operation: Operation::Chat,
            client_dialect: dialect,
            upstream_dialect: dialect,
            streamed: !chance.one_in(5),
            model: session.model.clone(),
            upstream_model: session.model.clone(),
            outcome: if complete { AttemptOutcome::Complete } else { AttemptOutcome::Cancelled },
            phase: if complete { AttemptPhase::Finished } else { AttemptPhase::Delivering },
            status: Some(200),
            first_content_us: Some(300_000 + chance.below(900_000)),
            duration_us: 1_500_000 + chance.below(20_000_000),
            usage,
            usage_source: if complete { UsageSource::Reported } else { UsageSource::Estimated },
            cost,
            billed: cost,
            cost_basis: if complete { CostBasis::Priced } else { CostBasis::Estimated },
            request_losses: LossList::default(),
            answer_losses: LossList::default(),
        }
    }

    /// The first attempt of a request whose second one is `row`.
    fn failed_first(&mut self, row: AttemptRow, account: usize) -> AttemptRow {
        let account = &self.estate.accounts[account];
        let first = AttemptRow {
            account_id: account.id,
            provider: account.provider,
            outcome: AttemptOutcome::Failed(FaultKind::Overloaded),
            phase: AttemptPhase::AwaitingHead,
            status: Some(529),
            first_content_us: None,
            duration_us: 40_000,
            usage: Usage::NONE,
            usage_source: UsageSource::None,
            cost: NanoUsd::ZERO,
            billed: NanoUsd::ZERO,
            cost_basis: CostBasis::None,
            ..row.clone()
        };
        self.again = Some(AttemptRow { attempt: 2, ..row });
        first
    }
}

/// An identity as requests have them, which begins with the time.
fn request(at: Timestamp, chance: &mut Chance) -> RequestId {
    let least = RequestId::least_at(at).uuid().as_u128();
    let more = u128::from(chance.below(1 << 62));
    RequestId::from_uuid(Uuid::from_u128(least | 0x7 << 76 | 0b10 << 62 | more))
}

fn dialect(provider: ProviderKind) -> Dialect {
    match provider {
        ProviderKind::OpenAi | ProviderKind::OpenAiCompatible | ProviderKind::AzureOpenAi => {
            Dialect::OpenAiChat
        }
        ProviderKind::Gemini => Dialect::GeminiGenerate,
        _ => Dialect::AnthropicMessages,
    }
}

fn models(provider: ProviderKind) -> &'static [&'static str] {
    match provider {
        ProviderKind::OpenAi | ProviderKind::AzureOpenAi => &["gpt-5.4", "gpt-5.4-mini", "gpt-5-codex"],
        ProviderKind::OpenAiCompatible => &["glm-5", "deepseek-v4", "qwen4-coder"],
        ProviderKind::Gemini => &["gemini-3-pro", "gemini-3-flash"],
        _ => &["claude-opus-4-8", "claude-sonnet-4-5", "claude-haiku-4-5"],
    }
}

fn days(count: u32) -> Duration {
    Duration::from_secs(u64::from(count) * DAY)
}

/// So often as there are of each.
const PROVIDERS: [ProviderKind; 10] = [
    ProviderKind::Anthropic,
    ProviderKind::Anthropic,
    ProviderKind::Anthropic,
    ProviderKind::AnthropicCompatible,
    ProviderKind::OpenAi,
    ProviderKind::OpenAi,
    ProviderKind::OpenAiCompatible,
    ProviderKind::AzureOpenAi,
    ProviderKind::Gemini,
    ProviderKind::Bedrock,
];

/// In the order of [`ProviderKind::ALL`].
const PRESETS: [&str; 8] = [
    "anthropic",
    "anthropic-compatible",
    "openai",
    "openai-compatible",
    "azure-openai",
    "gemini",
    "bedrock",
    "sandbox",
];

const PEOPLE: [&str; 8] = ["ada", "blaise", "charles", "dorothea", "emmy", "felix", "grace", "hedy"];

const DAY: u64 = 86_400;

/// How many clients work at a time.
const AT_ONCE: u64 = 60;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn small() -> Estate {
        let size = EstateSize { keys: 50, accounts: 20, rows: 5_000, days: 395 };
        Estate::new(size, Timestamp::from_millis(1_800_000_000_000))
    }

    #[test]
    fn rows_are_as_many_as_asked_for_and_in_order() {
        let estate = small();
        let rows: Vec<AttemptRow> = estate.rows().collect();
        assert_eq!(rows.len(), 5_000);
        let names: Vec<_> = rows.iter().map(|row| (row.request_id, row.attempt)).collect();
        assert!(names.is_sorted() && names.iter().collect::<BTreeSet<_>>().len() == names.len());
        assert!(rows.iter().all(|row| row.started_at < estate.until));
        assert!(
            rows[0].started_at > estate.until.minus(days(396))
                && rows[0].started_at < estate.until.minus(days(394))
        );
    }

    #[test]
    fn the_same_size_is_the_same_estate() {
        assert!(small().rows().eq(small().rows()));
        assert_eq!(small().keys, small().keys);
    }

    #[test]
    fn names_tell_records_apart() {
        let estate = small();
        let names: BTreeSet<_> = estate.accounts.iter().map(|account| &account.name).collect();
        assert_eq!(names.len(), estate.accounts.len());
        let keys: BTreeSet<_> = estate.rows().map(|row| row.key_id).collect();
        assert!(keys.len() > 25, "only {} keys were used", keys.len());
    }
}
