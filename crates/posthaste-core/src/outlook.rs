//! Who would serve a request that nobody has sent: what the relay would do with it at this moment, and why.

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, CheckedLimit, ClientPattern, ConversationFound, Dialect, Estimated, LimitOwner, ModelName,
    Network, Operation, PlannedLeg, RecordedFault, RouteId, Timestamp,
};

/// The request that is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutlookQuestion {
    /// The model as a client names it.
    pub model: ModelName,
    /// The dialect that the client speaks.
    pub dialect: Dialect,
    /// What is asked for.
    pub operation: Operation,
    /// Whether a stream is asked for.
    pub streamed: bool,
    /// The dialect of the only accounts that may serve, where the path names a vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Dialect>,
    /// What the client calls the conversation, if it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// How long the prompt is, in tokens: what limits reserve depends on it.
    pub prompt_tokens: u64,
    /// The cap on the answer's tokens, if the client sets one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
}

/// What would become of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Outlook {
    /// When this was so.
    pub at: Timestamp,
    /// What the name stands for, where it is an alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<ModelName>,
    /// The route that the name has, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<RouteId>,
    /// What the client would be told in place of an answer, if it were refused before anybody is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<OutlookRefusal>,
    /// Whether the relay would answer by itself: it estimates tokens that no account can count.
    pub answered_here: bool,
    /// What the request would be taken to use.
    pub estimated: Estimated,
    /// The limits of the client key, of its owner and of its team that count it.
    pub limits: Vec<OutlookLimit>,
    /// The only networks that the key opens for, if it does not open for all: where a request comes from is not asked here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Network>,
    /// The only clients that it opens for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<ClientPattern>,
    /// The conversation, where the request is taken to be part of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationFound>,
    /// Whether nobody is well, so that those are asked that rest by the relay's own guess.
    pub last_resort: bool,
    /// How long it would wait at first, where nobody can be asked now and the rules allow to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_ms: Option<u64>,
    /// Whom it would ask, one after the other, as long as each of them fails.
    pub turns: Vec<OutlookTurn>,
    /// The plan, a leg for each target of the model.
    pub legs: Vec<OutlookLeg>,
}

/// Why the request would be refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutlookRefusal {
    /// The step that would refuse it.
    pub by: RefusingStep,
    /// What the client would be told.
    pub fault: RecordedFault,
}

/// A step that can refuse a request before anybody is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefusingStep {
    /// The key does not open the door now, or not for this model.
    Key,
    /// One of its limits is used up.
    Limit,
    /// Nobody is left who could serve it.
    Nobody,
}

/// A limit, and whether it would let the request through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutlookLimit {
    /// Whose it is.
    pub whose: LimitOwner,
    /// The name of the one whose it is.
    pub of: String,
    /// Where it stands: with what would be reserved, or as it refuses.
    #[serde(flatten)]
    pub limit: CheckedLimit,
    /// Whether the request would wait in the key's line for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
}

/// One of those who would be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutlookTurn {
    /// Its leg, counted from 0.
    pub leg: u16,
    /// Which account.
    pub account: AccountId,
}

/// A leg of the plan, with what decides on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutlookLeg {
    /// The leg as a request's record has it. Where its strategy draws lots it is one draw, of those with the likeliest first.
    #[serde(flatten)]
    pub planned: PlannedLeg,
    /// Whether lots are drawn.
    pub by_chance: bool,
    /// How many attempts are made on it at most.
    pub attempts: u16,
    /// How long a request waits for an account on it, where all are limited.
    pub patience_ms: u64,
    /// What is known of those to be asked, in their order.
    pub known: Vec<OutlookAccount>,
}

/// What is known of an account that may be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutlookAccount {
    /// Its priority: lower goes first. Those that the key is not bound to come a thousand later.
    pub priority: u16,
    /// Its share where the strategy goes by weight.
    pub weight: u16,
    /// How many requests it serves at this moment at this relay.
    pub in_flight: u32,
    /// What its vendor calls the model.
    pub upstream_model: ModelName,
    /// The dialect that it would be asked in; another one than the client's is translated.
    pub dialect: Dialect,
    /// How long the first event of a stream, or else the head of the answer, may take before the next account is asked.
    pub first_event_ms: u64,
    /// In how many of a hundred requests it would be the first of its leg, where lots are drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_percent: Option<u8>,
    /// The limit of its own, or of a pool of its, that would turn the request away: the next account is asked then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<OutlookLimit>,
}
