#![doc = include_str!("../README.md")]

mod client_key;
mod error;
mod keyring;
mod master;
mod place;
mod random;
mod seal;
mod source;
mod vault;

pub use client_key::NewClientKey;
pub use error::VaultError;
pub use master::MasterKey;
pub use place::{Place, account_credential_place};
pub use source::{CredentialSource, StaticCredentials};
pub use vault::Vault;
