//! The public form: one object with an entry for each model that anybody sells, under the name that routers give it.

use std::{borrow::Cow, collections::BTreeMap};

use jiff::civil::Date;
use posthaste_core::ModelName;
use serde_json::value::RawValue;

use super::{
    ListForm, PriceList, ReadList, RefusedEntry,
    entry::{self, Fields},
};
use crate::{ModelPrice, PriceBookError, read};

/// Reads what is priced here; each entry stands or falls alone.
pub(super) fn read(text: &str, today: Date) -> Result<ReadList, PriceBookError> {
    let entries: BTreeMap<Cow<'_, str>, &RawValue> =
        serde_json::from_str(text).map_err(PriceBookError::Syntax)?;
    let mut found: BTreeMap<Name, ((bool, bool), ModelPrice)> = BTreeMap::new();
    let (mut refused, mut skipped) = (Vec::new(), 0);
    for (name, value) in &entries {
        match row(name, value) {
            Ok(None) => skipped += 1,
            Err(why) => refused.push(RefusedEntry { name: name.chars().take(200).collect(), why }),
            Ok(Some((is_prefixed, row))) => {
                let key = (row.provider.clone(), row.model.clone(), row.route.clone());
                // What stands there under the vendor's own name as well is mostly the same, and the vendor's counts; but a price
                // counts before none, as of a model that once was free to try.
                let rank = (has_price(&row), is_prefixed);
                let earlier = found.get(&key).map(|(rank, _)| *rank);
                skipped += usize::from(earlier.is_some());
                if earlier.is_none_or(|earlier| earlier < rank) {
                    found.insert(key, (rank, row));
                }
            }
        }
    }
    let models: Vec<_> = found.into_values().map(|(_, row)| row).collect();
    if models.is_empty() {
        return Err(PriceBookError::Empty);
    }
    let list = PriceList { as_of: today, vendors: Vec::new(), aliases: BTreeMap::new(), models };
    Ok(ReadList { list, form: ListForm::Public, refused, skipped })
}

fn has_price(row: &ModelPrice) -> bool {
    let price = row.standard.price;
    [price.input, price.output].into_iter().flatten().any(|price| price.nanos_per_million() > 0)
}

/// List, model and sheet.
type Name = (String, ModelName, Option<String>);

/// The row that an entry is, and whether its name begins with its vendor's; `None` for what is not priced here.
fn row(name: &str, value: &RawValue) -> Result<Option<(bool, ModelPrice)>, String> {
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(value.get()) else {
        return Err("is no object".to_owned());
    };
    let Some(vendor) = entry::text(&fields, "litellm_provider") else { return Ok(None) };
    let (Some((list, route)), Some(mode)) = (list(&vendor), entry::mode(&fields)) else { return Ok(None) };
    let Some(entry) = entry::read(&fields)? else { return Ok(None) };
    let bare = prefixes(list, &vendor).into_iter().find_map(|prefix| name.strip_prefix(&*prefix));
    let model = ModelName::parse(bare.unwrap_or(name)).map_err(|error| error.to_string())?;
    let row = ModelPrice {
        provider: list.to_owned(),
        model,
        route: route.map(str::to_owned),
        display_name: None,
        created: None,
        mode,
        unlisted: false,
        context_window: entry.context_window,
        max_output: entry.max_output,
        standard: entry.standard,
        tiers: entry.tiers,
        multipliers_per_mille: entry.multipliers,
        web_search_per_1k: entry.web_search_per_1k,
        deprecated: entry.deprecated,
    };
    read::check(&row)?;
    Ok(Some((bare.is_some(), row)))
}

/// On whose list, and on which sheet there, the models of a vendor of the public form stand.
fn list(vendor: &str) -> Option<(&'static str, Option<&str>)> {
    Some(match vendor {
        "anthropic" => ("anthropic", None),
        "openai" => ("openai", None),
        "text-completion-openai" => ("openai", Some(vendor)),
        "azure" => ("azure", None),
        "azure_ai" | "azure_text" => ("azure", Some(vendor)),
        "gemini" => ("gemini", None),
        "bedrock" => ("bedrock", None),
        "bedrock_converse" | "bedrock_mantle" => ("bedrock", Some(vendor)),
        "amazon_nova" => ("amazon_nova", None),
        "dashscope" => ("dashscope", None),
        "zai" | "bigmodel" => ("zhipu", Some(vendor)),
        "deepseek" => ("deepseek", None),
        "moonshot" => ("moonshot", None),
        _ if vendor.starts_with("vertex_ai") => ("vertex", Some(vendor)),
        _ => return None,
    })
}

/// What routers put before a model's id.
fn prefixes(list: &str, vendor: &str) -> Vec<String> {
    let family = match list {
        "vertex" => "vertex_ai",
        "zhipu" => "zai",
        list => list,
    };
    vec![format!("{vendor}/"), format!("{family}/")]
}
