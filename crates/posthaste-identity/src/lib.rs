#![doc = include_str!("../README.md")]

mod findings;
mod ldap;
mod oidc;

pub use ldap::{
    GroupRoles, GroupSearch, LdapAttributes, LdapBind, LdapDirectory, LdapOptions, LdapSecurity,
    LdapSetupError, check_filter,
};
pub use oidc::{OidcClaims, OidcOptions, OidcProvider, OidcSetupError};
