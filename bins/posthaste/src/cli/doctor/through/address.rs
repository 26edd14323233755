//! Whether anything is reached there: the name, and the port.

use std::time::Duration;

use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use url::{Host, Url};

use super::Finding;

pub(super) fn read(text: &str) -> Result<Url, Finding> {
    let fix = "such as https://relay.example.com";
    let unusable = |why: &str| Finding::bad("through: address", format!("`{text}` {why}"), fix);
    let url = Url::parse(text).map_err(|_| unusable("is no address"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(unusable("is no http or https address"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(Finding::bad("through: address", "it holds a name, a password or a query", fix));
    }
    Ok(url)
}

pub(super) async fn connected(url: &Url) -> Result<(), Finding> {
    let port = url.port_or_known_default().unwrap_or(443);
    let host = match url.host() {
        Some(Host::Ipv6(address)) => address.to_string(),
        _ => url.host_str().unwrap_or_default().to_owned(),
    };
    let resolved = timeout(PATIENCE, lookup_host((host.as_str(), port))).await;
    let addresses: Vec<_> = match resolved {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => return Err(unresolved(&host, &error.to_string())),
        Err(_) => return Err(unresolved(&host, "the name server does not answer")),
    };
    let mut why = "the name has no address".to_owned();
    for address in addresses {
        why = match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => format!("{address}: {error}"),
            Err(_) => format!("{address}: no connection within {} s", PATIENCE.as_secs()),
        };
    }
    let fix = "is the proxy up, does it listen on that port, does a firewall let it through?";
    Err(Finding::bad("through: connection", why, fix))
}

fn unresolved(host: &str, why: &str) -> Finding {
    let fix = "give the name an A or AAAA record, or correct it";
    Finding::bad("through: name", format!("`{host}` is not resolved: {why}"), fix)
}

const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_are_taken() {
        for good in ["https://relay.example", "http://127.0.0.1:3001/", "https://[::1]:8443"] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in
            ["relay.example", "ftp://relay.example", "https://a:dummy@relay.example", "https://a/?key=dummy"]
        {
            let finding = read(bad).expect_err(bad);
            assert_eq!(finding.what, "through: address");
            assert!(!finding.seen.contains("a:dummy"), "{}", finding.seen);
        }
    }
}
