//! What facts are called.

use posthaste_core::Language;

/// The name of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    Accounts,
    Address,
    At,
    Away,
    Ends,
    Failed,
    Limit,
    Misses,
    Models,
    Next,
    Provider,
    Reason,
    ResetsAt,
    RunsOutAt,
    Said,
    Since,
    Source,
    Until,
    Used,
}

impl Label {
    pub(crate) const fn name(self, language: Language) -> &'static str {
        let (english, chinese) = match self {
            Self::Accounts => ("Accounts", "账号数"),
            Self::Address => ("Address", "地址"),
            Self::At => ("Time", "时间"),
            Self::Away => ("Away for", "中断时长"),
            Self::Ends => ("Ends", "到期时间"),
            Self::Failed => ("Failed", "失败"),
            Self::Limit => ("Limit", "限额"),
            Self::Misses => ("Wrong tries", "失败次数"),
            Self::Models => ("Models", "模型"),
            Self::Next => ("Next one", "最早恢复"),
            Self::Provider => ("Provider", "服务商"),
            Self::Reason => ("Reason", "原因"),
            Self::ResetsAt => ("Starts anew", "重置时间"),
            Self::RunsOutAt => ("Runs out", "预计用尽"),
            Self::Said => ("Upstream said", "上游返回"),
            Self::Since => ("Since", "开始时间"),
            Self::Source => ("Source", "来源"),
            Self::Until => ("Until", "持续到"),
            Self::Used => ("Used", "已使用"),
        };
        match language {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }
}
