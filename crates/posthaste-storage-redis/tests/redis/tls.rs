//! TLS against the system's certificates. Where those are is told by the environment, so what connects is a program of its
//! own: this one, asked for one test.

use std::{env, fs, net::SocketAddr, process::Command};

use posthaste_storage_redis::RedisStores;
use posthaste_testkit::{TestAuthority, TlsFront};

use crate::support::{Server, options, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rediss_url_is_encrypted_and_its_certificate_is_checked() {
    let server = Server::start();
    let authority = TestAuthority::new();
    let behind = SocketAddr::from(([127, 0, 0, 1], server.port()));
    let front = TlsFront::start(authority.server(&["127.0.0.1"], &[]), behind).await;
    let url = format!("rediss://{}", front.address());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trusted.pem");
    let connects = |trusted: &TestAuthority| {
        fs::write(&file, trusted.pem()).unwrap();
        let mut program = Command::new(env::current_exe().unwrap());
        program.args(["--exact", "tls::a_url_from_the_environment_is_written_to", "--ignored"]);
        let ran = program.env("SSL_CERT_FILE", &file).env(URL, &url).output().unwrap();
        String::from_utf8_lossy(&ran.stdout).contains("1 passed")
    };
    assert!(!connects(&TestAuthority::new()));
    assert!(!server.command("INFO keyspace").contains("db0:"));
    assert!(connects(&authority));
    assert!(server.command("INFO keyspace").contains("db0:"));
}

#[tokio::test]
#[ignore = "run by another test, with a URL"]
#[expect(clippy::disallowed_methods, reason = "the other test hands the URL over")]
async fn a_url_from_the_environment_is_written_to() {
    let Ok(url) = env::var(URL) else { return };
    let redis = RedisStores::connect(options(url)).await.unwrap();
    write(&redis.stores()).await.unwrap();
}

const URL: &str = "POSTHASTE_TEST_REDIS_URL";
