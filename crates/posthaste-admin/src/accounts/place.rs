//! Where an account's dialects are spoken.

use posthaste_core::{
    Account, AccountSettings, Dialect, DialectUrl, PrivateAddressConsent, ProviderKind, Timestamp,
};
use posthaste_provider::{BaseUrl, Preset, Site, check_base_url, provider};

use super::{AccountChange, NewAccount, address, unfit};
use crate::AdminError;

/// What an operator asks for. What is left out, the preset tells.
#[derive(Clone, Copy)]
pub(super) struct Wish<'a> {
    pub(super) base_url: Option<&'a str>,
    pub(super) site: Option<&'a str>,
    pub(super) base_urls: &'a [DialectUrl],
}

impl Wish<'_> {
    pub(super) const fn is_empty(&self) -> bool {
        self.base_url.is_none() && self.site.is_none() && self.base_urls.is_empty()
    }
}

/// Where an account is called.
pub(super) struct Place {
    pub(super) base_url: String,
    pub(super) base_urls: Vec<DialectUrl>,
    pub(super) dialects: Vec<Dialect>,
    pub(super) consent: Option<PrivateAddressConsent>,
}

/// The place that a wish comes to. A dialect that stands elsewhere at the preset's sites is left out where the operator
/// gives a base URL of their own and does not say where that dialect is.
pub(super) fn of(
    preset: &Preset,
    wish: Wish<'_>,
    settings: &AccountSettings,
    allowed: bool,
    now: Timestamp,
) -> Result<Place, AdminError> {
    if wish.site.is_some() && wish.base_url.is_some() {
        return Err(AdminError::invalid("site", "is of no use beside a base URL; give one of the two"));
    }
    let site = site(preset, wish.site)?;
    let typed = match wish.base_url.or(site.map(|site| site.base_url)) {
        Some(url) => url.to_owned(),
        None => provider(preset.provider).base_url(settings).map_err(unfit)?,
    };
    let base_url = checked("base_url", preset.provider, &typed)?;
    let mut consent = address::consent(&base_url, allowed, now)?;
    let mut base_urls = Vec::new();
    let elsewhere = site.map_or(&[][..], |site| site.others);
    let known = elsewhere.iter().filter(|_| wish.base_url.is_none());
    let known = known
        .map(|(dialect, url)| (*dialect, *url))
        .filter(|(dialect, _)| wish.base_urls.iter().all(|own| own.dialect != *dialect));
    for (dialect, url) in wish.base_urls.iter().map(|own| (own.dialect, own.url.as_str())).chain(known) {
        if !preset.dialects.contains(&dialect) {
            let message = format!("preset `{}` does not speak {dialect}", preset.name);
            return Err(AdminError::invalid("base_urls", message));
        }
        let url = checked("base_urls", provider_of(dialect), url)?;
        consent = consent.or(address::consent(&url, allowed, now)?);
        base_urls.push(DialectUrl { dialect, url: url.url });
    }
    let placed = |dialect: &Dialect| {
        elsewhere.iter().all(|(other, _)| other != dialect)
            || base_urls.iter().any(|own| own.dialect == *dialect)
    };
    let dialects = preset.dialects.iter().copied().filter(placed).collect();
    Ok(Place { base_url: base_url.url, base_urls, dialects, consent })
}

/// Consent to the addresses that an account has.
pub(super) fn consent_to(
    account: &Account,
    allowed: bool,
    now: Timestamp,
) -> Result<Option<PrivateAddressConsent>, AdminError> {
    let own = std::iter::once((account.provider, account.base_url.as_str()));
    let others = account.settings.base_urls.iter().map(|own| (provider_of(own.dialect), own.url.as_str()));
    for (provider, url) in own.chain(others) {
        if let Some(consent) = address::consent(&checked("base_url", provider, url)?, allowed, now)? {
            return Ok(Some(consent));
        }
    }
    Ok(None)
}

impl NewAccount {
    /// Whether it would have the relay ask within its own network, this machine included. A preset that stands there by itself
    /// does not count: where that is, is not whoever adds it to say.
    pub(crate) fn opens_own_network(&self) -> bool {
        self.allow_private || names_this_machine(self.base_url.as_deref(), &self.base_urls)
    }
}

impl AccountChange {
    /// As [`NewAccount::opens_own_network`].
    pub(crate) fn opens_own_network(&self) -> bool {
        self.allow_private == Some(true) || names_this_machine(self.base_url.as_deref(), &self.base_urls)
    }
}

/// Whether one of the addresses is this machine's as it is written, which is consent to it.
fn names_this_machine(base_url: Option<&str>, base_urls: &[DialectUrl]) -> bool {
    let mut urls = base_url.into_iter().chain(base_urls.iter().map(|own| own.url.as_str()));
    urls.any(|url| {
        check_base_url(ProviderKind::AnthropicCompatible, url).is_ok_and(|url| url.literal_loopback)
    })
}

fn site(preset: &Preset, name: Option<&str>) -> Result<Option<&'static Site>, AdminError> {
    let Some(name) = name else { return Ok(preset.sites.first()) };
    preset.site(name).map(Some).ok_or_else(|| {
        let known: Vec<_> =
            preset.sites.iter().map(|site| site.name).filter(|name| !name.is_empty()).collect();
        let known = if known.is_empty() {
            "it has no others than the usual one".to_owned()
        } else {
            known.join(", ")
        };
        AdminError::invalid(
            "site",
            format!("`{}` is none of `{}`: {known}", name.escape_debug(), preset.name),
        )
    })
}

/// Whose base URLs a dialect's are like.
const fn provider_of(dialect: Dialect) -> ProviderKind {
    match dialect {
        Dialect::AnthropicMessages => ProviderKind::AnthropicCompatible,
        Dialect::OpenAiChat | Dialect::OpenAiResponses => ProviderKind::OpenAiCompatible,
        Dialect::GeminiGenerate => ProviderKind::Gemini,
        Dialect::BedrockConverse => ProviderKind::Bedrock,
    }
}

fn checked(field: &'static str, provider: ProviderKind, text: &str) -> Result<BaseUrl, AdminError> {
    check_base_url(provider, text).map_err(|error| AdminError::invalid(field, error.to_string()))
}

#[cfg(test)]
mod tests {
    use posthaste_provider::preset;

    use super::*;

    const NONE: Wish<'static> = Wish { base_url: None, site: None, base_urls: &[] };

    fn place(wish: Wish<'_>) -> Result<Place, AdminError> {
        of(preset("glm-coding-plan").unwrap(), wish, &AccountSettings::default(), false, Timestamp::EPOCH)
    }

    #[test]
    fn a_plan_speaks_both_dialects_each_at_its_own_address() {
        for (site, host) in [(None, "https://api.z.ai"), (Some("cn"), "https://open.bigmodel.cn")] {
            let place = place(Wish { site, ..NONE }).unwrap();
            assert!(place.base_url.starts_with(host));
            assert_eq!(place.dialects, [Dialect::OpenAiChat, Dialect::AnthropicMessages]);
            assert_eq!(place.base_urls[0].url, format!("{host}/api/anthropic"));
        }
    }

    #[test]
    fn with_a_base_url_of_ones_own_the_others_have_to_be_told() {
        let own = Some("http://127.0.0.1:9/v4");
        let alone = place(Wish { base_url: own, ..NONE }).unwrap();
        assert_eq!((alone.dialects, alone.base_urls.len()), (vec![Dialect::OpenAiChat], 0));
        assert!(alone.consent.is_some(), "a literal loopback address");
        let base_urls = [DialectUrl {
            dialect: Dialect::AnthropicMessages,
            url: "http://127.0.0.1:9/a/v1/messages".into(),
        }];
        let both = place(Wish { base_url: own, base_urls: &base_urls, ..NONE }).unwrap();
        assert_eq!(both.dialects.len(), 2);
        assert_eq!(both.base_urls[0].url, "http://127.0.0.1:9/a");
    }

    #[test]
    fn wishes_that_cannot_be_are_refused() {
        let gemini = [DialectUrl { dialect: Dialect::GeminiGenerate, url: "https://g.example".into() }];
        let private = [DialectUrl { dialect: Dialect::AnthropicMessages, url: "http://10.0.0.1".into() }];
        for (wish, says) in [
            (Wish { site: Some("moon"), ..NONE }, "intl, cn"),
            (Wish { site: Some("cn"), base_url: Some("https://x.example"), ..NONE }, "one of the two"),
            (Wish { base_urls: &gemini, ..NONE }, "does not speak"),
            (Wish { base_urls: &private, ..NONE }, "--allow-private"),
        ] {
            let error = place(wish).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
