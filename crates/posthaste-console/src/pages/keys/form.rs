//! The form of a client key: what it says, and what it is filled with.

use posthaste_admin::{
    AdminError, BindingInput, CaptureInput, ExpiryInput, KeyChange, KeyView, NewKey, PlaceInput, PolicyInput,
    QueueInput, length_text, limit_text, multiplier_text, parse_length, parse_limit,
};
use posthaste_core::{Expiry, Limit, QueueRules};

use crate::{
    edited::{Kept, Labels},
    fields::Fields,
};

/// What a new key is to be like.
pub(super) fn new_key(form: &Fields) -> Result<NewKey, AdminError> {
    let policy = policy(form)?;
    Ok(NewKey {
        name: form.value("name").trim().to_owned(),
        expiry: expiry(form)?.unwrap_or_default(),
        allow: form.lines("allow"),
        deny: form.lines("deny"),
        limits: limits(form)?,
        policy,
    })
}

/// What a key is to be like from now on: the form shows all of it, so that all of it is said.
pub(super) fn change(form: &Fields) -> Result<KeyChange, AdminError> {
    Ok(KeyChange {
        name: Some(form.value("name").trim().to_owned()),
        enabled: Some(form.ticked("enabled")),
        disabled_because: Some(form.value("disabled_because").trim().to_owned()),
        expiry: expiry(form)?,
        allow: Some(form.lines("allow")),
        deny: Some(form.lines("deny")),
        limits: Some(limits(form)?),
        policy: policy(form)?,
    })
}

/// What the form says of a key as it is.
pub(super) fn filled(key: &KeyView) -> Fields {
    let policy = &key.policy;
    let lines = |texts: Vec<String>| texts.join("\n");
    let texts = |items: &mut dyn Iterator<Item = String>| lines(items.collect());
    let mut form = Fields::default()
        .with("name", &key.name)
        .with("disabled_because", key.disabled_because.clone().unwrap_or_default())
        .with("expiry", "keep")
        .with("limits", texts(&mut policy.limits.iter().map(limit_text)))
        .with("allow", texts(&mut key.models.allow.iter().map(|pattern| pattern.as_str().to_owned())))
        .with("deny", texts(&mut key.models.deny.iter().map(|pattern| pattern.as_str().to_owned())))
        .with("clients", texts(&mut policy.clients.iter().map(|client| client.as_str().to_owned())))
        .with("networks", texts(&mut policy.networks.iter().map(ToString::to_string)))
        .with("multiplier", multiplier_text(policy.multiplier))
        .with("tags", policy.tags.join(", "))
        .with("owner", key.owner.clone().unwrap_or_default());
    for provider in &policy.providers {
        form = form.with("providers", provider.as_str());
    }
    if key.enabled {
        form = form.with("enabled", "on");
    }
    if policy.repair_conversations {
        form = form.with("repair", "on");
    }
    if let Some(binding) = &policy.binding {
        let (kind, name) = match &key.bound_to {
            Some(PlaceInput::Pool(name)) => ("pool", name.as_str()),
            Some(PlaceInput::Account(name)) => ("account", name.as_str()),
            None => ("", ""),
        };
        form = form.with("bound", kind).with("bound_to", name);
        if binding.strict {
            form = form.with("strict", "on");
        }
    }
    if let Some(QueueRules { length, patience_ms }) = policy.queue {
        form = form.with("queue", length.to_string()).with("patience", format!("{patience_ms}ms"));
    }
    if policy.capture.is_some() {
        form = form.with("capture", "keep");
    }
    form
}

/// The key as its form has it.
pub(super) fn kept(key: &KeyView, version: Option<u64>) -> Kept {
    let fields = with_end(filled(key), key);
    Kept { fields, version, labels: LABELS, target: key.id.to_string() }
}

/// With when the key ends, in words: the form itself says that it stays as it is, and so would not tell what was changed.
pub(super) fn with_end(form: Fields, key: &KeyView) -> Fields {
    let ends = match (form.value("expiry"), &key.expiry) {
        ("keep", Expiry::Never) | ("never", _) => "never".to_owned(),
        ("keep", Expiry::At { at }) => at.to_string(),
        ("keep", Expiry::AfterFirstUse { seconds }) => format!("first_use {}", length_text(*seconds)),
        ("at", _) => form.value("expiry_at").to_owned(),
        (word, _) => format!("{word} {}", form.value("expiry_span")),
    };
    form.set("ends", ends)
}

const LABELS: Labels = &[
    ("name", text("Name")),
    ("owner", text("Owner")),
    ("tags", text("Tags")),
    ("enabled", text("Switched on")),
    ("disabled_because", text("Why it is switched off, for whoever presents it")),
    ("ends", text("Ends")),
    ("limits", text("Limits")),
    ("queue", text("Requests that may wait in line")),
    ("patience", text("How long they wait at most")),
    ("allow", text("Only these models")),
    ("deny", text("Never these models")),
    ("providers", text("Only accounts of these providers (none: all)")),
    ("bound", text("Bound to")),
    ("bound_to", text("Which")),
    ("strict", text("Nobody else may serve it")),
    ("clients", text("Only these client programs")),
    ("networks", text("Only from these networks")),
    ("multiplier", text("A dollar of cost is billed as")),
    ("capture", text("Keep bodies for")),
    ("repair", text("Tool calls without a result get an error result")),
];

/// Marks a text that pages say in the reader's language.
const fn text(text: &'static str) -> &'static str {
    text
}

pub(crate) fn expiry(form: &Fields) -> Result<Option<ExpiryInput>, AdminError> {
    let seconds = || {
        let text = form.text("expiry_span").unwrap_or_default();
        parse_length(text).map_err(|message| invalid("expiry", message))
    };
    Ok(match form.value("expiry") {
        "never" => Some(ExpiryInput::Never),
        "in" => Some(ExpiryInput::In { seconds: seconds()? }),
        "first_use" => Some(ExpiryInput::FromFirstUse { seconds: seconds()? }),
        "at" => {
            let text = form.text("expiry_at").unwrap_or_default();
            let at = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
            let at = at.parse().map_err(|_| {
                invalid("expiry", format!("`{text}` is no moment such as 2027-01-31 or 2027-01-31T12:00:00Z"))
            })?;
            Some(ExpiryInput::At { at })
        }
        _ => None,
    })
}

fn limits(form: &Fields) -> Result<Vec<Limit>, AdminError> {
    let lines = form.value("limits").lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| parse_limit(line).map_err(|message| invalid("limits", message))).collect()
}

fn policy(form: &Fields) -> Result<PolicyInput, AdminError> {
    Ok(PolicyInput {
        providers: Some(form.all("providers").map(str::to_owned).collect()),
        clients: Some(form.lines("clients")),
        networks: Some(form.lines("networks")),
        multiplier: form.text("multiplier").map(str::to_owned),
        repair_conversations: Some(form.ticked("repair")),
        tags: Some(form.lines("tags")),
        add_tags: Vec::new(),
        remove_tags: Vec::new(),
        owner: Some(form.value("owner").trim().to_owned()),
        binding: Some(binding(form)),
        queue: Some(queue(form)?),
        capture: capture(form)?,
    })
}

fn binding(form: &Fields) -> BindingInput {
    let name = form.value("bound_to").trim().to_owned();
    let place = match form.value("bound") {
        "pool" => PlaceInput::Pool(name),
        "account" => PlaceInput::Account(name),
        _ => return BindingInput::None,
    };
    if form.ticked("strict") { BindingInput::Strict(place) } else { BindingInput::First(place) }
}

fn queue(form: &Fields) -> Result<QueueInput, AdminError> {
    let Some(length) = form.text("queue").filter(|length| *length != "0") else {
        return Ok(QueueInput::None);
    };
    let length = length.parse().map_err(|_| invalid("queue", format!("`{length}` is no whole number")))?;
    let patience = form.text("patience").unwrap_or("30s");
    let patience_ms = match patience.strip_suffix("ms").map(str::parse) {
        Some(Ok(millis)) => millis,
        _ => parse_length(patience).map_err(|message| invalid("queue", message))?.saturating_mul(1_000),
    };
    Ok(QueueInput::Line(QueueRules { length, patience_ms }))
}

fn capture(form: &Fields) -> Result<Option<CaptureInput>, AdminError> {
    Ok(match form.value("capture") {
        "keep" => None,
        "" | "off" => Some(CaptureInput::None),
        span => {
            let seconds = parse_length(span).map_err(|message| invalid("capture", message))?;
            Some(CaptureInput::For { seconds, most_bytes: CaptureInput::USUAL_BYTES })
        }
    })
}

fn invalid(field: &'static str, message: impl Into<String>) -> AdminError {
    AdminError::Invalid { field, message: message.into() }
}

/// When a key ends, in words that the form shows beside the choice.
pub(super) fn expiry_word(expiry: &Expiry) -> &'static str {
    match expiry {
        Expiry::Never => "never",
        Expiry::At { .. } => "at",
        Expiry::AfterFirstUse { .. } => "first_use",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_all_of_a_key() {
        let form = Fields::read(
            b"name=+ci+&expiry=in&expiry_span=30d&limits=cost%3D5%2Fday%0Aconcurrency%3D2&allow=claude-*&tags=a,+b\
              &owner=ada&bound=pool&bound_to=main&strict=on&queue=4&patience=10s&multiplier=1.5&providers=anthropic&capture=2h",
        );
        let new = new_key(&form).unwrap();
        assert_eq!((new.name.as_str(), new.limits.len()), ("ci", 2));
        assert_eq!(new.expiry, ExpiryInput::In { seconds: 30 * 86_400 });
        assert_eq!(new.policy.tags, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(new.policy.binding, Some(BindingInput::Strict(PlaceInput::Pool("main".to_owned()))));
        let line = QueueRules { length: 4, patience_ms: 10_000 };
        assert_eq!(new.policy.queue, Some(QueueInput::Line(line)));
        assert!(matches!(new.policy.capture, Some(CaptureInput::For { seconds: 7_200, .. })));
    }

    #[test]
    fn what_is_wrong_names_its_field() {
        for (text, field) in [
            ("limits=nonsense", "limits"),
            ("expiry=at&expiry_at=soon", "expiry"),
            ("expiry=in&expiry_span=x", "expiry"),
            ("queue=many", "queue"),
            ("capture=long", "capture"),
        ] {
            let error = new_key(&Fields::read(text.as_bytes())).unwrap_err();
            assert!(
                matches!(error, AdminError::Invalid { field: found, .. } if found == field),
                "{text}: {error}"
            );
        }
    }
}
