#![doc = include_str!("../README.md")]

mod alarm;
mod book;
mod charge;
mod error;
mod limits;
mod price;
mod read;
mod window;

pub use book::PriceBook;
pub use charge::Charge;
pub use error::PriceBookError;
pub use limits::{LimitError, check_limits};
pub use price::{Mode, ModelPrice, Multipliers, Prices, Sheet, Step, Tiers, TokenPrice};
pub use window::{Span, WindowError, span};
