//! The one way to the server: a client that can be swapped, a time-out on each call, scripts that load themselves.

mod supervisor;

use std::{
    future::Future,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use fred::{
    clients::{Client, WithOptions},
    error::Error,
    interfaces::{ClientLike, LuaInterface},
    types::{
        Builder, ClusterHash, CustomCommand, Value,
        config::{Config, Options, ReconnectPolicy, Server},
        scripts::Script,
    },
};
use futures_util::FutureExt;
use posthaste_storage::StorageError;
use tokio::task::AbortHandle;

use self::supervisor::{AbortOnDrop, ErrorRun, supervise};
use crate::{RedisOptions, error::CallError, options::Layout, start};

/// A supervised connection; clones share it. The last one dropped ends it.
#[derive(Clone)]
pub(crate) struct Link {
    shared: Arc<Shared>,
}

struct Shared {
    client: ArcSwap<Client>,
    layout: Layout,
    command_timeout: Duration,
    errors: Arc<ErrorRun>,
    closed: AtomicBool,
    supervisor: OnceLock<AbortHandle>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(supervisor) = self.supervisor.get() {
            supervisor.abort();
        }
    }
}

/// How often a command that may have run is sent again after its connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Running twice is as running once.
    Harmless,
    /// The second run would answer otherwise than the first, so the caller must hear that the outcome is unknown.
    Never,
}

impl Link {
    /// Connects, signs in, and watches over the connection from then on.
    pub(crate) async fn connect(options: &RedisOptions) -> Result<Self, StorageError> {
        let doing = "connecting to Redis";
        let config = options.client_config().map_err(|error| error.during(doing))?;
        let layout = Layout::of(&config);
        let mut builder = builder(config, options);
        let client = builder.build().map_err(|error| CallError::from(error).during(doing))?;
        // Not `init`: given up half-way, it would leave its connection behind. The outcome is told once, to those who
        // listen by then, so the first look at it comes before there is one.
        let mut outcome = Box::pin(client.wait_for_connect());
        let early = outcome.as_mut().now_or_never();
        let connection = AbortOnDrop(client.connect());
        let told = async {
            match early {
                Some(told) => told,
                None => outcome.await,
            }
        };
        tokio::time::timeout(options.connect_timeout + GRACE, told)
            .await
            .map_err(|_| CallError::TimedOut.during(doing))?
            .map_err(|error| start::refused(layout, error).during(doing))?;
        // A client that takes a broken one's place waits for the server instead of giving up at once.
        builder.with_config(|config| config.fail_fast = false);

        let shared = Arc::new(Shared {
            client: ArcSwap::from_pointee(client),
            layout,
            command_timeout: options.command_timeout,
            errors: Arc::default(),
            closed: AtomicBool::new(false),
            supervisor: OnceLock::new(),
        });
        let watch = supervise(Arc::downgrade(&shared), Arc::clone(&shared.errors), builder, connection);
        let supervisor = tokio::spawn(watch).abort_handle();
        shared.supervisor.get_or_init(|| supervisor);
        Ok(Self { shared })
    }

    /// Makes a call that may be repeated.
    pub(crate) async fn call<R, F>(
        &self,
        what: &str,
        call: impl FnOnce(WithOptions<Client>) -> F + Send,
    ) -> Result<R, StorageError>
    where
        F: Future<Output = Result<R, Error>> + Send,
    {
        self.run(Repeat::Harmless, Duration::ZERO, None, call).await.map_err(|error| error.during(what))
    }

    /// Sends a command whose first argument is its key and whose arguments may be any bytes.
    pub(crate) async fn command(
        &self,
        what: &str,
        name: &'static str,
        arguments: Vec<Value>,
    ) -> Result<Value, StorageError> {
        let command = CustomCommand::new_static(name, ClusterHash::FirstKey, false);
        self.call(what, |client| async move { client.custom(command, arguments).await }).await
    }

    /// Makes a call that waits in the server for up to `block`.
    pub(crate) async fn blocking_call<R, F>(
        &self,
        what: &str,
        block: Duration,
        call: impl FnOnce(WithOptions<Client>) -> F + Send,
    ) -> Result<R, StorageError>
    where
        F: Future<Output = Result<R, Error>> + Send,
    {
        self.run(Repeat::Harmless, block, None, call).await.map_err(|error| error.during(what))
    }

    /// Runs a script; loads it when the server does not know it.
    pub(crate) async fn eval(
        &self,
        what: &str,
        script: &Script,
        repeat: Repeat,
        keys: Vec<String>,
        arguments: Vec<Value>,
    ) -> Result<Value, StorageError> {
        self.try_eval(script, repeat, keys, arguments).await.map_err(|error| error.during(what))
    }

    /// The same for whoever says himself what was being done.
    pub(crate) async fn try_eval(
        &self,
        script: &Script,
        repeat: Repeat,
        keys: Vec<String>,
        arguments: Vec<Value>,
    ) -> Result<Value, CallError> {
        self.run(repeat, Duration::ZERO, None, |client| async move {
            let known = client.evalsha(script.sha1().clone(), keys.clone(), arguments.clone()).await;
            match (known, script.lua()) {
                (Err(error), Some(lua)) if error.details().starts_with("NOSCRIPT") => {
                    // This loads it too, and where it belongs: on the one server that has the keys.
                    client.eval(lua.clone(), keys, arguments).await
                }
                (known, _) => known,
            }
        })
        .await
    }

    /// How long a call may take.
    pub(crate) fn patience(&self) -> Duration {
        self.shared.command_timeout + GRACE
    }

    /// How the servers stand to each other.
    pub(crate) fn layout(&self) -> Layout {
        self.shared.layout
    }

    /// What each connected server says of itself: the answer to `INFO`.
    pub(crate) async fn infos(&self) -> Result<Vec<String>, CallError> {
        let mut infos = Vec::new();
        for server in self.shared.client.load().active_connections() {
            let node = (self.shared.layout == Layout::Cluster).then_some(server);
            let ask = |client: WithOptions<Client>| async move {
                let info = CustomCommand::new_static("INFO", ClusterHash::Random, false);
                client.custom(info, Vec::<String>::new()).await
            };
            infos.push(self.run(Repeat::Harmless, Duration::ZERO, node, ask).await?);
        }
        Ok(infos)
    }

    /// What any of the servers says of itself in a section of `INFO`.
    pub(crate) async fn info(&self, section: &'static str) -> Result<String, CallError> {
        let ask = |client: WithOptions<Client>| async move {
            let info = CustomCommand::new_static("INFO", ClusterHash::Random, false);
            client.custom(info, vec![section]).await
        };
        self.run(Repeat::Harmless, Duration::ZERO, None, ask).await
    }

    /// Ends the connection; every later call fails at once.
    pub(crate) async fn close(&self) {
        if self.shared.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        let client = self.shared.client.load_full();
        // A server that is away cannot be told goodbye; the connection ends with its supervisor then.
        if tokio::time::timeout(GRACE, client.quit()).await.is_err() {
            tracing::debug!("Redis did not answer the goodbye");
        }
        if let Some(supervisor) = self.shared.supervisor.get() {
            supervisor.abort();
        }
    }

    async fn run<R, F>(
        &self,
        repeat: Repeat,
        block: Duration,
        node: Option<Server>,
        call: impl FnOnce(WithOptions<Client>) -> F + Send,
    ) -> Result<R, CallError>
    where
        F: Future<Output = Result<R, Error>> + Send,
    {
        if self.shared.closed.load(Ordering::Acquire) {
            return Err(CallError::Closed);
        }
        let limit = self.shared.command_timeout + block;
        let options = Options {
            timeout: Some(limit),
            max_attempts: (repeat == Repeat::Never).then_some(1),
            cluster_node: node,
            ..Options::default()
        };
        let client = self.shared.client.load().with_options(&options);
        // The client's own time-out comes first, since it also takes an unsent command out of the queue.
        let outcome = match tokio::time::timeout(limit + GRACE, call(client)).await {
            Ok(answer) => answer.map_err(CallError::from),
            Err(_) => Err(CallError::TimedOut),
        };
        self.shared.errors.note(outcome.as_ref().err());
        outcome
    }
}

fn builder(config: Config, options: &RedisOptions) -> Builder {
    let mut builder = Builder::from_config(config);
    builder
        .with_connection_config(|connection| {
            connection.connection_timeout = options.connect_timeout;
            connection.internal_command_timeout = options.connect_timeout;
            connection.max_command_buffer_len = LONGEST_QUEUE;
            // A short command behind another one must not wait for the server's word on that.
            connection.tcp.nodelay = Some(true);
        })
        .with_performance_config(|performance| performance.default_command_timeout = options.command_timeout)
        .set_policy(ReconnectPolicy::new_exponential(0, FIRST_PAUSE_MS, LONGEST_PAUSE_MS, 2));
    builder
}

/// What a wait around the client's own wait grants on top.
const GRACE: Duration = Duration::from_millis(100);

/// While the server is away, calls beyond this many fail at once instead of piling up.
const LONGEST_QUEUE: usize = 16_384;

const FIRST_PAUSE_MS: u32 = 20;

const LONGEST_PAUSE_MS: u32 = 1_000;

#[cfg(test)]
mod tests {
    use fred::interfaces::KeysInterface;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    /// A server that answers `+PONG` whatever it is asked; enough for fred's greeting and for `GET`.
    async fn pong_server() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(pong(connection));
            }
        });
        url
    }

    async fn pong(mut connection: TcpStream) {
        let mut asked = [0; 4_096];
        while connection.read(&mut asked).await.is_ok_and(|read| read > 0) {
            if connection.write_all(b"+PONG\r\n").await.is_err() {
                return;
            }
        }
    }

    async fn get(link: &Link) -> Result<String, StorageError> {
        link.call("testing", |client| async move { client.get("key").await }).await
    }

    #[tokio::test]
    async fn a_client_whose_connection_task_has_ended_is_replaced() {
        let options = RedisOptions {
            command_timeout: Duration::from_millis(200),
            ..RedisOptions::new(pong_server().await)
        };
        let link = Link::connect(&options).await.unwrap();
        assert_eq!(get(&link).await.unwrap(), "PONG");

        let first = link.shared.client.load_full();
        first.quit().await.unwrap();
        let replaced = tokio::time::timeout(Duration::from_secs(30), async {
            while get(&link).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        replaced.await.expect("another client answers");
        assert!(!Arc::ptr_eq(&first, &link.shared.client.load_full()));
    }
}
