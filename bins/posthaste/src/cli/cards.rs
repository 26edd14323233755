//! `posthaste cards`

use std::time::Duration;

use clap::{Args, Subcommand};
use posthaste_admin::{
    CardLimitsChange, CardListInput, CardStats, CardView, Command as Work, CreatedCard, Disclosed, ListPage,
    NewCards, RedemptionListInput, RedemptionView, Reply, length_text, parse_dollars, parse_length,
};
use posthaste_core::{CardGift, CardLimits, CardStatus, Clock, NanoUsd, Secret, SystemClock, Timestamp};

use super::{
    Failure, Output,
    going::Going,
    input, output,
    session::{Session, unexpected},
};
use crate::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make cards; their codes are shown this once
    Create(Create),
    /// List cards, the newest first
    List(List),
    /// Show one card
    Show(Which),
    /// Withdraw a card that nobody has redeemed; its record stays
    Revoke(Going<Which>),
    /// Remove a card that nobody has redeemed
    Delete(Going<Which>),
    /// Redeem a card for a client key
    Redeem(Redeem),
    /// List redemptions, the newest first
    Redemptions(Redemptions),
    /// Take back what a card gave, as far as it is not used; time stays
    TakeBack {
        /// The redemption's id
        redemption: String,
    },
    /// How many cards there are, and what they give
    Stats,
    /// How much cards can add up to; what is not named stays as it is
    Limits(Limits),
}

#[derive(Args, Debug)]
pub(super) struct Create {
    /// Dollars that each adds to a client key's limit on its total cost
    #[arg(long, value_name = "USD", value_parser = parse_dollars, required_unless_present = "time")]
    quota: Option<u64>,
    /// How much longer each lets a client key last, such as `30d`
    #[arg(long, value_name = "TIME", value_parser = parse_length)]
    time: Option<u64>,
    /// How many, 100 at most
    #[arg(long, default_value_t = 1)]
    count: u32,
    /// How long they can be redeemed, such as `90d`; for ever unless told
    #[arg(long, value_name = "TIME", value_parser = parse_length)]
    lasts: Option<u64>,
    /// Whom they are for, what was paid
    #[arg(long, default_value = "")]
    note: String,
}

#[derive(Args, Debug)]
pub(super) struct List {
    /// Only those of which this became: unused, redeemed, taken_back, revoked or expired
    #[arg(long, value_parser = status)]
    status: Option<CardStatus>,
    /// Only those with this in their note, last characters, or names
    #[arg(long)]
    search: Option<String>,
    /// Which page, from 1 on
    #[arg(long)]
    page: Option<usize>,
    /// How many on a page, 500 at most
    #[arg(long)]
    limit: Option<usize>,
}

#[derive(Args, Debug)]
pub(super) struct Which {
    /// The card's id, or the last four characters of its code
    card: String,
}

#[derive(Args, Debug)]
pub(super) struct Redeem {
    /// The client key's name or id
    key: String,
    /// The card's code; `-` reads it from standard input
    #[arg(value_parser = input::secret)]
    code: Secret,
}

#[derive(Args, Debug)]
pub(super) struct Redemptions {
    /// Only this client key's, by name or id
    #[arg(long)]
    key: Option<String>,
    /// Which page, from 1 on
    #[arg(long)]
    page: Option<usize>,
    /// How many on a page, 500 at most
    #[arg(long)]
    limit: Option<usize>,
}

#[derive(Args, Debug)]
pub(super) struct Limits {
    /// The most that a client key's limit on its total cost can be raised to, in dollars; 0 for no such bound
    #[arg(long, value_name = "USD", value_parser = parse_dollars)]
    most_quota: Option<u64>,
    /// How many days from now a client key can be made to last at most; 0 for no such bound
    #[arg(long, value_name = "DAYS")]
    most_days: Option<u32>,
}

fn status(text: &str) -> Result<CardStatus, String> {
    let found = CardStatus::ALL.into_iter().find(|status| status.as_str() == text);
    let all: Vec<_> = CardStatus::ALL.into_iter().map(CardStatus::as_str).collect();
    found.ok_or_else(|| format!("expected one of: {}", all.join(", ")))
}

pub(super) async fn run(command: Command, config: &Config, out: &Output) -> Result<(), Failure> {
    let (mut deleted, mut withdrawn) = (false, false);
    let work = match command {
        Command::Create(create) => Work::CreateCards(create.into()),
        Command::List(List { status, search, page, limit }) => {
            Work::PageCards(CardListInput { page, page_size: limit, status, kind: None, search })
        }
        Command::Show(which) => Work::ShowCard { card: which.card },
        Command::Revoke(going) => {
            let which = going.sure(|which| format!("withdraw the card {}", which.card))?;
            withdrawn = true;
            Work::RevokeCard { card: which.card }
        }
        Command::Delete(going) => {
            let which = going.sure(|which| format!("remove the card {}", which.card))?;
            deleted = true;
            Work::DeleteCard { card: which.card }
        }
        Command::Redeem(Redeem { key, code }) => {
            let code = input::one_secret("card's code", Some(code), None)?;
            Work::RedeemCard { code: code.unwrap_or_else(|| Disclosed::new(Secret::new(""))), key }
        }
        Command::Redemptions(Redemptions { key, page, limit }) => {
            Work::PageRedemptions(RedemptionListInput { page, page_size: limit, key })
        }
        Command::TakeBack { redemption } => Work::RevokeRedemption { redemption },
        Command::Stats => Work::CardStats,
        Command::Limits(Limits { most_quota: None, most_days: None }) => Work::ShowCardLimits,
        Command::Limits(Limits { most_quota, most_days }) => {
            Work::SetCardLimits(CardLimitsChange { most_quota, most_days })
        }
    };
    let session = Session::open(config, &work).await?;
    match session.execute(work).await? {
        Reply::CreatedCards(made) => out.show(&made, || codes(&made)),
        Reply::CardPage(page) => out.show(&page, || table(&page)),
        Reply::Card(card) if deleted => out.show(&card, || format!("card …{} is removed", card.hint)),
        Reply::Card(card) if withdrawn => out.show(&card, || format!("card …{} is withdrawn", card.hint)),
        Reply::Card(card) => out.show(&card, || one(&card)),
        Reply::Redemption(redemption) => out.show(&redemption, || done(&redemption)),
        Reply::RedemptionPage(page) => out.show(&page, || redemptions(&page)),
        Reply::CardStats(stats) => out.show(&stats, || sums(&stats)),
        Reply::CardLimits(limits) => out.show(&limits, || bounds(&limits)),
        _ => Err(unexpected()),
    }
}

impl From<Create> for NewCards {
    fn from(create: Create) -> Self {
        let Create { quota, time, count, lasts, note } = create;
        let end = |seconds| SystemClock.now().plus(Duration::from_secs(seconds));
        Self {
            count: Some(count),
            quota: quota.unwrap_or(0),
            seconds: time.unwrap_or(0),
            expires_at: lasts.map(end),
            note,
        }
    }
}

fn dollars(nanos: u64) -> String {
    NanoUsd::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX)).to_string()
}

fn gives(gives: CardGift) -> String {
    match (gives.quota, gives.seconds) {
        (quota, 0) => dollars(quota),
        (0, seconds) => length_text(seconds),
        (quota, seconds) => format!("{} and {}", dollars(quota), length_text(seconds)),
    }
}

fn moment(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.to_string())
}

fn codes(made: &[CreatedCard]) -> String {
    let codes: Vec<_> = made.iter().map(|card| card.code.secret().expose().to_owned()).collect();
    let each = made.first().map_or_else(String::new, |card| gives(card.view.gives));
    format!("{}\n\nEach gives {each}. The codes are shown once.", codes.join("\n"))
}

fn table(page: &ListPage<CardView>) -> String {
    if page.items.is_empty() {
        return "no such cards".to_owned();
    }
    let mut table = output::table(&["ENDS WITH", "GIVES", "STATUS", "CLIENT KEY", "UNTIL", "NOTE", "ID"]);
    for card in &page.items {
        table.add_row([
            card.hint.clone(),
            gives(card.gives),
            card.status.as_str().to_owned(),
            card.redemption.as_ref().map_or_else(|| "-".to_owned(), |redemption| redemption.key_name.clone()),
            moment(card.expires_at),
            card.note.clone(),
            card.id.to_string(),
        ]);
    }
    format!("{table}\n\n{} of {}", page.items.len(), page.total)
}

fn one(card: &CardView) -> String {
    let mut rows = vec![
        ("id", card.id.to_string()),
        ("ends with", card.hint.clone()),
        ("gives", gives(card.gives)),
        ("status", card.status.as_str().to_owned()),
        ("until", moment(card.expires_at)),
        ("note", card.note.clone()),
        ("made by", card.made_by.clone()),
        ("made at", card.created_at.to_string()),
    ];
    if let Some(withdrawn) = &card.withdrawn {
        rows.push(("withdrawn by", withdrawn.by.clone()));
    }
    if let Some(redemption) = &card.redemption {
        rows.push(("redemption", redemption.id.to_string()));
        rows.push(("redeemed for", redemption.key_name.clone()));
        rows.push(("redeemed by", redemption.by.clone()));
        rows.push(("redeemed at", redemption.at.to_string()));
        if let Some(taken) = &redemption.taken_back {
            rows.push(("taken back", dollars(taken.quota)));
        }
    }
    output::list(&rows)
}

fn done(redemption: &RedemptionView) -> String {
    match &redemption.taken_back {
        Some(taken) => format!("{} was taken back from `{}`", dollars(taken.quota), redemption.key_name),
        None => format!("`{}` has {} more", redemption.key_name, gives(redemption.gives)),
    }
}

fn redemptions(page: &ListPage<RedemptionView>) -> String {
    if page.items.is_empty() {
        return "no such redemptions".to_owned();
    }
    let mut table = output::table(&["AT", "CLIENT KEY", "GAVE", "CARD ENDS WITH", "BY", "TAKEN BACK", "ID"]);
    for redemption in &page.items {
        let taken =
            redemption.taken_back.as_ref().map_or_else(|| "-".to_owned(), |taken| dollars(taken.quota));
        table.add_row([
            redemption.at.to_string(),
            redemption.key_name.clone(),
            gives(redemption.gives),
            redemption.hint.clone(),
            redemption.by.clone(),
            taken,
            redemption.id.to_string(),
        ]);
    }
    format!("{table}\n\n{} of {}", page.items.len(), page.total)
}

fn sums(stats: &CardStats) -> String {
    let mut table = output::table(&["STATUS", "CARDS", "QUOTA", "TIME"]);
    for sum in &stats.by_status {
        table.add_row([
            sum.status.as_str().to_owned(),
            sum.cards.to_string(),
            dollars(sum.quota),
            length_text(sum.seconds),
        ]);
    }
    format!("{table}\n\n{} cards; {} was taken back", stats.total, dollars(stats.taken_back))
}

fn bounds(limits: &CardLimits) -> String {
    let quota = if limits.most_quota == 0 { "no bound".to_owned() } else { dollars(limits.most_quota) };
    let days = if limits.most_days == 0 { "no bound".to_owned() } else { limits.most_days.to_string() };
    output::list(&[("most quota of a client key", quota), ("most days from now", days)])
}
