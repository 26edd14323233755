//! Verdicts as tables: a vendor's answers in rows, of which the first one that fits tells what an answer means.
//!
//! Each row brings answers that it is about. Tests judge them and ask that no row before it takes them, so that no row is
//! untried and none is hidden by another.

use std::ops::RangeInclusive;

use posthaste_core::{CooldownReason, CooldownScope, Timestamp, Verdict};
use posthaste_wire::{UpstreamError, spoiled};

use crate::{AnswerHead, resting::resting_of};

/// Answers of one kind and what they mean.
#[derive(Debug)]
pub(crate) struct Row {
    /// Their statuses.
    pub(crate) status: RangeInclusive<u16>,
    /// What they say.
    pub(crate) says: Says,
    /// What they mean.
    pub(crate) means: Means,
    /// Some of them: status and body.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests judge them"))]
    pub(crate) examples: &'static [(u16, &'static str)],
}

/// What an answer says.
#[derive(Debug)]
pub(crate) enum Says {
    /// It does not matter.
    Anything,
    /// No error of the API: a page of something that stands before it, or of another server.
    NoError,
    /// An error of the API, of whatever kind.
    AnError,
    /// An error whose class, code or reason is one of these words.
    Word(&'static [&'static str]),
    /// An error whose message holds one of these texts; written small, as letters' sizes do not count.
    Text(&'static [&'static str]),
    /// An error that names a quota which holds one of these texts.
    Quota(&'static [&'static str]),
    /// An error that says that there is no quota of the kind at all.
    NoQuota,
    /// A stop reason that stands for a failure of the model.
    Spoiled,
}

/// What answers mean.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Means {
    /// There is nothing to judge.
    Deliver,
    /// The request is wrong, whoever is asked.
    ClientFault,
    /// This account has not what was asked for; another may.
    NotServed,
    /// The credential is refused.
    Reauthenticate,
    /// Nobody's fault, and nothing was done: another account is asked.
    Nobody,
    /// All of the account rests, until the vendor's reset if it tells one.
    Rest(CooldownReason),
    /// What shares the limit rests, until the vendor's reset if it tells one.
    RestLimit(CooldownReason),
    /// What shares the limit rests until the vendor's day ends.
    RestDay(CooldownReason),
}

/// What only the vendor's adapter can tell of a rest.
pub(crate) struct Rests {
    /// When the vendor says that it ends.
    pub(crate) told: Option<Timestamp>,
    /// When the vendor's day ends.
    pub(crate) day_ends: Option<Timestamp>,
    /// What shares a limit.
    pub(crate) limited: CooldownScope,
}

/// The verdict of the first row that fits. The last row of a table fits every answer.
pub(crate) fn judge_by(rows: &[Row], answer: &AnswerHead<'_>, rests: impl FnOnce() -> Rests) -> Verdict {
    let means = rows.iter().find(|row| row.fits(answer)).map_or(Means::Deliver, |row| row.means);
    let rest = |reason, scope, until| resting_of(answer, reason, scope, until);
    match means {
        Means::Deliver => Verdict::Deliver,
        Means::ClientFault => Verdict::ClientFault,
        Means::NotServed => Verdict::NotServed,
        Means::Reauthenticate => Verdict::Reauthenticate,
        Means::Nobody => Verdict::NextCandidate { cooldown: None },
        Means::Rest(reason) => rest(reason, CooldownScope::Account, rests().told),
        Means::RestLimit(reason) => {
            let Rests { told, limited, .. } = rests();
            rest(reason, limited, told)
        }
        Means::RestDay(reason) => {
            let Rests { told, day_ends, limited } = rests();
            rest(reason, limited, day_ends.or(told))
        }
    }
}

impl Row {
    fn fits(&self, answer: &AnswerHead<'_>) -> bool {
        self.status.contains(&answer.status.as_u16()) && self.says.fits(answer)
    }
}

impl Says {
    fn fits(&self, answer: &AnswerHead<'_>) -> bool {
        let Some(error) = answer.error else { return matches!(self, Self::Anything | Self::NoError) };
        match self {
            Self::Anything | Self::AnError => true,
            Self::NoError => false,
            Self::Word(words) => words.iter().any(|word| is_told(error, word)),
            Self::Text(texts) => holds_one(&error.message, texts),
            Self::Quota(texts) => error.details.quotas.iter().any(|quota| holds_one(quota, texts)),
            Self::NoQuota => error.details.no_quota,
            Self::Spoiled => spoiled(answer.dialect, &error.kind).is_some(),
        }
    }
}

/// Whether an error is of a class, which vendors put into `type`, into `code` or into a detail.
fn is_told(error: &UpstreamError, word: &str) -> bool {
    error.kind == word || error.code.as_deref() == Some(word) || error.details.reason.as_deref() == Some(word)
}

fn holds_one(text: &str, small: &[&str]) -> bool {
    let text = text.to_lowercase();
    small.iter().any(|part| text.contains(part))
}

/// Asks each row for its examples: it must be the first one that takes them.
#[cfg(test)]
pub(crate) fn assert_each_row_is_met(
    rows: &[Row],
    account: &posthaste_core::Account,
    model: &posthaste_core::ModelName,
    dialect: posthaste_core::Dialect,
) {
    for (position, row) in rows.iter().enumerate() {
        assert!(!row.examples.is_empty(), "{row:?}");
        for (status, body) in row.examples {
            let error = posthaste_wire::read_error(dialect, body.as_bytes()).or_else(|| {
                posthaste_wire::read_whole(dialect, body.as_bytes()).ok().and_then(|answer| answer.error)
            });
            let answer = AnswerHead {
                account,
                model,
                dialect,
                status: http::StatusCode::from_u16(*status).unwrap(),
                headers: &http::HeaderMap::new(),
                error: error.as_ref(),
                now: Timestamp::EPOCH,
            };
            let first = rows.iter().position(|row| row.fits(&answer));
            assert_eq!(first, Some(position), "{status} {body}, read as {error:?}");
        }
    }
}
