//! What a translation could not carry.

use std::{borrow::Cow, fmt};

use posthaste_core::Dialect;

use crate::{
    TranslateError,
    ir::{Extra, Weight},
};

/// One thing that a translation could not carry as it was.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Loss {
    /// The field, as a dotted path without positions.
    pub field: String,
    /// What became of it.
    pub reason: LossReason,
}

impl Loss {
    /// A field that was left out.
    pub fn dropped(field: impl Into<String>) -> Self {
        Self { field: field.into(), reason: LossReason::Dropped }
    }

    /// A field that was left out because the relay does not know it.
    pub fn unknown(field: impl Into<String>) -> Self {
        Self { field: field.into(), reason: LossReason::Unknown }
    }

    /// A field that was carried as the nearest thing.
    pub fn degraded(field: impl Into<String>, how: &'static str) -> Self {
        Self { field: field.into(), reason: LossReason::Degraded(how) }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

/// What became of a field that could not be carried.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LossReason {
    /// Left out: the other dialect has nothing like it.
    Dropped,
    /// Left out: the relay does not know it.
    Unknown,
    /// Carried as the nearest thing.
    Degraded(&'static str),
}

impl fmt::Display for LossReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dropped => "dropped, no counterpart",
            Self::Unknown => "dropped, unknown",
            Self::Degraded(how) => how,
        })
    }
}

/// The losses of one translation, each named once however often it happened.
#[derive(Debug, Default)]
pub(crate) struct Losses(Vec<Loss>);

impl Losses {
    pub(crate) fn add(&mut self, loss: Loss) {
        if self.0.len() < MOST && !self.0.contains(&loss) {
            self.0.push(loss);
        }
    }

    pub(crate) fn dropped(&mut self, field: &'static str) {
        self.add(Loss::dropped(field));
    }

    pub(crate) fn dropped_if(&mut self, present: bool, field: &'static str) {
        if present {
            self.dropped(field);
        }
    }

    pub(crate) fn degraded(&mut self, field: &'static str, how: &'static str) {
        self.add(Loss::degraded(field, how));
    }

    /// Names the extras of another dialect below `path`.
    ///
    /// # Errors
    /// When one of them is essential.
    pub(crate) fn foreign(
        &mut self,
        path: &str,
        extras: &[Extra],
        to: Dialect,
    ) -> Result<(), TranslateError> {
        for extra in extras {
            let field = join(path, &extra.field).into_owned();
            match extra.weight {
                Weight::Trivial => {}
                Weight::Hint => self.add(Loss::dropped(field)),
                Weight::Unknown => self.add(Loss::unknown(field)),
                Weight::Essential => return Err(TranslateError::inexpressible(field, to)),
            }
        }
        Ok(())
    }

    pub(crate) fn as_slice(&self) -> &[Loss] {
        &self.0
    }

    pub(crate) fn into_vec(self) -> Vec<Loss> {
        self.0
    }
}

/// A body of a thousand unknown fields shall not become a thousand log lines, nor a search through as many.
const MOST: usize = 64;

fn join<'a>(path: &str, field: &'a str) -> Cow<'a, str> {
    if path.is_empty() { Cow::Borrowed(field) } else { Cow::Owned(format!("{path}.{field}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_named_once() {
        let mut losses = Losses::default();
        losses.dropped("seed");
        losses.dropped("seed");
        losses.degraded("seed", "rounded");
        assert_eq!(losses.as_slice().len(), 2);
        assert_eq!(losses.as_slice()[0].to_string(), "seed: dropped, no counterpart");
    }
}
