//! `posthaste pricing update`

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::Args;
use posthaste_admin::{
    AmountChange, Command as Work, PriceChangeView, PriceUpdateInput, PriceUpdateView, PriceView,
    RefusedPrice, Reply,
};
use posthaste_core::{Clock, SystemClock};
use posthaste_metering::PriceList;

use super::dollars;
use crate::{
    Config,
    cli::{
        Failure, Output,
        ask::{asked, confirmed},
        output::{counted, list, table},
        session::{Session, unexpected},
    },
};

#[derive(Args, Debug)]
pub(in crate::cli) struct Update {
    /// A file, or the https address of one: a price book, or the public model_prices_and_context_window.json
    #[arg(value_name = "FILE|URL")]
    from: String,
    /// Only show what would change
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Take it without asking
    #[arg(long)]
    yes: bool,
    /// Take it also where prices leap to a thousandfold or more, a thousandth or less, or nothing
    #[arg(long)]
    accept_leaps: bool,
    /// Let the relay fetch it from within its own network, and by plain http there
    #[arg(long)]
    allow_private: bool,
}

/// What was read here: the relay is given what can be taken.
#[derive(Default)]
struct ReadHere {
    refused: Vec<RefusedPrice>,
    skipped: usize,
}

pub(super) async fn run(update: Update, config: &Config, out: &Output) -> Result<(), Failure> {
    let (mut input, here) = read(&update)?;
    input.dry_run = true;
    let look = Work::UpdatePrices(input.clone());
    let mut session = Session::open(config, &look).await?;
    let done = take(&mut session, &update, input, here, out).await;
    let closed = session.close().await;
    done?;
    closed
}

async fn take(
    session: &mut Session,
    update: &Update,
    input: PriceUpdateInput,
    here: ReadHere,
    out: &Output,
) -> Result<(), Failure> {
    let seen = here.complete(call(session, input.clone()).await?);
    if update.dry_run || is_in_force(&seen) {
        return out.show(&seen, || text(&seen));
    }
    let leaps = seen.changed.iter().filter(|change| change.leap).count();
    if !update.yes {
        if !confirmed(&text(&seen), "take these prices")? {
            return Err(Failure::failed("nothing was changed"));
        }
        if leaps > 0 && !update.accept_leaps {
            let what = format!(
                "{} by a thousandfold or more: take them all the same",
                counted(leaps as u64, "price leaps", "prices leap")
            );
            if !asked("", &what)? {
                return Err(Failure::failed("nothing was changed"));
            }
        }
    }
    let accept_leaps = update.accept_leaps || !update.yes;
    let digest = Some(seen.digest.clone());
    let taken = call(session, PriceUpdateInput { dry_run: false, accept_leaps, digest, ..input }).await?;
    let taken = here.complete(taken);
    out.show(&taken, || text(&taken))
}

async fn call(session: &mut Session, input: PriceUpdateInput) -> Result<PriceUpdateView, Failure> {
    match session.call(Work::UpdatePrices(input)).await? {
        Reply::PriceUpdate(view) => Ok(*view),
        _ => Err(unexpected()),
    }
}

/// The list, or the address that the relay is to fetch it from.
fn read(update: &Update) -> Result<(PriceUpdateInput, ReadHere), Failure> {
    let allow_private = update.allow_private;
    if ["https://", "http://"].iter().any(|scheme| update.from.starts_with(scheme)) {
        let url = Some(update.from.clone());
        return Ok((
            PriceUpdateInput { url, allow_private, ..PriceUpdateInput::default() },
            ReadHere::default(),
        ));
    }
    let path = PathBuf::from(&update.from);
    let text = read_file(&path)?;
    let refused =
        |why: String| Failure::usage(format!("{} is no list of prices", path.display())).caused_by(why);
    let read = PriceList::read(&text, SystemClock.now()).map_err(|error| {
        let why = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        refused(format!("{error}{why}"))
    })?;
    let text = read.list.text();
    if text.len() > MOST_SENT {
        return Err(Failure::usage(format!("{} has more models than a relay takes at once", path.display()))
            .hint("put it at an https address and name that, or name it as accounting.price_file"));
    }
    let list = serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
    let refused = read.refused.into_iter();
    let here = ReadHere {
        refused: refused.map(|entry| RefusedPrice { name: entry.name, why: entry.why }).collect(),
        skipped: read.skipped,
    };
    let source = path.file_name().map(|name| format!("the file {}", name.to_string_lossy().escape_debug()));
    let source = source.map(|source| source.chars().take(LONGEST_SOURCE).collect());
    Ok((PriceUpdateInput { list: Some(list), source, ..PriceUpdateInput::default() }, here))
}

fn read_file(path: &Path) -> Result<String, Failure> {
    let unreadable =
        |why: String| Failure::usage(format!("{} cannot be read", path.display())).caused_by(why);
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut text = String::new();
    file.take(MOST_READ + 1).read_to_string(&mut text).map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > MOST_READ {
        return Err(unreadable(format!("it has more than {} MiB", MOST_READ >> 20)));
    }
    Ok(text)
}

impl ReadHere {
    fn complete(&self, mut view: PriceUpdateView) -> PriceUpdateView {
        view.refused.extend(self.refused.iter().cloned());
        view.skipped += self.skipped;
        view
    }
}

/// Whether taking it would change nothing.
fn is_in_force(view: &PriceUpdateView) -> bool {
    view.added.is_empty() && view.changed.is_empty() && view.dropped.is_empty()
}

fn text(view: &PriceUpdateView) -> String {
    let mut parts = Vec::new();
    if !view.refused.is_empty() {
        let mut shown = table(&["NOT TAKEN", "WHY"]);
        for entry in &view.refused {
            shown.add_row([entry.name.clone(), entry.why.clone()]);
        }
        parts.push(shown.to_string());
    }
    if !view.added.is_empty() {
        parts.push(rows("NEW", &view.added));
    }
    if !view.changed.is_empty() {
        parts.push(changes(&view.changed));
    }
    if !view.dropped.is_empty() {
        parts.push(rows("WITHOUT A PRICE FROM NOW ON", &view.dropped));
    }
    parts.push(list(&[
        ("list", view.source.clone()),
        ("prices of", view.as_of.clone()),
        ("models", view.models.to_string()),
        ("new", view.added.len().to_string()),
        ("changed", view.changed.len().to_string()),
        ("dropped", view.dropped.len().to_string()),
        ("as before", view.unchanged.to_string()),
        ("not taken", view.refused.len().to_string()),
        ("not priced here", view.skipped.to_string()),
        ("overruled by accounting.models_file", view.overruled.to_string()),
        ("prices of your own, which count first", view.own.to_string()),
    ]));
    if view.taken {
        parts.push(
            "taken: relays count by it from the next request on. What is booked stays as it is; \
             `posthaste pricing recompute` computes it again."
                .to_owned(),
        );
    } else if is_in_force(view) {
        parts.push("these prices are in force already".to_owned());
    }
    parts.join("\n\n")
}

fn rows(title: &str, prices: &[PriceView]) -> String {
    let mut shown = table(&[title, "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE"]);
    for price in prices {
        let route = price.route.as_ref().map(|route| format!(" ({route})")).unwrap_or_default();
        shown.add_row([
            format!("{}/{}{route}", price.provider, price.model),
            dollars(price.input),
            dollars(price.output),
            dollars(price.cache_read),
            dollars(price.cache_write),
        ]);
    }
    shown.to_string()
}

fn changes(changes: &[PriceChangeView]) -> String {
    let mut shown = table(&["CHANGED", "WHAT", "BEFORE", "AFTER", ""]);
    for change in changes {
        let leap = if change.leap { "leaps" } else { "" };
        if change.amounts.is_empty() {
            let what = "sizes, names or dates".to_owned();
            shown.add_row([change.name(), what, String::new(), String::new(), String::new()]);
        }
        for amount in &change.amounts {
            let [before, after] = [amount.before, amount.after].map(|side| told(amount, side));
            shown.add_row([change.name(), amount.what.clone(), before, after, leap.to_owned()]);
        }
    }
    shown.to_string()
}

/// Dollars, or a factor.
fn told(amount: &AmountChange, side: Option<u64>) -> String {
    match (side, &*amount.what) {
        (Some(factor), "us" | "fast") => format!("x {}.{:03}", factor / 1_000, factor % 1_000),
        (side, _) => dollars(side),
    }
}

const MOST_READ: u64 = 16 << 20;

/// What goes into one command, with room for the rest of it.
const MOST_SENT: usize = 1_000_000;

const LONGEST_SOURCE: usize = 200;
