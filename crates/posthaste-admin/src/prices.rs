//! What models cost, as the relay knows it: by the price book, or as operators say.

mod own;
pub(crate) mod recompute;
pub(crate) mod update;

use std::{collections::HashSet, sync::Arc, time::Duration};

pub use self::{
    own::{OwnPriceInput, OwnPriceService},
    recompute::{Amounts, RecomputeInput, RecomputeView, RowName},
    update::{AmountChange, PriceChangeView, PriceUpdateInput, PriceUpdateView, RefusedPrice},
};
use posthaste_core::{ModelName, OwnPrice};
use posthaste_metering::{Mode, ModelPrice, PriceBook, Prices, TokenPrice};
use posthaste_storage::{Dimension, RollupPeriod, UsageQuery};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Admin, AdminError, totals::UsageTotals};

/// What a model costs, in billionths of a dollar for a million tokens. What is `None` is not priced apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PriceView {
    /// On whose list it stands.
    pub provider: String,
    /// The model.
    pub model: ModelName,
    /// Which sheet, where its provider has several.
    pub route: Option<String>,
    /// What it is asked for: `chat`, `responses`, `completion` or `embedding`.
    pub mode: String,
    /// Tokens of the prompt.
    pub input: Option<u64>,
    /// Tokens of the answer.
    pub output: Option<u64>,
    /// Tokens of the prompt that are served from a cache.
    pub cache_read: Option<u64>,
    /// Tokens of the prompt that are written to a cache.
    pub cache_write: Option<u64>,
    /// The same, for a cache of an hour.
    pub cache_write_1h: Option<u64>,
    /// Tokens of reasoning.
    pub output_reasoning: Option<u64>,
    /// A thousand web searches.
    pub web_search_per_1k: Option<u64>,
    /// Whether long prompts cost otherwise.
    pub long_prompts_differ: bool,
    /// The most tokens of prompt and answer together.
    pub context_window: Option<u64>,
    /// The most tokens of an answer.
    pub max_output: Option<u64>,
    /// The day of its retirement.
    pub deprecated: Option<String>,
    /// Whether an operator said so, in the place of the price book.
    #[serde(default)]
    pub own: bool,
}

/// Where the prices come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PriceStatus {
    /// The day whose prices they are: of the file that was read last.
    pub as_of: String,
    /// How many models have a price.
    pub models: usize,
    /// How many of these prices operators said themselves.
    #[serde(default)]
    pub own: usize,
    /// The list that was taken over last, if one was.
    #[serde(default)]
    pub list: Option<KeptListView>,
    /// Whether models without a price are refused.
    pub refuses_unknown: bool,
    /// How they are changed.
    pub changed_by: String,
}

/// A list of prices that was taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeptListView {
    /// Where it came from.
    pub source: String,
    /// How many models it prices.
    pub models: u32,
}

/// A model that was used and has no price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnpricedModel {
    /// As clients named it.
    pub model: ModelName,
    /// Whose accounts served it.
    pub provider: String,
    /// What was used in the last 30 days; attempts without a price are told apart.
    pub usage: UsageTotals,
}

/// All prices, by list and model.
pub(crate) async fn all(admin: &Admin) -> Result<Vec<PriceView>, AdminError> {
    let own = own_prices(admin).await?;
    let named: HashSet<_> = own.iter().map(|price| (&*price.provider, price.model.as_str())).collect();
    let book = update::book(admin).await?.with_own(&own);
    let seen = |row: &ModelPrice| PriceView {
        own: named.contains(&(&*row.provider, row.model.as_str())),
        ..view(row)
    };
    let mut prices: Vec<_> = book.rows().map(seen).collect();
    prices.sort_unstable_by(|one, other| {
        (&one.provider, &one.model, &one.route).cmp(&(&other.provider, &other.model, &other.route))
    });
    Ok(prices)
}

pub(crate) async fn status(admin: &Admin) -> Result<PriceStatus, AdminError> {
    let own = own_prices(admin).await?;
    let prices = update::book(admin).await?;
    let list = update::kept(admin).await?;
    Ok(PriceStatus {
        as_of: prices.as_of().to_string(),
        models: prices.with_own(&own).rows().count(),
        own: own.len(),
        list: list.map(|list| KeptListView { source: list.source, models: list.models }),
        refuses_unknown: prices.refuses_some(),
        changed_by:
            "prices of your own and lists that are taken over (pricing update), at once; accounting.price_file and accounting.models_file, which are read \
                     at the start and with each reload"
                .to_owned(),
    })
}

async fn own_prices(admin: &Admin) -> Result<Vec<OwnPrice>, AdminError> {
    let own = admin.own_price_records().all().await?;
    Ok(own.into_iter().map(|record| record.value).collect())
}

/// The price book as relays count by it, the operators' own prices among it.
pub(crate) async fn current(admin: &Admin) -> Result<Arc<PriceBook>, AdminError> {
    let (book, own) = (update::book(admin).await?, own_prices(admin).await?);
    Ok(if own.is_empty() { book } else { Arc::new(book.with_own(&own)) })
}

/// Models that were used in the last 30 days and have no price, by what they were used.
pub(crate) async fn unpriced(admin: &Admin) -> Result<Vec<UnpricedModel>, AdminError> {
    let parts = admin.parts();
    let from = parts.clock.now().minus(LOOKED_BACK);
    let query = UsageQuery { from: Some(from), ..UsageQuery::all(RollupPeriod::Day) };
    let groups = parts.stores.ledger.sums(&query, &[Dimension::Model, Dimension::Provider]).await?;
    let unpriced = groups.into_iter().filter(|group| group.sums.unpriced > 0).filter_map(|group| {
        Some(UnpricedModel {
            model: group.group.model?,
            provider: group.group.provider.map(|provider| provider.as_str().to_owned()).unwrap_or_default(),
            usage: UsageTotals::from(group.sums),
        })
    });
    let mut unpriced: Vec<_> = unpriced.collect();
    unpriced.sort_by_key(|model| std::cmp::Reverse(model.usage.unpriced));
    Ok(unpriced)
}

fn view(row: &ModelPrice) -> PriceView {
    let Prices { input, output, cache_read, cache_write, cache_write_1h, output_reasoning, .. } =
        row.standard.price;
    let nanos = |price: Option<TokenPrice>| price.map(TokenPrice::nanos_per_million);
    PriceView {
        provider: row.provider.clone(),
        model: row.model.clone(),
        route: row.route.clone(),
        mode: mode(row.mode).to_owned(),
        input: nanos(input),
        output: nanos(output),
        cache_read: nanos(cache_read),
        cache_write: nanos(cache_write),
        cache_write_1h: nanos(cache_write_1h),
        output_reasoning: nanos(output_reasoning),
        web_search_per_1k: nanos(row.web_search_per_1k),
        long_prompts_differ: !row.standard.above.is_empty(),
        context_window: row.context_window,
        max_output: row.max_output,
        deprecated: row.deprecated.map(|day| day.to_string()),
        own: false,
    }
}

const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Chat => "chat",
        Mode::Responses => "responses",
        Mode::Completion => "completion",
        Mode::Embedding => "embedding",
    }
}

const LOOKED_BACK: Duration = Duration::from_secs(30 * 86_400);
