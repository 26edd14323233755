//! The page: tables as Markdown, between two marks of a document.

use std::{fmt::Write as _, fs, path::PathBuf};

use posthaste_core::Dialect;

use crate::{
    outcome::Outcome,
    table::{Row, Table},
};

/// Set by `cargo xtask docs` to have the document written.
pub(crate) const WRITE: &str = "POSTHASTE_WRITE_DOCS";

/// The document that holds the generated part.
pub(crate) struct Page {
    path: PathBuf,
    before: String,
    generated: String,
    after: String,
}

impl Page {
    pub(crate) fn of_docs() -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/DIALECTS.md");
        let text = fs::read_to_string(&path).unwrap();
        let (before, rest) =
            text.split_once(BEGIN).expect("the document has the mark where the matrix begins");
        let (generated, after) =
            rest.split_once(END).expect("the document has the mark where the matrix ends");
        let [before, generated, after] = [before, generated, after].map(str::to_owned);
        Self { path, before, generated, after }
    }

    pub(crate) fn write(&self, matrix: &str) {
        let Self { before, after, .. } = self;
        fs::write(&self.path, format!("{before}{BEGIN}{matrix}{END}{after}")).unwrap();
    }

    /// Names the first line that is not what the codecs do.
    pub(crate) fn check(&self, matrix: &str) {
        let (mut found, mut wanted) = (self.generated.lines(), matrix.lines());
        loop {
            match (found.next(), wanted.next()) {
                (None, None) => return,
                (found, wanted) => {
                    assert_eq!(found, wanted, "docs/DIALECTS.md is stale; run `cargo xtask docs`")
                }
            }
        }
    }
}

const BEGIN: &str = "<!-- begin of the conformance matrix, written by `cargo xtask docs` -->\n";
const END: &str = "<!-- end of the conformance matrix -->\n";

/// All tables.
pub(crate) fn matrix(questions: &[Table], answers: &[Table], errors: &[(&str, Vec<String>)]) -> String {
    let mut text = String::new();
    for table in questions {
        let client = clients(table.client);
        write!(text, "\n### Requests of {client}\n\n").unwrap();
        write_table(&mut text, table, "at an upstream that speaks", "Such clients cannot say");
    }
    for table in answers {
        let client = clients(table.client);
        write!(text, "\n### Answers to {client}\n\n").unwrap();
        write_table(&mut text, table, "from an upstream that speaks", "No such upstream tells");
    }
    text.push_str("\n### The relay's own errors\n\n");
    write_errors(&mut text, errors);
    text.push('\n');
    text
}

fn write_table(text: &mut String, table: &Table, of: &str, absence: &str) {
    let names: Vec<_> = table.others.iter().map(|dialect| name(*dialect)).collect();
    writeln!(text, "| {of} | {} |", names.join(" | ")).unwrap();
    writeln!(text, "|---|{}", "---|".repeat(names.len())).unwrap();
    let mut notes = Notes::default();
    for group in &table.groups {
        let rows: Vec<_> = group.rows.iter().filter(|row| !row.is_absent()).collect();
        if rows.is_empty() {
            continue;
        }
        writeln!(text, "| **{}** |{}", group.name, " |".repeat(names.len())).unwrap();
        for Row { feature, cells } in rows {
            let cells: Vec<_> = cells.iter().map(|cell| notes.cell(cell)).collect();
            writeln!(text, "| {feature} | {} |", cells.join(" | ")).unwrap();
        }
    }
    notes.write(text);
    let absent: Vec<_> = table.rows().filter(|row| row.is_absent()).map(|row| row.feature).collect();
    if !absent.is_empty() {
        write!(text, "\n{absence}: {}.\n", absent.join("; ")).unwrap();
    }
}

fn write_errors(text: &mut String, errors: &[(&str, Vec<String>)]) {
    let names: Vec<_> = Dialect::ALL.into_iter().map(name).collect();
    writeln!(text, "| kind | {} |", names.join(" | ")).unwrap();
    writeln!(text, "|---|{}", "---|".repeat(names.len())).unwrap();
    for (kind, cells) in errors {
        writeln!(text, "| `{kind}` | {} |", cells.join(" | ")).unwrap();
    }
}

/// How features degrade: each way is told once below its table.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn cell(&mut self, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Degraded(how) => format!("degraded [{}]", self.number(how)),
            Outcome::Alone(how) => format!("exact [{}]", self.number(how)),
            Outcome::Reworded(how) => format!("exact [{}]", self.number(how)),
            other => other.word(),
        }
    }

    fn number(&mut self, how: &str) -> usize {
        let known = self.0.iter().position(|note| note == how);
        known.unwrap_or_else(|| {
            self.0.push(how.to_owned());
            self.0.len() - 1
        }) + 1
    }

    fn write(&self, text: &mut String) {
        for (position, note) in self.0.iter().enumerate() {
            let blank = if position == 0 { "\n" } else { "" };
            writeln!(text, "{blank}{}. {note}", position + 1).unwrap();
        }
    }
}

fn clients(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::AnthropicMessages => "Anthropic Messages clients",
        Dialect::OpenAiChat => "Chat Completions clients, OpenAI's and Azure's",
        Dialect::OpenAiResponses => "Responses clients",
        Dialect::GeminiGenerate => "Gemini clients",
        Dialect::BedrockConverse => "Bedrock clients",
    }
}

fn name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::AnthropicMessages => "Anthropic",
        Dialect::OpenAiChat => "Chat",
        Dialect::OpenAiResponses => "Responses",
        Dialect::GeminiGenerate => "Gemini",
        Dialect::BedrockConverse => "Converse",
    }
}
