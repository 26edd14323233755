#![doc = include_str!("../README.md")]

mod ldap;

pub use ldap::{
    GroupRoles, GroupSearch, LdapAttributes, LdapBind, LdapDirectory, LdapOptions, LdapSecurity,
    LdapSetupError, check_filter,
};
