//! Redemption cards and service rates, at the predecessor's paths.

use posthaste_admin::{
    AdminError, CardLimitsChange, CardListInput, CardStats, CardView, Command, CreatedCard, Disclosed,
    HeldRedemption, ListPage, NewCards, RatesInput, RedemptionListInput, RedemptionView, ServiceRate,
};
use posthaste_core::{Area, CardLimits, ProviderKind};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, delete, get, post, put},
    input::{Json, NoBody},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    [cards(), redemptions(), holders(), rates()].into_iter().flatten().collect()
}

fn cards() -> Vec<Endpoint> {
    let (read, write) = (Area::Keys.read(), Area::Keys.write());
    vec![
        get("/admin/quota-cards", "Redemption cards, page by page, the newest first")
            .needs(read)
            .answers_query(|asked: Asked, query: CardListInput, _: NoBody| async move {
                asked.act::<ListPage<CardView>>(Command::PageCards(query)).await
            }),
        post(
            "/admin/quota-cards",
            "Make up to 100 redemption cards; their codes are told now and never again",
        )
        .needs(write)
        .body::<NewCards>()
        .answers(|asked: Asked, Json(new): Json<NewCards>| async move {
            asked.act::<Vec<CreatedCard>>(Command::CreateCards(new)).await
        }),
        get("/admin/quota-cards/stats", "How many redemption cards there are, and what they give")
            .needs(read)
            .answers(
                |asked: Asked, _: NoBody| async move { asked.act::<CardStats>(Command::CardStats).await },
            ),
        get("/admin/quota-cards/limits", "How much redemption cards can add up to").needs(read).answers(
            |asked: Asked, _: NoBody| async move { asked.act::<CardLimits>(Command::ShowCardLimits).await },
        ),
        put(
            "/admin/quota-cards/limits",
            "Change how much redemption cards can add up to; what is not named stays as it is",
        )
        .needs(Area::Settings.write())
        .body::<CardLimitsChange>()
        .answers(|asked: Asked, Json(change): Json<CardLimitsChange>| async move {
            asked.act::<CardLimits>(Command::SetCardLimits(change)).await
        }),
        get("/admin/quota-cards/{card}", "One redemption card").needs(read).answers(
            |asked: Asked, _: NoBody| async move {
                let card = asked.parameter("card");
                asked.act::<CardView>(Command::ShowCard { card }).await
            },
        ),
        delete("/admin/quota-cards/{card}", "Remove a redemption card that nobody has redeemed")
            .needs(write)
            .answers(|asked: Asked, _: NoBody| async move {
                let card = asked.parameter("card");
                asked.act::<CardView>(Command::DeleteCard { card }).await
            }),
        post(
            "/admin/quota-cards/{card}/revoke",
            "Withdraw a redemption card that nobody has redeemed; its record stays",
        )
        .needs(write)
        .answers(|asked: Asked, _: NoBody| async move {
            let card = asked.parameter("card");
            asked.act::<CardView>(Command::RevokeCard { card }).await
        }),
        post("/admin/api-keys/{key}/redeem-card", "Redeem a card for a client key")
            .needs(write)
            .body::<CodeInput>()
            .answers(|asked: Asked, Json(input): Json<CodeInput>| async move {
                let key = asked.parameter("key");
                asked.act::<RedemptionView>(Command::RedeemCard { code: input.code, key }).await
            }),
    ]
}

fn redemptions() -> Vec<Endpoint> {
    vec![
        get("/admin/redemptions", "Redemptions of cards, page by page, the newest first")
            .needs(Area::Keys.read())
            .answers_query(|asked: Asked, query: RedemptionListInput, _: NoBody| async move {
                asked.act::<ListPage<RedemptionView>>(Command::PageRedemptions(query)).await
            }),
        post(
            "/admin/redemptions/{redemption}/revoke",
            "Take back what a card gave, as far as it is not used; time stays",
        )
        .needs(Area::Keys.write())
        .answers(|asked: Asked, _: NoBody| async move {
            let redemption = asked.parameter("redemption");
            asked.act::<RedemptionView>(Command::RevokeRedemption { redemption }).await
        }),
    ]
}

fn holders() -> Vec<Endpoint> {
    vec![
        post("/apiStats/api/redeem-card", "Redeem a card for the client key; also for one that is over")
            .open()
            .body::<RedeemInput>()
            .answers(redeem),
        get("/apiStats/api/redemption-history", "Cards that were redeemed for the client key")
            .client_key()
            .lists(
                |asked: Asked| async move { asked.admin.holders().redemptions(asked.client_key()?).await },
            ),
        post("/users/redeem-card", "Redeem a card for one of the own client keys")
            .person()
            .body::<OwnInput>()
            .answers(redeem_own),
        get("/users/redemption-history", "Cards that were redeemed for the own client keys")
            .person()
            .lists(|asked: Asked| async move { asked.admin.own_keys(asked.person()?).redemptions().await }),
    ]
}

fn rates() -> Vec<Endpoint> {
    vec![
        get("/admin/service-rates", "What a dollar of cost is billed as, by provider")
            .needs(Area::Usage.read())
            .answers(|asked: Asked, _: NoBody| async move {
                asked.act::<Vec<ServiceRate>>(Command::ShowServiceRates).await
            }),
        get("/admin/service-rates/services", "The providers whose rates can be changed")
            .needs(Area::Usage.read())
            .answers(|asked: Asked, _: NoBody| async move {
                let rates = asked.act::<Vec<ServiceRate>>(Command::ShowServiceRates).await?;
                Ok::<Vec<ProviderKind>, AdminError>(rates.into_iter().map(|rate| rate.provider).collect())
            }),
        put(
            "/admin/service-rates",
            "Change what a dollar of cost is billed as at the providers that are named",
        )
        .needs(Area::Settings.write())
        .body::<RatesInput>()
        .answers(|asked: Asked, Json(input): Json<RatesInput>| async move {
            asked.act::<Vec<ServiceRate>>(Command::SetServiceRates(input)).await
        }),
        get("/apiStats/service-rates", "What a dollar of cost is billed as, by provider")
            .open()
            .answers(|asked: Asked, _: NoBody| async move { asked.admin.service_rates().await }),
    ]
}

/// A card's code.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CodeInput {
    /// The code.
    code: Disclosed,
}

/// A client key and a card's code.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RedeemInput {
    /// The key itself; its id does not do.
    #[serde(rename = "apiKey")]
    api_key: Disclosed,
    /// The card's code.
    code: Disclosed,
}

/// One of the own client keys and a card's code.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OwnInput {
    /// The key, by id or by the name that one knows it by.
    #[serde(rename = "keyId", alias = "key")]
    key: String,
    /// The card's code.
    code: Disclosed,
}

async fn redeem(asked: Asked, Json(input): Json<RedeemInput>) -> Result<HeldRedemption, AdminError> {
    let (holders, address) = (asked.admin.holders(), asked.visit.address);
    let key = holders.redeeming_key(&input.api_key, address).await?;
    holders.redeem(&key, &input.code, address).await
}

async fn redeem_own(asked: Asked, Json(input): Json<OwnInput>) -> Result<HeldRedemption, AdminError> {
    asked.admin.own_keys(asked.person()?).redeem(&input.key, &input.code).await
}
