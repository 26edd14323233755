//! Client keys.

use std::collections::BTreeMap;

use posthaste_core::{
    ClientKey, ClientKeyHash, ClientKeyId, ClientPattern, Expiry, HashForm, KeyPolicy, ModelRules,
    Multiplier, ProviderKind, Secret, Timestamp, UserId,
};

use super::{MapOptions, WantedKey, limits, models::patterns};
use crate::{
    found::{Fields, FoundRecord, FoundUsage},
    ids,
    names::Names,
};

/// What is known of a client key's secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeySecret {
    /// The predecessor's hash of it.
    Hash(ClientKeyHash),
    /// It itself, as exports may have it.
    Plain(Secret),
}

impl KeySecret {
    /// Reads it from a record.
    pub(super) fn of(record: &FoundRecord) -> Option<Self> {
        let text = record.fields.text("apiKey")?;
        match ClientKeyHash::from_hex(&text) {
            Some(hash) => Some(Self::Hash(hash)),
            None if (10..=512).contains(&text.len()) && !text.contains(char::is_whitespace) => {
                Some(Self::Plain(Secret::new(text.into_owned())))
            }
            None => None,
        }
    }

    /// What no two keys may have in common.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::Hash(hash) => hash.to_hex(),
            Self::Plain(secret) => secret.expose().to_owned(),
        }
    }
}

/// The services that keys are permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Service {
    Claude,
    Gemini,
    OpenAi,
    Droid,
}

impl Service {
    const ALL: [Self; 4] = [Self::Claude, Self::Gemini, Self::OpenAi, Self::Droid];

    const fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Gemini => "gemini",
            Self::OpenAi => "openai",
            Self::Droid => "droid",
        }
    }

    /// What its rate is called.
    const fn rate(self) -> &'static str {
        match self {
            Self::OpenAi => "codex",
            other => other.name(),
        }
    }

    /// The providers that it stands for here.
    const fn providers(self) -> &'static [ProviderKind] {
        match self {
            Self::Claude => {
                &[ProviderKind::Anthropic, ProviderKind::AnthropicCompatible, ProviderKind::Bedrock]
            }
            Self::Gemini => &[ProviderKind::Gemini],
            Self::OpenAi => {
                &[ProviderKind::OpenAi, ProviderKind::OpenAiCompatible, ProviderKind::AzureOpenAi]
            }
            Self::Droid => &[],
        }
    }
}

/// The services that a key is permitted: all where nothing is said, and none where nothing that is said is known.
pub(super) fn permitted(fields: &Fields) -> Vec<Service> {
    let told = fields.list("permissions");
    let all = told.is_empty() || told.iter().any(|name| name == "all");
    Service::ALL.into_iter().filter(|service| all || told.iter().any(|name| name == service.name())).collect()
}

pub(super) fn key(
    record: &FoundRecord,
    secret: KeySecret,
    users: &BTreeMap<&str, bool>,
    relay: &Fields,
    usage: Option<&FoundUsage>,
    names: &mut Names,
    options: &MapOptions,
) -> WantedKey {
    let fields = &record.fields;
    let mut notes = Vec::new();
    let id = ids::stable("client key", &record.id);
    let limits = limits::of_key(fields, &options.zone);
    let counted = limits::counted(&limits, usage, options);
    let permitted = permitted(fields);
    let all = permitted.len() == Service::ALL.len();
    let providers: Vec<_> = match all {
        true => Vec::new(),
        false => permitted.iter().flat_map(|service| service.providers()).copied().collect(),
    };
    let mut closed = (fields.flag("isActive") != Some(true)).then(|| "it was switched off".to_owned());
    if !all && providers.is_empty() {
        closed = Some("it was permitted for nothing that is known here".to_owned());
        notes.push(
            "it was permitted for nothing that is known here, such as Droid alone: it is off".to_owned(),
        );
    }
    let owner = fields.text("userId").filter(|id| users.contains_key(&**id));
    if owner.as_ref().is_some_and(|id| users.get(&**id) == Some(&false)) {
        closed = Some("its owner was switched off".to_owned());
    }
    let multiplier = multiplier(fields, &permitted, &mut notes);
    let queue = limits::queue(relay, &limits);
    if fields.flag("enableOpenAIResponsesPayloadRules") == Some(true) {
        notes.push("its payload rules are not taken over".to_owned());
    }
    let policy = KeyPolicy {
        queue,
        limits,
        providers,
        clients: clients(fields),
        multiplier,
        tags: tags(fields),
        owner: owner.map(|id| UserId::from_uuid(ids::stable("owner", &id))),
        ..KeyPolicy::default()
    };
    let restricted = fields.flag("enableModelRestriction") == Some(true);
    let deny = if restricted { patterns(&fields.list("restrictedModels")) } else { Vec::new() };
    let deleted = fields.flag("isDeleted") == Some(true);
    let (hash, hash_form) = match &secret {
        KeySecret::Hash(hash) => (*hash, HashForm::Crs),
        KeySecret::Plain(_) => (ClientKeyHash([0; 32]), HashForm::Own),
    };
    let key = ClientKey {
        id: ClientKeyId::from_uuid(id),
        name: names.give(&fields.text("name").unwrap_or_default(), "crs key", id),
        hash,
        hash_form,
        hint: String::new(),
        enabled: closed.is_none(),
        disabled_because: closed.map(|why| format!("{why} in claude-relay-service")),
        revoked_at: None,
        deleted_at: deleted
            .then(|| fields.moment("deletedAt").or(fields.moment("createdAt")).unwrap_or(Timestamp::EPOCH)),
        expiry: expiry(fields),
        first_used_at: None,
        models: ModelRules { allow: Vec::new(), deny },
        policy,
        card_steps: Vec::new(),
        created_at: fields.moment("createdAt").unwrap_or(options.now),
        updated_at: options.now,
    };
    WantedKey { key, secret, notes, counted }
}

fn expiry(fields: &Fields) -> Expiry {
    let at = fields.moment("expiresAt").map(|at| Expiry::At { at });
    let waiting = fields.text("expirationMode").as_deref() == Some("activation")
        && fields.flag("isActivated") != Some(true);
    if !waiting {
        return at.unwrap_or(Expiry::Never);
    }
    let unit = if fields.text("activationUnit").as_deref() == Some("hours") { 3_600 } else { 86_400 };
    let number = fields.whole("activationDays").unwrap_or(DAYS_FROM_ACTIVATION);
    Expiry::AfterFirstUse { seconds: number.saturating_mul(unit).min(MOST_SECONDS) }
}

fn clients(fields: &Fields) -> Vec<ClientPattern> {
    if fields.flag("enableClientRestriction") != Some(true) {
        return Vec::new();
    }
    let name = |name: String| match name.as_str() {
        "claude_code" => "claude-code".to_owned(),
        "codex_cli" => "codex".to_owned(),
        "gemini_cli" => "gemini-cli".to_owned(),
        "droid_cli" => "droid".to_owned(),
        _ => name,
    };
    let mut clients: Vec<_> =
        fields.list("allowedClients").into_iter().map(name).map(ClientPattern::new).collect();
    clients.dedup();
    clients
}

/// One multiplier stands here for what the predecessor has for each service.
fn multiplier(fields: &Fields, permitted: &[Service], notes: &mut Vec<String>) -> Multiplier {
    let rates = Fields::of(fields.json("serviceRates").unwrap_or_default());
    let mut own: Vec<Multiplier> = permitted
        .iter()
        .filter_map(|service| Multiplier::parse(&format!("{:.6}", rates.amount(service.rate())?)))
        .collect();
    // A service without a rate is billed as it is.
    if !own.is_empty() && own.len() < permitted.iter().filter(|service| **service != Service::Droid).count() {
        own.push(Multiplier::ONE);
    }
    own.sort();
    own.dedup();
    match own.as_slice() {
        [] => Multiplier::ONE,
        [one] => *one,
        [.., highest] => {
            notes.push("its rates differ by service: it is billed at the highest of them".to_owned());
            *highest
        }
    }
}

fn tags(fields: &Fields) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in fields.list("tags") {
        let plain: String =
            tag.chars().map(|c| if c.is_control() || c == ',' { ' ' } else { c }).take(MOST_TAG).collect();
        let plain = plain.trim().to_owned();
        if !plain.is_empty() && !tags.contains(&plain) {
            tags.push(plain);
        }
    }
    tags
}

const DAYS_FROM_ACTIVATION: u64 = 30;
const MOST_SECONDS: u64 = 100 * 366 * 86_400;
/// As long as tags may be here, in characters.
const MOST_TAG: usize = 64;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_key_is_permitted_never_grows() {
        let of =
            |permissions: serde_json::Value| permitted(&Fields::of(json!({ "permissions": permissions })));
        assert_eq!(of(json!("[]")), Service::ALL);
        assert_eq!(of(json!("")), Service::ALL);
        assert_eq!(of(json!("all")), Service::ALL);
        assert_eq!(of(json!("claude")), [Service::Claude]);
        assert_eq!(of(json!("claude,gemini")), [Service::Claude, Service::Gemini]);
        assert_eq!(of(json!(["openai"])), [Service::OpenAi]);
        assert!(of(json!(["another"])).is_empty());
    }
}
