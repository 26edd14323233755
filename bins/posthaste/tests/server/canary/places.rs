//! Where secrets could come out.

use std::{fs, path::Path};

use super::cast::PROMPT;

/// The place where captured bodies were shown.
pub(super) const BODIES: &str = "captured bodies";

/// What was printed, answered, logged and kept, by where that was.
#[derive(Default)]
pub(super) struct Places(Vec<(String, String)>);

impl Places {
    pub(super) fn note(&mut self, name: &str, text: &str) {
        self.0.push((name.to_owned(), text.to_owned()));
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// All files of a data folder, with each byte as a letter.
    pub(super) fn note_files(&mut self, when: &str, data: &Path) {
        for entry in fs::read_dir(data).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                let name = entry.file_name().into_string().unwrap();
                let text = fs::read(entry.path()).unwrap().into_iter().map(char::from).collect();
                self.0.push((format!("{when}: {name}"), text));
            }
        }
    }

    /// Nowhere is this secret; the message shows what stands around it.
    pub(super) fn hold_no(&self, label: &str, secret: &str) {
        for (name, text) in &self.0 {
            // Clients may be told what is wrong with their own words, and captured bodies are what clients said.
            if (name == "answers" || name == BODIES) && secret == PROMPT {
                continue;
            }
            let found = text.find(secret).map(|at| {
                let before: String = text[..at].chars().rev().take(160).collect();
                let after: String = text[at..].chars().take(80).collect();
                format!("{}{after}", before.chars().rev().collect::<String>())
            });
            assert_eq!(found, None, "{label} stands in {name}");
        }
    }
}
