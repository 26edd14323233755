//! The way to the server: TLS, and a server that is away.

use std::{io::Write, net::TcpListener, time::Duration};

use posthaste_identity::{LdapOptions, LdapSecurity};
use posthaste_testkit::{SpawnedSlapd, spawn_slapd};

use crate::support::{PASSWORD, ask, options, words};

fn tls(slapd: &SpawnedSlapd, url: String) -> LdapOptions {
    LdapOptions {
        url: url.parse().unwrap(),
        security: LdapSecurity::Tls,
        ca_file: Some(slapd.certificate()),
        ..options(slapd)
    }
}

#[tokio::test]
async fn tls_from_the_beginning_and_by_start_tls() {
    let slapd = spawn_slapd();
    slapd.add_person("ada", PASSWORD);
    for url in [slapd.tls_url(), slapd.url()] {
        assert!(ask(tls(&slapd, url.clone()), "ada", PASSWORD).await.unwrap().is_some(), "{url}");
        assert_eq!(ask(tls(&slapd, url.clone()), "ada", "wrong").await.unwrap(), None, "{url}");
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_not_taken() {
    let (slapd, other) = (spawn_slapd(), spawn_slapd());
    slapd.add_person("ada", PASSWORD);
    for url in [slapd.tls_url(), slapd.url()] {
        for ca_file in [Some(other.certificate()), None] {
            let refused = ask(LdapOptions { ca_file, ..tls(&slapd, url.clone()) }, "ada", PASSWORD).await;
            let text = words(&refused.unwrap_err());
            assert!(text.contains("certificate"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_certificate_of_another_name_is_not_taken() {
    let slapd = spawn_slapd();
    let url = slapd.tls_url().replace("127.0.0.1", "127.0.0.2");
    // The certificate is for 127.0.0.1; a relay in between shows it under another address.
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let inner = slapd.tls_url().trim_start_matches("ldaps://").to_owned();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut server = std::net::TcpStream::connect(inner).unwrap();
        let (mut up, mut down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut up, &mut down));
        let _ = std::io::copy(&mut server, &mut client);
    });
    let url = format!("{}:{port}", url.rsplit_once(':').unwrap().0);
    let text = words(&ask(tls(&slapd, url), "ada", PASSWORD).await.unwrap_err());
    assert!(text.contains("certificate"), "{text}");
}

#[tokio::test]
async fn a_server_that_is_away_is_told_as_a_failure_and_found_when_it_is_back() {
    let mut slapd = spawn_slapd();
    slapd.add_person("ada", PASSWORD);
    slapd.kill();
    let text = words(&ask(options(&slapd), "ada", PASSWORD).await.unwrap_err());
    assert!(text.contains("connecting to ldap://127.0.0.1"), "{text}");
    slapd.restart();
    assert!(ask(options(&slapd), "ada", PASSWORD).await.unwrap().is_some());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_waited_for_only_so_long() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let slapd = spawn_slapd();
    let url = format!("ldap://{}", silent.local_addr().unwrap());
    let short =
        LdapOptions { url: url.parse().unwrap(), timeout: Duration::from_millis(50), ..options(&slapd) };
    let text = words(&ask(short, "ada", PASSWORD).await.unwrap_err());
    assert!(text.contains("did not answer within"), "{text}");
}

#[tokio::test]
async fn a_server_that_talks_nonsense_is_told_as_a_failure() {
    for nonsense in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"\x30\x84\xff\xff\xff\xff", b""] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let speaking = std::thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let _ = client.write_all(nonsense);
        });
        let slapd = spawn_slapd();
        let unfit = LdapOptions {
            url: format!("ldap://{address}").parse().unwrap(),
            timeout: Duration::from_secs(3),
            ..options(&slapd)
        };
        assert!(ask(unfit, "ada", PASSWORD).await.is_err(), "{nonsense:?}");
        speaking.join().unwrap();
    }
}
