//! What became of a feature.

use posthaste_translate::{Loss, LossReason, TranslateError};

/// What became of a feature on one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It arrived as it was.
    Exact,
    /// It arrived in words that say the same.
    Reworded(&'static str),
    /// It arrived as it was, and something beside it was left out.
    Alone(String),
    /// It arrived in part or as something else, and the losses say how.
    Degraded(String),
    /// It was left out, and a loss says so.
    Dropped,
    /// The request got the client's 400.
    Refused,
    /// Where it would come from, there is no such thing.
    Absent,
    /// It is gone or changed and nothing says so.
    Silent(String),
}

impl Outcome {
    /// Compares what went in with what came out.
    pub(crate) fn of(sent: &str, arrived: Option<&str>, losses: &[Loss]) -> Self {
        match arrived {
            Some(arrived) if arrived == sent && losses.is_empty() => Self::Exact,
            Some(arrived) if arrived == sent && !losses.iter().any(is_degraded) => {
                Self::Alone(without(losses))
            }
            _ if losses.is_empty() => Self::Silent(format!("{sent:?} became {arrived:?}")),
            None if losses.iter().all(|loss| !is_degraded(loss)) => Self::Dropped,
            _ => Self::Degraded(told(losses)),
        }
    }

    /// The outcome in a word.
    pub(crate) fn word(&self) -> String {
        match self {
            Self::Exact | Self::Reworded(_) | Self::Alone(_) => "exact".to_owned(),
            Self::Degraded(how) => format!("degraded ({how})"),
            Self::Dropped => "dropped".to_owned(),
            Self::Refused => "refused".to_owned(),
            Self::Absent => "–".to_owned(),
            Self::Silent(how) => format!("lost without a word: {how}"),
        }
    }

    /// A way that ended early. The client must have been told the reason, so only its own mistakes count as refusals.
    pub(crate) fn failed(error: &TranslateError) -> Self {
        match error {
            TranslateError::Inexpressible { .. } => Self::Refused,
            other => Self::Silent(format!("failed: {other}")),
        }
    }
}

/// The losses that a feature brought: those of the way less those of the same way without the feature.
pub(crate) fn brought(losses: Vec<Loss>, without: &[Loss]) -> Vec<Loss> {
    losses.into_iter().filter(|loss| !without.contains(loss)).collect()
}

fn is_degraded(loss: &Loss) -> bool {
    matches!(loss.reason, LossReason::Degraded(_))
}

/// What was left out beside the feature.
fn without(losses: &[Loss]) -> String {
    let fields: Vec<_> = losses.iter().map(|loss| format!("`{}`", loss.field)).collect();
    format!("without {}", fields.join(", "))
}

/// The losses in the words of the header, for people.
fn told(losses: &[Loss]) -> String {
    let told = |loss: &Loss| match loss.reason {
        LossReason::Dropped | LossReason::Unknown => format!("`{}` dropped", loss.field),
        LossReason::Degraded(how) => format!("`{}` {how}", loss.field),
    };
    losses.iter().map(told).collect::<Vec<_>>().join("; ")
}
