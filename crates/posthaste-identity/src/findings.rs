//! What is found step by step, in words for operators.

use std::error::Error;

use posthaste_admin::{SignInFinding, SignInStep};

/// What was found so far, and what is looked at now.
pub(crate) struct Findings {
    pub(crate) all: Vec<SignInFinding>,
    /// The step that is under way.
    pub(crate) going: SignInStep,
}

impl Findings {
    pub(crate) fn beginning_with(step: SignInStep) -> Self {
        Self { all: Vec::new(), going: step }
    }

    pub(crate) fn good(&mut self, step: SignInStep, found: impl Into<String>) {
        self.all.push(SignInFinding::good(step, found));
    }

    pub(crate) fn doubtful(&mut self, step: SignInStep, found: impl Into<String>, advice: impl Into<String>) {
        self.all.push(SignInFinding::doubtful(step, found, advice));
    }

    pub(crate) fn bad(&mut self, step: SignInStep, found: impl Into<String>, advice: impl Into<String>) {
        self.all.push(SignInFinding::bad(step, found, advice));
    }

    /// What failed with all its causes.
    pub(crate) fn failed(&mut self, step: SignInStep, error: &dyn Error, advice: impl Into<String>) {
        self.bad(step, words(error), advice);
    }
}

/// An error with its causes, on one line and not long.
pub(crate) fn words(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    line(&text)
}

/// What others say, on one line and not long.
pub(crate) fn line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

/// The first of many, and how many more there are.
pub(crate) fn some_of(texts: &[String]) -> String {
    let shown = texts.iter().take(MOST_SHOWN).map(|text| line(text)).collect::<Vec<_>>().join("; ");
    match texts.len().checked_sub(MOST_SHOWN) {
        None | Some(0) => shown,
        Some(more) => format!("{shown}; and {more} more"),
    }
}

const LONGEST: usize = 400;
const MOST_SHOWN: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_is_one_short_line() {
        assert_eq!(line("a\nb\u{1b}[31m"), "ab[31m");
        assert_eq!(line(&"x".repeat(9_000)).len(), LONGEST);
        let many: Vec<_> = (0..25).map(|number| number.to_string()).collect();
        assert!(some_of(&many).ends_with("19; and 5 more"), "{}", some_of(&many));
        assert_eq!(some_of(&many[..2]), "0; 1");
    }
}
