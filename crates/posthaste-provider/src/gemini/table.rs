//! What Gemini's answers mean, and Code Assist's.
//!
//! Sources, all checked 2026-11-26: <https://ai.google.dev/gemini-api/docs/troubleshooting> for the statuses,
//! <https://ai.google.dev/gemini-api/docs/rate-limits> for the quotas, which are counted for each model,
//! <https://docs.cloud.google.com/service-infrastructure/docs/service-management/reference/rpc/google.api#errorreason> for
//! the reasons, and `packages/core/src/utils/googleQuotaErrors.ts` of <https://github.com/google-gemini/gemini-cli> for
//! those of Code Assist; recorded and publicly quoted answers for the words.

use posthaste_core::CooldownReason::{Failing, Forbidden, Overloaded, QuotaExhausted, RateLimited};

use crate::table::{
    Means::{ClientFault, Deliver, Nobody, NotServed, Reauthenticate, Rest, RestDay, RestLimit},
    Row,
    Says::{AnError, Anything, NoError, NoQuota, Quota, Spoiled, Text, Word},
};

pub(super) static ROWS: [Row; 32] = [
    // Quotas. One of zero no waiting fills.
    Row {
        status: 100..=599,
        says: NoQuota,
        means: RestLimit(QuotaExhausted),
        examples: &[(
            429,
            r#"{"error":{"code":429,"message":"You exceeded your current quota.\n* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 0, model: gemini-3-pro","status":"RESOURCE_EXHAUSTED"}}"#,
        )],
    },
    // A day's quota comes with a `RetryInfo` of seconds all the same, which is no use.
    Row {
        status: 100..=599,
        says: Quota(&["perday", "per day", "daily"]),
        means: RestDay(QuotaExhausted),
        examples: &[
            (
                429,
                r#"{"error":{"code":429,"message":"You exceeded your current quota. Please retry in 39.07s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaMetric":"generativelanguage.googleapis.com/generate_content_free_tier_requests","quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier","quotaDimensions":{"model":"gemini-2.5-flash","location":"global"},"quotaValue":"250"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"39s"}]}}"#,
            ),
            (
                429,
                r#"[{"error":{"code":429,"message":"Quota exceeded for quota metric 'Gemini 2.5 Pro Requests' and limit 'Gemini 2.5 Pro Requests per day per user per tier' of service 'cloudcode-pa.googleapis.com' for consumer 'project_number:1'.","status":"RESOURCE_EXHAUSTED"}}]"#,
            ),
        ],
    },
    // Code Assist, which tells the end.
    Row {
        status: 100..=599,
        says: Word(&["QUOTA_EXHAUSTED", "INSUFFICIENT_G1_CREDITS_BALANCE"]),
        means: RestLimit(QuotaExhausted),
        examples: &[(
            429,
            r#"{"error":{"code":429,"message":"Individual quota reached. Please upgrade your subscription to increase your limits. Resets in 9h22m20s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"QUOTA_EXHAUSTED","domain":"cloudcode-pa.googleapis.com","metadata":{"quotaResetTimeStamp":"2026-09-20T21:03:14Z","quotaResetDelay":"33740.9s","model":"gemini-3.5-flash"}}]}}"#,
        )],
    },
    Row {
        status: 100..=599,
        says: Word(&["MODEL_CAPACITY_EXHAUSTED"]),
        means: RestLimit(Overloaded),
        examples: &[(
            429,
            r#"{"error":{"code":429,"message":"No capacity available for model gemini-3-pro on the server","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"MODEL_CAPACITY_EXHAUSTED","domain":"cloudcode-pa.googleapis.com"}]}}"#,
        )],
    },
    Row {
        status: 429..=429,
        says: Anything,
        means: RestLimit(RateLimited),
        examples: &[
            (
                429,
                r#"{"error":{"code":429,"message":"You exceeded your current quota. Please retry in 48.9s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaMetric":"generativelanguage.googleapis.com/generate_content_paid_tier_input_token_count","quotaId":"GenerateContentPaidTierInputTokensPerModelPerMinute","quotaDimensions":{"model":"gemini-2.5-flash"},"quotaValue":"1000000"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"48s"}]}}"#,
            ),
            (
                429,
                r#"{"error":{"code":429,"message":"Quota exceeded.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","domain":"cloudcode-pa.googleapis.com"}]}}"#,
            ),
            (
                429,
                r#"[{"error":{"code":429,"message":"Resource exhausted. Please try again later.","status":"RESOURCE_EXHAUSTED"}}]"#,
            ),
            (429, ""),
        ],
    },
    Row {
        status: 100..=599,
        says: Word(&["RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED"]),
        means: RestLimit(RateLimited),
        examples: &[(
            200,
            r#"{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}"#,
        )],
    },
    // "The model is overloaded": that one, not the account.
    Row {
        status: 503..=503,
        says: Anything,
        means: RestLimit(Overloaded),
        examples: &[
            (
                503,
                r#"{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}"#,
            ),
            (503, "<html>Service Unavailable</html>"),
        ],
    },
    Row {
        status: 100..=599,
        says: Word(&["UNAVAILABLE"]),
        means: RestLimit(Overloaded),
        examples: &[(
            200,
            r#"{"error":{"code":503,"message":"The service is currently unavailable.","status":"UNAVAILABLE"}}"#,
        )],
    },
    // Credentials. A firewall's page, or a proxy on the way, says not a word of the API on the account.
    Row {
        status: 401..=403,
        says: NoError,
        means: Rest(Failing),
        examples: &[(401, "<html>Unauthorized</html>"), (403, "<html>Forbidden</html>")],
    },
    // A bad key comes as a request that is wrong.
    Row {
        status: 400..=400,
        says: Word(&["API_KEY_INVALID", "API_KEY_EXPIRED"]),
        means: Reauthenticate,
        examples: &[(
            400,
            r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com","metadata":{"service":"generativelanguage.googleapis.com"}}]}}"#,
        )],
    },
    Row {
        status: 400..=400,
        says: Text(&["api key not valid", "api key not found", "api key expired"]),
        means: Reauthenticate,
        examples: &[(
            400,
            r#"{"error":{"code":400,"message":"API key expired. Please renew the API key.","status":"INVALID_ARGUMENT"}}"#,
        )],
    },
    Row {
        status: 401..=401,
        says: AnError,
        means: Reauthenticate,
        examples: &[
            (
                401,
                r#"{"error":{"code":401,"message":"Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.","status":"UNAUTHENTICATED"}}"#,
            ),
            (
                401,
                r#"{"error":{"code":401,"message":"API keys are not supported by this API. Expected OAuth2 access token or other authentication credentials that assert a principal.","status":"UNAUTHENTICATED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"CREDENTIALS_MISSING","domain":"googleapis.com"}]}}"#,
            ),
        ],
    },
    Row {
        status: 200..=299,
        says: Word(&["UNAUTHENTICATED"]),
        means: Reauthenticate,
        examples: &[(
            200,
            r#"{"error":{"code":401,"message":"Invalid credentials","status":"UNAUTHENTICATED"}}"#,
        )],
    },
    // What lies at another account: caches and files belong to the project that made them.
    Row {
        status: 403..=404,
        says: Text(&["cachedcontent", "to access the file"]),
        means: NotServed,
        examples: &[
            (
                403,
                r#"{"error":{"code":403,"message":"CachedContent not found (or permission denied)","status":"PERMISSION_DENIED"}}"#,
            ),
            (
                403,
                r#"{"error":{"code":403,"message":"You do not have permission to access the File abc or it may not exist.","status":"PERMISSION_DENIED"}}"#,
            ),
        ],
    },
    // The owner has to open a page of Google's.
    Row {
        status: 403..=403,
        says: Word(&["VALIDATION_REQUIRED"]),
        means: Rest(Forbidden),
        examples: &[(
            403,
            r#"{"error":{"code":403,"message":"Verify your account to continue.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"VALIDATION_REQUIRED","domain":"cloudcode-pa.googleapis.com","metadata":{"validation_url":"https://accounts.google.com/signin/continue"}}]}}"#,
        )],
    },
    Row {
        status: 403..=403,
        says: Word(&["BILLING_DISABLED"]),
        means: Rest(QuotaExhausted),
        examples: &[(
            403,
            r#"{"error":{"code":403,"message":"This API method requires billing to be enabled.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"BILLING_DISABLED","domain":"googleapis.com"}]}}"#,
        )],
    },
    Row {
        status: 403..=403,
        says: Word(&["SERVICE_DISABLED"]),
        means: Rest(Forbidden),
        examples: &[(
            403,
            r#"{"error":{"code":403,"message":"Gemini for Google Cloud API has not been used in project p before or it is disabled.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED","domain":"googleapis.com","metadata":{"activationUrl":"https://console.developers.google.com/apis/api/cloudaicompanion.googleapis.com/overview?project=p"}}]}}"#,
        )],
    },
    Row {
        status: 403..=403,
        says: Word(&["CONSUMER_SUSPENDED", "CONSUMER_INVALID"]),
        means: Rest(Forbidden),
        examples: &[(
            403,
            r#"{"error":{"code":403,"message":"Permission denied: Consumer 'api_key:…' has been suspended.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"CONSUMER_SUSPENDED","domain":"googleapis.com"}]}}"#,
        )],
    },
    Row {
        status: 403..=403,
        says: AnError,
        means: Rest(Forbidden),
        examples: &[
            (
                403,
                r#"{"error":{"code":403,"message":"The caller does not have permission","status":"PERMISSION_DENIED"}}"#,
            ),
            (
                403,
                r#"{"error":{"code":403,"message":"Your API key was reported as leaked. Please use another API key.","status":"PERMISSION_DENIED"}}"#,
            ),
        ],
    },
    // About the account, not about the request: its region, its billing.
    Row {
        status: 400..=400,
        says: Text(&["billing"]),
        means: Rest(QuotaExhausted),
        examples: &[(
            400,
            r#"{"error":{"code":400,"message":"Gemini API free tier is not available in your country. Please enable billing on your project in Google AI Studio.","status":"FAILED_PRECONDITION"}}"#,
        )],
    },
    Row {
        status: 400..=400,
        says: Word(&["FAILED_PRECONDITION"]),
        means: Rest(Forbidden),
        examples: &[(
            400,
            r#"{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}"#,
        )],
    },
    // A 404 without the API's body is a wrong base URL; a model may be there for another account.
    Row { status: 404..=404, says: NoError, means: Rest(Failing), examples: &[(404, "")] },
    Row {
        status: 404..=404,
        says: AnError,
        means: NotServed,
        examples: &[
            (
                404,
                r#"{"error":{"code":404,"message":"models/gemini-9 is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods.","status":"NOT_FOUND"}}"#,
            ),
            (
                404,
                r#"{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND"}}"#,
            ),
        ],
    },
    // Timed out, clashed or given up on the way in: nobody's fault, and nothing was done.
    Row {
        status: 408..=409,
        says: Anything,
        means: Nobody,
        examples: &[(409, r#"{"error":{"code":409,"message":"Aborted","status":"ABORTED"}}"#)],
    },
    Row {
        status: 499..=499,
        says: Anything,
        means: Nobody,
        examples: &[(
            499,
            r#"{"error":{"code":499,"message":"The operation was cancelled.","status":"CANCELLED"}}"#,
        )],
    },
    Row {
        status: 400..=499,
        says: Anything,
        means: ClientFault,
        examples: &[
            (
                400,
                r#"{"error":{"code":400,"message":"Please use a valid role: user, model.","status":"INVALID_ARGUMENT","details":[]}}"#,
            ),
            (413, "<html>Request Entity Too Large</html>"),
        ],
    },
    // The vendor's own trouble.
    Row {
        status: 500..=599,
        says: Anything,
        means: Rest(Failing),
        examples: &[
            (
                500,
                r#"{"error":{"code":500,"message":"An internal error has occurred.","status":"INTERNAL"}}"#,
            ),
            (
                504,
                r#"{"error":{"code":504,"message":"Deadline expired before operation could complete.","status":"DEADLINE_EXCEEDED"}}"#,
            ),
            (502, "<html>Bad Gateway</html>"),
        ],
    },
    Row {
        status: 200..=299,
        says: Word(&["INVALID_ARGUMENT"]),
        means: ClientFault,
        examples: &[(
            200,
            r#"{"error":{"code":400,"message":"Request contains an invalid argument.","status":"INVALID_ARGUMENT"}}"#,
        )],
    },
    // The model's doing, not the account's.
    Row {
        status: 200..=299,
        says: Spoiled,
        means: Nobody,
        examples: &[(200, r#"{"candidates":[{"content":{},"finishReason":"MALFORMED_FUNCTION_CALL"}]}"#)],
    },
    Row {
        status: 200..=299,
        says: AnError,
        means: Rest(Failing),
        examples: &[(
            200,
            r#"{"error":{"code":500,"message":"Internal error encountered.","status":"INTERNAL"}}"#,
        )],
    },
    Row {
        status: 200..=299,
        says: Anything,
        means: Deliver,
        examples: &[(200, r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#)],
    },
    // Redirects and other codes: not an API.
    Row { status: 0..=u16::MAX, says: Anything, means: Rest(Failing), examples: &[(302, "")] },
];
