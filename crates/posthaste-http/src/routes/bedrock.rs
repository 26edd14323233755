//! AWS Bedrock's runtime, and the lists of its control plane.

use posthaste_core::{
    Dialect::{AnthropicMessages, BedrockConverse},
    Operation, Packing,
};

use super::{
    Route,
    table::{Call, Table},
};

pub(super) fn add(table: &mut Table) {
    table.calls("/bedrock/model", '/', &CALLS);
    table.models("/bedrock/foundation-models", None);
    table.probes("/bedrock");
}

const fn converse(operation: Operation) -> Route {
    Route::new(BedrockConverse, operation).streamed(false)
}

const INVOKE: Route = Route::new(AnthropicMessages, Operation::Chat).packed(Packing::Invoke);

/// The operations on a model
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html>, checked
/// 2026-11-23). An ARN's slashes come escaped from AWS' SDKs, and as they are from Anthropic's.
const CALLS: [Call; 5] = [
    ("invoke", INVOKE.streamed(false)),
    ("invoke-with-response-stream", INVOKE.streamed(true)),
    ("converse", converse(Operation::Chat)),
    ("converse-stream", converse(Operation::Chat).streamed(true)),
    ("count-tokens", converse(Operation::CountTokens)),
];
