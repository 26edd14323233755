//! One provider's list.

use std::{collections::HashMap, sync::Arc};

use crate::{ModelPrice, TokenPrice};

/// One provider's models, in the order of the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogue {
    models: Vec<ModelPrice>,
    by_name: HashMap<String, usize>,
    pub(crate) dearest_web_search: Option<TokenPrice>,
}

impl Catalogue {
    /// Where a model stands on several sheets, the one without a route is the provider's plain price; otherwise the first
    /// counts.
    pub(crate) fn add(&mut self, model: ModelPrice) {
        self.dearest_web_search = self.dearest_web_search.max(model.web_search_per_1k);
        let index = self.models.len();
        let place = self.by_name.entry(model.model.as_str().to_owned()).or_insert(index);
        if model.route.is_none() {
            *place = index;
        }
        self.models.push(model);
    }

    /// With no more room than it needs, for it stays as it is.
    pub(crate) fn shared(mut self) -> Arc<Self> {
        self.models.shrink_to_fit();
        self.by_name.shrink_to_fit();
        Arc::new(self)
    }

    /// The row that counts for each model, by its number.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&str, usize)> {
        self.by_name.iter().map(|(model, &row)| (model.as_str(), row))
    }

    /// A row of [`places`](Self::places).
    pub(crate) fn row(&self, row: usize) -> &ModelPrice {
        &self.models[row]
    }

    /// Each model once.
    pub(crate) fn models(&self) -> impl Iterator<Item = &ModelPrice> {
        self.models.iter().enumerate().filter_map(|(index, model)| {
            (self.by_name.get(model.model.as_str()) == Some(&index)).then_some(model)
        })
    }

    /// All rows, of every sheet.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &ModelPrice> {
        self.models.iter()
    }
}
