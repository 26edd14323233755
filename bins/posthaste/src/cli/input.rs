//! Inputs that need more than a flag's text.

mod hidden;

use std::{fs, path::PathBuf};

use clap::Args;
use posthaste_admin::{Disclosed, ModelMapping};
use posthaste_core::{AuthForm, Dialect, DialectUrl, Secret, Timestamp};

use super::Failure;

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

fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text))
}

fn unreadable(what: &str, error: &std::io::Error) -> Failure {
    Failure::usage(format!("the API key cannot be read from {what}")).caused_by(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

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
