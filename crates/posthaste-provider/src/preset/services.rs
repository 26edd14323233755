//! Services that speak a known dialect at a known address, paid by use.

use posthaste_core::{AuthForm, ChatVariant, Dialect, ProviderKind};

use super::{Preset, Site};
use crate::rule::{
    ErrorRule,
    Means::{ClientFault, Forbidden, Overloaded, Quota, RateLimited, Unauthorised},
    Reset, rule,
};

const CHAT_AND_MESSAGES: &[Dialect] = &[Dialect::OpenAiChat, Dialect::AnthropicMessages];

pub(super) const ROWS: &[Preset] = &[
    Preset {
        name: "dashscope",
        sites: &[
            Site {
                name: "intl",
                base_url: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
                others: &[(Dialect::AnthropicMessages, "https://dashscope-intl.aliyuncs.com/apps/anthropic")],
            },
            Site {
                name: "cn",
                base_url: "https://dashscope.aliyuncs.com/compatible-mode/v1",
                others: &[(Dialect::AnthropicMessages, "https://dashscope.aliyuncs.com/apps/anthropic")],
            },
        ],
        dialects: CHAT_AND_MESSAGES,
        chat: ChatVariant::Qwen,
        rules: DASHSCOPE,
        source: "https://www.alibabacloud.com/help/model-studio/compatibility-of-openai-with-dashscope, checked 2026-11-23",
        summary: "Alibaba's Model Studio, paid by use, with an API key of the site's region",
        ..Preset::BASE
    },
    Preset {
        name: "glm",
        sites: &[
            Site {
                name: "intl",
                base_url: "https://api.z.ai/api/paas/v4",
                others: &[(Dialect::AnthropicMessages, "https://api.z.ai/api/anthropic")],
            },
            Site {
                name: "cn",
                base_url: "https://open.bigmodel.cn/api/paas/v4",
                others: &[(Dialect::AnthropicMessages, "https://open.bigmodel.cn/api/anthropic")],
            },
        ],
        dialects: CHAT_AND_MESSAGES,
        chat: ChatVariant::Glm,
        rules: super::plans::GLM,
        source: "https://docs.z.ai/api-reference/introduction, checked 2026-11-23",
        summary: "Zhipu's GLM, paid by use, with an API key",
        ..Preset::BASE
    },
    Preset {
        name: "deepseek",
        sites: &[Site {
            name: "",
            base_url: "https://api.deepseek.com",
            others: &[(Dialect::AnthropicMessages, "https://api.deepseek.com/anthropic")],
        }],
        dialects: CHAT_AND_MESSAGES,
        chat: ChatVariant::DeepSeek,
        rules: &[
            rule(422, "", "", ClientFault, ""),
            rule(402, "", "", Quota(Reset::Unknown), "top up the balance at https://platform.deepseek.com"),
        ],
        source: "https://api-docs.deepseek.com, checked 2026-11-23",
        summary: "DeepSeek's API, with an API key",
        ..Preset::BASE
    },
    Preset {
        name: "moonshot",
        sites: &[
            Site {
                name: "intl",
                base_url: "https://api.moonshot.ai/v1",
                others: &[(Dialect::AnthropicMessages, "https://api.moonshot.ai/anthropic")],
            },
            Site {
                name: "cn",
                base_url: "https://api.moonshot.cn/v1",
                others: &[(Dialect::AnthropicMessages, "https://api.moonshot.cn/anthropic")],
            },
        ],
        dialects: CHAT_AND_MESSAGES,
        chat: ChatVariant::Moonshot,
        rules: super::plans::MOONSHOT,
        source: "https://platform.moonshot.ai/docs, checked 2026-11-23",
        summary: "Moonshot's Kimi, paid by use, with an API key of the site's region",
        ..Preset::BASE
    },
    Preset {
        name: "openrouter",
        sites: &[Site::new("", "https://openrouter.ai/api/v1")],
        chat: ChatVariant::OpenRouter,
        rules: &[
            rule(402, "", "", Quota(Reset::Unknown), "buy credits at https://openrouter.ai/settings/credits"),
            rule(403, "", "moderation", ClientFault, ""),
            rule(
                0,
                "",
                "free-models-per-day",
                Quota(Reset::Day),
                "free models are capped by the day; buy credits or wait",
            ),
        ],
        source: "https://openrouter.ai/docs/api-reference/errors, checked 2026-11-23",
        summary: "OpenRouter, with an API key",
        ..Preset::BASE
    },
    Preset {
        name: "groq",
        sites: &[Site::new("", "https://api.groq.com/openai/v1")],
        chat: ChatVariant::Compatible,
        // A request of more tokens than the minute has left is answered with 413.
        rules: &[rule(413, "rate_limit_exceeded", "", RateLimited, ""), rule(498, "", "", Overloaded, "")],
        source: "https://console.groq.com/docs/errors, checked 2026-11-23",
        summary: "Groq, with an API key",
        ..Preset::BASE
    },
    Preset {
        name: "xai",
        sites: &[Site::new("", "https://api.x.ai/v1")],
        chat: ChatVariant::Compatible,
        rules: &[
            rule(400, "", "incorrect api key", Unauthorised, ""),
            rule(403, "", "credits", Quota(Reset::Unknown), "buy credits at https://console.x.ai"),
        ],
        source: "https://docs.x.ai/docs/overview, checked 2026-11-23",
        summary: "xAI's Grok, with an API key",
        ..Preset::BASE
    },
    Preset {
        name: "mistral",
        sites: &[Site::new("", "https://api.mistral.ai/v1")],
        chat: ChatVariant::Compatible,
        rules: &[rule(422, "", "", ClientFault, "")],
        source: "https://docs.mistral.ai/api, checked 2026-11-23",
        summary: "Mistral's API, with an API key",
        ..Preset::BASE
    },
    Preset {
        name: "ccr",
        provider: ProviderKind::AnthropicCompatible,
        sites: &[Site::new("", "http://127.0.0.1:3456")],
        auth: AuthForm::XApiKey,
        source: "https://github.com/musistudio/claude-code-router, checked 2026-11-23",
        summary: "a claude-code-router on this machine, with the key of its settings",
        ..Preset::BASE
    },
];

/// <https://www.alibabacloud.com/help/model-studio/error-code>, checked 2026-11-23. Unlike OpenAI's, its
/// `insufficient_quota` is a limit of tokens by the minute.
pub(super) const DASHSCOPE: &[ErrorRule] = &[
    rule(0, "Arrearage", "", Quota(Reset::Unknown), "the account is in arrears: pay at Alibaba Cloud"),
    rule(
        0,
        "",
        "free allocated quota exceeded",
        Quota(Reset::Unknown),
        "the free quota is used up: switch to paid use in the console",
    ),
    rule(
        0,
        "AllocationQuota.FreeTierOnly",
        "",
        Quota(Reset::Unknown),
        "the free quota is used up: switch to paid use in the console",
    ),
    rule(0, "", "concurrency allocated quota exceeded", RateLimited, ""),
    rule(0, "insufficient_quota", "", RateLimited, ""),
    rule(0, "Throttling.AllocationQuota", "", RateLimited, ""),
    rule(0, "", "throttled due to system capacity", Overloaded, ""),
    rule(0, "data_inspection_failed", "", ClientFault, ""),
    rule(0, "DataInspectionFailed", "", ClientFault, ""),
    rule(
        403,
        "Model.AccessDenied",
        "",
        Forbidden,
        "the key's workspace may not use this model: grant it in the console",
    ),
    rule(
        403,
        "",
        "invalid api-key",
        Forbidden,
        "a coding plan's key (sk-sp-…) is refused here: use preset dashscope-coding-plan",
    ),
];
