//! The strict reader of price files. They may come from outside, so a slip must not become a bill.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::Date;
use posthaste_core::ModelName;
use serde::Deserialize;

use crate::{ModelPrice, Multipliers, PriceBookError, Sheet, Vendor};

/// What a file says.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) as_of: Date,
    pub(crate) vendors: Vec<Vendor>,
    pub(crate) aliases: BTreeMap<ModelName, ModelName>,
    pub(crate) models: Vec<ModelPrice>,
}

/// Reads a file, checked.
pub(crate) fn read(json: &str) -> Result<Contents, PriceBookError> {
    if json.len() > MOST_BYTES {
        return Err(PriceBookError::TooLarge { bytes: json.len(), limit: MOST_BYTES });
    }
    let file: File = serde_json::from_str(json).map_err(PriceBookError::Syntax)?;
    expect("schema", file.schema, SCHEMA)?;
    expect("unit", file.unit.as_str(), UNIT)?;
    let File { as_of, vendors, aliases, models, .. } = file;
    if vendors.is_empty() && aliases.is_empty() && models.is_empty() {
        return Err(PriceBookError::Empty);
    }
    check_rows(&models)?;
    for vendor in &vendors {
        check_name(&vendor.provider)
            .map_err(|what| PriceBookError::Vendor { provider: vendor.provider.clone(), what })?;
    }
    if let Some(row) = models.iter().find(|row| aliases.contains_key(row.model.as_str())) {
        return Err(PriceBookError::AliasOfModel { alias: row.model.to_string() });
    }
    Ok(Contents { as_of, vendors, aliases, models })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u32,
    as_of: Date,
    unit: String,
    #[serde(default)]
    vendors: Vec<Vendor>,
    #[serde(default)]
    aliases: BTreeMap<ModelName, ModelName>,
    #[serde(default)]
    models: Vec<ModelPrice>,
}

fn expect<T: PartialEq + ToString>(field: &'static str, found: T, expected: T) -> Result<(), PriceBookError> {
    if found == expected {
        return Ok(());
    }
    Err(PriceBookError::Layout { field, found: found.to_string(), expected: expected.to_string() })
}

fn check_rows(models: &[ModelPrice]) -> Result<(), PriceBookError> {
    let mut seen = HashSet::with_capacity(models.len());
    for (index, model) in models.iter().enumerate() {
        let checked = if seen.insert((&model.provider, &model.model, &model.route)) {
            check(model)
        } else {
            Err("the same provider, model and route stand in an earlier row".to_owned())
        };
        checked.map_err(|what| PriceBookError::Row {
            row: index + 1,
            provider: model.provider.clone(),
            model: model.model.to_string(),
            what,
        })?;
    }
    Ok(())
}

/// What cannot be true of a row.
pub(crate) fn check(model: &ModelPrice) -> Result<(), String> {
    for name in [Some(&model.provider), model.route.as_ref()].into_iter().flatten() {
        check_name(name)?;
    }
    for (field, tokens) in [("context_window", model.context_window), ("max_output", model.max_output)] {
        if tokens.is_some_and(|tokens| tokens == 0 || tokens > MOST_TOKENS) {
            return Err(format!("{field} is not between 1 and {MOST_TOKENS}"));
        }
    }
    if model.standard.price.input.is_none() && model.standard.price.output.is_none() {
        return Err("it has neither an input nor an output price".to_owned());
    }
    for sheet in std::iter::once(&model.standard).chain(model.tiers.iter()) {
        check_steps(sheet)?;
    }
    check_multipliers(model.multipliers_per_mille)
}

fn check_name(name: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
        return Err("provider and route are 1 to 64 of a-z, 0-9, - and _".to_owned());
    }
    Ok(())
}

fn check_steps(sheet: &Sheet) -> Result<(), String> {
    let mut last = 0;
    for step in &sheet.above {
        if step.input_tokens_over <= last || step.input_tokens_over > MOST_TOKENS {
            return Err(format!("the steps of `above` do not rise from 1 to at most {MOST_TOKENS}"));
        }
        last = step.input_tokens_over;
    }
    Ok(())
}

fn check_multipliers(multipliers: Multipliers) -> Result<(), String> {
    let believable = |factor: u32| (100..=100_000).contains(&factor);
    if [multipliers.us, multipliers.fast].into_iter().flatten().all(believable) {
        return Ok(());
    }
    Err("a multiplier is not between 100 and 100000 thousandths".to_owned())
}

pub(crate) const SCHEMA: u32 = 1;
pub(crate) const UNIT: &str = "nano-USD per 1000000 tokens";

/// Twenty times the built-in file.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// A hundred times the largest window on the market.
const MOST_TOKENS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn file(rows: &str) -> String {
        format!(
            r#"{{"schema":1,"as_of":"2026-11-23","unit":"nano-USD per 1000000 tokens","models":[{rows}]}}"#
        )
    }

    fn row(more: &str) -> String {
        format!(r#"{{"provider":"p","model":"m","mode":"chat"{more}}}"#)
    }

    const PRICED: &str = r#","standard":{"price":{"input":1,"output":2}}"#;

    fn refusal(json: &str) -> String {
        let error = read(json).unwrap_err();
        match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        }
    }

    #[test]
    fn a_plain_row_is_taken() {
        let contents = read(&file(&row(PRICED))).unwrap();
        assert_eq!(contents.as_of.to_string(), "2026-11-23");
        assert_eq!(contents.models.len(), 1);
    }

    #[rstest]
    #[case::unknown_field(&format!(r#"{PRICED},"discount":1"#), "unknown field `discount`")]
    #[case::unknown_class(
        r#","standard":{"price":{"input":1,"output":2,"video":3}}"#,
        "unknown field `video`"
    )]
    #[case::unknown_tier(&format!(r#"{PRICED},"tiers":{{"gold":{{"price":{{}}}}}}"#), "unknown field `gold`")]
    #[case::doubled_field(&format!(r#"{PRICED},"mode":"chat""#), "duplicate field `mode`")]
    #[case::negative(r#","standard":{"price":{"input":-1,"output":2}}"#, "invalid value: integer `-1`")]
    #[case::fractional(r#","standard":{"price":{"input":1.5,"output":2}}"#, "invalid type: floating point")]
    #[case::absurd(r#","standard":{"price":{"input":1000000000001,"output":2}}"#, "beyond belief")]
    #[case::absurd_search(&format!(r#"{PRICED},"web_search_per_1k":1000000000001"#), "beyond belief")]
    #[case::unpriced(r#","standard":{"price":{"cache_read":1}}"#, "neither an input nor an output price")]
    #[case::window(&format!(r#"{PRICED},"context_window":0"#), "context_window is not between")]
    #[case::factor(&format!(r#"{PRICED},"multipliers_per_mille":{{"us":0}}"#), "a multiplier is not between")]
    #[case::route(&format!(r#"{PRICED},"route":"A B""#), "provider and route are")]
    #[case::steps(
        r#","standard":{"price":{"input":1},"above":[{"input_tokens_over":9,"price":{}},{"input_tokens_over":9,"price":{}}]}"#,
        "the steps of `above` do not rise"
    )]
    #[case::step_of_a_tier(
        &format!(r#"{PRICED},"tiers":{{"batch":{{"price":{{}},"above":[{{"input_tokens_over":0,"price":{{}}}}]}}}}"#),
        "the steps of `above` do not rise"
    )]
    #[case::high_step(
        r#","standard":{"price":{"input":1},"above":[{"input_tokens_over":1000000001,"price":{}}]}"#,
        "the steps of `above` do not rise"
    )]
    #[case::large_window(&format!(r#"{PRICED},"context_window":1000000001"#), "context_window is not between")]
    #[case::long_answer(&format!(r#"{PRICED},"max_output":1000000001"#), "max_output is not between")]
    #[case::nameless_route(&format!(r#"{PRICED},"route":"""#), "provider and route are")]
    #[case::long_route(&format!(r#"{PRICED},"route":"{}""#, "r".repeat(65)), "provider and route are")]
    fn a_row_that_cannot_be_true_is_refused(#[case] more: &str, #[case] expected: &str) {
        let refusal = refusal(&file(&row(more)));
        assert!(refusal.contains(expected), "{refusal}");
    }

    #[rstest]
    #[case::window_and_answer(&format!(r#"{PRICED},"context_window":1000000000,"max_output":1000000000"#))]
    #[case::step(
        r#","standard":{"price":{"input":1},"above":[{"input_tokens_over":1000000000,"price":{}}]}"#
    )]
    #[case::route(&format!(r#"{PRICED},"route":"{}""#, "r".repeat(64)))]
    fn a_row_at_the_borders_is_taken(#[case] more: &str) {
        assert_eq!(read(&file(&row(more))).unwrap().models.len(), 1);
    }

    #[test]
    fn a_file_as_large_as_may_be_is_taken() {
        let json = file(&row(PRICED));
        let padded = format!("{json}{}", " ".repeat(MOST_BYTES - json.len()));
        assert_eq!(read(&padded).unwrap().models.len(), 1);
    }

    #[test]
    fn a_doubled_row_is_refused_and_named() {
        let rows = [row(PRICED), row(&format!(r#"{PRICED},"route":"r""#)), row(PRICED)].join(",");
        let refusal = refusal(&file(&rows));
        assert!(refusal.contains("row 3 (`m` at `p`): the same provider, model and route"), "{refusal}");
    }

    #[test]
    fn a_file_of_names_alone_is_taken() {
        let json = file("").replace(
            r#""models":[]"#,
            r#""aliases":{"fast":"m"},"vendors":[{"provider":"p","names":["m*"]}]"#,
        );
        let contents = read(&json).unwrap();
        assert_eq!((contents.aliases.len(), contents.vendors.len(), contents.models.len()), (1, 1, 0));
    }

    #[test]
    fn an_alias_that_would_hide_a_model_of_the_file_is_refused() {
        let json = file(&row(PRICED)).replace(r#""models""#, r#""aliases":{"m":"other"},"models""#);
        assert!(refusal(&json).contains("the alias `m` is a model of the same file"));
    }

    #[rstest]
    #[case(&file(""), "lists no model")]
    #[case(&file(&row(PRICED)).replace("\"schema\":1", "\"schema\":2"), "schema is `2`, expected `1`")]
    #[case(&file(&row(PRICED)).replace("nano-USD", "USD"), "unit is `USD per 1000000 tokens`")]
    #[case("{}", "missing field `schema`")]
    #[case(&" ".repeat(MOST_BYTES + 1), "more than 8388608")]
    fn a_file_of_another_kind_is_refused(#[case] json: &str, #[case] expected: &str) {
        let refusal = refusal(json);
        assert!(refusal.contains(expected), "{refusal}");
    }
}
