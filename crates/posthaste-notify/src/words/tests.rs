//! All events in all languages, for the eye.

use std::fmt::Write;

use super::*;
use crate::testing::{evil, samples};

fn all(language: Language) -> String {
    let mut text = String::new();
    for notice in samples() {
        let Said { title, text: said, facts } = say(language, &notice);
        let mark = mark(language, notice.severity(), notice.is_recovery());
        writeln!(text, "[{mark}] {title}\n  {said}").unwrap();
        for (label, value) in facts {
            writeln!(text, "  {label}{}{value}", colon(language)).unwrap();
        }
    }
    text
}

#[test]
fn every_event_is_said_in_english() {
    insta::assert_snapshot!("english", all(Language::English));
}

#[test]
fn every_event_is_said_in_chinese() {
    insta::assert_snapshot!("chinese", all(Language::Chinese));
}

#[test]
fn what_comes_from_elsewhere_is_one_short_line() {
    for language in Language::ALL {
        let Said { title, facts, .. } = say(language, &evil());
        for text in facts.iter().map(|(_, value)| value).chain([&title]) {
            assert!(text.chars().count() <= LONGEST_WORDS + 1, "{text}");
            assert!(!text.chars().any(is_wild), "{text:?}");
        }
    }
}

#[test]
fn amounts_of_money_are_dollars() {
    assert_eq!(amount(LimitUnit::Cost, 9_512_345_678), "$9.51");
    assert_eq!(amount(LimitUnit::Cost, 50_000_000), "$0.05");
    assert_eq!(amount(LimitUnit::Tokens, 5), "5");
}
