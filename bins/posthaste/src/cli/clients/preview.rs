//! What changes in a file, for people: no secret of it is shown.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use similar::TextDiff;

use super::change::Change;

/// The lines that change, with two around them.
pub(super) fn of(change: &Change, key: Option<&str>) -> String {
    if change.before == change.after {
        return String::new();
    }
    let shown = |text: &Option<String>| masked(text.as_deref().unwrap_or_default(), key);
    let (before, after) = (shown(&change.before), shown(&change.after));
    let path = change.path.display().to_string();
    let none = "/dev/null";
    let from = if change.before.is_some() { &path } else { none };
    let to = if change.after.is_some() { &path } else { none };
    TextDiff::from_lines(&before, &after).unified_diff().context_radius(2).header(from, to).to_string()
}

/// A text whose values of secret names are hidden, and whatever else looks like a secret; our key is told apart.
fn masked(text: &str, key: Option<&str>) -> String {
    let named = NAMED.replace_all(text, |found: &Captures<'_>| {
        let value = found[2].trim_matches(['"', '\'']);
        let shown = if key == Some(value) { "(the client key)" } else { HIDDEN };
        let quote = if found[2].starts_with('"') { "\"" } else { "" };
        format!("{}{quote}{shown}{quote}", &found[1])
    });
    let logged_in = PASSWORDS.replace_all(&named, format!("${{1}}{HIDDEN}@"));
    let random = LONG.replace_all(&logged_in, |found: &Captures<'_>| {
        let has = |kind: fn(&char) -> bool| found[0].chars().any(|c| kind(&c));
        let is_random = has(char::is_ascii_digit) && has(char::is_ascii_alphabetic);
        if is_random { HIDDEN.to_owned() } else { found[0].to_owned() }
    });
    random.into_owned()
}

const HIDDEN: &str = "(hidden)";

/// A name that tells of a secret, and its value, in JSON, TOML and `NAME=value`.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let words = "key|token|secret|passw|passphrase|authorization|credential|cookie|bearer";
    let name = format!("(?i-u:[A-Za-z0-9_.-]*(?:{words})[A-Za-z0-9_.-]*)");
    let value = r#""(?:[^"\\\n]|\\.)*"|[^ \t\n"{\[,}][^\n,}]*"#;
    Regex::new(&format!(r#"({name}["']?[ \t]*[:=][ \t]*)({value})"#)).expect("the pattern is one")
});

/// A URL with a log-in.
static PASSWORDS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(://)[^/@ \t\n]+@").expect("the pattern is one"));

/// A word as long as secrets are.
static LONG: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("[A-Za-z0-9_-]{20,}").expect("the pattern is one"));
