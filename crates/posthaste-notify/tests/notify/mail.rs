//! Mail to a real SMTP server: `mailin` speaks the protocol, TLS is rustls.

use std::{net::SocketAddr, sync::Arc};

use mailin::{Action, AuthMechanism, Handler, Response, SessionBuilder, response};
use parking_lot::Mutex;
use posthaste_core::{Channel, ChannelKind, MailSecurity, SmtpSettings};
use posthaste_notify::{Delivery, DeliveryOutcome};
use posthaste_storage::memory::MemoryStores;
use posthaste_testkit::TestAuthority;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use crate::support::{Bench, channel, taking, with_consent};

/// What a server was given.
#[derive(Clone, Debug, Default)]
struct Given {
    login: Option<(String, String)>,
    from: String,
    to: Vec<String>,
    text: String,
    encrypted: bool,
}

/// How a server behaves.
#[derive(Clone, Copy, Debug)]
struct Manner {
    /// What it answers to each recipient instead of 250.
    rcpt: Option<(u16, &'static str)>,
    /// Whether it has no TLS.
    plain_only: bool,
    /// Whether it wants a login.
    login: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self { rcpt: None, plain_only: false, login: true }
    }
}

struct Postbox {
    manner: Manner,
    encrypted: bool,
    writing: Given,
    given: Arc<Mutex<Vec<Given>>>,
}

impl Handler for Postbox {
    fn rcpt(&mut self, _: &str) -> Response {
        match self.manner.rcpt {
            Some((code, text)) => Response::custom(code, text.to_owned()),
            None => response::OK,
        }
    }

    fn data_start(&mut self, _: &str, from: &str, _: bool, to: &[String]) -> Response {
        self.writing.from = from.to_owned();
        self.writing.to = to.to_vec();
        response::OK
    }

    fn data(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.writing.text.push_str(&String::from_utf8_lossy(bytes));
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        self.writing.encrypted = self.encrypted;
        self.given.lock().push(std::mem::take(&mut self.writing));
        response::OK
    }

    fn auth_plain(&mut self, _: &str, name: &str, password: &str) -> Response {
        self.writing.login = Some((name.to_owned(), password.to_owned()));
        if password == "dummy-password" { response::AUTH_OK } else { response::INVALID_CREDENTIALS }
    }
}

/// A server on a free port of 127.0.0.1; it ends with the value.
struct Server {
    address: SocketAddr,
    given: Arc<Mutex<Vec<Given>>>,
    accepting: JoinHandle<()>,
}

impl Server {
    async fn start(authority: &TestAuthority, security: MailSecurity, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let given: Arc<Mutex<Vec<Given>>> = Arc::default();
        let acceptor = TlsAcceptor::from(authority.server(&["127.0.0.1", "localhost"], &[]));
        let shared = Arc::clone(&given);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, given) = (acceptor.clone(), Arc::clone(&shared));
                // How a connection ends is for the client to tell.
                tokio::spawn(async move {
                    let postbox = |encrypted| {
                        let given = Arc::clone(&given);
                        Postbox { manner, encrypted, writing: Given::default(), given }
                    };
                    if security == MailSecurity::Tls {
                        let stream = acceptor.accept(stream).await?;
                        talk(stream, postbox(true), false, true).await?;
                    } else if let Some(stream) =
                        talk(stream, postbox(false), !manner.plain_only, true).await?
                    {
                        let stream = acceptor.accept(stream).await?;
                        talk(stream, postbox(true), false, false).await?;
                    }
                    Ok::<(), std::io::Error>(())
                });
            }
        });
        Self { address, given, accepting }
    }

    fn given(&self) -> Vec<Given> {
        self.given.lock().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Speaks SMTP over a stream, until one of both has enough, or until it is to be encrypted: then it is given back.
async fn talk<S>(stream: S, handler: Postbox, offers_tls: bool, greets: bool) -> std::io::Result<Option<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut builder = SessionBuilder::new("test");
    if offers_tls {
        builder.enable_start_tls();
    } else {
        builder.insecure_enable_plaintext_auth();
    }
    // A server that knows logins wants one.
    if handler.manner.login {
        builder.enable_auth(AuthMechanism::Plain);
    }
    let mut session = builder.build("127.0.0.1".parse().unwrap(), handler);
    let mut stream = BufReader::new(stream);
    if greets {
        stream.write_all(&session.greeting().buffer()?).await?;
    }
    let mut line = Vec::new();
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        let answer = session.process(&line);
        stream.write_all(&answer.buffer()?).await?;
        stream.flush().await?;
        match answer.action {
            Action::Close => return Ok(None),
            Action::UpgradeTls => return Ok(Some(stream.into_inner())),
            Action::NoReply | Action::Reply => {}
        }
    }
}

fn to(server: &Server, security: MailSecurity) -> Channel {
    let settings = SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port: Some(server.address.port()),
        security,
        username: Some("relay".to_owned()),
        from: "Relay <relay@example.com>".to_owned(),
        to: vec!["ops@example.com".to_owned(), "alex@example.com".to_owned()],
    };
    with_consent(channel("mail", ChannelKind::Smtp(settings), "", Some("dummy-password")))
}

fn without_login(channel: Channel) -> Channel {
    let ChannelKind::Smtp(settings) = channel.service else { unreachable!() };
    let settings = SmtpSettings { username: None, ..settings };
    Channel { service: ChannelKind::Smtp(settings), key: None, ..channel }
}

async fn send(authority: &TestAuthority, channel: &Channel) -> Delivery {
    let authorities = vec![authority.certificate().to_vec()];
    let locks = MemoryStores::stores().locks;
    let bench = Bench::sharing(Arc::new(taking()), locks, |options| options.authorities = authorities);
    bench.notifier.test(channel).await
}

#[tokio::test]
async fn mail_goes_out_over_tls_with_a_login() {
    for security in [MailSecurity::StartTls, MailSecurity::Tls] {
        let authority = TestAuthority::new();
        let server = Server::start(&authority, security, Manner::default()).await;
        let delivery = send(&authority, &to(&server, security)).await;
        assert_eq!(delivery.outcome, DeliveryOutcome::Delivered, "{security:?}: {delivery:?}");
        let given = server.given().pop().unwrap();
        assert!(given.encrypted);
        assert_eq!(given.login, Some(("relay".to_owned(), "dummy-password".to_owned())));
        assert_eq!(given.from, "relay@example.com");
        assert_eq!(given.to, ["ops@example.com", "alex@example.com"]);
        assert!(given.text.contains("Subject: [Info] Posthaste: This is a test\r\n"), "{}", given.text);
        assert!(given.text.contains("Notices reach this channel."), "{}", given.text);
    }
}

/// The name may lead to `::1` as well, where nobody listens; the certificate is held against the name all the same.
#[tokio::test]
async fn a_name_is_resolved_and_one_that_answers_is_taken() {
    let authority = TestAuthority::new();
    let server = Server::start(&authority, MailSecurity::Tls, Manner::default()).await;
    let ChannelKind::Smtp(settings) = to(&server, MailSecurity::Tls).service else { unreachable!() };
    let service = ChannelKind::Smtp(SmtpSettings { host: "localhost".to_owned(), ..settings });
    let delivery = send(&authority, &Channel { service, ..to(&server, MailSecurity::Tls) }).await;
    assert_eq!(delivery.outcome, DeliveryOutcome::Delivered, "{delivery:?}");
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_nothing() {
    for security in [MailSecurity::StartTls, MailSecurity::Tls] {
        let (authority, stranger) = (TestAuthority::new(), TestAuthority::new());
        let server = Server::start(&stranger, security, Manner::default()).await;
        let delivery = send(&authority, &to(&server, security)).await;
        assert_ne!(delivery.outcome, DeliveryOutcome::Delivered);
        assert!(server.given().is_empty());
    }
}

#[tokio::test]
async fn a_server_without_tls_gets_neither_mail_nor_password() {
    let authority = TestAuthority::new();
    let manner = Manner { plain_only: true, ..Manner::default() };
    let server = Server::start(&authority, MailSecurity::StartTls, manner).await;
    let delivery = send(&authority, &to(&server, MailSecurity::StartTls)).await;
    assert_eq!(delivery.outcome, DeliveryOutcome::Refused, "{delivery:?}");
    assert!(server.given().is_empty());
}

#[tokio::test]
async fn mail_in_the_clear_goes_to_this_machine_with_consent() {
    let authority = TestAuthority::new();
    let manner = Manner { plain_only: true, login: false, ..Manner::default() };
    let server = Server::start(&authority, MailSecurity::Plain, manner).await;
    let channel = without_login(to(&server, MailSecurity::Plain));
    let delivery = send(&authority, &channel).await;
    assert_eq!(delivery.outcome, DeliveryOutcome::Delivered, "{delivery:?}");
    let without_consent = Channel { private_address: None, ..channel };
    assert_eq!(send(&authority, &without_consent).await.outcome, DeliveryOutcome::Refused);
    assert_eq!(server.given().len(), 1);
}

#[tokio::test]
async fn a_private_server_is_refused_without_consent() {
    let authority = TestAuthority::new();
    let server = Server::start(&authority, MailSecurity::Tls, Manner::default()).await;
    let channel = Channel { private_address: None, ..to(&server, MailSecurity::Tls) };
    let delivery = send(&authority, &channel).await;
    assert_eq!(delivery.outcome, DeliveryOutcome::Refused);
    assert_eq!(delivery.error.unwrap(), "127.0.0.1 is refused: it is not an address of the open internet");
}

#[tokio::test]
async fn a_wrong_password_is_a_refusal_that_does_not_show_it() {
    let authority = TestAuthority::new();
    let server = Server::start(&authority, MailSecurity::StartTls, Manner::default()).await;
    let key = Some(posthaste_core::Sealed::from_text("canary0password"));
    let channel = Channel { key, ..to(&server, MailSecurity::StartTls) };
    let delivery = send(&authority, &channel).await;
    assert_eq!(delivery.outcome, DeliveryOutcome::Refused, "{delivery:?}");
    assert!(!format!("{delivery:?}").contains("canary0password"));
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
    for (rcpt, expected) in [
        ((451, "try again later"), DeliveryOutcome::GivenUp),
        ((550, "no such mailbox"), DeliveryOutcome::Refused),
    ] {
        let authority = TestAuthority::new();
        let manner = Manner { rcpt: Some(rcpt), ..Manner::default() };
        let server = Server::start(&authority, MailSecurity::StartTls, manner).await;
        let delivery = send(&authority, &to(&server, MailSecurity::StartTls)).await;
        assert_eq!(delivery.outcome, expected, "{delivery:?}");
        assert!(delivery.error.as_deref().unwrap().contains(rcpt.1), "{delivery:?}");
    }
}

#[tokio::test]
async fn nobody_listening_may_pass() {
    let authority = TestAuthority::new();
    let server = Server::start(&authority, MailSecurity::Tls, Manner::default()).await;
    let channel = to(&server, MailSecurity::Tls);
    drop(server);
    tokio::task::yield_now().await;
    let delivery = send(&authority, &channel).await;
    assert_eq!(delivery.outcome, DeliveryOutcome::GivenUp, "a test tries once: {delivery:?}");
}
