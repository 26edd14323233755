//! Sends mail over SMTP.
//!
//! `lettre` connects by itself, so that the check of addresses is made here: the name is resolved once, every address is
//! checked, and the connection goes to a checked one, while the certificate is still held against the name.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};
use posthaste_core::{MailSecurity, Secret};
use posthaste_upstream::is_public;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use crate::{
    services::{Delivered, mail::Letter},
    words,
};

/// Sends mail.
pub(crate) struct PostOffice {
    /// Certificate authorities that are trusted in addition to the machine's own, as DER.
    pub(crate) authorities: Vec<Vec<u8>>,
}

impl PostOffice {
    pub(crate) async fn send(&self, letter: Letter, allow_private: bool) -> Delivered {
        match timeout(LONGEST, self.send_patiently(letter, allow_private)).await {
            Ok(delivered) => delivered,
            Err(_) => Delivered::again(format!("the mail server took longer than {LONGEST:?}"), None),
        }
    }

    async fn send_patiently(&self, letter: Letter, allow_private: bool) -> Delivered {
        let Letter { mail, host, port, security, login } = letter;
        let address = match address(&host, port, security, allow_private).await {
            Ok(address) => address,
            Err(delivered) => return delivered,
        };
        let tls = match self.tls(&host, security) {
            Ok(tls) => tls,
            Err(error) => return Delivered::refused(format!("TLS cannot be set up: {error}")),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
            .port(port)
            .tls(tls)
            .timeout(Some(STEP));
        let password = login.as_ref().map(|(_, password)| password.clone());
        if let Some((username, password)) = login {
            transport = transport.credentials(Credentials::new(username, password.expose().to_owned()));
        }
        match transport.build().send(mail).await {
            Ok(_) => Delivered::Yes,
            Err(error) => judge(&error, password.as_ref()),
        }
    }

    fn tls(&self, host: &str, security: MailSecurity) -> Result<Tls, lettre::transport::smtp::Error> {
        if security == MailSecurity::Plain {
            return Ok(Tls::None);
        }
        let mut parameters = TlsParameters::builder(host.to_owned());
        for authority in &self.authorities {
            parameters = parameters.add_root_certificate(Certificate::from_der(authority.clone())?);
        }
        let parameters = parameters.build_rustls()?;
        Ok(match security {
            MailSecurity::Tls => Tls::Wrapper(parameters),
            // Required, never opportunistic: a server that does not offer it gets no password and no mail.
            MailSecurity::StartTls | MailSecurity::Plain => Tls::Required(parameters),
        })
    }
}

/// The first address that may be called and can be reached.
async fn address(
    host: &str,
    port: u16,
    security: MailSecurity,
    allow_private: bool,
) -> Result<SocketAddr, Delivered> {
    let found: Vec<SocketAddr> = match lookup_host((host, port)).await {
        Ok(found) => found.collect(),
        Err(error) => return Err(Delivered::again(format!("{host} could not be looked up: {error}"), None)),
    };
    let allowed: Vec<_> =
        found.into_iter().filter(|address| is_allowed(address.ip(), security, allow_private)).collect();
    match allowed.as_slice() {
        [] if security == MailSecurity::Plain => Err(Delivered::refused(
            "mail in the clear goes to this machine only, and with consent to private addresses",
        )),
        [] => {
            Err(Delivered::refused(format!("{host} is refused: it is not an address of the open internet")))
        }
        [one] => Ok(*one),
        several => {
            // A machine may have names for addresses of a sort that it cannot reach.
            for address in several {
                if let Ok(Ok(_)) = timeout(STEP, TcpStream::connect(address)).await {
                    return Ok(*address);
                }
            }
            Err(Delivered::again(format!("could not connect to {host}"), None))
        }
    }
}

fn is_allowed(address: IpAddr, security: MailSecurity, allow_private: bool) -> bool {
    match security {
        MailSecurity::Plain => allow_private && address.to_canonical().is_loopback(),
        MailSecurity::StartTls | MailSecurity::Tls => allow_private || is_public(address),
    }
}

fn judge(error: &lettre::transport::smtp::Error, password: Option<&Secret>) -> Delivered {
    let mut why = chain(error);
    if let Some(password) = password.filter(|password| !password.expose().is_empty()) {
        why = why.replace(password.expose(), "…");
    }
    // Cut only now, so that no password is cut in two.
    let why = words::tame(&why, MOST_SAID);
    // 5xx stays as it is (RFC 5321 §4.2.1), and so does what this side will not do, such as speak without TLS.
    if error.is_permanent() || error.is_client() || error.is_tls() {
        Delivered::refused(why)
    } else {
        Delivered::again(why, None)
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// Of each step, as connecting and each command is.
const STEP: Duration = Duration::from_secs(10);
/// Of all of it.
const LONGEST: Duration = Duration::from_secs(45);
const MOST_SAID: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_in_the_clear_stays_on_this_machine() {
        let [loopback, mapped, private, public] = ["127.0.0.1", "::ffff:127.0.0.1", "10.0.0.1", "1.1.1.1"]
            .map(|text| text.parse::<IpAddr>().unwrap());
        for address in [loopback, mapped] {
            assert!(is_allowed(address, MailSecurity::Plain, true));
            assert!(!is_allowed(address, MailSecurity::Plain, false));
        }
        for address in [private, public] {
            assert!(!is_allowed(address, MailSecurity::Plain, true));
        }
    }

    #[test]
    fn private_servers_are_asked_with_consent_only() {
        let [private, public] = ["10.0.0.1", "1.1.1.1"].map(|text| text.parse::<IpAddr>().unwrap());
        for security in [MailSecurity::StartTls, MailSecurity::Tls] {
            assert!(is_allowed(public, security, false) && !is_allowed(private, security, false));
            assert!(is_allowed(private, security, true));
        }
    }
}
