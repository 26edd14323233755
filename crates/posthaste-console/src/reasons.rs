//! Why a request went to whom it went, in words: each reason is a member of an enum, and has its text here.

use posthaste_core::{AskedAccount, Barrier, CooldownReason, LimitUnit, OrderReason, StopEnd};

use crate::frame::Frame;

/// Why an account stands where it stands in a plan; as it was kept where another release worded it.
pub(crate) fn placed(p: &Frame, asked: &AskedAccount) -> String {
    let Some(reason) = asked.reason() else { return asked.why.clone() };
    let thousandths = |milli: u64| format!("{}.{:03}", milli / 1_000, milli % 1_000);
    let filled = |text: &'static str, value: String| p.fill(text, value);
    match reason {
        OrderReason::NeverUsed => p.t(text("never used")).to_owned(),
        OrderReason::LongestUnused => p.t(text("longest unused")).to_owned(),
        OrderReason::NextInTurn => p.t(text("next in turn")).to_owned(),
        OrderReason::FirstInLine => p.t(text("first in line")).to_owned(),
        OrderReason::Drawn => p.t(text("drawn by weight")).to_owned(),
        OrderReason::LeastBusy { milli } => filled(text("{} requests per weight"), thousandths(milli)),
        OrderReason::Fastest { expected } => {
            filled(text("first token expected in {} ms"), expected.as_millis().to_string())
        }
        OrderReason::Cheapest(Some(price)) => filled(text("costs {}"), price.to_string()),
        OrderReason::Cheapest(None) => p.t(text("price not known")).to_owned(),
        OrderReason::Score { milli } => filled(text("score {}"), thousandths(milli)),
        OrderReason::Slack { milli } => filled(text("quota slack {}"), thousandths(milli)),
        OrderReason::WarmCache { worth } => filled(text("warm cache worth {}"), worth.to_string()),
        OrderReason::Home => p.t(text("made the request's opaque items")).to_owned(),
        OrderReason::Full => p.t(text("serves as many as it may")).to_owned(),
        OrderReason::LastResort => p.t(text("rests, and nobody else is left")).to_owned(),
    }
}

/// What stands against an account, and where that can be changed.
pub(crate) const fn barrier(barrier: Barrier) -> &'static str {
    match barrier {
        Barrier::Rests => text("rests"),
        Barrier::Disabled => text("switched off, or its subscription has ended"),
        Barrier::ModelNotServed => text("does not serve the model"),
        Barrier::NotForThisKey => text("not for this client key"),
        Barrier::NotInThePlace => text("not in the pool, or not the account, that is asked here"),
        Barrier::OperationNotServed => text("has no endpoint for what is asked"),
        Barrier::PinnedElsewhere => text("the path names another vendor"),
        Barrier::NotTheHome => text("the answer to go on from lies elsewhere"),
    }
}

/// Why an account rests. What the upstream said stands beside it, in the upstream's language.
pub(crate) const fn rest(reason: CooldownReason) -> &'static str {
    match reason {
        CooldownReason::RateLimited => text("too many requests for a short while"),
        CooldownReason::Overloaded => text("the vendor has too much to do"),
        CooldownReason::QuotaExhausted => text("its quota is used up"),
        CooldownReason::Unauthorised => text("its credential is not accepted"),
        CooldownReason::Forbidden => text("it is blocked, or may not do this"),
        CooldownReason::Failing => text("it fails"),
    }
}

/// What came of a turn to an account.
pub(crate) const fn end(end: StopEnd) -> &'static str {
    match end {
        StopEnd::Abandoned => text("given up: the client left"),
        StopEnd::Delivered => text("answered"),
        StopEnd::Final => text("refused for good"),
        StopEnd::NotServed => text("has not what was asked for"),
        StopEnd::Next => text("failed"),
        StopEnd::Again => text("failed, to be asked again"),
        StopEnd::Renew => text("credential refused"),
        StopEnd::AtItsLimit => text("at a limit of its own"),
        StopEnd::LimitsUnknown => text("its limits could not be checked"),
        StopEnd::JustParked => text("began to rest meanwhile"),
        StopEnd::Unusable => text("could not be asked"),
    }
}

/// What a limit counts.
pub(crate) const fn unit(unit: LimitUnit) -> &'static str {
    match unit {
        LimitUnit::Requests => text("requests"),
        LimitUnit::Tokens => text("tokens"),
        LimitUnit::Cost => text("cost"),
        LimitUnit::Concurrency => text("requests at once"),
    }
}

/// Marks a text that pages say in the reader's language.
const fn text(text: &'static str) -> &'static str {
    text
}
