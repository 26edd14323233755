//! Files and variables that nobody meant: each gives a configuration or errors, and secrets are in none of the errors.

use std::fmt::Write;

use super::*;

/// A small generator whose run can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// A file with every key that has a default, and a secret.
fn whole_file() -> String {
    let config = Config::read(&Sources { file: None, env: &Env(vec![]), flags: &[] }).unwrap();
    let mut file = String::new();
    let mut section = "";
    for shown in config.show() {
        let Some(value) = shown.value else { continue };
        if shown.section != section {
            section = shown.section;
            writeln!(file, "[{section}]").unwrap();
        }
        writeln!(file, "{} = {value}", shown.key).unwrap();
    }
    file.replacen("[server]\n", &format!("[server]\nmetrics_token = \"{SECRET}\"\n"), 1)
}

/// One letter or word more, less, or another one.
fn mutated(file: &str, random: &mut Random) -> String {
    let mut text: Vec<char> = file.chars().collect();
    for _ in 0..=random.below(3) {
        let at = random.below(text.len());
        let until = (at + 1 + random.below(12)).min(text.len());
        match random.below(4) {
            0 => drop(text.drain(at..until)),
            1 => {
                let part: Vec<_> = text[at..until].to_vec();
                text.splice(at..at, part);
            }
            _ => {
                let word = WORDS[random.below(WORDS.len())];
                text.splice(at..until, word.chars());
            }
        }
    }
    text.into_iter().collect()
}

const WORDS: [&str; 28] = [
    "",
    "\"",
    "'",
    "\n",
    "[",
    "]",
    "[[",
    "{",
    "}",
    "=",
    ".",
    ",",
    "#",
    "\\",
    "\0",
    "\u{feff}",
    "ä",
    "-1",
    "0",
    "1e999",
    "99999999999999999999",
    "18446744073709551615s",
    "99999999GiB",
    "true",
    "nan",
    "1979-05-27",
    "\"\"\"",
    "inf",
];
const SECRET: &str = "dummy-CANARY-secret";

#[test]
fn no_file_makes_the_reading_fail_or_shows_a_secret() {
    let whole = whole_file();
    assert!(read(&whole, &[], &[]).is_ok(), "{whole}");
    let (mut random, mut good, mut bad) = (Random(0x9e37_79b9_7f4a_7c15), 0, 0);
    for _ in 0..1_500 {
        let file = mutated(&whole, &mut random);
        match read(&file, &[], &[]) {
            Ok(config) => {
                good += 1;
                let shown = format!("{:?} {config:?}", config.show());
                assert!(!shown.contains("CANARY"), "{shown}");
            }
            Err(errors) => {
                bad += 1;
                let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
                assert!(!told.is_empty() && told.iter().all(|error| !error.contains("CANARY")), "{told:?}");
            }
        }
    }
    assert!(good > 10 && bad > 100, "{good} {bad}");
}

#[test]
fn no_variable_makes_the_reading_fail() {
    let config = Config::read(&Sources { file: None, env: &Env(vec![]), flags: &[] }).unwrap();
    for shown in config.show() {
        let name = format!("POSTHASTE_{}__{}", shown.section.replace('.', "__"), shown.key).to_uppercase();
        let name: &'static str = name.leak();
        for word in WORDS {
            // Either is right; that it comes to one of them is what is shown.
            let _ = read("", &[(name, word)], &[]).map(|config| config.show());
        }
    }
}
