//! What Bedrock calls the models that clients name as Anthropic does.
//!
//! Most of Bedrock's models answer only under the name of an *inference profile*, which is the model's id behind the name of
//! the geography that a request may be served in:
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html>. The table is after the price
//! list's names of 2026-11-23.

use std::fmt;

/// Bedrock's name for a model in a region; `None` when the table has no such model. Without a region only what is served
/// everywhere is certain.
pub(super) fn profile(model: &str, region: Option<&str>) -> Option<String> {
    let row = ROWS.iter().find(|row| row.is_called(model))?;
    let near = geographies(region.unwrap_or_default());
    Some(match near.iter().find(|geography| row.geographies.contains(geography)) {
        Some(geography) => format!("{geography}.anthropic.{}", row.id),
        // A model that has no profile is asked for by its own name.
        None => format!("anthropic.{}", row.id),
    })
}

/// Whether the table has a model of this name.
pub(super) fn knows(model: &str) -> bool {
    model.starts_with("claude-") && ROWS.iter().any(|row| row.is_called(model))
}

/// A model of Anthropic's at Bedrock.
struct Row {
    /// The id behind `anthropic.`.
    id: &'static str,
    /// Where it has a profile.
    geographies: &'static [Geography],
}

impl Row {
    /// Whether a client's name means this model: with its date, without it, or with one that Bedrock leaves out.
    fn is_called(&self, model: &str) -> bool {
        let full = without_version(self.id);
        full == model || undated(full).is_some_and(|short| short == model) || undated(model) == Some(full)
    }
}

/// An id without `-v1:0`.
fn without_version(id: &str) -> &str {
    let Some((name, version)) = id.rsplit_once("-v") else { return id };
    if version.starts_with(|first: char| first.is_ascii_digit()) { name } else { id }
}

/// A name without its date, if it has one.
fn undated(name: &str) -> Option<&str> {
    let (short, date) = name.rsplit_once('-')?;
    (date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit())).then_some(short)
}

/// Where a profile serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Geography {
    Us,
    UsGov,
    Eu,
    Apac,
    Jp,
    Au,
    Global,
}

use Geography::{Apac, Au, Eu, Global, Jp, Us, UsGov};

impl fmt::Display for Geography {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Us => "us",
            UsGov => "us-gov",
            Eu => "eu",
            Apac => "apac",
            Jp => "jp",
            Au => "au",
            Global => "global",
        })
    }
}

/// The geographies whose profiles a region may use, the narrowest first: data stay as near as they can. `global` leaves the
/// choice to AWS.
fn geographies(region: &str) -> &'static [Geography] {
    let begins = |starts: &[&str]| starts.iter().any(|start| region.starts_with(start));
    match region {
        "ap-northeast-1" | "ap-northeast-3" => &[Jp, Apac, Global],
        "ap-southeast-2" | "ap-southeast-4" => &[Au, Apac, Global],
        _ if begins(&["us-gov-"]) => &[UsGov],
        _ if begins(&["us-", "ca-"]) => &[Us, Global],
        // A sovereign cloud has no profiles across its border.
        _ if begins(&["eusc-", "cn-"]) => &[],
        _ if begins(&["eu-"]) => &[Eu, Global],
        _ if begins(&["ap-"]) => &[Apac, Global],
        _ => &[Global],
    }
}

const EVERYWHERE: &[Geography] = &[Us, UsGov, Eu, Apac, Jp, Au, Global];
const ALL_BUT_GOV: &[Geography] = &[Us, Eu, Apac, Jp, Au, Global];

/// The newer of two that share a short name comes first.
const ROWS: [Row; 25] = [
    Row { id: "claude-fable-5-1", geographies: &[Us, UsGov, Eu, Global] },
    Row { id: "claude-fable-5", geographies: &[Us, Eu, Apac, Au, Global] },
    Row { id: "claude-mythos-5-1", geographies: &[Us, Global] },
    Row { id: "claude-mythos-5", geographies: &[Us] },
    Row { id: "claude-mythos-preview", geographies: &[Us, Apac, Au] },
    Row { id: "claude-opus-5-5", geographies: EVERYWHERE },
    Row { id: "claude-opus-5", geographies: EVERYWHERE },
    Row { id: "claude-opus-4-8", geographies: EVERYWHERE },
    Row { id: "claude-opus-4-7", geographies: ALL_BUT_GOV },
    Row { id: "claude-opus-4-6-v1", geographies: &[Us, Eu, Au, Global] },
    Row { id: "claude-opus-4-5-20251101-v1:0", geographies: &[Us, Eu, Global] },
    Row { id: "claude-opus-4-1-20250805-v1:0", geographies: &[Us, Eu] },
    Row { id: "claude-opus-4-20250514-v1:0", geographies: &[Us, Eu] },
    Row { id: "claude-sonnet-5-5", geographies: EVERYWHERE },
    Row { id: "claude-sonnet-5", geographies: EVERYWHERE },
    Row { id: "claude-sonnet-4-6", geographies: ALL_BUT_GOV },
    Row { id: "claude-sonnet-4-5-20250929-v1:0", geographies: &[Us, UsGov, Eu, Jp, Au, Global] },
    Row { id: "claude-sonnet-4-20250514-v1:0", geographies: &[Us, Eu, Apac, Global] },
    Row { id: "claude-haiku-5-5", geographies: EVERYWHERE },
    Row { id: "claude-haiku-4-5-20251001-v1:0", geographies: ALL_BUT_GOV },
    Row { id: "claude-3-7-sonnet-20250219-v1:0", geographies: &[Us, Eu] },
    Row { id: "claude-3-5-sonnet-20241022-v2:0", geographies: &[Us, Eu] },
    Row { id: "claude-3-5-sonnet-20240620-v1:0", geographies: &[Us, Eu] },
    Row { id: "claude-3-5-haiku-20241022-v1:0", geographies: &[Us, Eu] },
    Row { id: "claude-3-opus-20240229-v1:0", geographies: &[Us, Eu] },
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("claude-haiku-4-5", Some("us-east-1"), "us.anthropic.claude-haiku-4-5-20251001-v1:0")]
    #[case("claude-haiku-4-5-20251001", Some("eu-west-1"), "eu.anthropic.claude-haiku-4-5-20251001-v1:0")]
    #[case("claude-haiku-4-5", Some("ap-northeast-1"), "jp.anthropic.claude-haiku-4-5-20251001-v1:0")]
    #[case("claude-haiku-4-5", Some("ap-southeast-2"), "au.anthropic.claude-haiku-4-5-20251001-v1:0")]
    #[case("claude-haiku-4-5", Some("ap-south-1"), "apac.anthropic.claude-haiku-4-5-20251001-v1:0")]
    #[case("claude-haiku-4-5", Some("sa-east-1"), "global.anthropic.claude-haiku-4-5-20251001-v1:0")]
    #[case("claude-haiku-4-5", None, "global.anthropic.claude-haiku-4-5-20251001-v1:0")]
    #[case("claude-sonnet-4-5", Some("us-gov-west-1"), "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0")]
    #[case("claude-opus-4-6", Some("ca-central-1"), "us.anthropic.claude-opus-4-6-v1")]
    #[case("claude-opus-4-7-20260416", Some("eu-central-1"), "eu.anthropic.claude-opus-4-7")]
    #[case("claude-sonnet-4", Some("us-west-2"), "us.anthropic.claude-sonnet-4-20250514-v1:0")]
    #[case("claude-3-5-sonnet", Some("us-west-2"), "us.anthropic.claude-3-5-sonnet-20241022-v2:0")]
    #[case("claude-3-5-sonnet-20240620", Some("us-west-2"), "us.anthropic.claude-3-5-sonnet-20240620-v1:0")]
    #[case("claude-3-opus", Some("sa-east-1"), "anthropic.claude-3-opus-20240229-v1:0")]
    #[case("claude-opus-5", Some("eusc-de-east-1"), "anthropic.claude-opus-5")]
    fn a_clients_name_becomes_the_regions_profile(
        #[case] model: &str,
        #[case] region: Option<&str>,
        #[case] name: &str,
    ) {
        assert_eq!(profile(model, region).as_deref(), Some(name));
    }

    #[test]
    fn names_that_are_not_in_the_table_stay() {
        for model in [
            "claude-sonnet-99",
            "claude",
            "gpt-5",
            "anthropic.claude-opus-5",
            "claude-opus-5-",
            "claude-20250514",
        ] {
            assert_eq!(profile(model, Some("us-east-1")), None, "{model}");
        }
    }

    #[test]
    fn no_two_rows_share_an_id_and_full_names_find_their_own_row() {
        for row in &ROWS {
            let found = ROWS.iter().find(|other| other.is_called(without_version(row.id))).unwrap();
            assert_eq!(found.id, row.id);
        }
    }
}
