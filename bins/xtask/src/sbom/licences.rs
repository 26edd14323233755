//! Whether the licences of what is given out are those that `deny.toml` allows. `cargo deny` says more about it; this is said on
//! every machine.

#![cfg(test)]

use std::collections::BTreeSet;

use super::*;

/// Whether a choice of licences can be met (the expressions of SPDX, annex D).
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let words = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<_> = words.split_whitespace().collect();
    let mut rest = &words[..];
    let met = either(&mut rest, allowed);
    met && rest.is_empty()
}

fn either(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut met = both(rest, allowed);
    while let ["OR", more @ ..] = *rest {
        *rest = more;
        met |= both(rest, allowed);
    }
    met
}

fn both(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut met = one(rest, allowed);
    while let ["AND", more @ ..] = *rest {
        *rest = more;
        met &= one(rest, allowed);
    }
    met
}

fn one(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    match *rest {
        ["(", inner @ ..] => {
            *rest = inner;
            let met = either(rest, allowed);
            *rest = rest.strip_prefix(&[")"]).unwrap_or(&["a bracket that is not closed"]);
            met
        }
        [licence, "WITH", exception, more @ ..] => {
            *rest = more;
            allowed.contains(&format!("{licence} WITH {exception}"))
        }
        [licence, more @ ..] => {
            *rest = more;
            allowed.contains(*licence)
        }
        [] => false,
    }
}

/// The texts in a list of `deny.toml`.
fn allowed(workspace: &Workspace) -> BTreeSet<String> {
    let text = fs::read_to_string(workspace.root().join("deny.toml")).expect("the rules");
    let list = text.split_once("[licenses]\nallow = [").expect("the licences").1;
    let list = list.split_once(']').expect("their end").0;
    list.split(',')
        .map(|word| word.trim().trim_matches('"').to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

#[test]
fn every_licence_is_one_that_is_allowed() {
    let workspace = Workspace::find().expect("the workspace");
    let allowed = allowed(&workspace);
    assert!(allowed.contains("MIT") && allowed.len() > 5, "{allowed:?}");
    let list = list(&workspace).expect("a list");
    let components = list["components"].as_array().expect("components");
    let refused: Vec<_> = components
        .iter()
        .filter(|one| one["scope"] == "required" && one["name"] != EXCEPTION)
        .filter(|one| {
            !one["licenses"][0]["expression"].as_str().is_some_and(|licence| is_met(licence, &allowed))
        })
        .map(|one| format!("{}: {}", one["name"], one["licenses"]))
        .collect();
    assert_eq!(refused, Vec::<String>::new());
}

#[test]
fn expressions_are_understood() {
    let allowed = ["MIT", "ISC", "Apache-2.0"].map(str::to_owned).into();
    for met in
        ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-3.0", "(MIT OR X) AND ISC", "X AND Y OR MIT", "MIT AND (ISC OR X)"]
    {
        assert!(is_met(met, &allowed), "{met}");
    }
    for unmet in
        ["", "GPL-3.0", "MIT AND GPL-3.0", "(X OR Y) AND MIT", "Apache-2.0 WITH X", "(MIT", "MIT ISC"]
    {
        assert!(!is_met(unmet, &allowed), "{unmet}");
    }
}

/// Of this one `deny.toml` allows another: Mozilla's list of certificates is data.
const EXCEPTION: &str = "webpki-roots";
