//! The configuration: `posthaste.toml`, then `POSTHASTE_*` in the environment, then flags; the later wins.
//!
//! One declaration a section (`config/server.rs` and its neighbours) gives the typed struct with its defaults, the
//! reader that collects every error, what `config show` prints, and `docs/CONFIG.md`. The environment's rule:
//! `POSTHASTE_` + section + `__` + key, in upper case, so `server.listen` is `POSTHASTE_SERVER__LISTEN`.

mod accounting;
mod admin;
mod data;
mod env;
mod error;
mod file;
mod keys;
mod ldap;
mod live;
mod log;
mod notify;
mod oauth;
mod oidc;
mod pricing;
mod reader;
mod records;
mod reference;
mod relay;
mod retention;
mod scheduling;
mod section;
mod server;
mod setting;
mod telemetry;
mod timeouts;
mod units;
mod users;
mod vault;

pub use accounting::{Accounting, Durability, UnknownModels};
pub use admin::AdminApi;
pub use data::{Data, StoreKind};
pub use env::{ProcessEnv, Strings};
pub use error::{ConfigError, ConfigErrors};
pub use keys::Keys;
pub use ldap::{Ldap, LdapRole, LdapUrl, Names};
pub use log::{Log, LogFormat};
pub use notify::Notify;
pub use oauth::OAuth;
pub use oidc::{Oidc, WebUrl};
pub use pricing::PricingMultiplier;
pub use reader::{FileText, Flag, Sources};
pub use records::Records;
pub use reference::reference_markdown;
pub use relay::Relay;
pub use retention::RetentionRules;
pub use scheduling::Scheduling;
pub use section::{KeyInfo, Section, SectionInfo, Shown};
pub use server::Server;
pub use setting::{EnvSecret, Kind, Listen, Setting, Urls, Words};
pub use telemetry::{Share, Telemetry};
pub use timeouts::Timeouts;
pub use units::ByteSize;
pub(crate) use units::parse_duration;
pub use users::Users;
pub use vault::VaultSection;

use reader::{Origins, Reader};

use posthaste_admin::SettingSource;

use crate::cli::RemoteServer;

/// Everything that the program can be told, checked and with its defaults filled in.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[admin]`
    pub admin: AdminApi,
    /// `[users]`
    pub users: Users,
    /// `[ldap]`
    pub ldap: Ldap,
    /// `[oidc]`
    pub oidc: Oidc,
    /// `[data]`
    pub data: Data,
    /// `[keys]`
    pub keys: Keys,
    /// `[accounting]`
    pub accounting: Accounting,
    /// `[records]`
    pub records: Records,
    /// `[retention]`
    pub retention: RetentionRules,
    /// `[notify]`
    pub notify: Notify,
    /// `[pricing.multiplier]`
    pub pricing: PricingMultiplier,
    /// `[relay]`
    pub relay: Relay,
    /// `[timeouts.<provider>]`
    pub timeouts: Timeouts,
    /// `[scheduling]`
    pub scheduling: Scheduling,
    /// `[log]`
    pub log: Log,
    /// `[telemetry]`
    pub telemetry: Telemetry,
    /// `[vault]`
    pub vault: VaultSection,
    /// `[oauth]` and what stands below it
    pub oauth: OAuth,
    /// The relay elsewhere that a command is for, which only the command line can name.
    pub elsewhere: Option<RemoteServer>,
    /// Who said what of it.
    origins: Origins,
}

impl Config {
    /// Every section, in the order of the reference.
    pub const SECTIONS: [SectionInfo; 32] = {
        let [t0, t1, t2, t3, t4, t5, t6, t7] = Timeouts::SECTIONS;
        let [general, claude, openai, google, qwen, sandbox, entra] = OAuth::SECTIONS;
        [
            Server::INFO,
            AdminApi::INFO,
            Users::INFO,
            Ldap::INFO,
            Oidc::INFO,
            Data::INFO,
            Keys::INFO,
            Accounting::INFO,
            Records::INFO,
            RetentionRules::INFO,
            Notify::INFO,
            PricingMultiplier::INFO,
            Relay::INFO,
            t0,
            t1,
            t2,
            t3,
            t4,
            t5,
            t6,
            t7,
            Scheduling::INFO,
            Log::INFO,
            Telemetry::INFO,
            VaultSection::INFO,
            general,
            claude,
            openai,
            google,
            qwen,
            sandbox,
            entra,
        ]
    };

    /// Reads and checks everything.
    ///
    /// # Errors
    /// All errors of all sources at once.
    pub fn read(sources: &Sources<'_>) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(&Self::SECTIONS, sources);
        let mut config = Self::sections(&mut reader);
        let (mut errors, origins) = reader.finish();
        config.origins = origins;
        let unfit = config.finish();
        // Of a key that could not be read only its stand-in was looked at.
        let unread: Vec<_> = errors.iter().map(|error| error.path.clone()).collect();
        errors.extend(unfit.into_iter().filter(|error| !unread.contains(&error.path)));
        if errors.is_empty() { Ok(config) } else { Err(ConfigErrors::new(errors)) }
    }

    /// Every key with its value, secrets redacted.
    pub fn show(&self) -> Vec<Shown> {
        [
            self.server.show(),
            self.admin.show(),
            self.users.show(),
            self.ldap.show(),
            self.oidc.show(),
            self.data.show(),
            self.keys.show(),
            self.accounting.show(),
            self.records.show(),
            self.retention.show(),
            self.notify.show(),
            self.pricing.show(),
            self.relay.show(),
            self.timeouts.show(),
            self.scheduling.show(),
            self.log.show(),
            self.telemetry.show(),
            self.vault.show(),
            self.oauth.show(),
        ]
        .concat()
    }

    /// Who said the value of a key.
    fn source_of(&self, key: &KeyInfo) -> SettingSource {
        self.origins.get(&(key.section, key.name)).copied().unwrap_or_default()
    }

    fn sections(reader: &mut Reader<'_>) -> Self {
        Self {
            server: Server::read(reader),
            admin: AdminApi::read(reader),
            users: Users::read(reader),
            ldap: Ldap::read(reader),
            oidc: Oidc::read(reader),
            data: Data::read(reader),
            keys: Keys::read(reader),
            accounting: Accounting::read(reader),
            records: Records::read(reader),
            retention: RetentionRules::read(reader),
            notify: Notify::read(reader),
            pricing: PricingMultiplier::read(reader),
            relay: Relay::read(reader),
            timeouts: Timeouts::read(reader),
            scheduling: Scheduling::read(reader),
            log: Log::read(reader),
            telemetry: Telemetry::read(reader),
            vault: VaultSection::read(reader),
            oauth: OAuth::read(reader),
            elsewhere: None,
            origins: Origins::new(),
        }
    }

    /// Fetches secrets from their files and tells which values cannot be.
    fn finish(&mut self) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        self.server.finish(&mut errors);
        self.admin.finish(&mut errors);
        self.ldap.finish(&mut errors);
        self.oidc.finish(&mut errors);
        self.data.finish(&mut errors);
        self.keys.finish(&mut errors);
        self.accounting.finish(&mut errors);
        self.records.finish(&mut errors);
        self.retention.finish(&mut errors);
        self.notify.finish(&mut errors);
        self.relay.finish(&mut errors);
        self.scheduling.finish(&mut errors);
        self.log.finish(&mut errors);
        self.telemetry.finish(&mut errors);
        self.vault.finish(&mut errors);
        self.oauth.finish(&mut errors);
        errors
    }
}

#[cfg(test)]
mod tests;
