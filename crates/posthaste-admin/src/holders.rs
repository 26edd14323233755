//! What the holder of a client key sees with nothing but the key.

mod ticket;

use std::{collections::BTreeMap, net::IpAddr};

use posthaste_core::{ClientKey, KeyStatus, ModelName, ModelRules, Timestamp};
use posthaste_storage::{Dimension, RollupPeriod, Sums, UsageQuery};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Actor, Admin, AdminError, Disclosed, HeldRedemption, KeyService, ModelUsage, NotKnown, StandingView,
    UsageTotals, UsageView, Who, cards::redeem_watched, standings,
};

/// A client key as its holder sees it. Nothing of accounts, owners' names or other keys is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HolderView {
    /// The operator's name for it.
    pub name: String,
    /// The key's last four characters.
    pub hint: String,
    /// Whether it opens the door now.
    pub state: KeyStatus,
    /// When it ends, as far as that is known.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Which models it may ask for.
    pub models: ModelRules,
    /// Where its limits stand, and those that it shares with others.
    pub limits: Vec<StandingView>,
}

/// The same with what was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HolderOverview {
    /// The key.
    pub key: HolderView,
    /// What was used, in all, by model and by day.
    pub usage: UsageView,
}

/// What several keys of one holder used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HolderUsage {
    /// All of them together.
    pub totals: UsageTotals,
    /// Each of them, in the order in which they were presented.
    pub by_key: Vec<HeldKeyUsage>,
    /// All of them together by model, the dearest first.
    pub by_model: Vec<ModelUsage>,
}

/// What one of several keys used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldKeyUsage {
    /// The operator's name for it.
    pub name: String,
    /// The key's last four characters.
    pub hint: String,
    /// How much.
    #[serde(flatten)]
    pub totals: UsageTotals,
}

/// Holders of client keys.
#[derive(Clone, Copy)]
pub struct HolderService<'a> {
    admin: &'a Admin,
}

impl<'a> HolderService<'a> {
    /// What a key needs that is bound to other networks, as [`AdminError::Forbidden`] tells it.
    pub const NETWORK: &'static str = "a network that the key may be used from";

    pub(crate) fn new(admin: &'a Admin) -> Self {
        Self { admin }
    }

    /// The client key that is presented, from where it may be used.
    ///
    /// # Errors
    /// [`AdminError::Unauthenticated`] for one that is unknown, [`AdminError::Forbidden`] for one that is switched off, over,
    /// or bound to other networks.
    pub async fn key(self, presented: &Disclosed, address: Option<IpAddr>) -> Result<ClientKey, AdminError> {
        self.known(presented, address, false).await
    }

    /// The same for whoever redeems a card: also a client key that is over, which a card of time opens again.
    ///
    /// # Errors
    /// As [`key`](Self::key).
    pub async fn redeeming_key(
        self,
        presented: &Disclosed,
        address: Option<IpAddr>,
    ) -> Result<ClientKey, AdminError> {
        self.known(presented, address, true).await
    }

    /// With `over` also one that is over.
    async fn known(
        self,
        presented: &Disclosed,
        address: Option<IpAddr>,
        over: bool,
    ) -> Result<ClientKey, AdminError> {
        let parts = self.admin.parts();
        let text = presented.secret().expose().trim();
        let records = self.admin.key_records();
        let mut found = records.by_hash(parts.vault.hash_client_key(text)).await?;
        if found.is_none()
            && let Some(hash) = parts.vault.hash_crs_client_key(text)
        {
            found = records.by_crs_hash(hash).await?;
        }
        // Nobody is kept from trying: 256 random bits are not guessed, and others behind the same address would suffer.
        let unknown = AdminError::Unauthenticated { what: NotKnown::ClientKey, missing: None };
        let key = found.map(|found| found.value).ok_or(unknown)?;
        self.let_in(key, address, over)
    }

    /// The key, if it may be used now and from there; with `over` also one that is over.
    fn let_in(self, key: ClientKey, address: Option<IpAddr>, over: bool) -> Result<ClientKey, AdminError> {
        let networks = &key.policy.networks;
        let inside = |address: IpAddr| networks.iter().any(|network| network.contains(address));
        if !networks.is_empty() && !address.is_some_and(inside) {
            return Err(AdminError::Forbidden { need: Self::NETWORK.to_owned() });
        }
        match key.status(self.admin.parts().clock.now()) {
            KeyStatus::Active => Ok(key),
            KeyStatus::Expired { .. } if over => Ok(key),
            _ => Err(AdminError::Forbidden { need: "a client key that is on and not over".to_owned() }),
        }
    }

    /// What the key is and where its limits stand.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn view(self, key: &ClientKey) -> Result<HolderView, AdminError> {
        Ok(HolderView {
            name: key.name.clone(),
            hint: key.hint.clone(),
            state: key.status(self.admin.parts().clock.now()),
            expires_at: key.expires_at(),
            created_at: key.created_at,
            models: key.models.clone(),
            limits: standings::of_key(self.admin, key).await?,
        })
    }

    /// What the key used.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn usage(self, key: &ClientKey) -> Result<UsageView, AdminError> {
        KeyService::new(self.admin).usage(&key.id.to_string()).await
    }

    /// What some keys used since a moment, rounded down to the start of its day; ever without one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn used_by(
        self,
        keys: &[ClientKey],
        since: Option<Timestamp>,
    ) -> Result<HolderUsage, AdminError> {
        let period = if since.is_some() { RollupPeriod::Day } else { RollupPeriod::Month };
        let (mut totals, mut by_key) = (Sums::default(), Vec::with_capacity(keys.len()));
        let mut models: BTreeMap<ModelName, Sums> = BTreeMap::new();
        for key in keys {
            let from = since.map(|since| period.start_of(since));
            let query = UsageQuery { key_id: Some(key.id), from, ..UsageQuery::all(period) };
            let mut own = Sums::default();
            for group in self.admin.parts().stores.ledger.sums(&query, &[Dimension::Model]).await? {
                own.merge(&group.sums);
                if let Some(model) = group.group.model {
                    models.entry(model).or_default().merge(&group.sums);
                }
            }
            totals.merge(&own);
            let (name, hint) = (key.name.clone(), key.hint.clone());
            by_key.push(HeldKeyUsage { name, hint, totals: own.into() });
        }
        let mut models: Vec<(ModelName, Sums)> = models.into_iter().collect();
        models.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.cost));
        let by_model =
            models.into_iter().map(|(model, sums)| ModelUsage { model, totals: sums.into() }).collect();
        Ok(HolderUsage { totals: totals.into(), by_key, by_model })
    }

    /// Redeems a card for the key.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for a code that there is not, [`AdminError::TooMany`] after too many of those,
    /// [`AdminError::Conflict`] for a card that is over, was redeemed before, or does not fit the key.
    pub async fn redeem(
        self,
        key: &ClientKey,
        code: &Disclosed,
        address: Option<IpAddr>,
    ) -> Result<HeldRedemption, AdminError> {
        redeem_watched(self.admin, key, code, &Actor { who: Who::Stranger, address }).await
    }

    /// The cards that were redeemed for the key, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn redemptions(self, key: &ClientKey) -> Result<Vec<HeldRedemption>, AdminError> {
        self.admin.cards().held(&[key.id]).await
    }

    /// Both.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn overview(self, key: &ClientKey) -> Result<HolderOverview, AdminError> {
        Ok(HolderOverview { key: self.view(key).await?, usage: self.usage(key).await? })
    }
}
