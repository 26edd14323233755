//! Subscriptions: their quotas are counted in windows.

use posthaste_core::{AuthForm, ChatVariant, Dialect};

use super::{Preset, Site};
use crate::{
    plan_window::PlanWindow,
    rule::{
        ErrorRule,
        Means::{ClientFault, Forbidden, ModelForbidden, Overloaded, Quota, RateLimited, Unauthorised},
        Reset, rule,
    },
};

const CHAT_AND_MESSAGES: &[Dialect] = &[Dialect::OpenAiChat, Dialect::AnthropicMessages];

const ROLLING_WEEKLY_MONTHLY: &[PlanWindow] =
    &[PlanWindow::FiveHours, PlanWindow::Week, PlanWindow::PlanMonth];

pub(super) const ROWS: &[Preset] = &[
    Preset {
        name: "glm-coding-plan",
        sites: &[
            Site {
                name: "intl",
                base_url: "https://api.z.ai/api/coding/paas/v4",
                others: &[(Dialect::AnthropicMessages, "https://api.z.ai/api/anthropic")],
            },
            Site {
                name: "cn",
                base_url: "https://open.bigmodel.cn/api/coding/paas/v4",
                others: &[(Dialect::AnthropicMessages, "https://open.bigmodel.cn/api/anthropic")],
            },
        ],
        dialects: CHAT_AND_MESSAGES,
        chat: ChatVariant::Glm,
        windows: ROLLING_WEEKLY_MONTHLY,
        rules: GLM,
        test_model: Some("glm-4.7"),
        source: "https://docs.z.ai/devpack/overview, checked 2026-11-23",
        summary: "GLM's coding plan, both its OpenAI and its Anthropic endpoint, with the plan's key",
        ..Preset::BASE
    },
    Preset {
        name: "dashscope-coding-plan",
        sites: &[
            Site {
                name: "intl",
                base_url: "https://coding-intl.dashscope.aliyuncs.com/v1",
                others: &[(
                    Dialect::AnthropicMessages,
                    "https://coding-intl.dashscope.aliyuncs.com/apps/anthropic",
                )],
            },
            Site {
                name: "cn",
                base_url: "https://coding.dashscope.aliyuncs.com/v1",
                others: &[(
                    Dialect::AnthropicMessages,
                    "https://coding.dashscope.aliyuncs.com/apps/anthropic",
                )],
            },
        ],
        dialects: CHAT_AND_MESSAGES,
        chat: ChatVariant::Qwen,
        windows: ROLLING_WEEKLY_MONTHLY,
        rules: DASHSCOPE_PLAN,
        test_model: Some("qwen3-coder-plus"),
        source: "https://www.alibabacloud.com/help/model-studio/coding-plan, checked 2026-11-23",
        summary: "Alibaba's coding plan, both its OpenAI and its Anthropic endpoint, with the plan's key (sk-sp-…)",
        ..Preset::BASE
    },
    Preset {
        name: "kimi-coding-plan",
        sites: &[Site {
            name: "",
            base_url: "https://api.kimi.com/coding/v1",
            others: &[(Dialect::AnthropicMessages, "https://api.kimi.com/coding")],
        }],
        dialects: CHAT_AND_MESSAGES,
        chat: ChatVariant::Moonshot,
        rules: MOONSHOT,
        test_model: Some("kimi-for-coding"),
        source: "https://www.kimi.com/coding/docs, checked 2026-11-23",
        summary: "Kimi for coding, with the plan's key",
        ..Preset::BASE
    },
    Preset {
        name: "qwen",
        sites: &[Site::new("", "https://portal.qwen.ai/v1")],
        auth: AuthForm::OAuth,
        chat: ChatVariant::Qwen,
        oauth: Some("qwen"),
        windows: &[PlanWindow::Day],
        rules: QWEN,
        test_model: Some("qwen3-coder-plus"),
        source: "https://github.com/QwenLM/qwen-code, checked 2026-11-23",
        summary: "Qwen with a sign-in; the token tells where the API stands",
        ..Preset::BASE
    },
];

/// <https://docs.z.ai/api-reference/api-code>, checked 2026-11-23. The codes are numbers in a text; windows of a plan tell
/// their reset in the message, in UTC+8.
pub(super) const GLM: &[ErrorRule] = &[
    rule(
        0,
        "1113",
        "",
        Quota(Reset::Unknown),
        "the balance is used up, or a plan's key is used at the general endpoint: use preset glm-coding-plan for a plan",
    ),
    rule(0, "1302", "", RateLimited, ""),
    rule(0, "1303", "", RateLimited, ""),
    rule(0, "1304", "", Quota(Reset::Day), ""),
    rule(0, "1305", "", Overloaded, ""),
    rule(0, "1312", "", Overloaded, ""),
    rule(0, "1308", "week", Quota(Reset::Window(PlanWindow::Week)), ""),
    rule(
        0,
        "1308",
        "month",
        Quota(Reset::Window(PlanWindow::PlanMonth)),
        "tell the day on which the plan renews with --plan-day",
    ),
    rule(0, "1308", "", Quota(Reset::Window(PlanWindow::FiveHours)), ""),
    rule(0, "1309", "", Quota(Reset::Unknown), "the plan has ended: renew it"),
    rule(
        0,
        "1310",
        "month",
        Quota(Reset::Window(PlanWindow::PlanMonth)),
        "tell the day on which the plan renews with --plan-day",
    ),
    rule(0, "1310", "", Quota(Reset::Window(PlanWindow::Week)), ""),
    rule(0, "1316", "", Quota(Reset::Window(PlanWindow::PlanMonth)), ""),
    rule(0, "1317", "", Quota(Reset::Window(PlanWindow::PlanMonth)), ""),
    rule(0, "1318", "", Quota(Reset::Window(PlanWindow::Week)), ""),
    rule(0, "1319", "", Quota(Reset::Window(PlanWindow::Week)), ""),
    rule(0, "1320", "", Quota(Reset::Window(PlanWindow::PlanMonth)), ""),
    rule(0, "1321", "", Quota(Reset::Window(PlanWindow::PlanMonth)), ""),
    rule(
        0,
        "1311",
        "",
        ModelForbidden,
        "the model is not part of the plan: leave it out with --deny, or choose a larger plan",
    ),
    rule(0, "1313", "", Forbidden, "the vendor restricts the account under its fair-use policy"),
    rule(0, "1301", "", ClientFault, ""),
    rule(0, "1261", "", ClientFault, ""),
    rule(0, "1211", "", ClientFault, ""),
    rule(0, "1000", "", Unauthorised, ""),
    rule(0, "1001", "", Unauthorised, ""),
    rule(0, "1002", "", Unauthorised, ""),
    rule(0, "1003", "", Unauthorised, ""),
    rule(0, "1004", "", Unauthorised, ""),
    rule(0, "1110", "", Forbidden, "the account is not active: look at the vendor's console"),
    rule(0, "1112", "", Forbidden, "the account is locked: look at the vendor's console"),
    rule(0, "1121", "", Forbidden, "the account is locked: look at the vendor's console"),
    rule(0, "1220", "", Forbidden, "the key may not use this API"),
];

/// <https://www.alibabacloud.com/help/model-studio/error-code> and the plan's page, checked 2026-11-23.
const DASHSCOPE_PLAN: &[ErrorRule] = &[
    rule(0, "", "hour allocated quota exceeded", Quota(Reset::Window(PlanWindow::FiveHours)), ""),
    rule(0, "", "week allocated quota exceeded", Quota(Reset::Window(PlanWindow::Week)), ""),
    rule(
        0,
        "",
        "month allocated quota exceeded",
        Quota(Reset::Window(PlanWindow::PlanMonth)),
        "tell the day on which the plan renews with --plan-day",
    ),
    rule(0, "", "concurrency allocated quota exceeded", RateLimited, ""),
    rule(0, "", "usage allocated quota exceeded", Quota(Reset::Unknown), ""),
    rule(
        401,
        "",
        "invalid access token or token expired",
        Unauthorised,
        "the plan has ended, or the key is none of a coding plan (sk-sp-…): a general key needs preset dashscope",
    ),
    rule(
        401,
        "",
        "incorrect api key",
        Unauthorised,
        "the key belongs to another endpoint: a general key needs preset dashscope, a plan's key that of its region",
    ),
    rule(0, "insufficient_quota", "", RateLimited, ""),
    rule(0, "Throttling.AllocationQuota", "", RateLimited, ""),
    rule(0, "", "throttled due to system capacity", Overloaded, ""),
    rule(0, "data_inspection_failed", "", ClientFault, ""),
    rule(0, "DataInspectionFailed", "", ClientFault, ""),
    rule(400, "", "not supported", ClientFault, "the plan serves only the models of its list"),
];

/// <https://github.com/QwenLM/qwen-code>, checked 2026-11-23: the free tier counts requests by the day.
const QWEN: &[ErrorRule] = &[
    rule(0, "insufficient_quota", "", Quota(Reset::Window(PlanWindow::Day)), ""),
    rule(0, "", "free allocated quota exceeded", Quota(Reset::Window(PlanWindow::Day)), ""),
    rule(
        401,
        "",
        "invalid access token or token expired",
        Unauthorised,
        "log in again: posthaste accounts login",
    ),
    rule(0, "data_inspection_failed", "", ClientFault, ""),
];

/// <https://platform.moonshot.ai/docs/api/chat#error-code>, checked 2026-11-23.
pub(super) const MOONSHOT: &[ErrorRule] = &[
    rule(0, "exceeded_current_quota_error", "", Quota(Reset::Unknown), "top up the balance at Moonshot"),
    rule(0, "engine_overloaded_error", "", Overloaded, ""),
    rule(0, "rate_limit_reached_error", "", RateLimited, ""),
    rule(0, "content_filter", "", ClientFault, ""),
    rule(
        0,
        "invalid_authentication_error",
        "",
        Unauthorised,
        "the key may belong to the other region's site: choose it with --site",
    ),
];
