//! The steps of a run: each under its name, all to the end, counted at the last line.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::Result;

/// What became of the steps so far.
#[derive(Default)]
pub(crate) struct Report {
    steps: Vec<Step>,
}

struct Step {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
}

enum Outcome {
    Passed,
    Failed(String),
    NotChecked(String),
}

impl Report {
    /// Runs one step and tells whether it passed; a failure does not keep the others from running.
    pub(crate) fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> bool {
        println!("\n=== {name}");
        let start = Instant::now();
        let outcome = match work() {
            Ok(()) => Outcome::Passed,
            Err(error) => {
                println!("FAILED: {error:#}");
                Outcome::Failed(format!("{error:#}"))
            }
        };
        let passed = matches!(outcome, Outcome::Passed);
        self.steps.push(Step { name, outcome, took: start.elapsed() });
        passed
    }

    /// Notes a step that this run could not take, with the reason.
    pub(crate) fn not_checked(&mut self, name: &'static str, reason: impl Into<String>) {
        let reason = reason.into();
        println!("\n=== {name}\nNOT CHECKED: {reason}");
        self.steps.push(Step { name, outcome: Outcome::NotChecked(reason), took: Duration::ZERO });
    }

    /// Whether no step failed.
    pub(crate) fn clean(&self) -> bool {
        !self.steps.iter().any(|step| matches!(step.outcome, Outcome::Failed(_)))
    }

    /// One line a step, then the counts.
    pub(crate) fn summary(&self) -> String {
        let mut text = String::new();
        for Step { name, outcome, took } in &self.steps {
            let line = match outcome {
                Outcome::Passed => format!("passed       {name} ({:.1} s)", took.as_secs_f32()),
                Outcome::Failed(why) => format!("FAILED       {name}: {why}"),
                Outcome::NotChecked(why) => format!("not checked  {name}: {why}"),
            };
            writeln!(text, "{line}").expect("writing to a String cannot fail");
        }
        let (passed, failed, not_checked) = self.counts();
        if not_checked > 0 {
            writeln!(text, "{not_checked} not checked").expect("writing to a String cannot fail");
        }
        write!(text, "{passed} passed, {failed} failed").expect("writing to a String cannot fail");
        text
    }

    fn counts(&self) -> (usize, usize, usize) {
        self.steps.iter().fold((0, 0, 0), |(passed, failed, rest), step| match step.outcome {
            Outcome::Passed => (passed + 1, failed, rest),
            Outcome::Failed(_) => (passed, failed + 1, rest),
            Outcome::NotChecked(_) => (passed, failed, rest + 1),
        })
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_failing_step_lets_the_others_run_and_fails_the_run() {
        let mut report = Report::default();
        assert!(!report.step("first", || Err(anyhow!("broken"))));
        assert!(report.step("second", || Ok(())));
        assert!(!report.clean());
        assert!(report.summary().ends_with("\n1 passed, 1 failed"), "{}", report.summary());
    }

    #[test]
    fn a_step_that_was_not_checked_is_neither_passed_nor_failed() {
        let mut report = Report::default();
        report.not_checked("deny", "cargo-deny is not installed");
        assert!(report.clean());
        let summary = report.summary();
        assert!(summary.contains("not checked  deny: cargo-deny is not installed"), "{summary}");
        assert!(summary.ends_with("\n0 passed, 0 failed"), "{summary}");
    }
}
