//! The form of a price: dollars for a million tokens, exact to the billionth.

use posthaste_admin::{AdminError, OwnPriceInput, PriceView, parse_dollars};
use posthaste_core::{NanoUsd, OwnPrice, OwnRates};

use crate::{
    edited::{Kept, Labels},
    fields::Fields,
    pages::reading::invalid,
};

/// The classes of tokens, with the names of their fields.
pub(super) const CLASSES: [(&str, Read, Write); 7] = [
    ("input", |rates| rates.input, |rates| &mut rates.input),
    ("output", |rates| rates.output, |rates| &mut rates.output),
    ("cache_read", |rates| rates.cache_read, |rates| &mut rates.cache_read),
    ("cache_write", |rates| rates.cache_write, |rates| &mut rates.cache_write),
    ("cache_write_1h", |rates| rates.cache_write_1h, |rates| &mut rates.cache_write_1h),
    ("output_reasoning", |rates| rates.output_reasoning, |rates| &mut rates.output_reasoning),
    ("web_search_per_1k", |rates| rates.web_search_per_1k, |rates| &mut rates.web_search_per_1k),
];

type Read = fn(&OwnRates) -> Option<u64>;
type Write = fn(&mut OwnRates) -> &mut Option<u64>;

/// What the form's field is called on the page.
pub(super) fn label(class: &str) -> &'static str {
    LABELS.iter().find(|(name, _)| *name == class).map_or("", |(_, label)| label)
}

pub(super) fn price(form: &Fields) -> Result<OwnPriceInput, AdminError> {
    let mut rates = OwnRates::default();
    for (name, _, write) in CLASSES {
        if let Some(text) = form.text(name) {
            let text = text.trim_start_matches('$');
            *write(&mut rates) = Some(parse_dollars(text).map_err(|message| invalid(name, message))?);
        }
    }
    Ok(OwnPriceInput {
        provider: form.value("provider").trim().to_owned(),
        model: form.value("model").trim().to_owned(),
        rates,
        note: Some(form.value("note").to_owned()),
    })
}

/// What the form says of a price as it is.
pub(super) fn filled(price: &OwnPrice) -> Fields {
    let form = Fields::default()
        .with("provider", &price.provider)
        .with("model", price.model.as_str())
        .with("note", &price.note);
    with_rates(form, &price.rates)
}

/// The price as its form has it.
pub(super) fn kept(price: &OwnPrice, version: Option<u64>) -> Kept {
    Kept { fields: filled(price), version, labels: LABELS, target: price.id.to_string() }
}

const LABELS: Labels = &[
    ("input", text("Input")),
    ("output", text("Output")),
    ("cache_read", text("Cache read")),
    ("cache_write", text("Cache written")),
    ("cache_write_1h", text("Cache written, an hour")),
    ("output_reasoning", text("Reasoning")),
    ("web_search_per_1k", text("A thousand web searches")),
    ("note", text("Remarks")),
];

/// Marks a text that pages say in the reader's language.
const fn text(text: &'static str) -> &'static str {
    text
}

/// The same of the book's row for a model, from which a price of one's own begins.
pub(super) fn from_book(form: Fields, row: &PriceView) -> Fields {
    let rates = OwnRates {
        input: row.input,
        output: row.output,
        cache_read: row.cache_read,
        cache_write: row.cache_write,
        cache_write_1h: row.cache_write_1h,
        output_reasoning: row.output_reasoning,
        web_search_per_1k: row.web_search_per_1k,
    };
    with_rates(form, &rates)
}

fn with_rates(form: Fields, rates: &OwnRates) -> Fields {
    CLASSES.iter().fold(form, |form, (name, read, _)| match read(rates) {
        Some(nanos) => form.with(name, amount(nanos).to_string().trim_start_matches('$')),
        None => form,
    })
}

pub(super) fn amount(nanos: u64) -> NanoUsd {
    NanoUsd::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_exact_both_ways() {
        let form = Fields::read(b"provider=openai&model=house&input=0.000000001&output=%2412.5&note=trial");
        let read = price(&form).unwrap();
        assert_eq!(
            (read.rates.input, read.rates.output, read.rates.cache_read),
            (Some(1), Some(12_500_000_000), None)
        );
        let again = with_rates(Fields::default(), &read.rates);
        assert_eq!((again.value("input"), again.value("output")), ("0.000000001", "12.50"));
        let error = price(&Fields::read(b"output=lots")).unwrap_err();
        assert!(matches!(error, AdminError::Invalid { field: "output", .. }), "{error}");
    }
}
