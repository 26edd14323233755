//! Regions: what they are called, where their endpoint stands, and which one an account is in.

use posthaste_core::{Account, AccountSettings};

/// The account's region: the one that it was given, else the one that its base URL names.
///
/// The endpoints of a virtual private cloud behind a name of one's own name none.
pub(super) fn region_of(account: &Account) -> Option<&str> {
    account.settings.region.as_deref().or_else(|| region_in(&account.base_url))
}

/// Where the region's endpoint stands
/// (<https://docs.aws.amazon.com/general/latest/gr/bedrock.html>, checked 2026-11-26).
pub(super) fn endpoint(region: &str) -> String {
    let suffix =
        SUFFIXES.iter().find(|(start, _)| region.starts_with(start)).map_or(SUFFIX, |(_, suffix)| suffix);
    format!("https://bedrock-runtime.{region}.{suffix}")
}

/// Whether a text has the form of a region's name, such as `us-east-1` or `us-gov-west-1`.
pub(super) fn is_region(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else { return false };
    let is_word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    matches!(words.split('-').count(), 2 | 3)
        && words.split('-').all(is_word)
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the region that was given contradicts the one that the base URL names.
pub(super) fn contradiction<'a>(settings: &AccountSettings, base_url: &'a str) -> Option<&'a str> {
    let given = settings.region.as_deref()?;
    region_in(base_url).filter(|named| *named != given)
}

/// The region in a host's name: what stands behind `bedrock-runtime`, with or without FIPS, behind an interface endpoint's
/// own name or none. Base URLs are checked and written small when they are set, so that nothing needs to be parsed.
fn region_in(base_url: &str) -> Option<&str> {
    let (_, rest) = base_url.split_once("://")?;
    let host = rest.split(['/', ':']).next()?;
    let mut labels = host.split('.');
    labels.find(|label| matches!(*label, "bedrock-runtime" | "bedrock-runtime-fips"))?;
    labels.next().filter(|label| is_region(label))
}

/// Partitions with a domain of their own, by the start of their regions' names
/// (`botocore`'s `partitions.json`, checked 2026-11-26). Those that are cut off from the internet need `--base-url`.
const SUFFIXES: [(&str, &str); 2] = [("cn-", "amazonaws.com.cn"), ("eusc-", "amazonaws.eu")];
const SUFFIX: &str = "amazonaws.com";

#[cfg(test)]
mod tests {
    use posthaste_core::ProviderKind;
    use rstest::rstest;

    use super::*;
    use crate::testing::account;

    #[rstest]
    #[case("https://bedrock-runtime.us-east-1.amazonaws.com", Some("us-east-1"))]
    #[case("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com", Some("us-gov-west-1"))]
    #[case("https://bedrock-runtime.eu-central-1.api.aws", Some("eu-central-1"))]
    #[case("https://vpce-0a1b-2c3d.bedrock-runtime.eu-west-1.vpce.amazonaws.com", Some("eu-west-1"))]
    #[case("https://bedrock.internal.example.com", None)]
    #[case("https://us-east-1.example.com", None)]
    #[case("https://bedrock-runtime.example.com:8443/x", None)]
    #[case("http://bedrock-runtime.us-east-1.amazonaws.com:8080/a.b", Some("us-east-1"))]
    fn an_endpoints_name_tells_its_region(#[case] base_url: &str, #[case] region: Option<&str>) {
        let mut account = account(ProviderKind::Bedrock, "bedrock");
        account.base_url = base_url.to_owned();
        assert_eq!(region_of(&account), region);
        account.settings.region = Some("ap-south-1".to_owned());
        assert_eq!(region_of(&account), Some("ap-south-1"), "what was given counts");
        assert_eq!(contradiction(&account.settings, base_url), region);
    }

    #[rstest]
    #[case("us-east-1", "https://bedrock-runtime.us-east-1.amazonaws.com")]
    #[case("us-gov-west-1", "https://bedrock-runtime.us-gov-west-1.amazonaws.com")]
    #[case("eusc-de-east-1", "https://bedrock-runtime.eusc-de-east-1.amazonaws.eu")]
    fn a_region_tells_its_endpoint(#[case] region: &str, #[case] url: &str) {
        assert_eq!(endpoint(region), url);
        assert!(is_region(region));
    }

    #[test]
    fn other_texts_are_no_regions() {
        for text in [
            "",
            "us-east",
            "us-east-1a",
            "US-EAST-1",
            "us_east_1",
            "us-east-1.evil.example",
            "1",
            "a-b-c-d-1",
        ] {
            assert!(!is_region(text), "{text}");
        }
    }
}
