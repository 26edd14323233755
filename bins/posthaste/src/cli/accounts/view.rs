//! Accounts for people.

use posthaste_admin::{
    AccountView, BalanceView, Health, ParkedModels, PresetView, QuotaView, RefreshedAccount, TestReport,
    TestSteps,
};
use posthaste_core::{AuthForm, ModelPattern, NanoUsd};

use crate::cli::{keys, output};

pub(super) fn table(accounts: &[AccountView]) -> String {
    if accounts.is_empty() {
        return "no accounts yet; add one: posthaste accounts add --preset anthropic --name NAME --api-key -"
            .to_owned();
    }
    let mut table = output::table(&["NAME", "PRESET", "PRIORITY", "STATE", "BASE URL", "ID"]);
    for account in accounts {
        table.add_row([
            account.name.clone(),
            account.preset.to_string(),
            account.priority.to_string(),
            state(account),
            account.base_url.clone(),
            account.id.to_string(),
        ]);
    }
    table.to_string()
}

pub(super) fn one(account: &AccountView) -> String {
    let map = account.model_map.iter().map(|line| format!("{} → {}", line.from, line.to));
    output::list(&[
        ("name", account.name.clone()),
        ("id", account.id.to_string()),
        ("preset", account.preset.to_string()),
        ("base URL", account.base_url.clone()),
        ("other base URLs", joined(other_urls(account), "-")),
        ("plan renews on day", account.settings.plan_day.map_or("-".to_owned(), |day| day.to_string())),
        ("credential", credential(account)),
        ("proxy", account.proxy.clone().unwrap_or_else(|| "-".to_owned())),
        ("vendor's settings", joined(vendor(account), "-")),
        ("limits", keys::view::limits(&account.scheduling.limits)),
        ("priority", account.priority.to_string()),
        ("weight", account.scheduling.weight.to_string()),
        ("takes new requests", takes_requests(account)),
        ("tags", joined(account.scheduling.tags.clone(), "-")),
        (
            "notes",
            if account.scheduling.notes.is_empty() {
                "-".to_owned()
            } else {
                account.scheduling.notes.clone()
            },
        ),
        ("state", state(account)),
        ("quota", joined(quota(account), "-")),
        ("models at rest", joined(models_at_rest(account), "-")),
        ("serves", patterns(&account.models.allow, "all models")),
        ("does not serve", patterns(&account.models.deny, "-")),
        ("model map", joined(map.collect(), "-")),
        (
            "private address",
            account.private_address.as_ref().map_or("-".to_owned(), |consent| consent.how.clone()),
        ),
        ("added", account.created_at.to_string()),
        ("changed", account.updated_at.to_string()),
    ])
}

pub(super) fn presets(presets: &[PresetView]) -> String {
    let mut table = output::table(&["PRESET", "BASE URL", "SITES", "SPEAKS", "ABOUT"]);
    for preset in presets {
        let base_url = preset.base_url.clone().unwrap_or_else(|| "(give --base-url)".to_owned());
        let sites = joined(preset.sites.iter().map(|site| site.name.clone()).collect(), "-");
        let speaks = preset.dialects.iter().map(|dialect| dialect.as_str().to_owned()).collect();
        let about = match preset.windows.as_slice() {
            [] => preset.summary.clone(),
            windows => format!("{}; quota windows: {}", preset.summary, windows.join("; ")),
        };
        table.add_row([preset.name.clone(), base_url, sites, joined(speaks, "as the model"), about]);
    }
    table.to_string()
}

pub(super) fn refreshed(refreshed: &RefreshedAccount) -> String {
    let until = refreshed.expires_at.map_or("no end that its issuer told".to_owned(), |end| end.to_string());
    format!("account `{}` has a new token, good until {until}", refreshed.account)
}

pub(super) fn balance(balance: &BalanceView) -> String {
    if let Some(problem) = &balance.problem {
        return format!("what is left on account `{}` is not known: {problem}", balance.account);
    }
    if balance.amounts.is_empty() {
        return format!("the vendor of account `{}` tells of no amount", balance.account);
    }
    let mut table = output::table(&["CURRENCY", "LEFT", "OF", "USED"]);
    for amount in &balance.amounts {
        table.add_row([
            amount.currency.clone(),
            amount.left.map_or_else(|| "no end".to_owned(), money),
            amount.limit.map_or_else(|| "-".to_owned(), money),
            amount.used.map_or_else(|| "-".to_owned(), money),
        ]);
    }
    format!("{table}\n\nas told {}", balance.asked_at)
}

/// Billionths of a currency's unit, exactly.
fn money(billionths: i64) -> String {
    let text = NanoUsd::from_nanos(billionths).to_string();
    text.replacen('$', "", 1)
}

pub(super) fn test(report: &TestReport) -> String {
    let status = report.status.map_or("no answer".to_owned(), |status| format!("status {status}"));
    let verdict = if report.ok { "serves" } else { "does not serve" };
    let mut facts = steps(&report.steps);
    if let Some(usage) = &report.usage {
        facts.push(("  tokens", format!("{} in, {} out", usage.prompt(), usage.output)));
    }
    if let Some(cost) = report.cost_nano_usd {
        facts.push(("  cost", cost.to_string()));
    }
    format!(
        "account `{}` {verdict}: model {}, {status}, {} ms\n{}",
        report.account,
        report.upstream_model,
        report.latency_ms,
        output::list(&facts)
    )
}

/// The steps that were come to, with their times.
fn steps(steps: &TestSteps) -> Vec<(&'static str, String)> {
    let all = [
        ("  credential", steps.credential_us),
        ("  project", steps.project_us),
        ("  name look-up", steps.lookup_us),
        ("  connect", steps.connect_us),
        ("  TLS", steps.tls_us),
        ("  head", steps.head_us),
        ("  first event", steps.first_event_us),
        ("  end", steps.end_us),
    ];
    let shown = |(name, time): (&'static str, Option<u64>)| Some((name, milliseconds(time?)));
    all.into_iter().filter_map(shown).collect()
}

/// Microseconds for people.
fn milliseconds(micros: u64) -> String {
    format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100)
}

/// Whether it serves, in a few words.
pub(in crate::cli) fn state(account: &AccountView) -> String {
    match &account.health {
        _ if !account.enabled => "disabled".to_owned(),
        None => "enabled".to_owned(),
        Some(Health::Ready) => "ready".to_owned(),
        Some(Health::Disabled) => "disabled".to_owned(),
        Some(Health::Parked(parked)) => {
            format!("{} until {}: {}", parked.reason, parked.until, parked.why)
        }
    }
}

fn takes_requests(account: &AccountView) -> String {
    let rules = &account.scheduling;
    match rules.expires_at {
        _ if !rules.schedulable => "no".to_owned(),
        Some(end) => format!("until {end}"),
        None => "yes".to_owned(),
    }
}

fn credential(account: &AccountView) -> String {
    let form = match account.auth {
        AuthForm::XApiKey => "x-api-key",
        AuthForm::Bearer => "bearer token",
        AuthForm::XGoogApiKey => "x-goog-api-key",
        AuthForm::ApiKey => "api-key",
        AuthForm::OAuth => "logged in",
        AuthForm::Entra => "Entra application",
        AuthForm::AwsKeys => "AWS keys",
        AuthForm::AwsChain => return "AWS keys of the machine".to_owned(),
        AuthForm::None => return "none".to_owned(),
    };
    let kept = if account.has_credential { "kept sealed" } else { "missing" };
    format!("{form}, {kept}")
}

fn vendor(account: &AccountView) -> Vec<String> {
    let settings = &account.settings;
    let named = [
        ("region", &settings.region),
        ("profile", &settings.profile),
        ("api-version", &settings.api_version),
        ("project", &settings.project),
    ];
    named.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?))).collect()
}

fn quota(account: &AccountView) -> Vec<String> {
    let window = |window: &QuotaView| {
        let QuotaView { used_percent, resets_at, .. } = window;
        let runs_out = window.runs_out_at.map(|at| format!(", at this pace used up at {at}"));
        format!("{used_percent} % used, new at {resets_at}{}", runs_out.unwrap_or_default())
    };
    account.quota.iter().map(window).collect()
}

fn models_at_rest(account: &AccountView) -> Vec<String> {
    let line = |rest: &ParkedModels| {
        let ParkedModels { models, parked } = rest;
        format!("{models}: {} until {}: {}", parked.reason, parked.until, parked.why)
    };
    account.parked_models.iter().map(line).collect()
}

fn other_urls(account: &AccountView) -> Vec<String> {
    account.settings.base_urls.iter().map(|own| format!("{}: {}", own.dialect, own.url)).collect()
}

fn patterns(patterns: &[ModelPattern], none: &str) -> String {
    joined(patterns.iter().map(|pattern| pattern.as_str().to_owned()).collect(), none)
}

fn joined(items: Vec<String>, none: &str) -> String {
    if items.is_empty() { none.to_owned() } else { items.join(", ") }
}
