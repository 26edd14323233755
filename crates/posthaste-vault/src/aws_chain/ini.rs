//! AWS's shared files (<https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>).

use std::collections::HashMap;

/// The profiles of both files. What the credentials file says of one goes before what the config file says.
#[derive(Debug, Default)]
pub(super) struct Profiles(HashMap<String, Profile>);

/// One profile's settings, by their names in small letters.
#[derive(Debug, Default)]
pub(super) struct Profile(HashMap<String, String>);

impl Profiles {
    pub(super) fn read(config: &str, credentials: &str) -> Self {
        let mut profiles = Self::default();
        profiles.add(config, |section| {
            // `[default]` stands without the word; other sections (`sso-session`, `services`) are no profiles.
            let named = section.strip_prefix("profile").filter(|rest| rest.starts_with([' ', '\t']));
            named.map(|name| unquoted(name.trim())).or_else(|| (section == "default").then_some(section))
        });
        profiles.add(credentials, Some);
        profiles
    }

    pub(super) fn get(&self, name: &str) -> Option<&Profile> {
        self.0.get(name)
    }

    fn add<'a>(&mut self, text: &'a str, profile_of: impl Fn(&'a str) -> Option<&'a str>) {
        let mut current: Option<&mut Profile> = None;
        for line in text.lines() {
            // What is indented belongs to a nested setting, none of which concerns keys.
            if line.trim().is_empty() || line.starts_with([' ', '\t', '#', ';']) {
                continue;
            }
            if let Some(section) = line.trim_end().strip_prefix('[') {
                let name = section.split(']').next().unwrap_or_default().trim();
                current = profile_of(name).map(|name| self.0.entry(name.to_owned()).or_default());
            } else if let (Some(profile), Some((key, value))) = (current.as_deref_mut(), line.split_once('='))
            {
                let value = without_comment(value).trim().to_owned();
                profile.0.insert(key.trim().to_ascii_lowercase(), value);
            }
        }
    }
}

impl Profile {
    /// A setting that is not empty.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// A comment begins with a space and a `#` or `;`: secrets may hold those signs themselves.
fn without_comment(value: &str) -> &str {
    let ends = [" #", " ;", "\t#", "\t;"].iter().filter_map(|sign| value.find(sign));
    ends.min().map_or(value, |end| &value[..end])
}

fn unquoted(name: &str) -> &str {
    let quoted = |sign| name.strip_prefix(sign).and_then(|rest: &str| rest.strip_suffix(sign));
    quoted('"').or_else(|| quoted('\'')).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_read_and_the_credentials_go_first() {
        let config = "\
# a comment
[default]
region = eu-west-1
aws_access_key_id = from-config

[profile team]   ; a comment
role_arn=arn:aws:iam::1:role/R # why
s3 =
  max_concurrent_requests = 20
source_profile = default

[profile \"two words\"]
region = us-west-2
[sso-session corp]
sso_region = us-east-1
[other]
region = nowhere
";
        let credentials = "\
[default]
AWS_ACCESS_KEY_ID = from-credentials
aws_secret_access_key = a#b;c=d
[team]
aws_session_token =
";
        let profiles = Profiles::read(config, credentials);
        let get = |profile: &str, key: &str| profiles.get(profile).and_then(|profile| profile.get(key));
        assert_eq!(get("default", "region"), Some("eu-west-1"));
        assert_eq!(get("default", "aws_access_key_id"), Some("from-credentials"));
        assert_eq!(get("default", "aws_secret_access_key"), Some("a#b;c=d"));
        assert_eq!(get("team", "role_arn"), Some("arn:aws:iam::1:role/R"));
        assert_eq!(get("team", "source_profile"), Some("default"));
        assert_eq!(get("team", "max_concurrent_requests"), None);
        assert_eq!(get("team", "aws_session_token"), None);
        assert_eq!(get("two words", "region"), Some("us-west-2"));
        for none in ["corp", "sso-session corp", "other"] {
            assert!(profiles.get(none).is_none(), "{none}");
        }
    }

    #[test]
    fn broken_lines_are_passed_over() {
        let profiles = Profiles::read("", "region = before\n[a\nb\n[c]\nno equals sign\nd = 1\n[]\n");
        assert_eq!(profiles.get("c").and_then(|profile| profile.get("d")), Some("1"));
        assert!(profiles.get("a").is_some() && profiles.get("region").is_none());
    }
}
