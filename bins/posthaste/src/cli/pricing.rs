//! `posthaste pricing`

mod recompute;
mod update;

use clap::{Args, Subcommand};
use posthaste_admin::{
    Command as Work, OwnPriceInput, PriceStatus, PriceView, RatesInput, Reply, ServiceRate, UnpricedModel,
    parse_dollars,
};
use posthaste_core::{NanoUsd, OwnPrice, OwnRates, ProviderKind};

use super::{
    Failure, Output,
    going::Going,
    output,
    session::{Session, unexpected},
};
use crate::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show what models cost, in dollars for a million tokens
    Show(Show),
    /// Where the prices come from
    Status,
    /// Models that were used in the last 30 days and have no price
    Unknown,
    /// Prices of your own, in the place of the price book's
    Own,
    /// Say what a model costs; relays that run count with it at once
    Set(Set),
    /// Take over a list of prices, from a file or an address, after a look at what it changes
    Update(update::Update),
    /// Compute the costs of what is booked again, after a price was put right
    Recompute(recompute::Recompute),
    /// Let the price book say again what a model costs
    Unset(Going<Which>),
    /// What a dollar of cost is billed as, by the provider that served
    Rates,
    /// Change what a dollar of cost is billed as at a provider; relays that run bill by it at once
    SetRate(SetRate),
}

#[derive(Args, Debug)]
pub(super) struct Show {
    /// Only models whose name or list has this in it
    #[arg(default_value = "")]
    search: String,
}

#[derive(Args, Debug)]
pub(super) struct Which {
    /// List and model, such as `anthropic/claude-sonnet-5`, or the price's id
    price: String,
}

#[derive(Args, Debug)]
pub(super) struct Set {
    /// List and model, such as `anthropic/claude-sonnet-5`
    #[arg(value_parser = list_and_model)]
    price: (String, String),
    /// Dollars for a million tokens of the prompt
    #[arg(long, value_name = "USD", value_parser = parse_dollars, required_unless_present = "output")]
    input: Option<u64>,
    /// Dollars for a million tokens of the answer
    #[arg(long, value_name = "USD", value_parser = parse_dollars)]
    output: Option<u64>,
    /// Dollars for a million tokens of the prompt that are served from a cache
    #[arg(long, value_name = "USD", value_parser = parse_dollars)]
    cache_read: Option<u64>,
    /// Dollars for a million tokens of the prompt that are written to a cache
    #[arg(long, value_name = "USD", value_parser = parse_dollars)]
    cache_write: Option<u64>,
    /// The same for a cache of an hour
    #[arg(long, value_name = "USD", value_parser = parse_dollars)]
    cache_write_1h: Option<u64>,
    /// Dollars for a million tokens of reasoning, where they cost otherwise than the answer
    #[arg(long, value_name = "USD", value_parser = parse_dollars)]
    reasoning: Option<u64>,
    /// Dollars for a thousand web searches
    #[arg(long, value_name = "USD", value_parser = parse_dollars)]
    web_searches: Option<u64>,
    /// Where the price comes from, or until when it holds
    #[arg(long)]
    note: Option<String>,
}

#[derive(Args, Debug)]
pub(super) struct SetRate {
    /// The provider, as `pricing rates` lists it
    #[arg(value_parser = provider)]
    provider: ProviderKind,
    /// A factor from 0 to 1000, such as `1.25`; `config` for what the configuration says
    rate: String,
}

fn provider(text: &str) -> Result<ProviderKind, String> {
    let found = ProviderKind::ALL.into_iter().find(|kind| kind.as_str() == text);
    let all: Vec<_> = ProviderKind::ALL.into_iter().map(ProviderKind::as_str).collect();
    found.ok_or_else(|| format!("expected one of: {}", all.join(", ")))
}

/// Models have slashes in their names, lists have none.
fn list_and_model(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((list, model)) if !list.is_empty() && !model.is_empty() => {
            Ok((list.to_owned(), model.to_owned()))
        }
        _ => Err("expected LIST/MODEL, such as `anthropic/claude-sonnet-5`".to_owned()),
    }
}

pub(super) async fn run(command: Command, config: &Config, out: &Output) -> Result<(), Failure> {
    let mut search = String::new();
    let mut unset = false;
    let work = match command {
        Command::Show(show) => {
            search = show.search.to_lowercase();
            Work::ListPrices
        }
        Command::Status => Work::PriceStatus,
        Command::Unknown => Work::ListUnpriced,
        Command::Own => Work::ListOwnPrices,
        Command::Set(set) => Work::SetOwnPrice(set.into()),
        Command::Rates => Work::ShowServiceRates,
        Command::SetRate(SetRate { provider, rate }) => {
            let rate = (rate != "config").then_some(rate);
            Work::SetServiceRates(RatesInput { rates: [(provider, rate)].into() })
        }
        Command::Update(update) => return update::run(update, config, out).await,
        Command::Recompute(recompute) => return recompute::run(recompute, config, out).await,
        Command::Unset(going) => {
            let which = going.sure(|which| format!("forget the own price of {}", which.price))?;
            unset = true;
            Work::DeleteOwnPrice { price: which.price }
        }
    };
    let session = Session::open(config, &work).await?;
    match session.execute(work).await? {
        Reply::Prices(mut prices) => {
            let is_meant = |price: &PriceView| {
                format!("{}/{}", price.provider, price.model).to_lowercase().contains(&search)
            };
            prices.retain(is_meant);
            out.show(&prices, || table(&prices))
        }
        Reply::PriceStatus(status) => out.show(&status, || told(&status)),
        Reply::Unpriced(models) => out.show(&models, || unpriced(&models)),
        Reply::ServiceRates(rates) => out.show(&rates, || rates_table(&rates)),
        Reply::OwnPrices(prices) => out.show(&prices, || own_table(&prices)),
        Reply::OwnPrice(price) if unset => out.show(&price, || {
            format!("`{}` costs what the price book says, from the next request on", price.name())
        }),
        Reply::OwnPrice(price) => out.show(&price, || one(&price)),
        _ => Err(unexpected()),
    }
}

impl From<Set> for OwnPriceInput {
    fn from(set: Set) -> Self {
        let (provider, model) = set.price;
        let rates = OwnRates {
            input: set.input,
            output: set.output,
            cache_read: set.cache_read,
            cache_write: set.cache_write,
            cache_write_1h: set.cache_write_1h,
            output_reasoning: set.reasoning,
            web_search_per_1k: set.web_searches,
        };
        Self { provider, model, rates, note: set.note }
    }
}

fn dollars(nanos: Option<u64>) -> String {
    let money = |nanos| NanoUsd::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX)).to_string();
    nanos.map_or_else(|| "-".to_owned(), money)
}

fn table(prices: &[PriceView]) -> String {
    if prices.is_empty() {
        return "no such model has a price".to_owned();
    }
    let mut table =
        output::table(&["LIST", "MODEL", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE", "SAID BY"]);
    for price in prices {
        let model = match &price.route {
            Some(route) => format!("{} ({route})", price.model),
            None => price.model.to_string(),
        };
        table.add_row([
            price.provider.clone(),
            model,
            dollars(price.input),
            dollars(price.output),
            dollars(price.cache_read),
            dollars(price.cache_write),
            if price.own { "you" } else { "price book" }.to_owned(),
        ]);
    }
    format!("{table}\n\nDollars for a million tokens.")
}

fn rates_table(rates: &[ServiceRate]) -> String {
    let mut table = output::table(&["PROVIDER", "A DOLLAR IS BILLED AS", "SAID BY"]);
    for rate in rates {
        let said_by = if rate.set { "you" } else { "configuration" };
        table.add_row([rate.provider.to_string(), rate.rate.clone(), said_by.to_owned()]);
    }
    table.to_string()
}

fn own_table(prices: &[OwnPrice]) -> String {
    if prices.is_empty() {
        return "no prices of your own: the price book's count".to_owned();
    }
    let mut table =
        output::table(&["MODEL", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE", "NOTE", "CHANGED"]);
    for price in prices {
        table.add_row([
            price.name(),
            dollars(price.rates.input),
            dollars(price.rates.output),
            dollars(price.rates.cache_read),
            dollars(price.rates.cache_write),
            price.note.clone(),
            price.updated_at.to_string(),
        ]);
    }
    format!("{table}\n\nDollars for a million tokens.")
}

fn one(price: &OwnPrice) -> String {
    output::list(&[
        ("model", price.name()),
        ("input", dollars(price.rates.input)),
        ("output", dollars(price.rates.output)),
        ("cache read", dollars(price.rates.cache_read)),
        ("cache write", dollars(price.rates.cache_write)),
        ("cache write, 1h", dollars(price.rates.cache_write_1h)),
        ("reasoning", dollars(price.rates.output_reasoning)),
        ("1000 web searches", dollars(price.rates.web_search_per_1k)),
        ("note", price.note.clone()),
    ])
}

fn told(status: &PriceStatus) -> String {
    let list = match &status.list {
        Some(list) => format!("{} ({})", list.source, output::counted(list.models.into(), "model", "models")),
        None => "none".to_owned(),
    };
    output::list(&[
        ("prices of", status.as_of.clone()),
        ("models", status.models.to_string()),
        ("said by you", status.own.to_string()),
        ("list taken over", list),
        ("models without a price", if status.refuses_unknown { "refused" } else { "served" }.to_owned()),
        ("changed by", status.changed_by.clone()),
    ])
}

fn unpriced(models: &[UnpricedModel]) -> String {
    if models.is_empty() {
        return "every model that was used in the last 30 days has a price".to_owned();
    }
    let mut table = output::table(&["MODEL", "SERVED BY", "ATTEMPTS WITHOUT A PRICE"]);
    for model in models {
        table.add_row([model.model.to_string(), model.provider.clone(), model.usage.unpriced.to_string()]);
    }
    format!("{table}\n\nGive them one: `posthaste pricing set LIST/MODEL --input USD --output USD`.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_slash_divides_list_and_model() {
        let pair = |list: &str, model: &str| Ok((list.to_owned(), model.to_owned()));
        assert_eq!(list_and_model("openai/gpt-5"), pair("openai", "gpt-5"));
        assert_eq!(list_and_model("openai/org/gpt-5"), pair("openai", "org/gpt-5"));
        assert!(list_and_model("gpt-5").is_err() && list_and_model("/gpt-5").is_err());
    }
}
