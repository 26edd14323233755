//! `[oauth]`, `[oauth.<provider>]` and `[oauth.entra]`

use std::{path::PathBuf, time::Duration};

use posthaste_vault::{
    EntraSettings,
    oauth::{OAuthClients, OAuthSettings, oauth_provider},
};
use url::{Host, Url};

use super::{
    ConfigError, EnvSecret, Section, SectionInfo, Shown,
    error::secret_from_file,
    reader::Reader,
    section::section,
    setting::{Urls, Words},
};

section! {
    /// Accounts that are logged in.
    "oauth" => OAuthGeneral {
        /// Whether the tokens of accounts that nobody asks for are refreshed too, so that their logins do not lapse.
        refresh_idle: bool = "true",
    }
}

/// The keys of one provider; the reference shows them once for all.
macro_rules! client_section {
    ($name:literal => $section:ident) => {
        section! {
            /// Your own OAuth client at a vendor, for accounts that are logged in there; `<provider>` is `claude`,
            /// `openai`, `google`, `qwen` or `sandbox`. Register it with the vendor: this program brings none. What is not
            /// set here is the vendor's, as far as it is known.
            $name in "oauth.<provider>" => $section {
                /// The client's id. Needed to log in at any vendor but the sandbox.
                client_id: Option<String> = unset,
                /// The client's secret, where the vendor gave one (Google does). Taken from the environment only.
                client_secret: Option<EnvSecret> = unset,
                /// A file that holds the client's secret.
                client_secret_file: Option<PathBuf> = unset,
                /// What is asked for, in words with spaces between them.
                scopes: Option<Words> = unset,
                /// Where the browser is sent with the code: as registered with the vendor. An address of this machine can
                /// be waited at; port 0 means any free one. From any other address the code is pasted.
                redirect_uri: Option<Url> = unset,
                /// Where the browser goes for a code.
                authorize_url: Option<Url> = unset,
                /// Where tokens come from: one address, or several with spaces between them, of which the later ones
                /// stand in for an earlier one that is down.
                token_urls: Option<Urls> = unset,
                /// Where device codes come from.
                device_url: Option<Url> = unset,
                /// How long before its end a token is refreshed; up to half of it is added, another share for each
                /// account. Unset: `60s`, for Qwen `300s`.
                refresh_window: Option<Duration> = unset,
            }
        }

        impl $section {
            fn finish(&mut self, errors: &mut Vec<ConfigError>) {
                let path = concat!($name, ".client_secret");
                let given = self.client_secret.take().map(|secret| secret.0);
                let file = self.client_secret_file.as_deref();
                self.client_secret = secret_from_file(path, given, file, errors).map(EnvSecret);
                let singles = [("authorize_url", &self.authorize_url), ("device_url", &self.device_url)];
                for (key, url) in singles {
                    errors.extend(url.iter().filter_map(|url| in_the_clear($name, key, url)));
                }
                let servers = self.token_urls.iter().flat_map(|urls| &urls.0);
                errors.extend(servers.filter_map(|url| in_the_clear($name, "token_urls", url)));
            }

            fn settings(&self) -> OAuthSettings {
                OAuthSettings {
                    client_id: self.client_id.clone(),
                    client_secret: self.client_secret.clone().map(|secret| secret.0),
                    scopes: self.scopes.clone().map(|words| words.0),
                    redirect_uri: self.redirect_uri.clone(),
                    authorize_url: self.authorize_url.clone(),
                    token_urls: self.token_urls.clone().map(|urls| urls.0).unwrap_or_default(),
                    device_url: self.device_url.clone(),
                    refresh_window: self.refresh_window,
                }
            }
        }
    };
}

client_section!("oauth.claude" => OAuthClaude);
client_section!("oauth.openai" => OAuthOpenAi);
client_section!("oauth.google" => OAuthGoogle);
client_section!("oauth.qwen" => OAuthQwen);
client_section!("oauth.sandbox" => OAuthSandbox);

section! {
    /// Microsoft Entra, for accounts that present the token of an application.
    "oauth.entra" => OAuthEntra {
        /// Where its tokens come from, without the tenant. National clouds have their own.
        authority: Url = "https://login.microsoftonline.com",
        /// What the tokens are for. Foundry wants `https://ai.azure.com/.default`.
        scope: String = "https://cognitiveservices.azure.com/.default",
    }
}

/// Everything below `[oauth]`.
#[derive(Clone, Debug)]
pub struct OAuth {
    /// `[oauth]`
    pub general: OAuthGeneral,
    /// `[oauth.claude]`
    pub claude: OAuthClaude,
    /// `[oauth.openai]`
    pub openai: OAuthOpenAi,
    /// `[oauth.google]`
    pub google: OAuthGoogle,
    /// `[oauth.qwen]`
    pub qwen: OAuthQwen,
    /// `[oauth.sandbox]`
    pub sandbox: OAuthSandbox,
    /// `[oauth.entra]`
    pub entra: OAuthEntra,
}

impl OAuth {
    pub(super) const SECTIONS: [SectionInfo; 7] = [
        OAuthGeneral::INFO,
        OAuthClaude::INFO,
        OAuthOpenAi::INFO,
        OAuthGoogle::INFO,
        OAuthQwen::INFO,
        OAuthSandbox::INFO,
        OAuthEntra::INFO,
    ];

    /// The operator's clients.
    pub fn clients(&self) -> OAuthClients {
        let settings = [
            ("claude", self.claude.settings()),
            ("openai", self.openai.settings()),
            ("google", self.google.settings()),
            ("qwen", self.qwen.settings()),
            ("sandbox", self.sandbox.settings()),
        ];
        let known = |(name, settings)| Some((oauth_provider(name)?, settings));
        OAuthClients::new(settings.into_iter().filter_map(known))
    }

    /// Where Entra's tokens come from.
    pub fn entra(&self) -> EntraSettings {
        EntraSettings { authority: self.entra.authority.clone(), scope: self.entra.scope.clone() }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            general: OAuthGeneral::read(reader),
            claude: OAuthClaude::read(reader),
            openai: OAuthOpenAi::read(reader),
            google: OAuthGoogle::read(reader),
            qwen: OAuthQwen::read(reader),
            sandbox: OAuthSandbox::read(reader),
            entra: OAuthEntra::read(reader),
        }
    }

    pub(super) fn show(&self) -> Vec<Shown> {
        [
            self.general.show(),
            self.claude.show(),
            self.openai.show(),
            self.google.show(),
            self.qwen.show(),
            self.sandbox.show(),
            self.entra.show(),
        ]
        .concat()
    }

    pub(super) fn finish(&mut self, errors: &mut Vec<ConfigError>) {
        self.claude.finish(errors);
        self.openai.finish(errors);
        self.google.finish(errors);
        self.qwen.finish(errors);
        self.sandbox.finish(errors);
        errors.extend(in_the_clear("oauth.entra", "authority", &self.entra.authority));
    }
}

/// Secrets go there: in the clear only within this machine.
fn in_the_clear(section: &str, key: &str, url: &Url) -> Option<ConfigError> {
    let within = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name == "sandbox.posthaste.internal",
        None => false,
    };
    let problem = || format!("`{url}` goes in the clear; use `https`, or an address of this machine");
    (url.scheme() != "https" && !within)
        .then(|| ConfigError::new(format!("{section}.{key}"), None, problem()))
}

#[cfg(test)]
mod tests {
    use posthaste_vault::oauth::oauth_providers;

    use super::*;

    #[test]
    fn every_provider_has_its_section() {
        let sections: Vec<_> = OAuth::SECTIONS.iter().map(|section| section.name).collect();
        for provider in oauth_providers() {
            assert!(sections.contains(&&*format!("oauth.{}", provider.name)), "{}", provider.name);
        }
    }
}
