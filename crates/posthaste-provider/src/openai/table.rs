//! What OpenAI's answers mean, and those of the vendors that speak its dialects.
//!
//! Sources, all checked 2026-11-26: <https://platform.openai.com/docs/guides/error-codes> for OpenAI's own;
//! <https://github.com/openai/codex/issues> for ChatGPT's backend, which tells its own errors as `{"detail":"…"}`;
//! recorded and publicly quoted answers for the words.

use posthaste_core::CooldownReason::{Failing, Forbidden, Overloaded, QuotaExhausted, RateLimited};

use crate::table::{
    Means::{ClientFault, Deliver, Nobody, NotServed, Reauthenticate, Rest, RestLimit},
    Row,
    Says::{AnError, Anything, NoError, Text, Word},
};

pub(super) static ROWS: [Row; 29] = [
    // Quotas. No waiting mends a balance; a plan's window names its own reset.
    Row {
        status: 100..=599,
        says: Word(&["usage_limit_reached"]),
        means: Rest(QuotaExhausted),
        examples: &[(
            429,
            r#"{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","plan_type":"plus","resets_at":1775317531,"resets_in_seconds":602705}}"#,
        )],
    },
    Row {
        status: 100..=599,
        says: Word(&["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"]),
        means: Rest(QuotaExhausted),
        examples: &[(
            429,
            r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
        )],
    },
    // The plan has no Codex in it.
    Row {
        status: 100..=599,
        says: Word(&["usage_not_included"]),
        means: Rest(Forbidden),
        examples: &[(
            429,
            r#"{"error":{"type":"usage_not_included","message":"Usage is not included in your plan"}}"#,
        )],
    },
    Row {
        status: 402..=402,
        says: Anything,
        means: Rest(QuotaExhausted),
        examples: &[(
            402,
            r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}"#,
        )],
    },
    // Rate limits. A request that is larger than a whole minute's tokens never fits; a larger account may take it.
    Row {
        status: 429..=429,
        says: Text(&["request too large"]),
        means: NotServed,
        examples: &[(
            429,
            r#"{"error":{"message":"Request too large for gpt-5.4 on tokens per min (TPM): Limit 30000, Requested 60000. The input or output tokens must be reduced in order to run successfully.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
        )],
    },
    Row {
        status: 429..=429,
        says: Anything,
        means: RestLimit(RateLimited),
        examples: &[(
            429,
            r#"{"error":{"message":"Rate limit reached for gpt-5.4 on requests per day (RPD): Limit 200, Used 200, Requested 1. Please try again in 7m12s.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#,
        )],
    },
    // "Slow Down": a sudden rise of this account's own rate.
    Row {
        status: 100..=599,
        says: Word(&["rate_limit_exceeded", "rate_limit_error", "slow_down"]),
        means: RestLimit(RateLimited),
        examples: &[(
            503,
            r#"{"error":{"message":"Slow Down","type":"rate_limit_error","code":"slow_down"}}"#,
        )],
    },
    Row {
        status: 503..=503,
        says: Anything,
        means: Rest(Overloaded),
        examples: &[(503, "<html>upstream connect error</html>")],
    },
    Row {
        status: 100..=599,
        says: Word(&["server_is_overloaded", "overloaded_error", "engine_overloaded"]),
        means: Rest(Overloaded),
        examples: &[(
            200,
            r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_is_overloaded","message":"Our servers are currently overloaded."}}}"#,
        )],
    },
    // Credentials. A firewall's page, or a proxy on the way, says not a word of the API on the account.
    Row {
        status: 401..=403,
        says: NoError,
        means: Rest(Failing),
        examples: &[
            (401, "<html>Authorization Required</html>"),
            (403, "<html>Attention Required! | Cloudflare</html>"),
        ],
    },
    // These no other credential of the same account mends.
    Row {
        status: 401..=401,
        says: Word(&["ip_not_authorized", "account_deactivated", "missing_scope"]),
        means: Rest(Forbidden),
        examples: &[(
            401,
            r#"{"error":{"message":"Your OpenAI account has been deactivated, please check your email for more information.","type":"invalid_request_error","param":null,"code":"account_deactivated"}}"#,
        )],
    },
    Row {
        status: 401..=401,
        says: Text(&[
            "member of an organization",
            "ip not authorized",
            "missing scopes",
            "insufficient permissions",
            "deactivated",
            "organization has been disabled",
        ]),
        means: Rest(Forbidden),
        examples: &[(
            401,
            r#"{"error":{"message":"You must be a member of an organization to use the API","type":"invalid_request_error","param":null,"code":null}}"#,
        )],
    },
    Row {
        status: 401..=401,
        says: AnError,
        means: Reauthenticate,
        examples: &[(
            401,
            r#"{"detail":"Could not parse your authentication token. Please try signing in again."}"#,
        )],
    },
    Row {
        status: 100..=599,
        says: Word(&["invalid_api_key", "authentication_error", "token_expired", "token_revoked"]),
        means: Reauthenticate,
        examples: &[(
            400,
            r#"{"error":{"message":"Incorrect API key provided: sk-…","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
        )],
    },
    // What this account has not, and another may have.
    Row {
        status: 400..=499,
        says: Word(&["model_not_found"]),
        means: NotServed,
        examples: &[(
            404,
            r#"{"error":{"message":"The model `gpt-9` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
        )],
    },
    Row {
        status: 400..=404,
        says: Text(&["must be verified to", "does not have access to model"]),
        means: NotServed,
        examples: &[(
            400,
            r#"{"error":{"message":"Your organization must be verified to stream this model.","type":"invalid_request_error","param":"stream","code":"unsupported_value"}}"#,
        )],
    },
    Row {
        status: 400..=400,
        says: Text(&["is not supported when using codex with a chatgpt account"]),
        means: NotServed,
        examples: &[(
            400,
            r#"{"detail":"The 'gpt-5.3-codex' model is not supported when using Codex with a ChatGPT account."}"#,
        )],
    },
    // Thoughts that another account has sealed.
    Row {
        status: 400..=400,
        says: Word(&["invalid_encrypted_content"]),
        means: NotServed,
        examples: &[(
            400,
            r#"{"error":{"message":"The encrypted content could not be verified.","type":"invalid_request_error","param":null,"code":"invalid_encrypted_content"}}"#,
        )],
    },
    Row {
        status: 403..=403,
        says: Word(&["unsupported_country_region_territory"]),
        means: Rest(Forbidden),
        examples: &[(
            403,
            r#"{"error":{"message":"Country, region, or territory not supported","type":"request_forbidden","param":null,"code":"unsupported_country_region_territory"}}"#,
        )],
    },
    Row {
        status: 403..=403,
        says: AnError,
        means: Rest(Forbidden),
        examples: &[(403, r#"{"error":{"message":"Forbidden","type":"invalid_request_error","code":null}}"#)],
    },
    // A missing thing is the client's fault; a 404 without the API's body is a wrong base URL.
    Row { status: 404..=404, says: NoError, means: Rest(Failing), examples: &[(404, "")] },
    Row {
        status: 404..=404,
        says: AnError,
        means: ClientFault,
        examples: &[(
            404,
            r#"{"error":{"message":"Invalid URL (POST /v1/x)","type":"invalid_request_error","param":null,"code":null}}"#,
        )],
    },
    // Timed out or clashed on the way in: nobody's fault, and nothing was done.
    Row {
        status: 408..=409,
        says: Anything,
        means: Nobody,
        examples: &[(409, r#"{"error":{"message":"Conflict","type":"invalid_request_error","code":null}}"#)],
    },
    // The rest of what clients do wrong.
    Row {
        status: 400..=499,
        says: Anything,
        means: ClientFault,
        examples: &[
            (
                400,
                r#"{"error":{"message":"Your input exceeds the context window of this model.","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}}"#,
            ),
            (
                400,
                r#"{"error":{"message":"Your request was rejected by the safety system.","type":"image_generation_user_error","param":null,"code":"content_policy_violation"}}"#,
            ),
            (
                400,
                r#"{"error":{"message":"Previous response with id 'resp_1' not found.","type":"invalid_request_error","param":"previous_response_id","code":"previous_response_not_found"}}"#,
            ),
            (400, r#"{"detail":"Unsupported parameter: max_output_tokens"}"#),
            (413, "<html>Request Entity Too Large</html>"),
            (422, r#"{"error":{"message":"unprocessable","type":"invalid_request_error","code":null}}"#),
        ],
    },
    // The vendor's own trouble.
    Row {
        status: 500..=599,
        says: Anything,
        means: Rest(Failing),
        examples: &[
            (500, r#"{"error":{"message":"The server had an error","type":"server_error","code":null}}"#),
            (502, "<html>Bad gateway</html>"),
            (504, ""),
        ],
    },
    // An error under a 200: the client's where it says so, or where the request is refused for what it asks; else the
    // vendor's.
    Row {
        status: 200..=299,
        says: Word(&[
            "invalid_request_error",
            "invalid_prompt",
            "context_length_exceeded",
            "bio_policy",
            "cyber_policy",
            "content_filter",
            "content_policy_violation",
        ]),
        means: ClientFault,
        examples: &[
            (
                200,
                r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"context_length_exceeded","message":"Your input exceeds the context window of this model."}}}"#,
            ),
            (
                200,
                r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"bio_policy","message":"Flagged."}}}"#,
            ),
        ],
    },
    Row {
        status: 200..=299,
        says: AnError,
        means: Rest(Failing),
        examples: &[(
            200,
            r#"{"type":"error","code":"server_error","message":"An error occurred while processing your request.","param":null,"sequence_number":3}"#,
        )],
    },
    Row {
        status: 200..=299,
        says: Anything,
        means: Deliver,
        examples: &[(200, r#"{"object":"response","status":"completed","output":[]}"#)],
    },
    // Redirects and other codes: not an API.
    Row { status: 0..=u16::MAX, says: Anything, means: Rest(Failing), examples: &[(302, "")] },
];
