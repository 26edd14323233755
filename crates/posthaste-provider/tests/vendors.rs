//! What vendors answer, one folder each below `fixtures/providers`, named for the preset: `answer.json` is a whole answer
//! in the preset's first dialect, every other file an error with what it means.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::{collections::HashMap, fs, path::PathBuf, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use posthaste_core::{
    Account, AccountId, AccountSettings, CooldownReason, Dialect, ModelMap, ModelName, ModelRules,
    PresetName, SchedulingRules, Timestamp, Verdict,
};
use posthaste_provider::{AnswerHead, Preset, preset, provider};
use posthaste_wire::{read_error, read_whole};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    status: u16,
    #[serde(default)]
    headers: HashMap<String, String>,
    body: Box<RawValue>,
    means: Means,
    reason: Option<CooldownReason>,
    until_after_seconds: Option<u64>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Means {
    ClientFault,
    Reauthenticate,
    Rest,
}

const NOW: Timestamp = Timestamp::from_secs(1_764_000_000);

#[test]
fn answers_mean_what_their_folder_says() {
    let mut folders = 0;
    for folder in fs::read_dir(root()).unwrap() {
        let folder = folder.unwrap();
        let name = folder.file_name().into_string().unwrap();
        let preset =
            preset(&name).unwrap_or_else(|| panic!("fixtures/providers/{name} is named for no preset"));
        for file in fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            let text = fs::read(&path).unwrap();
            if path.file_name().is_some_and(|name| name == "answer.json") {
                let answer = read_whole(dialect(preset), &text).unwrap();
                assert!(answer.error.is_none() && answer.usage.is_some(), "{}", path.display());
            } else {
                check(preset, &text, &path.display().to_string());
            }
        }
        folders += 1;
    }
    assert!(folders > 0, "no fixtures were found");
}

fn check(preset: &Preset, text: &[u8], at: &str) {
    let told: Answered = serde_json::from_slice(text).unwrap_or_else(|error| panic!("{at}: {error}"));
    let error = read_error(dialect(preset), told.body.get().as_bytes());
    let headers: HeaderMap = told
        .headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap()))
        .collect();
    let verdict = provider(preset.provider).judge(&AnswerHead {
        account: &account(preset),
        model: &ModelName::parse("a-model").unwrap(),
        dialect: dialect(preset),
        status: StatusCode::from_u16(told.status).unwrap(),
        headers: &headers,
        error: error.as_ref(),
        now: NOW,
    });
    let (means, cooldown) = match verdict {
        Verdict::ClientFault => (Means::ClientFault, None),
        Verdict::Reauthenticate => (Means::Reauthenticate, None),
        Verdict::NextCandidate { cooldown } => (Means::Rest, cooldown),
        other => panic!("{at}: {other:?}"),
    };
    assert_eq!(means, told.means, "{at}");
    assert_eq!(cooldown.as_ref().map(|cooldown| cooldown.reason), told.reason, "{at}");
    let until = told.until_after_seconds.map(|seconds| NOW.plus(Duration::from_secs(seconds)));
    assert_eq!(cooldown.and_then(|cooldown| cooldown.until), until, "{at}");
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/providers")
}

fn dialect(preset: &Preset) -> Dialect {
    let any = ModelName::parse("a-model").unwrap();
    preset.dialects.first().copied().unwrap_or_else(|| provider(preset.provider).dialects(&any)[0])
}

fn account(preset: &Preset) -> Account {
    Account {
        id: AccountId::generate(),
        name: preset.name.to_owned(),
        preset: PresetName(preset.name.to_owned()),
        provider: preset.provider,
        base_url: preset.base_url().unwrap_or("https://api.example.com").to_owned(),
        auth: preset.auth,
        dialects: preset.dialects.to_vec(),
        credential: None,
        priority: Account::DEFAULT_PRIORITY,
        enabled: true,
        models: ModelRules::default(),
        model_map: ModelMap::default(),
        private_address: None,
        proxy: None,
        settings: AccountSettings::default(),
        scheduling: SchedulingRules::default(),
        created_at: NOW,
        updated_at: NOW,
    }
}
