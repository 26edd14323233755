//! Credentials of several parts.

use std::path::PathBuf;

use clap::Args;
use posthaste_admin::{Disclosed, GivenAwsKeys, GivenEntra};
use posthaste_core::Secret;

use super::{SecretFrom, secret};
use crate::cli::Failure;

/// AWS access keys.
#[derive(Args, Debug)]
pub(in crate::cli) struct AwsKeys {
    /// AWS: the id of an access key (AKIA…, or ASIA… for temporary ones); its secret is asked for, or read from a pipe
    #[arg(long, value_name = "ID")]
    aws_access_key_id: Option<String>,
    /// AWS: the access key's secret; `-` asks for it or reads it from a pipe, as leaving it out does
    #[arg(long, value_name = "SECRET", value_parser = secret, requires = "aws_access_key_id")]
    aws_secret_access_key: Option<Secret>,
    /// A file that holds the access key's secret
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "aws_secret_access_key",
        requires = "aws_access_key_id"
    )]
    aws_secret_access_key_file: Option<PathBuf>,
    /// AWS: the session token of temporary keys; `-` asks for it or reads it from a pipe
    #[arg(long, value_name = "TOKEN", value_parser = secret, requires = "aws_access_key_id")]
    aws_session_token: Option<Secret>,
    /// A file that holds the session token
    #[arg(long, value_name = "FILE", conflicts_with = "aws_session_token", requires = "aws_access_key_id")]
    aws_session_token_file: Option<PathBuf>,
}

impl AwsKeys {
    pub(in crate::cli) fn read(self) -> Result<Option<GivenAwsKeys>, Failure> {
        let Some(access_key_id) = self.aws_access_key_id else { return Ok(None) };
        let secret = SecretFrom::new(self.aws_secret_access_key, self.aws_secret_access_key_file).or_ask();
        let token = SecretFrom::new(self.aws_session_token, self.aws_session_token_file);
        one_pipe(&[&secret, &token])?;
        let secret_access_key = secret.read("secret access key")?.ok_or_else(nothing_read)?;
        let session_token = token.read("session token")?.map(Disclosed::new);
        Ok(Some(GivenAwsKeys {
            access_key_id,
            secret_access_key: Disclosed::new(secret_access_key),
            session_token,
        }))
    }
}

/// An application of Microsoft Entra.
#[derive(Args, Debug)]
pub(in crate::cli) struct Entra {
    /// Azure: the directory (tenant) of an Entra application, its id or a domain of it
    #[arg(long, value_name = "TENANT", requires = "entra_client_id")]
    entra_tenant: Option<String>,
    /// Azure: the application (client) id; its secret is asked for, or read from a pipe
    #[arg(long, value_name = "ID", requires = "entra_tenant")]
    entra_client_id: Option<String>,
    /// Azure: the value of the application's client secret; `-` asks for it or reads it from a pipe, as leaving it out does
    #[arg(long, value_name = "SECRET", value_parser = secret, requires = "entra_client_id")]
    entra_client_secret: Option<Secret>,
    /// A file that holds the client secret
    #[arg(long, value_name = "FILE", conflicts_with = "entra_client_secret", requires = "entra_client_id")]
    entra_client_secret_file: Option<PathBuf>,
}

impl Entra {
    pub(in crate::cli) fn read(self) -> Result<Option<GivenEntra>, Failure> {
        let (Some(tenant), Some(client_id)) = (self.entra_tenant, self.entra_client_id) else {
            return Ok(None);
        };
        let secret = SecretFrom::new(self.entra_client_secret, self.entra_client_secret_file).or_ask();
        let secret = secret.read("client secret")?.ok_or_else(nothing_read)?;
        Ok(Some(GivenEntra { tenant, client_id, client_secret: Disclosed::new(secret) }))
    }
}

/// A pipe is read to its end, so that it can hold one secret only.
fn one_pipe(secrets: &[&SecretFrom]) -> Result<(), Failure> {
    if secrets.iter().filter(|secret| secret.is_asked_for()).count() > 1 && !SecretFrom::can_ask() {
        return Err(Failure::usage("standard input holds one secret only".to_owned())
            .hint("give the other one in a file, such as --aws-session-token-file FILE".to_owned()));
    }
    Ok(())
}

fn nothing_read() -> Failure {
    Failure::usage("no secret was given".to_owned())
}
