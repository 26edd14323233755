//! The one way out for what a command prints.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::Failure;

/// Prints results: JSON for programs or text for people, to a locked standard output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a result.
    pub(super) fn show<T: Serialize + ?Sized>(
        self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let shown = if self.json {
            serde_json::to_string_pretty(value).map_err(|error| Failure::failed(error.to_string()))?
        } else {
            printable(text().trim_end())
        };
        print(&shown)
    }

    /// Prints a text of ours as it is, such as a file for another program; for programs under a name.
    pub(super) fn raw(self, name: &str, text: &str) -> Result<(), Failure> {
        if self.json {
            return self.show(&serde_json::json!({ name: text }), String::new);
        }
        print(text.trim_end())
    }

    /// Whether programs read what is printed.
    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// Tells what is to be done before there is a result: a line of JSON on standard output for programs, text on
    /// standard error for people.
    pub(super) fn step<T: Serialize + ?Sized>(
        self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if self.json {
            return print(&serde_json::to_string(value).map_err(|error| Failure::failed(error.to_string()))?);
        }
        tell(&text());
        Ok(())
    }
}

/// Prints a line of JSON for each, whoever reads it.
pub(super) fn lines<T: Serialize>(values: &[T]) -> Result<(), Failure> {
    for value in values {
        print(&serde_json::to_string(value).map_err(|error| Failure::failed(error.to_string()))?)?;
    }
    Ok(())
}

/// Prints a line of something that goes on; tells whether anybody still reads it.
pub(super) fn line(text: &str) -> bool {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", printable(text)).and_then(|()| out.flush()).is_ok()
}

/// Wipes the terminal (ECMA-48: `CUP`, `ED`); tells whether it is still there.
pub(super) fn clear() -> bool {
    let mut out = io::stdout().lock();
    write!(out, "\x1b[H\x1b[2J").and_then(|()| out.flush()).is_ok()
}

fn print(shown: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{shown}").and_then(|()| out.flush()) {
        // Whoever read has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::failed("the result cannot be printed").caused_by(error.to_string())),
        Ok(()) => Ok(()),
    }
}

/// Says something to the person at the terminal, on standard error.
pub(super) fn tell(text: &str) {
    // With standard error closed there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{}", printable(text));
}

/// Tells something beside the result, on standard error.
pub(super) fn note(text: &str) {
    // With standard error closed there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "note: {}", printable(text));
}

/// A table with these columns.
pub(super) fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns);
    table
}

/// A list of names and values.
pub(super) fn list(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, value): &(&str, String)| format!("{name:width$}  {value}");
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A number with its noun.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// Text in which nothing steers the terminal, or makes it read otherwise than it is written: upstreams' words are shown here.
pub(super) fn printable(text: &str) -> String {
    let steers = |c: char| (c.is_control() && c != '\n') || is_direction(c);
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// Characters that are not seen and turn the order in which others are shown (Unicode, UAX #9, `Bidi_Control`).
const fn is_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        let counts = [0, 1, 2].map(|number| counted(number, "attempt", "attempts"));
        assert_eq!(counts, ["0 attempts", "1 attempt", "2 attempts"]);
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\nc\r"), "a\u{fffd}[31mb\nc\u{fffd}");
        // Shown as `acme-txt.exe` otherwise.
        assert_eq!(printable("acme-\u{202e}exe.txt"), "acme-\u{fffd}exe.txt");
        for direction in "\u{61c}\u{200e}\u{200f}\u{202a}\u{202c}\u{202e}\u{2066}\u{2068}\u{2069}".chars() {
            assert_eq!(printable(&direction.to_string()), "\u{fffd}", "{:x}", u32::from(direction));
        }
        // What is written from right to left by itself, and what joins letters, stays.
        let words = "שלום سلام \u{200c}\u{200d}";
        assert_eq!(printable(words), words);
    }
}
