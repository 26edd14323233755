//! What the relay is told of who asks.

use url::{Host, Url};

use super::{Finding, answered::Echo, fix};

/// Whether the host name comes as the client wrote it: the relay compares pages' origins and `admin.hosts` with it.
pub(super) fn host(url: &Url, echo: &Echo) -> Finding {
    let what = "through: host name";
    let wanted = url.host_str().unwrap_or_default();
    let there = echo.host.as_deref().unwrap_or_default();
    // Some leave the port out, which nobody looks at.
    let port = there.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = port.map_or(there, |(name, _)| name);
    if name.eq_ignore_ascii_case(wanted) {
        return Finding::good(what, format!("`{name}` is passed on"));
    }
    Finding::bad(what, format!("the relay is given `{there}` where clients write `{wanted}`"), fix::HOST)
}

/// Whether the relay knows from where requests come. `proxied` says that a proxy shows itself, `made_up` that what the client
/// wrote of itself was taken for the proxy's word.
pub(super) fn client_address(echo: &Echo, proxied: bool, made_up: bool) -> Finding {
    let what = "through: client's address";
    let address = echo.address.as_deref();
    let shown = address.unwrap_or("an unknown address");
    if !echo.has("x-forwarded-for") && !echo.has("forwarded") {
        if !proxied && !echo.has("via") {
            return Finding::skipped(what, format!("no proxy shows itself; the relay sees {shown}"));
        }
        let trust = match address.filter(|_| !echo.trusted_proxy) {
            Some(address) => format!("; and {}", fix::trust(address)),
            None => String::new(),
        };
        let seen = format!(
            "the proxy does not tell who asks: the relay takes all requests to come from {shown}, and so \
             share limits by address and locks of log-ins"
        );
        return Finding::bad(what, seen, format!("{}{trust}", fix::ADDRESS));
    }
    if !echo.trusted_proxy {
        let seen = format!(
            "the relay does not believe the proxy, and takes all requests to come from it ({shown}): \
             server.trusted_proxies does not name it"
        );
        return Finding::bad(what, seen, fix::trust(shown));
    }
    if made_up {
        let seen = "the proxy passes on what clients say of themselves: anybody can pretend any address";
        return Finding::bad(what, seen, fix::ADDRESS);
    }
    match address {
        None => Finding::bad(
            what,
            "`x-forwarded-for` or `forwarded` cannot be read, or the two contradict each other",
            format!("let the proxy set one of them alone: {}", fix::ADDRESS),
        ),
        Some(address) => Finding::good(what, format!("the relay sees {address}")),
    }
}

/// Whether the relay knows that clients come over TLS: cookies of log-ins go by it.
pub(super) fn tls(url: &Url, echo: &Echo, proxied: bool) -> Finding {
    let what = "through: https";
    let told = echo.has("x-forwarded-proto");
    match (url.scheme() == "https", echo.tls) {
        (true, true) => Finding::good(what, "the relay knows of it"),
        (true, false) if told && !echo.trusted_proxy => {
            let proxy = echo.address.as_deref().unwrap_or("its address");
            Finding::bad(what, "the relay does not believe the proxy that it is https", fix::trust(proxy))
        }
        (true, false) => Finding::bad(what, "the relay takes it for http", fix::SCHEME),
        (false, true) => Finding::odd(
            what,
            "the relay takes it for https, and gives cookies that browsers do not send over http",
            format!("admin.secure_cookies, or: {}", fix::SCHEME),
        ),
        (false, false) if !is_here(url) => Finding::odd(
            what,
            "keys travel unencrypted",
            "let the proxy speak TLS, or set server.tls_certificate_file",
        ),
        (false, false) if proxied && !told => {
            Finding::odd(what, "the proxy does not tell the relay which of http and https it is", fix::SCHEME)
        }
        (false, false) => Finding::good(what, "http, within this machine"),
    }
}

/// Whether the headers come in which clients show their keys, beside the one that opened the door, and the dialects' own.
pub(super) fn keys(echo: &Echo) -> Finding {
    let what = "through: key headers";
    let lost: Vec<_> =
        SENT.into_iter().filter(|name| !echo.has(name)).map(|name| format!("`{name}`")).collect();
    if lost.is_empty() {
        return Finding::good(what, "all come through");
    }
    Finding::bad(what, format!("the proxy takes away {}", lost.join(", ")), fix::KEYS)
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What the question holds beside `authorization`.
pub(super) const SENT: [&str; 5] =
    ["x-api-key", "x-goog-api-key", "api-key", "anthropic-version", "anthropic-beta"];

#[cfg(test)]
mod tests {
    use super::{super::super::State, *};

    fn echo(headers: &[&str]) -> Echo {
        let headers = headers.iter().map(|name| (*name).to_owned()).collect();
        Echo { headers, address: Some("192.0.2.7".to_owned()), trusted_proxy: true, ..Echo::default() }
    }

    #[test]
    fn the_host_s_name_counts_and_its_port_does_not() {
        let url = Url::parse("https://relay.example:8443").unwrap();
        for (there, state) in [
            ("relay.example:8443", State::Good),
            ("Relay.Example", State::Good),
            ("posthaste", State::Bad),
            ("127.0.0.1:3001", State::Bad),
            ("", State::Bad),
        ] {
            let echo = Echo { host: Some(there.to_owned()), ..Echo::default() };
            assert_eq!(host(&url, &echo).state, state, "{there}");
        }
        let url = Url::parse("http://[::1]:3001").unwrap();
        let echo = Echo { host: Some("[::1]:3001".to_owned()), ..Echo::default() };
        assert_eq!(host(&url, &echo).state, State::Good);
    }

    #[test]
    fn the_client_s_address_is_the_proxy_s_to_tell_and_the_relay_s_to_believe() {
        let told = echo(&["x-forwarded-for"]);
        assert_eq!(client_address(&told, true, false).state, State::Good);
        assert_eq!(client_address(&told, true, true).state, State::Bad);
        assert_eq!(client_address(&echo(&[]), false, false).state, State::Skipped);
        for silent in [client_address(&echo(&[]), true, false), client_address(&echo(&["via"]), false, false)]
        {
            assert_eq!(silent.state, State::Bad);
            assert!(silent.fix.unwrap().contains("X-Forwarded-For"));
        }
        let doubted = client_address(&Echo { trusted_proxy: false, ..told.clone() }, true, false);
        assert_eq!(doubted.state, State::Bad);
        assert!(doubted.fix.unwrap().contains("trusted_proxies = \"192.0.2.7\""));
        assert_eq!(client_address(&Echo { address: None, ..told }, true, false).state, State::Bad);
    }

    #[test]
    fn https_has_to_be_known() {
        let [https, http, afar] = ["https://relay.example", "http://127.0.0.1:1", "http://relay.example"]
            .map(|url| Url::parse(url).unwrap());
        let known = Echo { tls: true, ..echo(&["x-forwarded-proto"]) };
        assert_eq!(tls(&https, &known, true).state, State::Good);
        assert_eq!(tls(&http, &known, true).state, State::Odd);
        let silent = tls(&https, &echo(&[]), true);
        assert!(silent.state == State::Bad && silent.fix.unwrap().contains("X-Forwarded-Proto"));
        let doubted = Echo { trusted_proxy: false, ..echo(&["x-forwarded-proto"]) };
        let doubted = tls(&https, &doubted, true);
        assert!(doubted.state == State::Bad && doubted.fix.unwrap().contains("trusted_proxies"));
        assert_eq!(tls(&http, &echo(&["x-forwarded-proto"]), true).state, State::Good);
        assert_eq!(tls(&http, &echo(&[]), true).state, State::Odd);
        assert_eq!(tls(&http, &echo(&[]), false).state, State::Good);
        assert_eq!(tls(&afar, &echo(&["x-forwarded-proto"]), true).state, State::Odd);
    }

    #[test]
    fn each_header_that_is_lost_is_named() {
        assert_eq!(keys(&echo(&SENT)).state, State::Good);
        let lost = keys(&echo(&SENT[1..]));
        assert!(lost.state == State::Bad && lost.seen.contains("`x-api-key`"), "{lost:?}");
    }
}
