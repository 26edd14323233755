//! The form of an account: what it says, and what it is filled with.

use posthaste_admin::{
    AccountChange, AccountView, AdminError, AwsKeysInput, Disclosed, EntraInput, Expires, ModelMapping,
    NewAccount, SchedulingChange, VendorSettings, limit_text, parse_limit,
};
use posthaste_core::{Limit, Secret};

use crate::{
    edited::{Kept, Labels},
    fields::Fields,
};

/// What a new account is to be like.
pub(super) fn new_account(preset: &str, form: &Fields) -> Result<NewAccount, AdminError> {
    let given = |name: &str| form.text(name).map(str::to_owned);
    Ok(NewAccount {
        preset: preset.to_owned(),
        name: form.value("name").trim().to_owned(),
        base_url: given("base_url"),
        site: given("site"),
        api_key: secret(form, "api_key"),
        aws: aws(form),
        entra: entra(form),
        proxy: secret(form, "proxy"),
        vendor: vendor(form),
        priority: priority(form)?,
        allow: form.lines("allow"),
        deny: form.lines("deny"),
        model_map: model_map(form)?,
        limits: limits(form)?,
        allow_private: form.ticked("allow_private"),
        scheduling: scheduling(form)?,
        ..NewAccount::default()
    })
}

/// What an account is to be like from now on. Secrets that are left empty stay as they are.
pub(super) fn change(form: &Fields, now: &AccountView) -> Result<AccountChange, AdminError> {
    let base_url = form.text("base_url").filter(|url| *url != now.base_url).map(str::to_owned);
    let consented = now.private_address.is_some();
    let consents = form.ticked("allow_private");
    Ok(AccountChange {
        name: Some(form.value("name").trim().to_owned()),
        allow_private: (base_url.is_some() || consents != consented).then_some(consents),
        base_url,
        api_key: secret(form, "api_key"),
        aws: aws(form),
        entra: entra(form),
        proxy: match form.ticked("no_proxy") {
            true => Some(Disclosed::new(Secret::new(""))),
            false => secret(form, "proxy"),
        },
        vendor: VendorSettings {
            region: form.given("region").map(str::to_owned),
            profile: form.given("profile").map(str::to_owned),
            api_version: form.given("api_version").map(str::to_owned),
            project: form.given("project").map(str::to_owned),
        },
        priority: priority(form)?,
        allow: Some(form.lines("allow")),
        deny: Some(form.lines("deny")),
        model_map: Some(model_map(form)?),
        limits: Some(limits(form)?),
        enabled: Some(form.ticked("enabled")),
        scheduling: SchedulingChange { schedulable: Some(form.ticked("schedulable")), ..scheduling(form)? },
        ..AccountChange::default()
    })
}

/// What the form says of an account as it is. Secrets are never told.
pub(super) fn filled(account: &AccountView, pools: &[(String, String)]) -> Fields {
    let lines = |texts: &mut dyn Iterator<Item = String>| texts.collect::<Vec<_>>().join("\n");
    let rules = &account.scheduling;
    let settings = &account.settings;
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut form = Fields::default()
        .with("name", &account.name)
        .with("base_url", &account.base_url)
        .with("priority", account.priority.to_string())
        .with("weight", rules.weight.to_string())
        .with("tags", rules.tags.join(", "))
        .with("notes", &rules.notes)
        .with("allow", lines(&mut account.models.allow.iter().map(|model| model.as_str().to_owned())))
        .with("deny", lines(&mut account.models.deny.iter().map(|model| model.as_str().to_owned())))
        .with(
            "model_map",
            lines(&mut account.model_map.iter().map(|one| format!("{} = {}", one.from, one.to))),
        )
        .with("limits", lines(&mut rules.limits.iter().map(limit_text)))
        .with("region", optional(&settings.region))
        .with("profile", optional(&settings.profile))
        .with("api_version", optional(&settings.api_version))
        .with("project", optional(&settings.project))
        .with("expires_at", rules.expires_at.map(|at| at.to_string()).unwrap_or_default());
    let ticks = [
        ("enabled", account.enabled),
        ("schedulable", rules.schedulable),
        ("allow_private", account.private_address.is_some()),
    ];
    for (name, _) in ticks.into_iter().filter(|(_, is_on)| *is_on) {
        form = form.with(name, "on");
    }
    for (id, name) in pools {
        if rules.pools.iter().any(|pool| pool.to_string() == *id) {
            form = form.with("pools", name);
        }
    }
    form
}

/// The account as its form has it. Secrets are no part of it: nobody is told that they were changed but by the audit log.
pub(super) fn kept(account: &AccountView, version: Option<u64>, pools: &[(String, String)]) -> Kept {
    Kept { fields: filled(account, pools), version, labels: LABELS, target: account.id.to_string() }
}

/// With what the form of this kind does not ask for, and so leaves as it is.
pub(super) fn with_unasked(form: Fields, now: &Fields) -> Fields {
    ["region", "profile", "api_version", "project"].into_iter().fold(form, |form, name| {
        if form.given(name).is_some() { form } else { form.with(name, now.value(name)) }
    })
}

const LABELS: Labels = &[
    ("name", text("Name")),
    ("base_url", text("Base URL")),
    ("region", text("Region")),
    ("profile", text("Profile of the machine's keys")),
    ("api_version", text("API version (empty: v1)")),
    ("project", text("Project of Code Assist")),
    ("priority", text("Priority")),
    ("weight", text("Weight")),
    ("pools", text("Pools")),
    ("enabled", text("Switched on")),
    ("schedulable", text("Takes new requests")),
    ("allow", text("Only these models")),
    ("deny", text("Never these models")),
    ("model_map", text("Model names")),
    ("limits", text("Limits")),
    ("expires_at", text("Its subscription ends")),
    ("tags", text("Tags")),
    ("notes", text("Remarks")),
    ("allow_private", text("It may stand at a private address")),
];

/// Marks a text that pages say in the reader's language.
const fn text(text: &'static str) -> &'static str {
    text
}

fn scheduling(form: &Fields) -> Result<SchedulingChange, AdminError> {
    let weight = match form.text("weight") {
        None => None,
        Some(text) => Some(
            text.parse().map_err(|_| invalid("weight", format!("`{text}` is no number from 1 to 1000")))?,
        ),
    };
    let expires_at = match form.given("expires_at").map(str::trim) {
        None => None,
        Some("") => Some(Expires::Never),
        Some(text) => {
            let at = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
            let at = at
                .parse()
                .map_err(|_| invalid("expires_at", format!("`{text}` is no day such as 2027-01-31")))?;
            Some(Expires::At(at))
        }
    };
    Ok(SchedulingChange {
        schedulable: None,
        pools: Some(form.all("pools").map(str::to_owned).collect()),
        weight,
        expires_at,
        tags: form.given("tags").map(|_| form.lines("tags")),
        notes: form.given("notes").map(str::to_owned),
    })
}

fn secret(form: &Fields, name: &str) -> Option<Disclosed> {
    form.text(name).map(|text| Disclosed::new(Secret::new(text)))
}

fn aws(form: &Fields) -> Option<AwsKeysInput> {
    Some(AwsKeysInput {
        access_key_id: form.text("aws_id")?.to_owned(),
        secret_access_key: secret(form, "aws_secret").unwrap_or_else(|| Disclosed::new(Secret::new(""))),
        session_token: secret(form, "aws_token"),
    })
}

fn entra(form: &Fields) -> Option<EntraInput> {
    Some(EntraInput {
        tenant: form.text("entra_tenant")?.to_owned(),
        client_id: form.value("entra_client").trim().to_owned(),
        client_secret: secret(form, "entra_secret").unwrap_or_else(|| Disclosed::new(Secret::new(""))),
    })
}

fn vendor(form: &Fields) -> VendorSettings {
    let given = |name: &str| form.text(name).map(str::to_owned);
    VendorSettings {
        region: given("region"),
        profile: given("profile"),
        api_version: given("api_version"),
        project: given("project"),
    }
}

fn priority(form: &Fields) -> Result<Option<u32>, AdminError> {
    let Some(text) = form.text("priority") else { return Ok(None) };
    let number =
        text.parse().map_err(|_| invalid("priority", format!("`{text}` is no number from 1 to 100")))?;
    Ok(Some(number))
}

fn model_map(form: &Fields) -> Result<Vec<ModelMapping>, AdminError> {
    let lines = form.value("model_map").lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (from, to) = line.split_once('=').ok_or_else(|| {
                invalid("model_map", format!("`{line}`: write it as `clients' name = upstream's name`"))
            })?;
            Ok(ModelMapping { from: from.trim().to_owned(), to: to.trim().to_owned() })
        })
        .collect()
}

fn limits(form: &Fields) -> Result<Vec<Limit>, AdminError> {
    let lines = form.value("limits").lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| parse_limit(line).map_err(|message| invalid("limits", message))).collect()
}

fn invalid(field: &'static str, message: impl Into<String>) -> AdminError {
    AdminError::Invalid { field, message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_all_of_an_account() {
        let form = Fields::read(
            b"name=main&api_key=sk-dummy&priority=10&weight=3&pools=a&pools=b&model_map=x+%3D+y&limits=concurrency%3D4\
              &expires_at=2027-01-31&aws_id=AKIADUMMY&aws_secret=dummy",
        );
        let new = new_account("anthropic", &form).unwrap();
        assert_eq!((new.name.as_str(), new.priority, new.limits.len()), ("main", Some(10), 1));
        assert_eq!(new.scheduling.pools, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(new.model_map[0].to, "y");
        assert!(matches!(new.scheduling.expires_at, Some(Expires::At(_))));
        assert!(new.aws.is_some() && new.entra.is_none() && new.api_key.is_some());
    }

    #[test]
    fn what_is_wrong_names_its_field() {
        for (text, field) in [
            ("priority=high", "priority"),
            ("weight=x", "weight"),
            ("model_map=a", "model_map"),
            ("limits=a", "limits"),
            ("expires_at=soon", "expires_at"),
        ] {
            let error = new_account("anthropic", &Fields::read(text.as_bytes())).unwrap_err();
            assert!(
                matches!(error, AdminError::Invalid { field: found, .. } if found == field),
                "{text}: {error}"
            );
        }
    }
}
