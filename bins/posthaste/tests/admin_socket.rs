//! Commands to a running relay over its socket.

use std::{fs, io, os::unix::fs::PermissionsExt, path::Path, process::Command as Process, sync::Arc};

use assert_cmd::cargo::CommandCargoExt;
use posthaste::{
    Config,
    admin_socket::{self, AdminClient, AdminListener, BindError, CallError},
    config::{Flag, Sources, Strings},
    wiring,
};
use posthaste_admin::{Command, FailureKind, NewKey, Reply};
use posthaste_testkit::MemoryTransport;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    task::{JoinHandle, spawn_blocking},
};
use tokio_util::sync::CancellationToken;

/// A relay's socket over memory stores in a folder of its own.
struct Served {
    folder: TempDir,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

struct Nothing;

impl Strings for Nothing {
    fn vars(&self) -> Vec<(String, Option<String>)> {
        Vec::new()
    }
}

async fn serve() -> Served {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flag = |path, value: &str| Flag { name: "test", path, value: value.to_owned() };
    let flags =
        [flag("data.dir", folder.path().to_str().expect("its path is text")), flag("data.store", "memory")];
    let config = Config::read(&Sources { file: None, env: &Nothing, flags: &flags }).expect("it is in order");
    let opened = wiring::open_stores(&config).await.expect("memory opens");
    let transport = Arc::new(MemoryTransport::new(|_| posthaste_testkit::Reply::never()));
    let credentials = wiring::credentials(&config, &opened, transport.clone());
    let admin = wiring::admin(
        &config,
        &opened,
        credentials,
        wiring::prices(&config).expect("the built-in prices"),
        transport,
        wiring::Live::default(),
    );
    let listener = AdminListener::bind(&admin_socket::path(folder.path())).await.expect("a free place");
    let stop = CancellationToken::new();
    let task = tokio::spawn(admin_socket::serve(listener, admin, stop.clone()));
    Served { folder, stop, task }
}

impl Served {
    fn socket(&self) -> std::path::PathBuf {
        admin_socket::path(self.folder.path())
    }

    async fn client(&self) -> AdminClient {
        AdminClient::connect(&self.socket()).await.expect("a socket").expect("the relay answers")
    }
}

fn new_key(name: &str) -> Command {
    Command::CreateKey(NewKey { name: name.to_owned(), ..NewKey::default() })
}

#[tokio::test]
async fn commands_are_answered_one_after_another_on_one_connection() {
    let served = serve().await;
    let mut client = served.client().await;
    let Reply::CreatedKey(created) = client.call(&new_key("team")).await.unwrap() else { panic!("a key") };
    let Reply::Keys(keys) = client.call(&Command::ListKeys).await.unwrap() else { panic!("keys") };
    assert_eq!(keys, [created.view]);
    let Err(CallError::Failed(failure)) = client.call(&new_key("team")).await else { panic!("a conflict") };
    assert_eq!(failure.kind, FailureKind::Conflict);
}

#[tokio::test]
async fn only_the_owner_may_open_the_socket() {
    let served = serve().await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&served.socket()), 0o600);
}

#[tokio::test]
async fn a_live_socket_is_refused_and_a_dead_one_replaced() {
    let served = serve().await;
    let again = AdminListener::bind(&served.socket()).await;
    assert!(matches!(again, Err(BindError::Running { .. })), "{again:?}");

    let folder = tempfile::tempdir().unwrap();
    let path = admin_socket::path(folder.path());
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists() && AdminClient::connect(&path).await.unwrap().is_none());
    AdminListener::bind(&path).await.unwrap();
}

#[tokio::test]
async fn the_socket_is_gone_after_the_end() {
    let served = serve().await;
    let _idle = served.client().await;
    let path = served.socket();
    served.stop.cancel();
    served.task.await.unwrap();
    assert!(!path.exists());
    assert!(AdminClient::connect(&path).await.unwrap().is_none());
}

#[tokio::test]
async fn a_successors_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = admin_socket::path(folder.path());
    let first = AdminListener::bind(&path).await.unwrap();
    // Somebody tidies up under a running relay.
    fs::remove_file(&path).unwrap();
    fs::remove_file(path.with_extension("lock")).unwrap();
    let second = AdminListener::bind(&path).await.unwrap();
    drop(first);
    assert!(path.exists());
    drop(second);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_line_that_is_no_command_is_told_without_being_repeated_and_a_long_one_ends_the_talk() {
    let served = serve().await;
    let mut stream = UnixStream::connect(served.socket()).await.unwrap();
    stream.write_all(b"{\"command\":\"sk-ant-dummy\"}\n").await.unwrap();
    let mut answer = vec![0; 4_096];
    let read = stream.read(&mut answer).await.unwrap();
    let text = std::str::from_utf8(&answer[..read]).unwrap();
    assert!(text.contains("does not understand") && !text.contains("sk-ant-dummy"), "{text}");

    let long = vec![b'x'; (1 << 20) + 2];
    let written = stream.write_all(&long).await;
    let ended = stream.read(&mut answer).await;
    let reset = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
    };
    assert!(written.as_ref().err().is_none_or(reset), "{written:?}");
    assert!(matches!(ended, Ok(0)) || ended.as_ref().err().is_some_and(reset), "{ended:?}");
    served.client().await.call(&Command::ListKeys).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_works_through_the_socket() {
    let served = serve().await;
    let dir = served.folder.path().to_owned();
    let run = move |line: &[&str]| {
        let mut command = Process::cargo_bin("posthaste").unwrap();
        // Only the relay has this store, so that an answer can come from nowhere else.
        command.env("POSTHASTE_DATA__STORE", "memory").args(line).arg("--data").arg(&dir);
        command
    };
    let create = run(&["keys", "create", "--name", "team", "--json"]);
    let output = spawn_blocking({
        let mut create = create;
        move || create.output()
    })
    .await
    .unwrap()
    .unwrap();
    assert!(output.status.success(), "{output:?}");
    let created: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut client = served.client().await;
    let Reply::Key(key) = client.call(&Command::ShowKey { key: "team".to_owned() }).await.unwrap() else {
        panic!("a key")
    };
    assert_eq!(created["id"], key.id.to_string());

    let mut again = run(&["keys", "create", "--name", "team"]);
    let output = spawn_blocking(move || again.output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
}
