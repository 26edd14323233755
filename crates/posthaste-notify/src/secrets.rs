//! A channel's secrets, opened.

use std::sync::Arc;

use posthaste_core::{
    BoxError, Channel, ChannelField, ChannelId, Egress, Proxy, ProxyLogin, ProxySettings, Sealed, Secret,
};

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
            opener.open(channel.id, field, sealed).map_err(|_| ChannelError::Sealed { field: field.as_str() })
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
        let mut parts: Vec<&str> = Vec::new();
        for secret in [&self.target, &self.key].into_iter().flatten() {
            parts.push(secret.expose());
            parts
                .extend(secret.expose().split(['/', '?', '&', '=', ':', '@']).filter(|part| part.len() >= 8));
        }
        parts.retain(|part| !part.is_empty());
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        parts.iter().fold(text.to_owned(), |text, part| text.replace(part, "…"))
    }
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
        assert!(!format!("{opened:?}").contains("canary"), "{opened:?}");
    }
}
