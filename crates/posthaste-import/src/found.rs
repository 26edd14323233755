//! What was found at the source, in the predecessor's own words.

mod fields;
mod usage;

pub use fields::Fields;
pub use usage::{Counts, FoundUsage};

use std::collections::BTreeMap;

use posthaste_core::ClientKeyHash;
use posthaste_vault::CrsSeal;

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Accounts of all kinds.
    pub accounts: Vec<FoundAccount>,
    /// Client keys.
    pub keys: Vec<FoundRecord>,
    /// Groups of accounts.
    pub groups: Vec<FoundGroup>,
    /// Users.
    pub users: Vec<FoundRecord>,
    /// Administrators, by the names that they log in with.
    pub admins: Vec<FoundRecord>,
    /// What client keys used, by their ids there.
    pub usage: BTreeMap<String, FoundUsage>,
    /// The relay's settings that are kept with the data.
    pub relay: Fields,
    /// Who is told of what happens.
    pub notifications: Fields,
    /// Multipliers by service.
    pub service_rates: Fields,
    /// What else there is, by what it is, and how many of it.
    pub others: BTreeMap<&'static str, u64>,
    /// What could not be read, or only in part.
    pub flaws: Vec<Flaw>,
}

impl Found {
    /// Whether there are client keys of which the predecessor's hash alone is known.
    pub fn has_hashed_keys(&self) -> bool {
        let hashed = |key: &FoundRecord| {
            key.fields.text("apiKey").is_some_and(|text| ClientKeyHash::from_hex(&text).is_some())
        };
        self.keys.iter().any(hashed)
    }
}

/// A place at the source where something is not in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Flaw {
    /// Where.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

/// A record with its id there.
#[derive(Clone, Debug)]
pub struct FoundRecord {
    /// The id.
    pub id: String,
    /// Its fields.
    pub fields: Fields,
}

/// An account.
#[derive(Clone, Debug)]
pub struct FoundAccount {
    /// Its kind.
    pub kind: AccountKind,
    /// Its id there.
    pub id: String,
    /// Its fields.
    pub fields: Fields,
    /// Whether its secrets are sealed, as they are in Redis, or plain, as in exports that were made so.
    pub sealed: bool,
}

/// A group of accounts.
#[derive(Clone, Debug)]
pub struct FoundGroup {
    /// Its id there.
    pub id: String,
    /// Its fields.
    pub fields: Fields,
    /// The ids of its accounts.
    pub members: Vec<String>,
}

/// The kinds of accounts there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountKind {
    /// Anthropic, logged in.
    ClaudeOfficial,
    /// Anthropic's dialect at any address.
    ClaudeConsole,
    /// The same, asked by prefix only.
    Ccr,
    /// AWS Bedrock.
    Bedrock,
    /// Google, logged in.
    Gemini,
    /// Google, with a key.
    GeminiApi,
    /// ChatGPT, logged in.
    OpenAi,
    /// OpenAI's dialects at any address.
    OpenAiResponses,
    /// OpenAI's models at Azure.
    AzureOpenAi,
    /// Factory.
    Droid,
}

impl AccountKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::ClaudeOfficial,
        Self::ClaudeConsole,
        Self::Ccr,
        Self::Bedrock,
        Self::Gemini,
        Self::GeminiApi,
        Self::OpenAi,
        Self::OpenAiResponses,
        Self::AzureOpenAi,
        Self::Droid,
    ];

    /// What it is called there.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeOfficial => "claude-official",
            Self::ClaudeConsole => "claude-console",
            Self::Ccr => "ccr",
            Self::Bedrock => "bedrock",
            Self::Gemini => "gemini",
            Self::GeminiApi => "gemini-api",
            Self::OpenAi => "openai",
            Self::OpenAiResponses => "openai-responses",
            Self::AzureOpenAi => "azure-openai",
            Self::Droid => "droid",
        }
    }

    /// What its keys in Redis begin with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::ClaudeOfficial => "claude:account:",
            Self::ClaudeConsole => "claude_console_account:",
            Self::Ccr => "ccr_account:",
            Self::Bedrock => "bedrock_account:",
            Self::Gemini => "gemini_account:",
            Self::GeminiApi => "gemini_api_account:",
            Self::OpenAi => "openai:account:",
            Self::OpenAiResponses => "openai_responses_account:",
            Self::AzureOpenAi => "azure_openai:account:",
            Self::Droid => "droid:account:",
        }
    }

    /// The seal of its secrets.
    pub const fn seal(self) -> CrsSeal {
        match self {
            Self::ClaudeOfficial => CrsSeal::Claude,
            Self::ClaudeConsole => CrsSeal::Console,
            Self::Ccr => CrsSeal::Ccr,
            Self::Bedrock => CrsSeal::Bedrock,
            Self::Gemini => CrsSeal::Gemini,
            Self::GeminiApi => CrsSeal::GeminiApi,
            Self::OpenAi => CrsSeal::OpenAi,
            Self::OpenAiResponses => CrsSeal::OpenAiResponses,
            Self::AzureOpenAi => CrsSeal::AzureOpenAi,
            Self::Droid => CrsSeal::Droid,
        }
    }
}
