//! Inputs that need more than a flag's text.

mod hidden;

use std::{fs, path::PathBuf, time::Duration};

use clap::Args;
use posthaste_admin::{AwsKeysInput, Disclosed, EntraInput, ModelMapping};
use posthaste_core::{AuthForm, Dialect, DialectUrl, Secret, Timestamp};

use super::Failure;
use crate::config::{ProcessEnv, parse_duration};

/// Where an API key comes from.
#[derive(Args, Debug)]
pub(super) struct ApiKey {
    /// The API key; `-` asks for it or reads it from a pipe, which keeps it out of the process list and the shell's history
    #[arg(long, value_name = "KEY", value_parser = secret)]
    api_key: Option<Secret>,
    /// A file that holds the API key
    #[arg(long, value_name = "FILE", conflicts_with = "api_key")]
    api_key_file: Option<PathBuf>,
}

impl ApiKey {
    pub(super) fn read(self) -> Result<Option<Disclosed>, Failure> {
        let key = match (self.api_key, self.api_key_file) {
            (Some(key), _) if key.expose() == "-" => {
                Some(hidden::read("API key").map_err(|error| unreadable("standard input", &error))?)
            }
            (Some(key), _) => Some(key),
            (None, Some(path)) => {
                let text = fs::read_to_string(&path)
                    .map_err(|error| unreadable(&path.display().to_string(), &error))?;
                Some(Secret::new(text))
            }
            (None, None) => None,
        };
        Ok(key.map(Disclosed::new))
    }
}

/// Where AWS keys come from.
#[derive(Args, Debug)]
pub(super) struct AwsKeys {
    /// The id of an AWS access key; requests are signed with it
    #[arg(long, value_name = "ID", requires = "AwsSecret")]
    aws_access_key_id: Option<String>,
    #[command(flatten)]
    secret: AwsSecret,
    /// The session token of temporary AWS keys; `-` asks for it
    #[arg(long, value_name = "TOKEN", value_parser = secret, requires = "aws_access_key_id")]
    aws_session_token: Option<Secret>,
    /// A file that holds the session token
    #[arg(long, value_name = "FILE", conflicts_with = "aws_session_token", requires = "aws_access_key_id")]
    aws_session_token_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
#[group(multiple = false)]
struct AwsSecret {
    /// The secret of the AWS access key; `-` asks for it, or reads a line of a pipe
    #[arg(long, value_name = "KEY", value_parser = secret, requires = "aws_access_key_id")]
    aws_secret_access_key: Option<Secret>,
    /// A file that holds the secret of the AWS access key
    #[arg(long, value_name = "FILE", requires = "aws_access_key_id")]
    aws_secret_access_key_file: Option<PathBuf>,
}

impl AwsKeys {
    pub(super) fn read(self) -> Result<Option<AwsKeysInput>, Failure> {
        let Some(access_key_id) = self.aws_access_key_id else { return Ok(None) };
        let AwsSecret { aws_secret_access_key, aws_secret_access_key_file } = self.secret;
        let secret = one_secret("AWS secret access key", aws_secret_access_key, aws_secret_access_key_file)?;
        let token = one_secret("AWS session token", self.aws_session_token, self.aws_session_token_file)?;
        let secret_access_key =
            secret.ok_or_else(|| Failure::usage("an AWS access key needs --aws-secret-access-key"))?;
        Ok(Some(AwsKeysInput { access_key_id, secret_access_key, session_token: token }))
    }
}

/// Where an application of Microsoft Entra comes from.
#[derive(Args, Debug)]
pub(super) struct Entra {
    /// The directory of an Entra application: its id or a domain of it
    #[arg(long, value_name = "TENANT", requires = "entra_client_id")]
    entra_tenant: Option<String>,
    /// The id of an Entra application, whose tokens are presented
    #[arg(long, value_name = "ID", requires_all = ["entra_tenant", "EntraSecret"])]
    entra_client_id: Option<String>,
    #[command(flatten)]
    secret: EntraSecret,
}

#[derive(Args, Debug)]
#[group(multiple = false)]
struct EntraSecret {
    /// The secret of the Entra application; `-` asks for it, or reads a line of a pipe
    #[arg(long, value_name = "SECRET", value_parser = secret, requires = "entra_client_id")]
    entra_client_secret: Option<Secret>,
    /// A file that holds the secret of the Entra application
    #[arg(long, value_name = "FILE", requires = "entra_client_id")]
    entra_client_secret_file: Option<PathBuf>,
}

impl Entra {
    pub(super) fn read(self) -> Result<Option<EntraInput>, Failure> {
        let (Some(tenant), Some(client_id)) = (self.entra_tenant, self.entra_client_id) else {
            return Ok(None);
        };
        let EntraSecret { entra_client_secret, entra_client_secret_file } = self.secret;
        let secret = one_secret("Entra client secret", entra_client_secret, entra_client_secret_file)?;
        let client_secret =
            secret.ok_or_else(|| Failure::usage("an Entra application needs --entra-client-secret"))?;
        Ok(Some(EntraInput { tenant, client_id, client_secret }))
    }
}

/// A proxy's URL, which may hold a password.
pub(super) fn proxy(given: Option<Secret>) -> Result<Option<Disclosed>, Failure> {
    one_secret("proxy URL", given, None)
}

/// A secret of several that a command may take: of a pipe each has a line.
/// A secret that a flag gives, or a file; `-` asks for it.
pub(super) fn one_secret(
    what: &str,
    given: Option<Secret>,
    file: Option<PathBuf>,
) -> Result<Option<Disclosed>, Failure> {
    let unreadable = |from: &str, error: std::io::Error| {
        Failure::usage(format!("the {what} cannot be read from {from}")).caused_by(error.to_string())
    };
    let secret = match (given, file) {
        (Some(given), _) if given.expose() == "-" => {
            Some(hidden::read_line(what).map_err(|error| unreadable("standard input", error))?)
        }
        (Some(given), _) => Some(given),
        (None, Some(path)) => {
            let text =
                fs::read_to_string(&path).map_err(|error| unreadable(&path.display().to_string(), error))?;
            // An editor ends the line; what it ends is the secret.
            Some(Secret::new(
                text.strip_suffix('\n').map_or(text.as_str(), |line| line.trim_end_matches('\r')),
            ))
        }
        (None, None) => None,
    };
    Ok(secret.map(Disclosed::new))
}

/// How a credential is presented.
pub(super) fn auth(text: &str) -> Result<AuthForm, String> {
    match text {
        "x-api-key" => Ok(AuthForm::XApiKey),
        "bearer" => Ok(AuthForm::Bearer),
        "x-goog-api-key" => Ok(AuthForm::XGoogApiKey),
        "api-key" => Ok(AuthForm::ApiKey),
        "oauth" => Ok(AuthForm::OAuth),
        "entra" => Ok(AuthForm::Entra),
        "aws-keys" => Ok(AuthForm::AwsKeys),
        "aws-chain" => Ok(AuthForm::AwsChain),
        "none" => Ok(AuthForm::None),
        _ => Err("expected `x-api-key`, `bearer`, `x-goog-api-key`, `api-key`, `oauth`, `entra`, `aws-keys`, `aws-chain` or `none`".to_owned()),
    }
}

/// `DIALECT=URL`
pub(super) fn dialect_url(text: &str) -> Result<DialectUrl, String> {
    let (name, url) = text.split_once('=').ok_or("expected DIALECT=URL")?;
    let dialect = Dialect::ALL.into_iter().find(|dialect| dialect.as_str() == name.trim());
    let dialect = dialect.ok_or_else(|| {
        format!("`{name}` is no dialect: give one of {}", Dialect::ALL.map(Dialect::as_str).join(", "))
    })?;
    Ok(DialectUrl { dialect, url: url.trim().to_owned() })
}

/// `FROM=TO`
pub(super) fn mapping(text: &str) -> Result<ModelMapping, String> {
    match text.split_once('=') {
        Some((from, to)) if !from.trim().is_empty() && !to.trim().is_empty() => {
            Ok(ModelMapping { from: from.trim().to_owned(), to: to.trim().to_owned() })
        }
        _ => Err("expected FROM=TO, such as `claude-haiku-*=small`".to_owned()),
    }
}

/// A length of time, such as `20s`; `0` for none.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    if matches!(text.trim(), "0" | "0s") {
        return Ok(Duration::ZERO);
    }
    parse_duration(text).ok_or_else(|| "expected a time such as 500ms, 20s, 5m or 1h".to_owned())
}

/// A moment, or the start of a day in UTC.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .or_else(|_| format!("{text}T00:00:00Z").parse())
        .map_err(|_| "expected a date such as 2027-01-31 (its start, UTC) or 2027-01-31T18:00:00Z".to_owned())
}

/// Lists are given by repeating a flag or by commas; one empty text empties the list.
pub(super) fn list(given: Option<Vec<String>>) -> Option<Vec<String>> {
    given.map(|list| list.into_iter().filter(|item| !item.trim().is_empty()).collect())
}

/// The URL of a Redis server, which may hold a password; `-` reads it from a pipe or asks for it.
pub(super) fn redis_url(given: Option<&Secret>) -> Result<Secret, Failure> {
    match given {
        Some(url) if url.expose() == "-" => hidden::read("Redis URL")
            .map(|url| Secret::new(url.expose().trim().to_owned()))
            .map_err(|error| unreadable("standard input", &error)),
        Some(url) => Ok(url.clone()),
        None => Err(Failure::usage("give --redis or --file")),
    }
}

/// A secret that a command takes from the environment.
pub(super) fn environment(name: &str) -> Option<String> {
    ProcessEnv.named(name)
}

/// A flag's text that is never shown.
pub(super) fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text))
}

fn unreadable(what: &str, error: &std::io::Error) -> Failure {
    Failure::usage(format!("the API key cannot be read from {what}")).caused_by(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_out_of_a_file_is_one_without_the_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        for (text, secret) in
            [("a b", "a b"), ("a b\n", "a b"), ("a b\r\n", "a b"), ("a\n\n", "a\n"), (" a ", " a "), ("", "")]
        {
            fs::write(&path, text).unwrap();
            let read = one_secret("password", None, Some(path.clone())).unwrap().unwrap();
            assert_eq!(read.secret().expose(), secret, "{text:?}");
        }
    }

    #[test]
    fn a_date_is_its_start() {
        assert_eq!(moment("2027-01-31").unwrap(), moment("2027-01-31T00:00:00Z").unwrap());
        assert!(moment("tomorrow").is_err());
    }

    #[test]
    fn an_empty_text_empties_a_list() {
        assert_eq!(list(Some(vec![String::new()])), Some(Vec::new()));
        assert_eq!(list(None), None);
    }

    #[test]
    fn a_mapping_has_two_sides() {
        assert_eq!(mapping("a=b=c").unwrap(), ModelMapping { from: "a".into(), to: "b=c".into() });
        assert!(mapping("a=").is_err() && mapping("a").is_err());
    }
}
