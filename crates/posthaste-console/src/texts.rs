//! What pages say, in the languages they are written in. English stands in the pages; the other languages are tables by the
//! English text, so that a page can be read where it is written.

use std::{collections::HashMap, sync::LazyLock};

use rust_embed::RustEmbed;

use crate::look::Language;

/// The tables: a file for what several pages say, and one for each group of pages that has many texts of its own.
#[derive(RustEmbed)]
#[folder = "texts/zh/"]
struct ChineseTables;

/// The text in a language; in English where the table has none, which a test does not let happen.
pub(crate) fn say(language: Language, text: &str) -> &str {
    match language {
        Language::English => text,
        Language::Chinese => CHINESE.get(text).map_or(text, String::as_str),
    }
}

/// The same with a value in the place of `{}`.
pub(crate) fn fill(language: Language, text: &str, value: &str) -> String {
    say(language, text).replacen("{}", value, 1)
}

static CHINESE: LazyLock<HashMap<String, String>> = LazyLock::new(|| tables().flatten().collect());

fn tables() -> impl Iterator<Item = HashMap<String, String>> {
    ChineseTables::iter()
        .filter_map(|name| ChineseTables::get(&name))
        .map(|file| toml::from_str(&String::from_utf8_lossy(&file.data)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        fs,
        path::{Path, PathBuf},
    };

    use regex::Regex;

    use super::*;

    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path, found) } else { found.push(path) }
        }
    }

    /// Every text that a page says.
    fn said() -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = Vec::new();
        files(&root.join("templates"), &mut found);
        files(&root.join("src"), &mut found);
        let says =
            Regex::new(r#"(?:[^A-Za-z0-9_]p\.t|[^A-Za-z0-9_]p\.fill|\.say|\.fill|[^.A-Za-z0-9_]text)\([ \t\n]*"((?:[^"\\]|\\.)*)""#).unwrap();
        let mut texts = BTreeSet::new();
        for path in found.iter().filter(|path| !path.ends_with("texts.rs")) {
            let source = fs::read_to_string(path).unwrap();
            let source = source.split("#[cfg(test)]").next().unwrap().to_owned();
            for one in says.captures_iter(&source) {
                texts.insert(one[1].replace("\\\"", "\""));
            }
        }
        texts
    }

    #[test]
    fn every_text_has_its_chinese_and_nothing_else_has() {
        let table = &*CHINESE;
        let said = said();
        assert!(said.len() > 100, "few texts were found: {}", said.len());
        let missing: Vec<_> = said.iter().filter(|text| !table.contains_key(*text)).collect();
        assert!(missing.is_empty(), "no Chinese for {missing:#?}");
        let idle: Vec<_> = table.keys().filter(|text| !said.contains(*text)).collect();
        assert!(idle.is_empty(), "nobody says {idle:#?}");
    }

    #[test]
    fn every_table_is_one_and_no_text_is_in_two() {
        let mut seen = BTreeSet::new();
        for table in tables() {
            assert!(!table.is_empty(), "a table is empty, or no TOML");
            for english in table.into_keys() {
                assert!(seen.insert(english.clone()), "twice: {english}");
            }
        }
    }

    #[test]
    fn places_for_values_are_the_same() {
        for (english, chinese) in &*CHINESE {
            assert_eq!(english.matches("{}").count(), chinese.matches("{}").count(), "{english}");
            assert!(!chinese.trim().is_empty(), "{english}");
        }
    }
}
