//! A list that operators took over, over the book; and what is booked already, charged by the book of now.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use posthaste_core::{CostBasis, NanoUsd, Usage, UsageSource};

use super::{LISTED, PriceBook};
use crate::{
    ModelPrice, PriceBookError, PriceList, Seller,
    catalogue::Catalogue,
    charge::{basis, charge},
    read::Contents,
};

impl PriceBook {
    /// This book with a list over it that operators took over. As [`overlaid`](Self::overlaid), but that the rows and aliases
    /// of an operator's file stay what they are, and that models keep the names and dates that the list does not tell.
    ///
    /// # Errors
    /// When the list's aliases and the book's lead around in a circle.
    pub fn with_list(&self, list: &PriceList) -> Result<Self, PriceBookError> {
        let aliases: HashSet<_> = self.aliases().map(|(alias, _)| alias.clone()).collect();
        let goes_over = |row: &&ModelPrice| {
            !self.fixed.contains(&(row.provider.clone(), row.model.clone())) && !aliases.contains(&row.model)
        };
        let models: Vec<_> = list.models.iter().filter(goes_over).map(|row| self.completed(row)).collect();
        let given: HashSet<_> = models.iter().map(|row| (&*row.provider, row.model.as_str())).collect();
        let mut kept: BTreeMap<String, Catalogue> = BTreeMap::new();
        for (provider, catalogue) in &self.catalogues {
            let place = kept.entry(provider.clone()).or_default();
            for row in catalogue.rows().filter(|row| !given.contains(&(&*row.provider, row.model.as_str()))) {
                place.add(row.clone());
            }
        }
        let PriceList { as_of, vendors, aliases, .. } = list.clone();
        let contents = Contents { as_of, vendors, aliases, models };
        let (unknown, fixed) = (self.unknown.clone(), Arc::clone(&self.fixed));
        Ok(Self { unknown, fixed, ..Self::new(contents, &self.names, kept, LISTED)? })
    }

    /// How many rows of a list do not go over this book, since an operator's file says what they cost.
    pub fn kept_from(&self, list: &PriceList) -> usize {
        let is_fixed = |row: &&ModelPrice| self.fixed.contains(&(row.provider.clone(), row.model.clone()));
        list.models.iter().filter(is_fixed).count()
    }

    /// A row with what it does not tell and this book does: what it is called, when it came out, whether lists name it.
    fn completed(&self, row: &ModelPrice) -> ModelPrice {
        let known = self.catalogues.get(&row.provider);
        let Some(base) = known.and_then(|list| list.models().find(|known| known.model == row.model)) else {
            return row.clone();
        };
        ModelPrice {
            display_name: row.display_name.clone().or_else(|| base.display_name.clone()),
            created: row.created.or(base.created),
            unlisted: row.unlisted || base.unlisted,
            ..row.clone()
        }
    }

    /// What an exchange that is booked costs by this book: its tokens as they stand in the books, on which `was` rested.
    ///
    /// Tokens that were cut down stay so, and none is cut down now. `None` where a price is not known by this book either, and
    /// where there was nothing to price.
    pub fn recharge<'a>(
        &self,
        seller: impl Into<Seller<'a>>,
        model: &str,
        usage: &Usage,
        (source, was): (UsageSource, CostBasis),
    ) -> Option<(NanoUsd, CostBasis)> {
        if source == UsageSource::None || was == CostBasis::None {
            return None;
        }
        let priced = self.find(&seller.into(), model);
        let cost = |(catalogue, price): (&Catalogue, &ModelPrice)| {
            charge(price, catalogue.dearest_web_search, usage)
        };
        match priced.and_then(cost) {
            Some(cost) => Some((cost, basis(source, was == CostBasis::Capped, false))),
            None => self.assumed().and_then(cost).map(|cost| (cost, CostBasis::Assumed)),
        }
    }
}
