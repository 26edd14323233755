//! The books: one row for each attempt.

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, ClientKeyId, Dialect, FaultKind, LossList, ModelName, NanoUsd, Operation, ProviderKind,
    RequestId, Timestamp, Usage, UserId,
};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "outcome", content = "fault", rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The whole answer reached the client.
    Complete,
    /// The upstream answered with the client's own fault, and that was delivered.
    ClientFault,
    /// The attempt failed.
    Failed(FaultKind),
    /// The answer was cut off or fell silent after a part of it had reached the client.
    Cut,
    /// The client went away.
    Cancelled,
}

impl AttemptOutcome {
    /// The stable name used in the ledger and JSON; a failure's kind is told by [`fault`](Self::fault).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::ClientFault => "client_fault",
            Self::Failed(_) => "failed",
            Self::Cut => "cut",
            Self::Cancelled => "cancelled",
        }
    }

    /// What kind of failure it was, if it was one.
    pub const fn fault(self) -> Option<FaultKind> {
        match self {
            Self::Failed(fault) => Some(fault),
            Self::Complete | Self::ClientFault | Self::Cut | Self::Cancelled => None,
        }
    }

    /// Puts together what [`as_str`](Self::as_str) and [`fault`](Self::fault) took apart.
    pub fn from_parts(name: &str, fault: Option<FaultKind>) -> Option<Self> {
        match (name, fault) {
            ("complete", None) => Some(Self::Complete),
            ("client_fault", None) => Some(Self::ClientFault),
            ("failed", Some(fault)) => Some(Self::Failed(fault)),
            ("cut", None) => Some(Self::Cut),
            ("cancelled", None) => Some(Self::Cancelled),
            _ => None,
        }
    }
}

/// How far an attempt came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AttemptPhase {
    /// Before a connection stood or the request was written.
    Sending,
    /// The request was out; no head had come.
    AwaitingHead,
    /// The head had come; nothing had been promised to the client.
    AwaitingContent,
    /// Content was on its way to the client.
    Delivering,
    /// The whole answer had been read.
    Finished,
}

impl AttemptPhase {
    /// Every member, in the order of their declaration.
    pub const ALL: [Self; 5] =
        [Self::Sending, Self::AwaitingHead, Self::AwaitingContent, Self::Delivering, Self::Finished];

    /// The stable name used in the ledger and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::AwaitingHead => "awaiting_head",
            Self::AwaitingContent => "awaiting_content",
            Self::Delivering => "delivering",
            Self::Finished => "finished",
        }
    }
}

/// Where a row's token counts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The upstream told them.
    Reported,
    /// The upstream told none or broke off before the last ones; they are the relay's estimate or the part seen.
    Estimated,
    /// There was nothing to count: no answer came.
    None,
}

impl UsageSource {
    /// Every member, in the order of their declaration.
    pub const ALL: [Self; 3] = [Self::Reported, Self::Estimated, Self::None];

    /// The stable name used in the ledger and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Estimated => "estimated",
            Self::None => "none",
        }
    }
}

/// What a row's cost rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CostBasis {
    /// Reported tokens at a price from the price book.
    Priced,
    /// Estimated tokens at a price from the price book.
    Estimated,
    /// Counts beyond what the model can hold, cut down to what is believable, at a price from the price book.
    Capped,
    /// The price book does not know the model; the price is the one that the operator gave for such models.
    Assumed,
    /// The price book does not know the model: the cost is unknown, and the zero in the row is no price.
    Unpriced,
    /// There was nothing to price.
    None,
}

impl CostBasis {
    /// Every member, in the order of their declaration.
    pub const ALL: [Self; 6] =
        [Self::Priced, Self::Estimated, Self::Capped, Self::Assumed, Self::Unpriced, Self::None];

    /// The stable name used in the ledger and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Priced => "priced",
            Self::Estimated => "estimated",
            Self::Capped => "capped",
            Self::Assumed => "assumed",
            Self::Unpriced => "unpriced",
            Self::None => "none",
        }
    }

    /// Whether there is an amount that counts.
    pub const fn is_amount(self) -> bool {
        !matches!(self, Self::Unpriced | Self::None)
    }
}

/// One attempt, as booked. `(request_id, attempt)` is its identity: booking it again adds nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttemptRow {
    /// The client's request.
    pub request_id: RequestId,
    /// 1 for the first attempt of the request.
    pub attempt: u16,
    /// When the attempt began.
    pub started_at: Timestamp,
    /// Who asked.
    pub key_id: ClientKeyId,
    /// Whose the client key was at that time. Absent in JSON where it was nobody's, as in rows of releases that did not
    /// tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserId>,
    /// Who was asked.
    pub account_id: AccountId,
    /// The account's provider.
    pub provider: ProviderKind,
    /// What was asked for.
    pub operation: Operation,
    /// The dialect that the client spoke.
    pub client_dialect: Dialect,
    /// The dialect that the upstream spoke.
    pub upstream_dialect: Dialect,
    /// Whether the client asked for a stream.
    pub streamed: bool,
    /// The model that the client named.
    pub model: ModelName,
    /// The model that the upstream was asked for.
    pub upstream_model: ModelName,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// How far it came.
    pub phase: AttemptPhase,
    /// The upstream's HTTP status, if a head came.
    pub status: Option<u16>,
    /// From the start to the first content, in microseconds, if any came.
    pub first_content_us: Option<u64>,
    /// From the start to the end, in microseconds.
    pub duration_us: u64,
    /// What was counted.
    pub usage: Usage,
    /// Where the counts come from.
    pub usage_source: UsageSource,
    /// What the upstream takes for it; meaningful as `cost_basis` says.
    pub cost: NanoUsd,
    /// What the client key is billed for it: the cost times the multipliers. Limits count this. Zero in JSON of releases
    /// that did not tell the two apart.
    #[serde(default)]
    pub billed: NanoUsd,
    /// What the cost rests on.
    pub cost_basis: CostBasis,
    /// What the request lost on its way into the upstream's dialect. Absent in JSON when empty, as in rows of releases
    /// that did not tell.
    #[serde(default, skip_serializing_if = "LossList::is_empty")]
    pub request_losses: LossList,
    /// What the answer lost on its way into the client's dialect; absent in the same way.
    #[serde(default, skip_serializing_if = "LossList::is_empty")]
    pub answer_losses: LossList,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_their_json_form() {
        for phase in AttemptPhase::ALL {
            assert_eq!(serde_json::to_value(phase).unwrap(), phase.as_str());
        }
        for source in UsageSource::ALL {
            assert_eq!(serde_json::to_value(source).unwrap(), source.as_str());
        }
        for basis in CostBasis::ALL {
            assert_eq!(serde_json::to_value(basis).unwrap(), basis.as_str());
        }
    }

    #[test]
    fn an_outcome_survives_being_taken_apart() {
        let plain = [
            AttemptOutcome::Complete,
            AttemptOutcome::ClientFault,
            AttemptOutcome::Cut,
            AttemptOutcome::Cancelled,
        ];
        for outcome in plain.into_iter().chain(FaultKind::ALL.map(AttemptOutcome::Failed)) {
            assert_eq!(AttemptOutcome::from_parts(outcome.as_str(), outcome.fault()), Some(outcome));
            assert_eq!(serde_json::to_value(outcome).unwrap()["outcome"], outcome.as_str());
        }
        assert_eq!(AttemptOutcome::from_parts("failed", None), None);
        assert_eq!(AttemptOutcome::from_parts("complete", Some(FaultKind::Timeout)), None);
    }

    #[test]
    fn a_row_that_lost_nothing_is_written_as_before_losses_were_told() {
        let model = ModelName::parse("any").unwrap();
        let mut row = AttemptRow {
            request_id: RequestId::generate(),
            attempt: 1,
            started_at: Timestamp::EPOCH,
            key_id: ClientKeyId::generate(),
            owner: None,
            account_id: AccountId::generate(),
            provider: ProviderKind::Sandbox,
            operation: Operation::Chat,
            client_dialect: Dialect::OpenAiChat,
            upstream_dialect: Dialect::AnthropicMessages,
            streamed: false,
            model: model.clone(),
            upstream_model: model,
            outcome: AttemptOutcome::Complete,
            phase: AttemptPhase::Finished,
            status: Some(200),
            first_content_us: None,
            duration_us: 1,
            usage: Usage::default(),
            usage_source: UsageSource::Reported,
            cost: NanoUsd::ZERO,
            billed: NanoUsd::ZERO,
            cost_basis: CostBasis::Priced,
            request_losses: LossList::default(),
            answer_losses: LossList::default(),
        };
        let json = serde_json::to_string(&row).unwrap();
        assert!(!json.contains("losses") && !json.contains("owner"), "{json}");
        assert_eq!(serde_json::from_str::<AttemptRow>(&json).unwrap(), row);

        row.answer_losses = LossList::of([("content.annotations", "dropped, no counterpart")]);
        let json = serde_json::to_value(&row).unwrap();
        assert_eq!(json["answer_losses"][0], "content.annotations: dropped, no counterpart");
        assert_eq!(json.get("request_losses"), None);
    }
}
