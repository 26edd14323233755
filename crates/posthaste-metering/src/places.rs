//! Where a model stands, over all lists: found with one look, since every request asks for prices of several accounts.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::{ModelPrice, catalogue::Catalogue, quick::QuickHash, seller::OTHER_LISTS};

/// The places of every model.
#[derive(Debug, Default)]
pub(crate) struct Places(HashMap<String, ModelPlaces, QuickHash>);

/// The places of one model, in the order in which they count where its vendor is not known.
#[derive(Debug, Default)]
pub(crate) struct ModelPlaces(Vec<Place>);

#[derive(Debug)]
struct Place {
    list: String,
    catalogue: Arc<Catalogue>,
    row: usize,
}

impl Places {
    pub(crate) fn of(catalogues: &BTreeMap<String, Arc<Catalogue>>) -> Self {
        let mut all = Self::default();
        let others = catalogues.keys().map(String::as_str).filter(|list| !OTHER_LISTS.contains(list));
        for list in OTHER_LISTS.into_iter().chain(others) {
            let Some(catalogue) = catalogues.get(list) else { continue };
            for (model, row) in catalogue.places() {
                let place = Place { list: list.to_owned(), catalogue: Arc::clone(catalogue), row };
                all.0.entry(model.to_owned()).or_default().0.push(place);
            }
        }
        all
    }

    pub(crate) fn of_model(&self, model: &str) -> Option<&ModelPlaces> {
        self.0.get(model)
    }
}

impl ModelPlaces {
    /// Its place on one list.
    pub(crate) fn on(&self, list: &str) -> Option<(&Catalogue, &ModelPrice)> {
        self.0.iter().find(|place| place.list == list).map(Place::found)
    }

    /// Its first place.
    pub(crate) fn anywhere(&self) -> Option<(&Catalogue, &ModelPrice)> {
        self.0.first().map(Place::found)
    }
}

impl Place {
    fn found(&self) -> (&Catalogue, &ModelPrice) {
        (&self.catalogue, self.catalogue.row(self.row))
    }
}
