//! SOCKS 5 (RFC 1928) with user and password (RFC 1929).

use std::{borrow::Cow, io, net::SocketAddr};

use hyper_util::rt::TokioIo;
use posthaste_core::{ProxyLogin, ProxyProblem};
use tokio_socks::{Error, TargetAddr, tcp::Socks5Stream};

use super::{ProxyFailure, ProxyStream};
use crate::guard::{Target, TargetHost};

/// Asks the proxy at the other end of `stream` for a connection. Credentials are sent only when it asks for them.
pub(super) async fn open(
    stream: ProxyStream,
    target: Target,
    login: Option<&ProxyLogin>,
) -> Result<ProxyStream, ProxyFailure> {
    let with_login = login.is_some();
    let target = match target.host {
        TargetHost::Address(address) => TargetAddr::Ip(SocketAddr::new(address, target.port)),
        TargetHost::Name(name) if name.len() > LONGEST_NAME => {
            let cause = format!("a host's name of {} bytes is more than SOCKS can carry", name.len());
            return Err(ProxyFailure::new(ProxyProblem::Target, cause));
        }
        TargetHost::Name(name) => TargetAddr::Domain(Cow::Owned(name), target.port),
    };
    let stream = TokioIo::new(stream);
    let connected = match login {
        None => Socks5Stream::connect_with_socket(stream, target).await,
        Some(login) => {
            let (username, password) = (login.username.as_str(), login.password.expose());
            Socks5Stream::connect_with_password_and_socket(stream, target, username, password).await
        }
    };
    Ok(connected.map_err(|error| failure(&error, with_login))?.into_inner().into_inner())
}

fn failure(error: &Error, with_login: bool) -> ProxyFailure {
    let (problem, cause) = match error {
        Error::NoAcceptableAuthMethods if with_login => {
            (ProxyProblem::Login, "it takes no login by user and password".to_owned())
        }
        Error::NoAcceptableAuthMethods | Error::AuthorizationRequired => {
            (ProxyProblem::Login, "it asks for a login".to_owned())
        }
        Error::PasswordAuthFailure(_) => {
            (ProxyProblem::Login, "it refused the user or the password".to_owned())
        }
        Error::InvalidAuthValues(_) => {
            (ProxyProblem::Login, "user and password must be 1 to 255 bytes long each".to_owned())
        }
        Error::GeneralSocksServerFailure
        | Error::ConnectionNotAllowedByRuleset
        | Error::NetworkUnreachable
        | Error::HostUnreachable
        | Error::ConnectionRefused
        | Error::TtlExpired
        | Error::CommandNotSupported
        | Error::AddressTypeNotSupported
        | Error::UnknownError
        | Error::InvalidTargetAddress(_) => {
            (ProxyProblem::Target, format!("it answered: {}", error.to_string().to_lowercase()))
        }
        Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            (ProxyProblem::Protocol, "it closed the connection before its answer was whole".to_owned())
        }
        _ => (ProxyProblem::Protocol, error.to_string().to_lowercase()),
    };
    ProxyFailure::new(problem, cause)
}

/// A name's length is one byte in SOCKS.
const LONGEST_NAME: usize = 255;
