#![doc = include_str!("../README.md")]

pub mod aws_chain;
mod client_key;
mod crs;
mod error;
mod keyring;
mod master;
pub mod oauth;
mod passphrase;
mod password;
mod place;
mod random;
mod refreshing;
mod seal;
mod source;
mod stored;
mod token;
mod totp;
mod vault;

pub use client_key::NewClientKey;
pub use crs::{CrsKey, CrsSeal, CrsUnreadable};
pub use error::VaultError;
pub use master::MasterKey;
pub use passphrase::{Derivation, PassphraseKey};
pub use password::{hash_password, verify_password};
pub use place::{
    Place, account_credential_place, account_proxy_place, channel_place, login_place, request_bodies_place,
    user_second_factor_place,
};
pub use refreshing::{Entra, EntraSettings, Issued, Issuer, RefreshingCredentials, TokenReport};
pub use source::{CredentialSource, StaticCredentials};
pub use stored::{GrantRefused, RefreshMark, StoredAwsKeys, StoredCredential, StoredEntra, StoredToken};
pub use token::{NewToken, hash_token};
pub use totp::CodeSecret;
pub use vault::Vault;
