//! One entry of the public form: its fields, by what they tell.
//!
//! A price's field is a class of tokens, then the length of the prompt that it begins at, then the tier:
//! `input_cost_per_token_above_272k_tokens_priority`. Prices are dollars for one token. As found in the package litellm
//! 1.109.1 on 2026-11-28.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::decimal::scaled;
use crate::{Mode, Multipliers, Prices, Sheet, Step, Tiers, TokenPrice};

/// An entry's fields, as they stand there.
pub(super) type Fields<'a> = HashMap<Cow<'a, str>, &'a RawValue>;

/// What an entry says.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) standard: Sheet,
    pub(super) tiers: Tiers,
    pub(super) multipliers: Multipliers,
    pub(super) web_search_per_1k: Option<TokenPrice>,
    pub(super) context_window: Option<u64>,
    pub(super) max_output: Option<u64>,
    pub(super) deprecated: Option<Date>,
}

/// A field's text; `None` where it is not there, or `null`.
pub(super) fn text<'a>(fields: &Fields<'a>, name: &str) -> Option<Cow<'a, str>> {
    serde_json::from_str(fields.get(name)?.get()).ok()
}

/// What an entry is asked for, where that is told in a way that is priced by tokens.
pub(super) fn mode(fields: &Fields<'_>) -> Option<Mode> {
    match &*text(fields, "mode")? {
        "chat" => Some(Mode::Chat),
        "responses" => Some(Mode::Responses),
        "completion" => Some(Mode::Completion),
        "embedding" => Some(Mode::Embedding),
        _ => None,
    }
}

/// Reads an entry; `None` where no tokens have a price in it.
///
/// # Errors
/// What cannot be true in it.
pub(super) fn read(fields: &Fields<'_>) -> Result<Option<Entry>, String> {
    let mut sheets: BTreeMap<Tier, BTreeMap<u64, Prices>> = BTreeMap::new();
    for (name, value) in fields {
        let Some((class, over, tier)) = place(name) else { continue };
        let Some(price) = price(name, value, DOLLARS_PER_TOKEN)? else { continue };
        let prices = sheets.entry(tier).or_default().entry(over).or_default();
        // Vendors that charge nothing extra for what is written to a cache bill it as input, and lists say nought.
        if !(class.is_write() && price.nanos_per_million() == 0) {
            class.put(prices, price);
        }
    }
    for (over, prices) in ranges(fields)? {
        sheets.entry(Tier::Standard).or_default().insert(over, prices);
    }
    let mut standard = sheet(sheets.remove(&Tier::Standard).unwrap_or_default());
    if standard.price == Prices::default()
        && let Some(first) = (!standard.above.is_empty()).then(|| standard.above.remove(0))
    {
        standard.price = first.price;
    }
    if standard.price.input.is_none() && standard.price.output.is_none() {
        return Ok(None);
    }
    let mut tier = |tier| sheets.remove(&tier).map(sheet).map(Box::new);
    let tiers = Tiers {
        batch: tier(Tier::Batch),
        flex: tier(Tier::Flex),
        priority: tier(Tier::Priority),
        ultrafast: tier(Tier::Ultrafast),
        balanced: tier(Tier::Balanced),
    };
    Ok(Some(Entry {
        standard,
        tiers,
        multipliers: multipliers(fields)?,
        web_search_per_1k: searches(fields)?,
        context_window: size(fields, &["max_input_tokens", "max_tokens"])?,
        max_output: size(fields, &["max_output_tokens"])?,
        deprecated: text(fields, "deprecation_date").and_then(|day| day.parse().ok()),
    }))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    Standard,
    Batch,
    Flex,
    Priority,
    Ultrafast,
    Balanced,
}

const TIERS: [(&str, Tier); 5] = [
    ("_batches", Tier::Batch),
    ("_flex", Tier::Flex),
    ("_priority", Tier::Priority),
    ("_ultrafast", Tier::Ultrafast),
    ("_balanced", Tier::Balanced),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Input,
    Output,
    CacheRead,
    CacheWrite,
    CacheWriteLong,
    Reasoning,
    InputAudio,
    CacheReadAudio,
    OutputAudio,
    InputImage,
    OutputImage,
}

/// OpenAI's cache of twelve hours and Anthropic's of one are both the long one of their vendor.
const CLASSES: [(&str, Class); 12] = [
    ("input_cost_per_token", Class::Input),
    ("output_cost_per_token", Class::Output),
    ("cache_read_input_token_cost", Class::CacheRead),
    ("cache_creation_input_token_cost", Class::CacheWrite),
    ("cache_creation_input_token_cost_above_1hr", Class::CacheWriteLong),
    ("cache_creation_input_token_cost_above_12hr", Class::CacheWriteLong),
    ("output_cost_per_reasoning_token", Class::Reasoning),
    ("input_cost_per_audio_token", Class::InputAudio),
    ("cache_read_input_audio_token_cost", Class::CacheReadAudio),
    ("output_cost_per_audio_token", Class::OutputAudio),
    ("input_cost_per_image_token", Class::InputImage),
    ("output_cost_per_image_token", Class::OutputImage),
];

impl Class {
    const fn is_write(self) -> bool {
        matches!(self, Self::CacheWrite | Self::CacheWriteLong)
    }

    fn put(self, prices: &mut Prices, price: TokenPrice) {
        let place = match self {
            Self::Input => &mut prices.input,
            Self::Output => &mut prices.output,
            Self::CacheRead => &mut prices.cache_read,
            Self::CacheWrite => &mut prices.cache_write,
            Self::CacheWriteLong => &mut prices.cache_write_1h,
            Self::Reasoning => &mut prices.output_reasoning,
            Self::InputAudio => &mut prices.input_audio,
            Self::CacheReadAudio => &mut prices.cache_read_audio,
            Self::OutputAudio => &mut prices.output_audio,
            Self::InputImage => &mut prices.input_image,
            Self::OutputImage => &mut prices.output_image,
        };
        *place = Some(price);
    }
}

/// What a field prices: the class, of prompts over how many tokens, in which tier. `None` for any other field.
fn place(name: &str) -> Option<(Class, u64, Tier)> {
    let tier = TIERS.iter().find_map(|(end, tier)| Some((name.strip_suffix(end)?, *tier)));
    let (name, tier) = tier.unwrap_or((name, Tier::Standard));
    let long = name.strip_suffix("k_tokens").and_then(|name| name.rsplit_once("_above_"));
    let (name, over) = match long {
        Some((name, thousands)) => (name, thousands.parse::<u64>().ok()?.checked_mul(1_000)?),
        None => (name, 0),
    };
    let (_, class) = CLASSES.iter().find(|(known, _)| *known == name)?;
    Some((*class, over, tier))
}

fn price(name: &str, value: &RawValue, places: i32) -> Result<Option<TokenPrice>, String> {
    if value.get() == "null" {
        return Ok(None);
    }
    let price = scaled(value.get(), places).and_then(TokenPrice::try_from);
    price.map(Some).map_err(|why| format!("{name}: {why}"))
}

fn sheet(mut steps: BTreeMap<u64, Prices>) -> Sheet {
    let price = steps.remove(&0).unwrap_or_default();
    let step = |(input_tokens_over, price)| Step { input_tokens_over, price };
    Sheet { price, above: steps.into_iter().map(step).collect() }
}

/// Prices by ranges of the prompt, the lower end of each counted in.
fn ranges(fields: &Fields<'_>) -> Result<Vec<(u64, Prices)>, String> {
    let Some(value) = fields.get("tiered_pricing").filter(|value| value.get() != "null") else {
        return Ok(Vec::new());
    };
    let rows: Vec<Fields<'_>> =
        serde_json::from_str(value.get()).map_err(|_| "tiered_pricing: is no list of ranges".to_owned())?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let Some(range) = row.get("range") else { return Ok(Vec::new()) };
        let range: Vec<&RawValue> = serde_json::from_str(range.get())
            .map_err(|_| "tiered_pricing: a range is no pair of numbers".to_owned())?;
        let Some(from) = range.first() else { return Ok(Vec::new()) };
        let from = scaled(from.get(), 0).map_err(|why| format!("tiered_pricing: {why}"))?;
        let mut prices = Prices::default();
        for (name, value) in row {
            let Some((class, 0, Tier::Standard)) = place(name) else { continue };
            if let Some(price) = price(name, value, DOLLARS_PER_TOKEN)? {
                class.put(&mut prices, price);
            }
        }
        // A step begins behind its number.
        found.push((from.saturating_sub(1), prices));
    }
    Ok(found)
}

fn multipliers(fields: &Fields<'_>) -> Result<Multipliers, String> {
    let mut multipliers = Multipliers::default();
    let Some(value) = fields.get("provider_specific_entry") else { return Ok(multipliers) };
    // Other vendors keep other things there.
    let Ok(told) = serde_json::from_str::<Fields<'_>>(value.get()) else { return Ok(multipliers) };
    for (name, place) in [("us", &mut multipliers.us), ("fast", &mut multipliers.fast)] {
        if let Some(factor) = told.get(name) {
            let factor = scaled(factor.get(), PER_MILLE).map_err(|why| format!("{name}: {why}"))?;
            *place = Some(u32::try_from(factor).map_err(|_| format!("{name}: is beyond belief"))?);
        }
    }
    Ok(multipliers)
}

fn searches(fields: &Fields<'_>) -> Result<Option<TokenPrice>, String> {
    #[derive(Deserialize)]
    struct Sizes<'a> {
        #[serde(borrow)]
        search_context_size_medium: Option<&'a RawValue>,
    }
    let Some(value) = fields.get("search_context_cost_per_query") else { return Ok(None) };
    let Ok(sizes) = serde_json::from_str::<Sizes<'_>>(value.get()) else { return Ok(None) };
    let medium = sizes.search_context_size_medium;
    medium.map_or(Ok(None), |value| price("search_context_cost_per_query", value, DOLLARS_PER_SEARCH))
}

/// A size in tokens. Lists have texts and noughts there where none is known.
fn size(fields: &Fields<'_>, names: &[&str]) -> Result<Option<u64>, String> {
    for name in names {
        let Some(value) =
            fields.get(*name).filter(|value| value.get().starts_with(|c: char| c.is_ascii_digit()))
        else {
            continue;
        };
        match scaled(value.get(), 0).map_err(|why| format!("{name}: {why}"))? {
            0 => {}
            tokens => return Ok(Some(tokens)),
        }
    }
    Ok(None)
}

/// From dollars for a token to nano-dollars for a million.
const DOLLARS_PER_TOKEN: i32 = 9 + 6;
/// From dollars for a search to nano-dollars for a thousand.
const DOLLARS_PER_SEARCH: i32 = 9 + 3;
const PER_MILLE: i32 = 3;
