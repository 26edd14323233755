#![doc = include_str!("../README.md")]

mod alarm;
mod believable;
mod book;
mod catalogue;
mod charge;
mod compare;
mod error;
mod limits;
mod list;
mod names;
mod own;
mod places;
mod price;
mod quick;
mod read;
mod saving;
mod seller;
mod unknown;
mod window;

pub use book::PriceBook;
pub use charge::Charge;
pub use compare::{Change, ChangedAmount, Differences};
pub use error::PriceBookError;
pub use limits::{LimitError, check_limits};
pub use list::{ListForm, PriceList, ReadList, RefusedEntry};
pub use names::Vendor;
pub use price::{Mode, ModelPrice, Multipliers, Prices, Sheet, Step, Tiers, TokenPrice};
pub use saving::CacheSaving;
pub use seller::Seller;
pub use unknown::UnknownModels;
pub use window::{Span, WindowError, span};
