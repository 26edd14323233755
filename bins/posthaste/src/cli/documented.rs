//! `docs/ACCOUNTS.md`, compared with the presets and read as the command line would read it.

use std::collections::BTreeSet;

use clap::Parser;
use posthaste_provider::{Preset, preset, presets};

use super::{Command, Line, accounts};

const GUIDE: &str = include_str!("../../../../docs/ACCOUNTS.md");

#[test]
fn every_preset_has_a_section_and_every_section_a_preset() {
    let sections: Vec<_> = sections().map(|(name, _)| name).collect();
    let told: BTreeSet<_> = sections.iter().copied().collect();
    assert_eq!(told.len(), sections.len(), "a preset has two sections: {sections:?}");
    let known: BTreeSet<_> = presets().map(|preset| preset.name).collect();
    assert_eq!(told, known);
}

#[test]
fn every_address_of_a_preset_is_told() {
    for preset in presets() {
        for site in preset.sites {
            let others = site.others.iter().map(|(_, url)| *url);
            for url in others.chain([site.base_url]).chain(preset.oauth_base_url) {
                assert!(GUIDE.contains(&format!("`{url}`")), "{}: {url}", preset.name);
            }
        }
    }
}

#[test]
fn a_section_adds_and_tests_an_account_of_its_preset() {
    for (name, text) in sections() {
        let (mut added, mut tested) = (Vec::new(), Vec::new());
        for line in commands(text) {
            match parsed(&line) {
                Line { command: Command::Accounts(accounts::Command::Test(_)), .. } => tested.push(line),
                Line { command: Command::Accounts(_), .. } => {
                    let words = words(&line);
                    let given = words.iter().skip_while(|word| *word != "--preset").nth(1);
                    if let Some(given) = given {
                        assert_eq!(given, name, "{line}");
                        assert!(fits(preset(name).expect("as is checked above"), &words), "{line}");
                        added.push(line);
                    }
                }
                _ => {}
            }
        }
        assert!(!added.is_empty() && !tested.is_empty(), "{name}: {added:?}, {tested:?}");
    }
}

/// Whether what a command asks of a preset is there.
fn fits(preset: &Preset, words: &[String]) -> bool {
    let site = words.iter().skip_while(|word| *word != "--site").nth(1);
    let login = words.iter().any(|word| word == "login");
    site.is_none_or(|site| preset.site(site).is_some()) && (!login || preset.oauth.is_some())
}

#[test]
fn every_command_is_one() {
    let all = commands(GUIDE);
    assert!(all.len() > presets().count(), "{all:?}");
    for line in all {
        parsed(&line);
    }
}

fn parsed(line: &str) -> Line {
    Line::try_parse_from(words(line)).unwrap_or_else(|error| panic!("{line}\n{error}"))
}

/// Each section of a preset: its name, and its text up to the next heading.
fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    GUIDE.split("\n### `").skip(1).map(|section| {
        let (name, text) = section.split_once("`\n").expect("such a heading is a name alone");
        (name, text.split("\n## ").next().unwrap_or_default())
    })
}

/// The commands in a text's blocks for a shell.
fn commands(text: &str) -> Vec<String> {
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>());
    lines.filter(|line| line.starts_with("posthaste ")).collect()
}

/// A line as a shell takes it apart; of its ways to quote only the one that the guide uses.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
            continue;
        }
        let code = part.split(" #").next().unwrap_or_default();
        words.extend(code.split_whitespace().map(str::to_owned));
        if code.len() < part.len() {
            break;
        }
    }
    words
}
