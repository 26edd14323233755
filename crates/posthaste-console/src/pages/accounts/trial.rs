//! What the test of an account tells: its steps, and what it ends with.

use posthaste_admin::TestSteps;

/// The steps in their order, and what was used behind them: as the admin API names them, and as pages do.
pub(super) const FACTS: [(&str, &str); 10] = [
    ("credential", text("credential")),
    ("project", text("project")),
    ("lookup", text("name looked up")),
    ("connect", text("connected")),
    ("tls", text("TLS")),
    ("head", text("answer's head")),
    ("first_event", text("first event")),
    ("end", text("end")),
    ("tokens", text("tokens in → out")),
    ("cost", text("cost")),
];

const fn text(text: &'static str) -> &'static str {
    text
}

/// The steps that were come to, as pages name them, with their times in microseconds.
pub(super) fn steps(steps: &TestSteps) -> Vec<(&'static str, u64)> {
    let times = [
        steps.credential_us,
        steps.project_us,
        steps.lookup_us,
        steps.connect_us,
        steps.tls_us,
        steps.head_us,
        steps.first_event_us,
        steps.end_us,
    ];
    FACTS.iter().zip(times).filter_map(|((_, name), micros)| Some((*name, micros?))).collect()
}
