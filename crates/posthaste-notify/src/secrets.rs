//! A channel's secrets, opened.

use std::sync::Arc;

use posthaste_core::{
    BoxError, Channel, ChannelField, ChannelId, Egress, Proxy, ProxyLogin, ProxySettings, Sealed, Secret,
};

use url::Url;

use crate::ChannelError;

/// Opens what is sealed in a channel's record. The vault does, in the place that the field names.
pub trait SecretOpener: Send + Sync + 'static {
    /// Opens the secret of this field of this channel.
    ///
    /// # Errors
    /// When it was sealed for another place, or was changed.
    fn open(&self, channel: ChannelId, field: ChannelField, sealed: &Sealed) -> Result<Secret, BoxError>;
}

/// A channel's secrets. `Debug` shows none.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    target: Option<Secret>,
    pub(crate) key: Option<Secret>,
    pub(crate) egress: Egress,
}

impl Opened {
    pub(crate) fn new(channel: &Channel, opener: &dyn SecretOpener) -> Result<Self, ChannelError> {
        let open = |field: ChannelField, sealed: &Sealed| {
            let secret = opener
                .open(channel.id, field, sealed)
                .map_err(|_| ChannelError::Sealed { field: field.as_str() })?;
            // Nothing is signed with nothing.
            if secret.expose().trim().is_empty() && field != ChannelField::Proxy {
                return Err(ChannelError::invalid(field.as_str(), "it is empty"));
            }
            Ok(secret)
        };
        let opened = |field, sealed: Option<&Sealed>| sealed.map(|sealed| open(field, sealed)).transpose();
        let allow_private = channel.private_address.is_some();
        let egress = match &channel.proxy {
            None => Egress::direct(allow_private),
            Some(proxy) => {
                let password = opened(ChannelField::Proxy, proxy.password.as_ref())?;
                Egress::through(Arc::new(ready(proxy, password)), allow_private)
            }
        };
        Ok(Self {
            target: opened(ChannelField::Target, channel.target.as_ref())?,
            key: opened(ChannelField::Key, channel.key.as_ref())?,
            egress,
        })
    }

    pub(crate) fn target(&self) -> Result<&Secret, ChannelError> {
        self.target.as_ref().ok_or(ChannelError::Missing("target"))
    }

    /// Takes the secrets out of what somebody else said, who may repeat them: whole, and the parts of an address that make it
    /// secret.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut parts: Vec<String> = Vec::new();
        for secret in [&self.target, &self.key].into_iter().flatten() {
            parts.push(secret.expose().to_owned());
            parts.extend(secret_parts(secret.expose()));
        }
        parts.retain(|part| !part.is_empty());
        // What holds another part goes first.
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        parts.iter().fold(text.to_owned(), |text, part| text.replace(part.as_str(), "…"))
    }
}

/// Of an address what stands behind the host, as it is written and as it is meant; of a token what stands between its colons.
fn secret_parts(secret: &str) -> Vec<String> {
    let parts: Vec<String> = match Url::parse(secret.trim()) {
        Ok(url) if url.has_host() => {
            let path = url.path().split('/').map(str::to_owned);
            let raw = url.query().unwrap_or_default().split(['&', '=']).map(str::to_owned);
            let meant = url.query_pairs().map(|(_, value)| value.into_owned());
            path.chain(raw).chain(meant).collect()
        }
        _ => secret.split(':').map(str::to_owned).collect(),
    };
    // Shorter ones are words such as `send`, and no secrets.
    parts.into_iter().filter(|part| part.len() >= SHORTEST_SECRET).collect()
}

fn ready(settings: &ProxySettings, password: Option<Secret>) -> Proxy {
    let password = password.unwrap_or_else(|| Secret::new(""));
    Proxy {
        scheme: settings.scheme,
        host: settings.host.clone(),
        port: settings.port,
        login: settings.username.clone().map(|username| ProxyLogin { username, password }),
    }
}

const SHORTEST_SECRET: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_repeat_of_a_secret_is_taken_out() {
        let opened = Opened {
            target: Some(Secret::new("https://example.com/hook/canary-0001?token=canary-0002")),
            key: Some(Secret::new("canary-0003")),
            egress: Egress::direct(false),
        };
        let said = "no hook canary-0001, token=canary-0002, key canary-0003";
        assert_eq!(opened.redact(said), "no hook …, token=…, key …");
        assert_eq!(opened.redact("could not connect to example.com"), "could not connect to example.com");
        assert!(!format!("{opened:?}").contains("canary"), "{opened:?}");
    }
}
