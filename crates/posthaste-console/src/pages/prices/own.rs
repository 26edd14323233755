//! Prices of the operator's own.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Command, PriceView};
use posthaste_core::{Area, OwnPrice};

use super::form;
use crate::{BASE, asked::Asked, edited::Edited, fields::Fields, frame::Frame, trouble::is_of_form};

#[derive(Template)]
#[template(path = "prices/own.html")]
struct List {
    p: Frame,
    prices: Vec<OwnPrice>,
    may_write: bool,
    tab: &'static str,
}

#[derive(Template)]
#[template(path = "prices/form.html")]
struct Form<'a> {
    p: Frame,
    form: &'a Fields,
    /// The price that is changed; `None` for a new one.
    price: Option<OwnPrice>,
    lists: BTreeSet<String>,
    edited: Edited,
}

pub(super) async fn list(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let prices: Vec<OwnPrice> = asked.act(Command::ListOwnPrices).await?;
    let p = asked.frame(asked.say("Own prices")).await?;
    let may_write = asked.may(Area::Settings.write());
    asked.page(&List { p, prices, may_write, tab: "own" })
}

/// The address may name a model: the form begins with what the book says of it.
pub(super) async fn show_new(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let (provider, model) = (asked.query.value("provider"), asked.query.value("model"));
    let blank = Fields::default().with("provider", provider).with("model", model);
    let book: Vec<PriceView> = asked.act(Command::ListPrices).await?;
    let row = book.iter().find(|row| row.provider == provider && row.model.as_str() == model);
    let filled = row.map_or(blank.clone(), |row| form::from_book(blank, row));
    show_form(&asked, StatusCode::OK, &filled, None, Edited::blank()).await
}

pub(super) async fn create(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let set: Result<OwnPrice, _> = match form::price(&asked.form) {
        Ok(input) => asked.act(Command::SetOwnPrice(input)).await,
        Err(error) => Err(error),
    };
    match set {
        Ok(price) => Ok(done(&asked, &price)),
        Err(error) if is_of_form(&error) => {
            let edited = Edited::refused(&asked, &error);
            show_form(&asked, StatusCode::UNPROCESSABLE_ENTITY, &asked.form, None, edited).await
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn show_edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let (price, version) = look_up(&asked).await?;
    let kept = form::kept(&price, version);
    show_form(&asked, StatusCode::OK, &kept.fields, Some(price), kept.opened()).await
}

pub(super) async fn edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let (price, version) = look_up(&asked).await?;
    // Of which model it is does not change: that would be another price.
    let named = asked.form.clone().set("provider", &price.provider).set("model", price.model.as_str());
    let set: Result<OwnPrice, _> = match form::price(&named) {
        Ok(input) => asked.act_on(Command::SetOwnPrice(input)).await,
        Err(error) => Err(error),
    };
    match set {
        Ok(price) => Ok(done(&asked, &price)),
        Err(error) if is_of_form(&error) => {
            let edited = form::kept(&price, version).refused(&asked, &named, &error).await?;
            show_form(&asked, StatusCode::CONFLICT, &named, Some(price), edited).await
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn delete(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let price = asked.parameter("price").to_owned();
    let gone: OwnPrice = asked.act(Command::DeleteOwnPrice { price }).await?;
    let told = asked.fill("The price book says again what {} costs.", gone.name());
    Ok(asked.done(&format!("{BASE}/prices/own"), &told))
}

fn done(asked: &Asked, price: &OwnPrice) -> Response {
    let told = asked.fill("{} has the price that you said, from now on.", price.name());
    asked.done(&format!("{BASE}/prices/own"), &told)
}

async fn look_up(asked: &Asked) -> Result<(OwnPrice, Option<u64>), AdminError> {
    asked.look_up(Command::ShowOwnPrice { price: asked.parameter("price").to_owned() }).await
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    price: Option<OwnPrice>,
    edited: Edited,
) -> Result<Response, AdminError> {
    let p = match &price {
        Some(price) => asked.frame(&asked.fill("Price of {}", price.name())).await?,
        None => asked.frame(asked.say("New price")).await?,
    };
    let book: Vec<PriceView> = asked.act(Command::ListPrices).await?;
    let lists = book.into_iter().map(|row| row.provider).collect();
    asked.page_as(status, &Form { p, form, price, lists, edited })
}

impl List {
    /// What a price says of each class, in the order of the form.
    fn rates(&self, price: &OwnPrice) -> Vec<Option<posthaste_core::NanoUsd>> {
        form::CLASSES.iter().map(|(_, read, _)| read(&price.rates).map(form::amount)).collect()
    }

    fn labels(&self) -> Vec<&'static str> {
        form::CLASSES.iter().map(|(name, _, _)| form::label(name)).collect()
    }
}

impl Form<'_> {
    fn classes(&self) -> Vec<(&'static str, &'static str)> {
        form::CLASSES.iter().map(|(name, _, _)| (*name, form::label(name))).collect()
    }
}
