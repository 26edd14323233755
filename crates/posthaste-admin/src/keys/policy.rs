//! A client key's policy as operators write it.

use std::time::Duration;

use posthaste_core::{
    Binding, CaptureRules, ClientKey, ClientPattern, KeyPolicy, LimitUnit, Multiplier, Network, ProviderKind,
    QueueRules, Timestamp, UserId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Admin, AdminError, place::PlaceInput};

/// What is to be of a key's policy. What is `None` stays as it is, in a new key as it is by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyInput {
    /// The providers whose accounts it may use, such as `anthropic`; empty for all.
    pub providers: Option<Vec<String>>,
    /// The client programs that it opens for, such as `claude-code` or `my-agent/*`; empty for all. They declare
    /// themselves: a courtesy, no lock.
    pub clients: Option<Vec<String>>,
    /// The addresses and networks that it opens for, such as `192.0.2.0/24`; empty for all.
    pub networks: Option<Vec<String>>,
    /// What a dollar of cost is billed as, such as `1.25`.
    pub multiplier: Option<String>,
    /// Whether tool calls that an interrupted session left without a result get an error result.
    pub repair_conversations: Option<bool>,
    /// Free words for sorting.
    pub tags: Option<Vec<String>>,
    /// Words to have beside those that are there.
    pub add_tags: Vec<String>,
    /// Words to have no longer.
    pub remove_tags: Vec<String>,
    /// The id of the user whose it is; empty for nobody.
    pub owner: Option<String>,
    /// Whose accounts serve it, and whether others may.
    pub binding: Option<BindingInput>,
    /// Whether requests beyond its concurrency wait in line.
    pub queue: Option<QueueInput>,
    /// Whether bodies are kept for a while.
    pub capture: Option<CaptureInput>,
}

/// To whom a key is bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BindingInput {
    /// To nobody.
    None,
    /// Nobody else serves it.
    Strict(PlaceInput),
    /// Others serve it when these cannot.
    First(PlaceInput),
}

/// A line before a key's concurrency limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueueInput {
    /// There is none.
    None,
    /// There is one.
    Line(QueueRules),
}

/// Keeping the bodies of a key's requests and answers with their records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaptureInput {
    /// They are not kept from now on.
    None,
    /// They are kept, and that ends by itself.
    For {
        /// How many seconds from now.
        seconds: u64,
        /// How much of each body, in bytes.
        #[serde(default = "usual_capture")]
        most_bytes: u32,
    },
}

const fn usual_capture() -> u32 {
    CaptureInput::USUAL_BYTES
}

impl CaptureInput {
    /// How much of each body is kept where nothing else is said.
    pub const USUAL_BYTES: u32 = 32 * 1024;
}

/// What is to be of a binding, its names found.
enum Bond {
    Kept,
    Loosed,
    To(Binding),
}

/// Whose a key is to be, the name found.
enum Whose {
    Kept,
    Nobodys,
    Of(UserId),
}

/// A change whose names are known to exist.
pub(super) struct CheckedPolicy<'a> {
    input: &'a PolicyInput,
    binding: Bond,
    now: Timestamp,
    owner: Whose,
}

impl<'a> CheckedPolicy<'a> {
    pub(super) async fn new(admin: &Admin, input: &'a PolicyInput) -> Result<Self, AdminError> {
        let found = async |place: &PlaceInput, strict| {
            let to = place.found(admin, "binding").await?;
            Ok::<_, AdminError>(Bond::To(Binding { to, strict }))
        };
        let binding = match &input.binding {
            None => Bond::Kept,
            Some(BindingInput::None) => Bond::Loosed,
            Some(BindingInput::Strict(place)) => found(place, true).await?,
            Some(BindingInput::First(place)) => found(place, false).await?,
        };
        let owner = match input.owner.as_deref().map(str::trim) {
            None => Whose::Kept,
            Some("") => Whose::Nobodys,
            Some(owner) => Whose::Of(admin.owners().known(owner).await?),
        };
        Ok(Self { input, binding, now: admin.parts().clock.now(), owner })
    }

    /// Changes a policy.
    pub(super) fn apply(&self, policy: &mut KeyPolicy) -> Result<(), AdminError> {
        match self.binding {
            Bond::Kept => {}
            Bond::Loosed => policy.binding = None,
            Bond::To(binding) => policy.binding = Some(binding),
        }
        match self.owner {
            Whose::Kept => {}
            Whose::Nobodys => policy.owner = None,
            Whose::Of(owner) => policy.owner = Some(owner),
        }
        match self.input.queue {
            None => {}
            Some(QueueInput::None) => policy.queue = None,
            Some(QueueInput::Line(rules)) => policy.queue = Some(queue(rules)?),
        }
        match self.input.capture {
            None => {}
            Some(CaptureInput::None) => policy.capture = None,
            Some(CaptureInput::For { seconds, most_bytes }) => {
                policy.capture = Some(capture(seconds, most_bytes, self.now)?);
            }
        }
        self.input.apply(policy)
    }
}

fn capture(seconds: u64, most_bytes: u32, now: Timestamp) -> Result<CaptureRules, AdminError> {
    if !(1..=MOST_CAPTURE_SECONDS).contains(&seconds) {
        let message =
            format!("{seconds} s is not a time from 1 s to 7 d: keep bodies for a while only, such as 2h");
        return Err(AdminError::invalid("capture", message));
    }
    if !(1..=MOST_CAPTURE_BYTES).contains(&most_bytes) {
        let message = format!("{most_bytes} is not a size from 1 byte to 256KiB");
        return Err(AdminError::invalid("capture_max", message));
    }
    Ok(CaptureRules { until: now.plus(Duration::from_secs(seconds)), most_bytes })
}

fn queue(rules: QueueRules) -> Result<QueueRules, AdminError> {
    if !(1..=MOST_WAITING).contains(&rules.length) {
        let message = format!("a line of {} is none; let 1 to {MOST_WAITING} requests wait", rules.length);
        return Err(AdminError::invalid("queue", message));
    }
    if !(1..=MOST_PATIENCE_MS).contains(&rules.patience_ms) {
        let message = format!("{} ms is not from 1 ms to 300 s", rules.patience_ms);
        return Err(AdminError::invalid("queue", message));
    }
    Ok(rules)
}

impl PolicyInput {
    fn apply(&self, policy: &mut KeyPolicy) -> Result<(), AdminError> {
        if let Some(providers) = &self.providers {
            policy.providers = distinct(providers, |text| provider("providers", text))?;
        }
        if let Some(clients) = &self.clients {
            policy.clients = distinct(clients, client)?;
        }
        if let Some(networks) = &self.networks {
            policy.networks = distinct(networks, network)?;
        }
        if let Some(text) = &self.multiplier {
            policy.multiplier = multiplier(text)?;
        }
        if let Some(repair) = self.repair_conversations {
            policy.repair_conversations = repair;
        }
        if let Some(tags) = &self.tags {
            policy.tags = distinct(tags, tag)?;
        }
        policy.tags.retain(|tag| !self.remove_tags.contains(tag));
        for added in distinct(&self.add_tags, tag)? {
            if !policy.tags.contains(&added) {
                policy.tags.push(added);
            }
        }
        Ok(())
    }
}

/// Refuses rules that leave nothing, or of which one has no effect beside another.
pub(super) fn refuse_contradictions(key: &ClientKey) -> Result<(), AdminError> {
    let models = &key.models;
    if let Some(all) = models.deny.iter().find(|pattern| pattern.as_str() == "*") {
        let message = format!("`{}` leaves no model at all; to close the key, switch it off", all.as_str());
        return Err(AdminError::invalid("deny", message));
    }
    if let Some(both) = models.allow.iter().find(|pattern| models.deny.contains(pattern)) {
        let message = format!("`{}` is allowed and denied; name it in one of the two", both.as_str());
        return Err(AdminError::invalid("allow", message));
    }
    let counts_money = key.policy.limits.iter().any(|limit| limit.unit == LimitUnit::Cost);
    if key.policy.multiplier.as_millionths() == 0 && counts_money {
        let message =
            "is 0, so that a limit in dollars would never be reached; drop that limit or bill something";
        return Err(AdminError::invalid("multiplier", message));
    }
    let concurrent = key.policy.limits.iter().any(|limit| limit.unit == LimitUnit::Concurrency);
    if key.policy.queue.is_some() && !concurrent {
        let message = "has nothing to wait for: give a limit on concurrency as well, such as concurrency=4";
        return Err(AdminError::invalid("queue", message));
    }
    Ok(())
}

/// Each text read, the first of equal ones kept.
fn distinct<T: PartialEq>(
    texts: &[String],
    read: fn(&str) -> Result<T, AdminError>,
) -> Result<Vec<T>, AdminError> {
    let mut values = Vec::with_capacity(texts.len());
    for text in texts {
        let value = read(text.trim())?;
        if !values.contains(&value) {
            values.push(value);
        }
    }
    Ok(values)
}

/// By its name, with or without the dashes that set words apart: presets are called `openai`, providers `open-ai`.
pub(crate) fn provider(field: &'static str, text: &str) -> Result<ProviderKind, AdminError> {
    let plain = |name: &str| name.replace('-', "");
    let found = ProviderKind::ALL.into_iter().find(|provider| plain(provider.as_str()) == plain(text));
    found.ok_or_else(|| {
        let names = ProviderKind::ALL.map(ProviderKind::as_str).join(", ");
        AdminError::invalid(field, format!("`{}` is none; write one of {names}", text.escape_debug()))
    })
}

fn client(text: &str) -> Result<ClientPattern, AdminError> {
    let client = ClientPattern::new(text);
    let is_pattern =
        text.contains(['*', '/']) && text.len() <= MOST_CLIENT && !text.contains(char::is_control);
    if client.is_known() || is_pattern {
        return Ok(client);
    }
    let names: Vec<_> = ClientPattern::KNOWN.iter().map(|(name, _)| *name).collect();
    let message = format!(
        "`{}` is no known client; write one of {}, or a pattern of user agents such as `my-agent/*`",
        text.escape_debug(),
        names.join(", ")
    );
    Err(AdminError::invalid("clients", message))
}

fn network(text: &str) -> Result<Network, AdminError> {
    Network::parse(text).map_err(|error| AdminError::invalid("networks", error.to_string()))
}

fn multiplier(text: &str) -> Result<Multiplier, AdminError> {
    Multiplier::parse(text).ok_or_else(|| {
        let message = format!(
            "`{}` is no factor from 0 to {} with up to six decimals; write 1.25 to bill a dollar as $1.25",
            text.escape_debug(),
            Multiplier::MOST
        );
        AdminError::invalid("multiplier", message)
    })
}

fn tag(text: &str) -> Result<String, AdminError> {
    if text.is_empty() || text.chars().count() > MOST_TAG || text.chars().any(|c| c.is_control() || c == ',')
    {
        let message = format!(
            "`{}` is no tag; write a word or a few, at most {MOST_TAG} characters, without a comma",
            text.escape_debug()
        );
        return Err(AdminError::invalid("tags", message));
    }
    Ok(text.to_owned())
}

/// The factor as an operator writes it.
pub fn multiplier_text(multiplier: Multiplier) -> String {
    let millionths = multiplier.as_millionths();
    let text = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

const MOST_CAPTURE_SECONDS: u64 = 7 * 86_400;
const MOST_CAPTURE_BYTES: u32 = 256 * 1024;
const MOST_WAITING: u32 = 10_000;
const MOST_PATIENCE_MS: u64 = 300_000;
const MOST_CLIENT: usize = 256;
const MOST_TAG: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_read_exactly() {
        for (text, millionths, shown) in [
            ("1", 1_000_000, "1"),
            ("1.25", 1_250_000, "1.25"),
            ("0", 0, "0"),
            ("0.000001", 1, "0.000001"),
            ("1000", 1_000_000_000, "1000"),
        ] {
            let read = multiplier(text).unwrap();
            assert_eq!((read.as_millionths(), read.to_string().as_str()), (millionths, shown));
        }
        for text in ["", "-1", "1.", ".5", "1e3", "1.0000001", "1000.000001", "5000", "4294967296", "½"] {
            let error = multiplier(text).unwrap_err().to_string();
            assert!(error.contains("write 1.25"), "{text}: {error}");
        }
    }

    #[test]
    fn providers_are_named_with_or_without_dashes() {
        assert_eq!(provider("providers", "openai").unwrap(), ProviderKind::OpenAi);
        assert_eq!(provider("providers", "open-ai-compatible").unwrap(), ProviderKind::OpenAiCompatible);
        assert!(provider("providers", "opena").unwrap_err().to_string().contains("write one of anthropic"));
    }

    #[test]
    fn what_cannot_be_is_told_what_to_write() {
        for (error, hint) in [
            (client("claude").unwrap_err(), "write one of claude-code, codex"),
            (network("192.0.2.7/24").unwrap_err(), "write 192.0.2.0/24"),
            (tag("a,b").unwrap_err(), "without a comma"),
            (tag("").unwrap_err(), "write a word"),
        ] {
            assert!(error.to_string().contains(hint), "{error}");
        }
        assert!(client("my-agent/1.2").is_ok());
    }
}
