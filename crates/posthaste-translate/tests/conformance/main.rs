//! What of every dialect reaches every other one, feature by feature, as `docs/DIALECTS.md` tells it.
//!
//! A feature is data: how it is put into the neutral form, and how it is read out again. It goes the whole way that a
//! client's request and an upstream's answer go, and what comes out is compared with what went in. What is gone or changed
//! without a loss that says so fails the test.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod answers;
mod counts;
mod errors;
mod journey;
mod known;
mod outcome;
mod page;
mod proofs;
mod questions;
mod table;

use posthaste_core::Dialect;

use crate::{
    outcome::Outcome,
    page::Page,
    table::{Row, Table},
};

#[test]
fn nothing_is_lost_without_a_word() {
    let silent: Vec<String> = questions::tables()
        .iter()
        .chain(&answers::tables())
        .flat_map(|table| table.rows().flat_map(move |row| silent_cells(table, row)))
        .collect();
    assert!(silent.is_empty(), "{} silent losses:\n{}", silent.len(), silent.join("\n"));
}

/// Written anew by `cargo xtask docs`.
#[test]
fn the_document_tells_what_the_codecs_do() {
    let page = Page::of_docs();
    let text = page::matrix(&questions::tables(), &answers::tables(), &errors::table());
    if std::env::var_os(page::WRITE).is_some() {
        page.write(&text);
    } else {
        page.check(&text);
    }
}

fn silent_cells(table: &Table, row: &Row) -> Vec<String> {
    let told = |(other, outcome): (&Dialect, &Outcome)| match outcome {
        Outcome::Silent(how) => Some(format!("{} of {}, {other}: {how}", row.feature, table.client)),
        _ => None,
    };
    table.others.iter().zip(&row.cells).filter_map(told).collect()
}
