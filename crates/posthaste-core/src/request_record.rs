//! The record of a request: what was decided on its way, and why. What it used and cost is in the books.

mod bodies;
mod limits;
mod order_reason;
mod plan;
mod stop;

use serde::{Deserialize, Serialize};

pub use self::{
    bodies::{CapturedBodies, CapturedBody},
    limits::{CheckedLimit, Estimated},
    order_reason::{OrderReason, OrderReasonError},
    plan::{AskedAccount, Barrier, PassedOver, PlannedLeg, RequestPlan, Rest},
    stop::{Stop, StopEnd},
};
use crate::{
    AccountId, ClientKeyId, Dialect, FaultKind, ModelName, Operation, Origin, Packing, RequestId, Timestamp,
};

/// One request, as it is remembered for a while. Its attempts' tokens, cost, outcomes and losses are in the ledger's rows
/// ([`AttemptRow`](crate::AttemptRow)) and only there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RequestRecord {
    /// The identity that the client was told.
    pub id: RequestId,
    /// When it came in.
    pub received_at: Timestamp,
    /// Who asked.
    pub key_id: ClientKeyId,
    /// The dialect that the client spoke.
    pub dialect: Dialect,
    /// How it was packed.
    pub packing: Packing,
    /// What was asked for.
    pub operation: Operation,
    /// Whether a stream was asked for.
    pub streamed: bool,
    /// The dialect of the only accounts that might serve, where the path named a vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Dialect>,
    /// The model that the client named.
    pub model: ModelName,
    /// The size of the request's body.
    pub prompt_bytes: u64,
    /// Where the store's configuration stood, as far as the relay knew.
    pub revision: u64,
    /// The conversation that it is part of, where it is part of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationFound>,
    /// The account that made the answer which the request goes on from: nobody else can serve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_home: Option<AccountId>,
    /// What was put right in its conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repaired: Option<Repairs>,
    /// What it was taken to use; `None` where it was refused before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated: Option<Estimated>,
    /// The client key's limits that it was checked against.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<CheckedLimit>,
    /// How many times a plan was made: more than once where the relay waited for accounts.
    pub rounds: u32,
    /// The first plan, and the last one where there were several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<RequestPlan>,
    /// Each account that was turned to, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stops: Vec<Stop>,
    /// How many more there were than are kept.
    #[serde(default)]
    pub more_stops: u32,
    /// When each step was over.
    pub steps: RequestSteps,
    /// The status of the head that the client was given; `None` where the fault below gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong, as the client was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<RecordedFault>,
    /// Whether its bodies were to be captured, and could not be: too many were at that moment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bodies_missed: bool,
}

/// What is known of a conversation before the request is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConversationFound {
    /// Who served it last.
    pub home: Option<AccountId>,
    /// Whether the request carries what only its maker can read, so that it goes home first.
    pub sealed: bool,
}

/// What was put right in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Repairs {
    /// Tool calls that were given an error result.
    pub answered: u64,
    /// Tool results that were left out.
    pub dropped: u64,
}

/// When the steps of a request were over, each in microseconds since the request came in; `None` where it came not so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RequestSteps {
    /// The body was looked at.
    pub peeked_us: Option<u64>,
    /// The client key may ask for the model.
    pub admitted_us: Option<u64>,
    /// Its limits were checked and reserved, waiting in line included.
    pub reserved_us: Option<u64>,
    /// The first plan was made, finding the conversation included.
    pub planned_us: Option<u64>,
    /// The answer's head was given to the client.
    pub answered_us: Option<u64>,
    /// All was over.
    pub ended_us: u64,
}

/// What a client was told in place of an answer, or within it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordedFault {
    /// What went wrong.
    pub kind: FaultKind,
    /// Whose fault it is.
    pub origin: Origin,
    /// What the client was told; `None` where that may repeat what the client had sent.
    pub message: Option<String>,
}
