//! Formats, which are short names here and media types elsewhere, and the names of documents.

use std::collections::{HashMap, HashSet};

/// The media type of a picture's format.
pub(super) fn image_type(format: &str) -> String {
    format!("image/{format}")
}

/// The format of a picture, if it is one of the four that are taken (`ImageFormat`).
pub(super) fn image_format(media_type: &str) -> Option<&'static str> {
    Some(match essence(media_type) {
        "image/png" => "png",
        "image/jpeg" | "image/jpg" => "jpeg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        _ => return None,
    })
}

/// The media type of a document's format; one that is not known is kept in a type of its own.
pub(super) fn document_type(format: &str) -> String {
    let known = DOCUMENTS.iter().find(|(name, _)| *name == format);
    known.map_or_else(|| format!("{UNKNOWN}{format}"), |(_, media_type)| (*media_type).to_owned())
}

/// The format of a document, if it is one that is taken (`DocumentFormat`) or was kept.
pub(super) fn document_format(media_type: &str) -> Option<&str> {
    let essence = essence(media_type);
    let known = DOCUMENTS.iter().find(|(_, known)| *known == essence);
    known.map(|(format, _)| *format).or_else(|| media_type.strip_prefix(UNKNOWN))
}

/// Whether sound in this format is taken (`AudioFormat`).
pub(super) fn is_audio_format(format: &str) -> bool {
    AUDIO.contains(&format)
}

const AUDIO: [&str; 15] = [
    "mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm",
    "webm",
];

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or(media_type).trim()
}

const UNKNOWN: &str = "application/x-converse-";

const DOCUMENTS: [(&str, &str); 9] = [
    ("pdf", "application/pdf"),
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("html", "text/html"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
];

/// The names of a request's documents: each has one of its own.
#[derive(Debug, Default)]
pub(super) struct DocumentNames {
    given: HashSet<String>,
    /// The next number of a name that was wanted again: a request may hold thousands of documents of one title.
    next: HashMap<String, u32>,
}

impl DocumentNames {
    /// A name that the API takes, nearest to the title.
    pub(super) fn give(&mut self, title: Option<&str>) -> String {
        let name = legal(title.unwrap_or_default());
        let name = if name.is_empty() { "document".to_owned() } else { name };
        if self.given.insert(name.clone()) {
            return name;
        }
        let next = self.next.entry(name.clone()).or_insert(2);
        loop {
            let numbered = format!("{name} {next}");
            *next += 1;
            if self.given.insert(numbered.clone()) {
                return numbered;
            }
        }
    }
}

/// Letters, digits, single spaces, hyphens, parentheses and brackets, at most 200
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html>); anything else becomes a
/// space.
fn legal(title: &str) -> String {
    let mut name = String::with_capacity(title.len().min(LONGEST_NAME));
    for letter in title.chars() {
        let stays = letter.is_ascii_alphanumeric() || matches!(letter, '-' | '(' | ')' | '[' | ']');
        match stays {
            _ if name.len() == LONGEST_NAME => break,
            true => name.push(letter),
            false if !name.is_empty() && !name.ends_with(' ') => name.push(' '),
            false => {}
        }
    }
    name.truncate(name.trim_end().len());
    name
}

/// Leaves room for a number within the 200 characters.
const LONGEST_NAME: usize = 188;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_legal_and_used_once() {
        let mut names = DocumentNames::default();
        let mut give = |title| names.give(title);
        assert_eq!(give(Some("Report_2026 (final).pdf")), "Report 2026 (final) pdf");
        assert_eq!(give(Some("  ../Report.2026 (final)  pdf")), "Report 2026 (final) pdf 2");
        assert_eq!(give(None), "document");
        assert_eq!(give(Some("日本")), "document 2");
        assert_eq!(give(Some("document 2")), "document 2 2");
        assert_eq!(give(Some(&"a".repeat(500))).len(), LONGEST_NAME);
    }

    #[test]
    fn thousands_of_documents_of_one_title_are_counted_on() {
        let mut names = DocumentNames::default();
        let last = (0..100_000).map(|_| names.give(None)).last();
        assert_eq!(last.as_deref(), Some("document 100000"));
    }

    #[test]
    fn formats_and_media_types_meet() {
        for (format, media_type) in DOCUMENTS {
            assert_eq!(document_type(format), media_type);
            assert_eq!(document_format(media_type), Some(format));
        }
        assert_eq!(document_format("text/plain; charset=utf-8"), Some("txt"));
        assert_eq!(document_format(&document_type("odt")), Some("odt"));
        assert_eq!(document_format("application/zip"), None);
        assert_eq!(image_format("image/jpg"), Some("jpeg"));
        assert_eq!(image_format("image/tiff"), None);
    }
}
