#![doc = include_str!("../README.md")]

mod claims;
mod delivery;
mod error;
mod format;
mod hub;
mod message;
mod notifier;
mod pace;
mod post_office;
mod repeats;
mod secrets;
mod sender;
mod services;
pub mod sources;
#[cfg(test)]
mod testing;
mod words;
mod worker;

pub use delivery::{Delivery, DeliveryLog, DeliveryOutcome, MemoryDeliveryLog, Noted};
pub use error::ChannelError;
pub use notifier::{Notifier, NotifyOptions, NotifyParts, target_host};
pub use secrets::SecretOpener;
