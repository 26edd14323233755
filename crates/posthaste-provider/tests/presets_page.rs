//! The table of presets in `docs/PROVIDERS.md`: written by `cargo xtask docs`, compared otherwise.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::{env, fmt::Write as _, fs, path::PathBuf};

use posthaste_core::{AuthForm, ModelName, ProviderKind};
use posthaste_provider::{Preset, presets, provider};

const BEGIN: &str = "<!-- presets: written by `cargo xtask docs` -->\n";
const END: &str = "<!-- presets end -->";

#[test]
fn the_table_of_presets_is_up_to_date() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/PROVIDERS.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the mark where the table begins");
    let (found, after) = rest.split_once(END).expect("the mark where the table ends");
    let table = table();
    if env::var_os("POSTHASTE_WRITE_DOCS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert_eq!(found, table, "docs/PROVIDERS.md is stale: run `cargo xtask docs` and commit the result");
    }
}

fn table() -> String {
    let mut table = String::from(
        "\n| preset | speaks | base URL (site) | credential | quota windows | documented at |\n|---|---|---|---|---|---|\n",
    );
    for preset in presets() {
        let Preset { name, source, .. } = preset;
        let windows: Vec<_> = preset.windows.iter().map(|window| window.as_str()).collect();
        writeln!(
            table,
            "| `{name}` | {} | {} | {} | {} | {source} |",
            dialects(preset),
            sites(preset),
            credential(preset),
            windows.join("; ")
        )
        .unwrap();
    }
    table.push('\n');
    table
}

fn dialects(preset: &Preset) -> String {
    let any = ModelName::parse("any").unwrap();
    let own =
        if preset.dialects.is_empty() { provider(preset.provider).dialects(&any) } else { preset.dialects };
    let names: Vec<_> = own.iter().map(|dialect| dialect.as_str()).collect();
    let more = if preset.provider == ProviderKind::Bedrock {
        "; Anthropic's models also anthropic-messages"
    } else {
        ""
    };
    [&names.join(", "), more].concat()
}

fn sites(preset: &Preset) -> String {
    if preset.sites.is_empty() {
        return "to be given".to_owned();
    }
    let line = |site: &posthaste_provider::Site| {
        let name = if site.name.is_empty() { String::new() } else { format!(" ({})", site.name) };
        let others: Vec<_> =
            site.others.iter().map(|(dialect, url)| format!("; {dialect}: `{url}`")).collect();
        format!("`{}`{name}{}", site.base_url, others.concat())
    };
    preset.sites.iter().map(line).collect::<Vec<_>>().join("<br>")
}

fn credential(preset: &Preset) -> String {
    let form = match preset.auth {
        AuthForm::XApiKey => "key as `x-api-key`",
        AuthForm::Bearer => "key as bearer token",
        AuthForm::XGoogApiKey => "key as `x-goog-api-key`",
        AuthForm::ApiKey => "key as `api-key`",
        AuthForm::OAuth => "sign-in",
        AuthForm::Entra => "Entra application",
        AuthForm::AwsKeys | AuthForm::AwsChain => "AWS keys",
        AuthForm::None => "none",
    };
    let elsewhere = preset.oauth_base_url.map_or_else(String::new, |url| format!(" at `{url}`"));
    match preset.oauth {
        Some(name) if preset.auth != AuthForm::OAuth => {
            format!("{form}, or sign-in (`[oauth.{name}]`){elsewhere}")
        }
        Some(name) => format!("{form} (`[oauth.{name}]`)"),
        None => form.to_owned(),
    }
}
