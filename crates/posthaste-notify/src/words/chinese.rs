//! Chinese in its simplified script.

use posthaste_core::{CooldownReason, Notice, NoticeEvent, Severity, Subject};

pub(super) const fn mark(severity: Severity, is_recovery: bool) -> &'static str {
    match severity {
        _ if is_recovery => "恢复",
        Severity::Info => "提示",
        Severity::Warning => "警告",
        Severity::Critical => "严重",
    }
}

/// What has no name of its own.
pub(super) const fn unnamed(subject: &Subject) -> &'static str {
    match subject {
        Subject::Store => "存储",
        _ => "中继",
    }
}

pub(super) fn title(name: &str, notice: &Notice) -> String {
    let whose = sort(&notice.subject);
    match &notice.event {
        NoticeEvent::AccountRests { reason, .. } => format!("账号 {name} 暂停使用：{}", because(*reason)),
        NoticeEvent::AccountServes { by_operator: true, .. } => format!("账号 {name} 的暂停已被解除"),
        NoticeEvent::AccountServes { .. } => format!("账号 {name} 已恢复服务"),
        NoticeEvent::QuotaReached { percent: 100.., .. } => format!("账号 {name} 的额度已用完"),
        NoticeEvent::QuotaReached { percent, .. } => format!("账号 {name} 的额度已使用 {percent}%"),
        NoticeEvent::QuotaRunsOut { .. } => format!("账号 {name} 的额度将提前用尽"),
        NoticeEvent::LimitReached { percent: 100.., .. } => format!("{whose} {name} 的限额已用完"),
        NoticeEvent::LimitReached { percent, .. } => format!("{whose} {name} 的限额已使用 {percent}%"),
        NoticeEvent::KeyExpires { within_days, .. } => {
            format!("客户端密钥 {name} 将在 {within_days} 天内到期")
        }
        NoticeEvent::KeyExpired { .. } => format!("客户端密钥 {name} 已到期"),
        NoticeEvent::PoolDown { .. } => format!("账号池 {name} 没有可用账号"),
        NoticeEvent::PoolServes => format!("账号池 {name} 已恢复服务"),
        NoticeEvent::ErrorsRose { .. } => format!("{whose} {name} 的失败率过高"),
        NoticeEvent::ErrorsFell { .. } => format!("{whose} {name} 的失败率已恢复正常"),
        NoticeEvent::PriceUnknown { .. } => format!("模型 {name} 没有价格"),
        NoticeEvent::StoreLost { .. } => "存储不可用".to_owned(),
        NoticeEvent::StoreBack { .. } => "存储已恢复".to_owned(),
        NoticeEvent::SignedIn { .. } => format!("{name} 从新地址登录"),
        NoticeEvent::SignInLocked { .. } => format!("{name} 的登录已被暂时锁定"),
        NoticeEvent::DataRefused { .. } => "新的设置未被采用".to_owned(),
        NoticeEvent::Test => "这是一条测试通知".to_owned(),
    }
}

pub(super) fn text(notice: &Notice) -> String {
    match &notice.event {
        NoticeEvent::AccountRests { reason, .. } => match reason {
            CooldownReason::Unauthorised => "凭据未被接受：请重新登录或更换凭据。",
            CooldownReason::Forbidden => "服务商封禁了该账号或不允许此操作：请到服务商处检查。",
            _ => "期间会使用其他账号，之后会自动重试。",
        },
        NoticeEvent::AccountServes { by_operator: true, .. } => "由管理员解除。",
        NoticeEvent::AccountServes { .. } => "请求已成功。",
        NoticeEvent::QuotaReached { percent: 100.., .. } => "该周期的额度已用完，直到重置为止。",
        NoticeEvent::QuotaReached { .. } => "套餐的一个周期额度正在用完。",
        NoticeEvent::QuotaRunsOut { .. } => "按当前速度，额度会在重置之前用尽。",
        NoticeEvent::LimitReached { shadow: true, .. } => "该限额只计数，不会拒绝请求。",
        NoticeEvent::LimitReached { percent: 100.., .. } => "在重置之前，后续请求会被拒绝。",
        NoticeEvent::LimitReached { .. } => "达到 100% 后，后续请求会被拒绝。",
        NoticeEvent::KeyExpires { .. } => "到期后使用它的请求会被拒绝：请延期或发放新密钥。",
        NoticeEvent::KeyExpired { .. } => "使用它的请求会被拒绝。",
        NoticeEvent::PoolDown { .. } => "只能使用该账号池的请求会失败或等待。",
        NoticeEvent::PoolServes => "至少有一个账号可以使用。",
        NoticeEvent::ErrorsRose { .. } => "请检查账号以及服务商的状态。",
        NoticeEvent::ErrorsFell { .. } => "失败比例已回到正常水平。",
        NoticeEvent::PriceUnknown { priced: true, .. } => "用量按未知模型的设定价格计费。",
        NoticeEvent::PriceUnknown { .. } => "用量未计费用：请把它加入价格文件。",
        NoticeEvent::StoreLost { .. } => "中继会尽量独立运行，稍后补记账目。",
        NoticeEvent::StoreBack { .. } => "期间的计数正在写入。",
        NoticeEvent::SignedIn { .. } => "如果不是本人操作，请重置密码并结束其会话。",
        NoticeEvent::SignInLocked { .. } => "密码错误次数过多。",
        NoticeEvent::DataRefused { .. } => "继续使用原来的设置。",
        NoticeEvent::Test => "通知可以到达此渠道。",
    }
    .to_owned()
}

const fn sort(subject: &Subject) -> &'static str {
    match subject {
        Subject::Account { .. } => "账号",
        Subject::ClientKey { .. } => "客户端密钥",
        Subject::Owner { .. } => "所有者",
        Subject::Team { .. } => "团队",
        Subject::Pool { .. } => "账号池",
        Subject::Model { .. } => "模型",
        Subject::Person { .. } => "用户",
        Subject::Store | Subject::Relay => "整个",
    }
}

const fn because(reason: CooldownReason) -> &'static str {
    match reason {
        CooldownReason::RateLimited => "请求过多",
        CooldownReason::Overloaded => "上游过载",
        CooldownReason::QuotaExhausted => "额度已用完",
        CooldownReason::Unauthorised => "凭据被拒绝",
        CooldownReason::Forbidden => "账号被封禁",
        CooldownReason::Failing => "持续失败",
    }
}
