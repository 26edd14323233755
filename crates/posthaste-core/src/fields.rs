//! The names of log and trace fields, spelled once.
//!
//! They follow OpenTelemetry's `gen_ai.*` conventions where those have a word
//! (<https://opentelemetry.io/docs/specs/semconv/gen-ai/>), since those conventions still move.

/// The provider of the account that served.
pub const PROVIDER: &str = "gen_ai.provider.name";
/// The model that the client named.
pub const REQUEST_MODEL: &str = "gen_ai.request.model";
/// The model that the upstream was asked for.
pub const RESPONSE_MODEL: &str = "gen_ai.response.model";
/// Prompt tokens, cached ones included.
pub const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// Answer tokens.
pub const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
/// The request's identity.
pub const REQUEST_ID: &str = "posthaste.request_id";
/// The client key's identity.
pub const CLIENT_KEY: &str = "posthaste.client_key.id";
/// The account's name.
pub const ACCOUNT: &str = "posthaste.account.name";
/// The trace that the request is part of, where it is recorded.
pub const TRACE_ID: &str = "trace_id";
