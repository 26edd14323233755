//! Lists of client keys and accounts as large relays have them: a page is looked up in memory, and only what it shows is made.

mod accounts;
mod keys;
mod order;
mod part;
mod used;

pub use accounts::{AccountListInput, AccountRow};
pub use keys::{KeyListInput, KeyRow};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::used::LastUses;
pub(crate) use self::{
    accounts::{page as accounts_page, standing},
    keys::page as keys_page,
};
use crate::AdminError;

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListPage<T> {
    /// The rows.
    pub items: Vec<T>,
    /// How many rows there are on all pages.
    pub total: usize,
    /// Which page this is, from 1 on.
    pub page: usize,
    /// How many rows a page has.
    pub page_size: usize,
}

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SortOrder {
    /// What is least comes first.
    #[default]
    Asc,
    /// What is greatest comes first.
    Desc,
}

/// Since when what was used counts in a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum UsedIn {
    /// Since the day began, UTC.
    #[serde(rename = "today")]
    Today,
    /// Today and the six days before.
    #[serde(rename = "7days", alias = "7d", alias = "week")]
    Week,
    /// Today and the 29 days before.
    #[serde(rename = "30days", alias = "30d", alias = "monthly")]
    Month,
    /// Ever.
    #[default]
    #[serde(rename = "all", alias = "total")]
    Ever,
}

/// Which page, of what size.
#[derive(Clone, Copy)]
pub(crate) struct Cut {
    page: usize,
    size: usize,
}

impl Cut {
    pub(crate) fn new(page: Option<usize>, size: Option<usize>) -> Result<Self, AdminError> {
        let (page, size) = (page.unwrap_or(1), size.unwrap_or(USUAL));
        if page == 0 {
            return Err(AdminError::invalid("page", "is 0; pages are counted from 1 on"));
        }
        if !(1..=MOST).contains(&size) {
            return Err(AdminError::invalid("pageSize", format!("is {size}, not from 1 to {MOST}")));
        }
        Ok(Self { page, size })
    }

    /// What is on the page, and how many there are in all.
    pub(crate) fn of<T>(self, all: Vec<T>) -> (Vec<T>, usize) {
        let total = all.len();
        (all.into_iter().skip((self.page - 1).saturating_mul(self.size)).take(self.size).collect(), total)
    }

    pub(crate) fn page<T>(self, items: Vec<T>, total: usize) -> ListPage<T> {
        ListPage { items, total, page: self.page, page_size: self.size }
    }
}

const USUAL: usize = 50;
const MOST: usize = 500;
