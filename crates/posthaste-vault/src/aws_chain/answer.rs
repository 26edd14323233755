//! Keys as containers, instances and commands tell them.

use posthaste_core::{AwsKeys, Secret, Timestamp};
use serde::Deserialize;

/// Reads keys from JSON: the container's and the instance's answer
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html>), and what a `credential_process`
/// prints, which calls the token otherwise
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>).
pub(super) fn read(json: &[u8]) -> Option<AwsKeys> {
    let told: Told = serde_json::from_slice(json).ok()?;
    // The instance's service tells failures with a 200.
    let failed = told.code.is_some_and(|code| code != "Success");
    let whole = !told.access_key_id.is_empty() && !told.secret_access_key.is_empty();
    (!failed && whole).then(|| AwsKeys {
        access_key_id: told.access_key_id,
        secret_access_key: Secret::new(told.secret_access_key),
        session_token: told.token.filter(|token| !token.is_empty()).map(Secret::new),
        expires_at: told.expiration,
    })
}

#[derive(Deserialize)]
struct Told {
    #[serde(rename = "Code")]
    code: Option<String>,
    #[serde(rename = "AccessKeyId")]
    access_key_id: String,
    #[serde(rename = "SecretAccessKey")]
    secret_access_key: String,
    #[serde(rename = "Token", alias = "SessionToken")]
    token: Option<String>,
    #[serde(rename = "Expiration")]
    expiration: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_names_of_the_token_are_read() {
        for name in ["Token", "SessionToken"] {
            let json = format!(
                r#"{{"AccessKeyId":"ASIADUMMY","SecretAccessKey":"s","{name}":"t","Expiration":"2026-11-26T18:00:00Z"}}"#
            );
            let keys = read(json.as_bytes()).unwrap();
            assert_eq!(keys.session_token.unwrap().expose(), "t");
            assert_eq!(keys.expires_at, "2026-11-26T18:00:00Z".parse().ok());
        }
        assert_eq!(read(br#"{"AccessKeyId":"AKIADUMMY","SecretAccessKey":"s"}"#).unwrap().expires_at, None);
    }

    #[test]
    fn what_is_no_set_of_keys_is_none() {
        for json in [
            "",
            "{}",
            r#"{"Code":"AssumeRoleUnauthorizedAccess","AccessKeyId":"a","SecretAccessKey":"s"}"#,
            r#"{"AccessKeyId":"","SecretAccessKey":"s"}"#,
            r#"{"AccessKeyId":"a","SecretAccessKey":"s","Expiration":"soon"}"#,
        ] {
            assert_eq!(read(json.as_bytes()), None, "{json}");
        }
    }
}
