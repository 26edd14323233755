//! The fields of a record in their order, and the numbers of its enums' members. Neither changes within a form; a new member
//! takes a new number.

use posthaste_core::{
    AccountId, AskedAccount, Barrier, CheckedLimit, ClientKeyId, ConversationFound, CooldownReason, Dialect,
    Estimated, FaultKind, LimitUnit, ModelName, NanoUsd, Operation, Origin, Packing, PassedOver, PlannedLeg,
    PoolId, RecordedFault, Repairs, RequestId, RequestPlan, RequestRecord, RequestSteps, Rest, Sealed, Stop,
    StopEnd, Strategy, Timestamp,
};
use uuid::Uuid;

use super::{
    UnpackError,
    bytes::{Input, Packed, pack_text},
};
use crate::KeptRequest;

packed_struct!(RequestRecord {
    id,
    received_at,
    key_id,
    dialect,
    packing,
    operation,
    streamed,
    pinned,
    model,
    prompt_bytes,
    revision,
    conversation,
    answer_home,
    repaired,
    estimated,
    limits,
    rounds,
    plans,
    stops,
    more_stops,
    steps,
    status,
    fault,
    bodies_missed,
});

packed_struct!(KeptRequest { record, bodies });
packed_struct!(ConversationFound { home, sealed });
packed_struct!(Repairs { answered, dropped });
packed_struct!(Estimated { tokens, cost });
packed_struct!(CheckedLimit { name, unit, reserved, used, limit, shadow, resets_at });
packed_struct!(RequestPlan { round, legs });
packed_struct!(PlannedLeg { model, pool, strategy, asked, asked_more, passed_over, passed_over_more });
packed_struct!(AskedAccount { account, why });
packed_struct!(PassedOver { account, barrier, rest });
packed_struct!(Rest { reason, until, why });
packed_struct!(Stop {
    account,
    leg,
    attempt,
    began_us,
    ready_us,
    sent_us,
    head_us,
    content_us,
    ended_us,
    end,
    rest,
    limits,
});
packed_struct!(RequestSteps { peeked_us, admitted_us, reserved_us, planned_us, answered_us, ended_us });
packed_struct!(RecordedFault { kind, origin, message });

packed_enum!(Dialect {
    AnthropicMessages = 0,
    OpenAiChat = 1,
    OpenAiResponses = 2,
    GeminiGenerate = 3,
    BedrockConverse = 4,
});
packed_enum!(Packing { Plain = 0, JsonArray = 1, CodeAssist = 2, Invoke = 3 });
packed_enum!(Operation {
    Chat = 0,
    CountTokens = 1,
    Models = 2,
    Embeddings = 3,
    BatchEmbeddings = 4,
    Images = 5,
    Completions = 6,
    Compact = 7,
});
packed_enum!(LimitUnit { Requests = 0, Tokens = 1, Cost = 2, Concurrency = 3 });
packed_enum!(Strategy {
    LeastRecentlyUsed = 0,
    RoundRobin = 1,
    Sequential = 2,
    Weighted = 3,
    LeastBusy = 4,
    PeakEwma = 5,
    LowestCost = 6,
    Hybrid = 7,
    QuotaPaced = 8,
});
packed_enum!(Barrier {
    Rests = 0,
    Disabled = 1,
    ModelNotServed = 2,
    NotForThisKey = 3,
    NotInThePlace = 4,
    OperationNotServed = 5,
    PinnedElsewhere = 6,
    NotTheHome = 7,
});
packed_enum!(CooldownReason {
    RateLimited = 0,
    Overloaded = 1,
    QuotaExhausted = 2,
    Unauthorised = 3,
    Forbidden = 4,
    Failing = 5,
});
packed_enum!(StopEnd {
    Abandoned = 0,
    Delivered = 1,
    Final = 2,
    NotServed = 3,
    Next = 4,
    Again = 5,
    Renew = 6,
    AtItsLimit = 7,
    LimitsUnknown = 8,
    JustParked = 9,
    Unusable = 10,
});
packed_enum!(FaultKind {
    InvalidRequest = 0,
    Unauthenticated = 1,
    PermissionDenied = 2,
    NotFound = 3,
    AnswerNotFound = 4,
    MethodNotAllowed = 5,
    TooLarge = 6,
    UnsupportedEncoding = 7,
    RateLimited = 8,
    QuotaExhausted = 9,
    Overloaded = 10,
    UpstreamFailed = 11,
    Timeout = 12,
    Cancelled = 13,
    Internal = 14,
});
packed_enum!(Origin { Client = 0, Relay = 1, Upstream = 2 });

packed_identities!(RequestId, ClientKeyId, AccountId, PoolId);

impl Packed for Timestamp {
    fn pack(&self, out: &mut Vec<u8>) {
        self.as_micros().pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
        i64::unpack(input).map(Self::from_micros)
    }
}

impl Packed for NanoUsd {
    fn pack(&self, out: &mut Vec<u8>) {
        self.as_nanos().pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
        i64::unpack(input).map(Self::from_nanos)
    }
}

impl Packed for ModelName {
    fn pack(&self, out: &mut Vec<u8>) {
        pack_text(self.as_str(), out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
        Self::parse(input.text()?).map_err(|_| UnpackError::Unreadable("a model's name"))
    }
}

impl Packed for Sealed {
    fn pack(&self, out: &mut Vec<u8>) {
        pack_text(self.as_text(), out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
        input.text().map(Self::from_text)
    }
}
