//! Accounts.

use std::net::IpAddr;

use posthaste_core::{
    Account, AccountId, AccountSettings, AuthForm, Dialect, ModelMap, ModelPattern, ModelRules, PresetName,
    PrivateAddressConsent, SchedulingRules,
};
use posthaste_provider::{check_base_url, preset, provider};
use posthaste_upstream::is_public;
use url::{Host, Url};

use super::{
    MapOptions, Plain, WantedAccount, credential, limits,
    models::{always, supported},
    proxy::{Proxy, proxy},
};
use crate::{
    found::{AccountKind, Fields, FoundAccount},
    ids,
    names::Names,
    secrets::Secrets,
};

/// What differs from kind to kind.
struct Shape {
    preset: &'static str,
    /// Where it stands; `None` where the preset or its settings tell.
    base_url: Option<String>,
    auth: AuthForm,
    dialects: Vec<Dialect>,
    settings: AccountSettings,
    models: ModelRules,
    model_map: ModelMap,
    credential: Option<Plain>,
    /// What stands in for the credential where there is none on purpose.
    bare: bool,
}

/// An account as it is to be, or why it is left out.
pub(super) fn account(
    found: &FoundAccount,
    secrets: &mut Secrets<'_>,
    names: &mut Names,
    options: &MapOptions,
) -> Result<WantedAccount, String> {
    let fields = &found.fields;
    let called =
        format!("{} `{}` ({})", found.kind.as_str(), fields.text("name").unwrap_or_default(), found.id);
    if fields.text("name").is_none() && !has_credential(fields) {
        return Err(format!("account {called}: only a part of it was written"));
    }
    let mut notes = Vec::new();
    let shape = shape(found, secrets, &mut notes).map_err(|why| format!("account {called}: {why}"))?;
    let row = preset(shape.preset).ok_or_else(|| format!("account {called}: there is no preset for it"))?;
    let typed = match &shape.base_url {
        Some(url) => url.clone(),
        None => match row.base_url() {
            Some(url) => url.to_owned(),
            None => provider(row.provider)
                .base_url(&shape.settings)
                .map_err(|error| format!("account {called}: {error}"))?,
        },
    };
    let checked =
        check_base_url(row.provider, &typed).map_err(|error| format!("account {called}: {error}"))?;
    let id = ids::stable("account", &found.id);
    let name = names.give(&fields.text("name").unwrap_or_default(), found.kind.as_str(), id);
    let private_address = checked.literal_loopback.then(|| PrivateAddressConsent {
        given_at: options.now,
        how: "claude-relay-service called it at this machine's own address".to_owned(),
    });
    if !checked.literal_loopback && is_private(&checked.url) {
        notes.push("it stands at a private address: allow that with --allow-private".to_owned());
    }
    let (settings_proxy, proxy_password, proxy_lost) = match proxy(fields) {
        Proxy::None => (None, None, false),
        Proxy::Of(settings, password) => (Some(settings), password, false),
        Proxy::Unreadable(why) => {
            notes.push(format!(
                "its proxy cannot be read ({why}): it is off until it has one, so that it never goes without"
            ));
            (None, None, true)
        }
    };
    let unreadable = shape.credential.is_none() && !shape.bare;
    if unreadable {
        notes
            .push("its secret is not there or cannot be read: it is off until it is entered anew".to_owned());
    }
    let (limits, more) = limits::of_account(fields, &options.zone);
    notes.extend(more);
    let scheduling = SchedulingRules {
        schedulable: fields.flag("schedulable").unwrap_or(true) || stopped_by_itself(fields),
        limits,
        expires_at: fields.moment("subscriptionExpiresAt"),
        notes: fields.text("description").unwrap_or_default().into_owned(),
        ..SchedulingRules::default()
    };
    let enabled = is_active(fields) && !unreadable && !proxy_lost;
    let account = Account {
        id: AccountId::from_uuid(id),
        name,
        preset: PresetName(shape.preset.to_owned()),
        provider: row.provider,
        base_url: checked.url,
        auth: shape.auth,
        dialects: if shape.dialects.is_empty() { row.dialects.to_vec() } else { shape.dialects },
        credential: None,
        priority: priority(fields),
        enabled,
        models: shape.models,
        model_map: shape.model_map,
        private_address,
        proxy: settings_proxy,
        settings: shape.settings,
        scheduling,
        created_at: fields.moment("createdAt").unwrap_or(options.now),
        updated_at: options.now,
    };
    Ok(WantedAccount { account, credential: shape.credential, proxy_password, unreadable, notes })
}

fn shape(found: &FoundAccount, secrets: &mut Secrets<'_>, notes: &mut Vec<String>) -> Result<Shape, String> {
    let fields = &found.fields;
    let (models, model_map) = supported(fields);
    let base = |preset, auth, credential| Shape {
        preset,
        base_url: None,
        auth,
        dialects: Vec::new(),
        settings: AccountSettings::default(),
        models: models.clone(),
        model_map: model_map.clone(),
        credential,
        bare: false,
    };
    let logged_in = |preset: &'static str, credential| Shape {
        base_url: posthaste_provider::preset(preset).and_then(|row| row.oauth_base_url).map(str::to_owned),
        ..base(preset, AuthForm::OAuth, credential)
    };
    let text = |name: &str| fields.text(name).map(|text| text.into_owned());
    Ok(match found.kind {
        AccountKind::ClaudeOfficial => {
            let token = credential::token(found, secrets);
            if matches!(&token, Some(Plain::Token(token)) if token.refresh_token.is_none()) {
                notes.push(
                    "it has no refresh token (a setup token): it ends with its access token".to_owned(),
                );
            }
            logged_in("anthropic", token)
        }
        AccountKind::ClaudeConsole | AccountKind::Ccr => {
            let url = text("apiUrl").ok_or("it has no address")?;
            let credential = credential::key(found, secrets);
            // As the predecessor presents them.
            let official =
                matches!(&credential, Some(Plain::Key(key)) if key.expose().starts_with("sk-ant-"));
            let auth = if official { AuthForm::XApiKey } else { AuthForm::Bearer };
            if found.kind == AccountKind::Ccr {
                notes.push(
                    "clients asked for it by `ccr,MODEL`: here it serves keys that are bound to its pool"
                        .to_owned(),
                );
            }
            let preset = if host_of(&url) == Some("api.anthropic.com".to_owned()) {
                "anthropic"
            } else {
                "anthropic-compatible"
            };
            Shape { base_url: Some(url), ..base(preset, auth, credential) }
        }
        AccountKind::Bedrock => {
            let credential_type = text("credentialType");
            let region = text("region").unwrap_or_else(|| "us-east-1".to_owned());
            let settings = AccountSettings { region: Some(region), ..AccountSettings::default() };
            let chain = credential_type.as_deref() == Some("default");
            let credential = if chain { None } else { credential::aws(found, secrets) };
            let auth = match credential_type.as_deref() {
                Some("default") => AuthForm::AwsChain,
                Some("bearer_token") => AuthForm::Bearer,
                _ => AuthForm::AwsKeys,
            };
            // It overrides whatever model a request names; only requests for Claude's came to such accounts.
            let model_map = text("defaultModel").map(|model| always(&model)).unwrap_or_default();
            let mut models = ModelRules::default();
            if !model_map.0.is_empty() {
                models.allow.push(ModelPattern::new("*claude*"));
            }
            Shape { settings, bare: chain, models, model_map, ..base("bedrock", auth, credential) }
        }
        AccountKind::Gemini => {
            if text("oauthProvider").as_deref() == Some("antigravity") {
                return Err("log-ins at Antigravity are not known here".to_owned());
            }
            let project = text("projectId").or_else(|| text("tempProjectId"));
            let settings = AccountSettings { project, ..AccountSettings::default() };
            Shape { settings, ..logged_in("gemini", credential::token(found, secrets)) }
        }
        AccountKind::GeminiApi => {
            let credential = credential::key(found, secrets);
            let url = text("baseUrl").map(|url| without_template(&url).to_owned());
            Shape { base_url: url, ..base("gemini", AuthForm::XGoogApiKey, credential) }
        }
        AccountKind::OpenAi => logged_in("openai", credential::token(found, secrets)),
        AccountKind::OpenAiResponses => {
            let url = text("baseApi").ok_or("it has no address")?;
            let official = host_of(&url) == Some("api.openai.com".to_owned());
            let dialects = match text("providerEndpoint").as_deref() {
                _ if official => Vec::new(),
                Some("auto") => vec![Dialect::OpenAiResponses, Dialect::OpenAiChat],
                _ => vec![Dialect::OpenAiResponses],
            };
            let preset = if official { "openai" } else { "openai-compatible" };
            let credential = credential::key(found, secrets);
            Shape {
                base_url: Some(with_version(&url)),
                dialects,
                ..base(preset, AuthForm::Bearer, credential)
            }
        }
        AccountKind::AzureOpenAi => {
            let url = text("azureEndpoint").ok_or("it has no address")?;
            let settings = AccountSettings { api_version: text("apiVersion"), ..AccountSettings::default() };
            let deployment = text("deploymentName");
            let model_map = deployment.as_deref().map(always).unwrap_or(model_map.clone());
            let mut models = models.clone();
            if let Some(deployment) = deployment.as_deref().filter(|_| models.allow.is_empty()) {
                // Whatever requests for Azure named, there; here other vendors' models must not end at its one deployment.
                let names = OPEN_AIS_OWN.iter().copied().chain([deployment]);
                models.allow.extend(names.map(ModelPattern::new));
                notes.push(format!(
                    "whichever model of OpenAI's it is asked for, it is its deployment `{deployment}`: narrow that with \
                     --allow-model"
                ));
            }
            let credential = credential::key(found, secrets);
            Shape {
                base_url: Some(url),
                settings,
                models,
                model_map,
                ..base("azure-openai", AuthForm::ApiKey, credential)
            }
        }
        AccountKind::Droid => {
            return Err("there is no preset for Factory's own interfaces (Droid)".to_owned());
        }
    })
}

/// Whether anything of a credential stands in a record.
fn has_credential(fields: &Fields) -> bool {
    [
        "apiKey",
        "accessToken",
        "refreshToken",
        "claudeAiOauth",
        "geminiOauth",
        "openaiOauth",
        "awsCredentials",
        "bearerToken",
        "apiKeys",
    ]
    .iter()
    .any(|name| fields.text(name).is_some())
}

/// Whether the operator had it on. The predecessor switches some accounts off by itself for a while.
fn is_active(fields: &Fields) -> bool {
    let passing =
        matches!(fields.text("status").as_deref(), Some("rate_limited" | "overloaded" | "temp_error"));
    fields.flag("isActive").unwrap_or(false) || passing
}

/// Whether the predecessor has taken it out of scheduling by itself, for a while.
fn stopped_by_itself(fields: &Fields) -> bool {
    ["rateLimitAutoStopped", "fiveHourAutoStopped", "tempErrorAutoStopped", "quotaAutoStopped"]
        .iter()
        .any(|name| fields.flag(name) == Some(true))
        || fields.text("status").as_deref() == Some("rate_limited")
        || fields.text("rateLimitStatus").as_deref() == Some("limited")
}

fn priority(fields: &Fields) -> u8 {
    let told = fields.whole("priority").and_then(|priority| u8::try_from(priority).ok());
    told.filter(|priority| (1..=100).contains(priority)).unwrap_or(Account::DEFAULT_PRIORITY)
}

fn host_of(url: &str) -> Option<String> {
    Url::parse(url.trim()).ok()?.host_str().map(str::to_owned)
}

fn is_private(url: &str) -> bool {
    let address = match Url::parse(url).ok().and_then(|url| url.host().map(|host| host.to_owned())) {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(_)) | None => return false,
    };
    !is_public(address)
}

/// The address before the place where a template names the model.
fn without_template(url: &str) -> &str {
    let end = url.find('{').map_or(url, |at| &url[..at]);
    end.trim_end_matches('/').trim_end_matches("/models")
}

/// An address of OpenAI's dialects with its version, which belongs to the base here.
fn with_version(url: &str) -> String {
    match Url::parse(url.trim()) {
        Ok(parsed) if parsed.path() == "/" => format!("{}/v1", url.trim().trim_end_matches('/')),
        _ => url.trim().to_owned(),
    }
}

/// How OpenAI calls its models.
const OPEN_AIS_OWN: [&str; 4] = ["gpt-*", "o1*", "o3*", "o4*"];
