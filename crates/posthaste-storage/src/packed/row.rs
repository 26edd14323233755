//! The fields of a ledger row in their order, and the numbers of its enums' members. Neither changes within a form; a new member
//! takes a new number.

use posthaste_core::{
    AttemptOutcome, AttemptPhase, AttemptRow, ClientKeyId, CostBasis, FaultKind, Geography, LossList,
    ProviderKind, RequestId, ServiceTier, Terms, Timestamp, Usage, UsageSource, UserId,
};
use uuid::Uuid;

use super::{
    UnpackError,
    bytes::{Input, Packed, pack_text},
};
use crate::{RollupKey, RollupPeriod};

packed_under!(AttemptRow {
    started_at,
    owner,
    account_id,
    provider,
    operation,
    client_dialect,
    upstream_dialect,
    streamed,
    model,
    upstream_model,
    outcome,
    phase,
    status,
    first_content_us,
    duration_us,
    usage,
    usage_source,
    cost,
    billed,
    cost_basis,
    request_losses,
    answer_losses,
} under { request_id: RequestId, attempt: u16, key_id: ClientKeyId });
packed_struct!(Usage {
    input,
    output,
    cache_read,
    cache_write_5m,
    cache_write_1h,
    reasoning,
    web_searches,
    input_audio,
    cache_read_audio,
    output_audio,
    input_image,
    output_image,
    terms,
});
packed_struct!(Terms { tier, fast, geography });

packed_enum!(ProviderKind {
    Anthropic = 0,
    AnthropicCompatible = 1,
    OpenAi = 2,
    OpenAiCompatible = 3,
    AzureOpenAi = 4,
    Gemini = 5,
    Bedrock = 6,
    Sandbox = 7,
});
packed_enum!(AttemptPhase {
    Sending = 0,
    AwaitingHead = 1,
    AwaitingContent = 2,
    Delivering = 3,
    Finished = 4,
});
packed_enum!(UsageSource { Reported = 0, Estimated = 1, None = 2 });
packed_enum!(CostBasis { Priced = 0, Estimated = 1, Capped = 2, Assumed = 3, Unpriced = 4, None = 5 });
packed_enum!(ServiceTier {
    Standard = 0,
    Batch = 1,
    Flex = 2,
    Priority = 3,
    Ultrafast = 4,
    Balanced = 5,
});
packed_enum!(Geography { Anywhere = 0, Us = 1 });

packed_identities!(UserId);

/// What roll-ups of one span are told apart by.
pub(super) struct Group<'a>(pub(super) &'a RollupKey);

impl Group<'_> {
    pub(super) fn pack(&self, out: &mut Vec<u8>) {
        let RollupKey { account_id, provider, owner, model, period: _, start: _, key_id: _ } = self.0;
        account_id.pack(out);
        provider.pack(out);
        owner.pack(out);
        model.pack(out);
    }

    /// The same in a span.
    pub(super) fn unpack(
        input: &mut Input<'_>,
        (period, start, key_id): (RollupPeriod, Timestamp, ClientKeyId),
    ) -> Result<RollupKey, UnpackError> {
        let account_id = Packed::unpack(input)?;
        let provider = Packed::unpack(input)?;
        let owner = Packed::unpack(input)?;
        let model = Packed::unpack(input)?;
        Ok(RollupKey { period, start, key_id, account_id, model, owner, provider })
    }
}

impl Packed for AttemptOutcome {
    fn pack(&self, out: &mut Vec<u8>) {
        match self {
            Self::Complete => out.push(0),
            Self::ClientFault => out.push(1),
            Self::Failed(fault) => {
                out.push(2);
                fault.pack(out);
            }
            Self::Cut => out.push(3),
            Self::Cancelled => out.push(4),
        }
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
        match input.byte()? {
            0 => Ok(Self::Complete),
            1 => Ok(Self::ClientFault),
            2 => FaultKind::unpack(input).map(Self::Failed),
            3 => Ok(Self::Cut),
            4 => Ok(Self::Cancelled),
            _ => Err(UnpackError::Unreadable("an outcome")),
        }
    }
}

impl Packed for LossList {
    fn pack(&self, out: &mut Vec<u8>) {
        pack_text(self.as_str(), out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
        input.text().map(Self::from_text)
    }
}
