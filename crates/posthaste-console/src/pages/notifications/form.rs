//! The form of a channel: what it says, and what it is filled with.

use posthaste_admin::{AdminError, ChannelChange, ChannelView, Disclosed, NewChannel, length_text};
use posthaste_core::{Area, Channel, Language, NoticeFilter, NoticeKind, Secret, Severity};

use super::{kinds, subjects};
use crate::{
    asked::Asked,
    fields::Fields,
    pages::reading::{invalid, seconds},
};

/// What a channel's form begins with.
pub(super) fn blank(asked: &Asked) -> Fields {
    let language = match asked.look.language {
        crate::look::Language::English => Language::English,
        crate::look::Language::Chinese => Language::Chinese,
    };
    Fields::default()
        .with("enabled", "on")
        .with("least", Severity::Warning.as_str())
        .with("recoveries", "on")
        .with("language", language.as_str())
        .with("digest", "0s")
        .with("per_minute", Channel::default_per_minute().to_string())
}

pub(super) async fn new_channel(asked: &Asked, kind: &str) -> Result<NewChannel, AdminError> {
    let form = &asked.form;
    let service = kinds::service(kind, form)?;
    Ok(NewChannel { name: form.value("name").trim().to_owned(), service, with: told(asked, false).await? })
}

/// What a channel is to be like from now on. Secrets that are left empty stay.
pub(super) async fn change(asked: &Asked, now: &ChannelView) -> Result<ChannelChange, AdminError> {
    let form = &asked.form;
    let service = kinds::service(now.service.as_str(), form)?;
    let with = told(asked, now.allow_private).await?;
    Ok(ChannelChange { name: Some(form.value("name").trim().to_owned()), service: Some(service), ..with })
}

async fn told(asked: &Asked, was_private: bool) -> Result<ChannelChange, AdminError> {
    let form = &asked.form;
    let per_minute = form.text("per_minute").map(str::parse).transpose();
    let per_minute =
        per_minute.map_err(|_| invalid("per_minute", "is how many messages, from 1 to 120, such as 15"))?;
    let digest = seconds(form, "digest")?.unwrap_or(0);
    let digest = u32::try_from(digest).map_err(|_| invalid("digest", "is more than a day"))?;
    let kinds = form.all("kinds").map(|word| {
        let unknown = || invalid("kinds", format!("`{}` is no kind of event", word.escape_debug()));
        NoticeKind::parse(word).ok_or_else(unknown)
    });
    let filter = NoticeFilter {
        kinds: kinds.collect::<Result<_, _>>()?,
        least: form.text("least").and_then(Severity::parse).unwrap_or_default(),
        subjects: subjects::read(asked).await?,
        without_recoveries: !form.ticked("recoveries"),
    };
    Ok(ChannelChange {
        name: None,
        enabled: Some(form.ticked("enabled")),
        service: None,
        target: form.text("target").map(disclosed),
        key: kept_or(form, "key", "no_key"),
        allow_private: consent(asked, was_private),
        proxy: kept_or(form, "proxy", "no_proxy"),
        language: form.text("language").and_then(Language::parse),
        filter: Some(filter),
        digest_seconds: Some(digest),
        per_minute,
    })
}

/// Consent to a private address, where the form changes it. It is for those to give who may change settings, and belongs to an
/// address: a new one needs it again.
fn consent(asked: &Asked, was: bool) -> Option<bool> {
    let (is, is_moved) = (asked.form.ticked("allow_private"), asked.form.text("target").is_some());
    (asked.may(Area::Settings.write()) && (is != was || is && is_moved)).then_some(is)
}

fn kept_or(form: &Fields, field: &str, without: &str) -> Option<Disclosed> {
    match form.ticked(without) {
        true => Some(disclosed("")),
        // A password may begin or end with a space.
        false => form.given(field).filter(|text| !text.trim().is_empty()).map(disclosed),
    }
}

fn disclosed(text: &str) -> Disclosed {
    Disclosed::new(Secret::new(text))
}

/// What the form says of a channel as it is; its secrets are told to nobody.
pub(super) async fn filled(asked: &Asked, channel: &ChannelView) -> Result<Fields, AdminError> {
    let filter = &channel.filter;
    let subjects = subjects::lines(asked, &filter.subjects).await?;
    let mut form = Fields::default()
        .with("name", &channel.name)
        .with("least", filter.least.as_str())
        .with("language", channel.language.as_str())
        .with("digest", length_text(channel.digest_seconds.into()))
        .with("per_minute", channel.per_minute.to_string())
        .with("subjects", subjects.join("\n"));
    for kind in &filter.kinds {
        form = form.with("kinds", kind.as_str());
    }
    let boxes = [
        ("enabled", channel.enabled),
        ("recoveries", !filter.without_recoveries),
        ("allow_private", channel.allow_private),
    ];
    for (name, _) in boxes.into_iter().filter(|(_, is_on)| *is_on) {
        form = form.with(name, "on");
    }
    Ok(kinds::filled(form, &channel.service))
}
