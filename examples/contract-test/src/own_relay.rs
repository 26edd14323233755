//! A whole relay in this process: its HTTP server, its store, an account at the built-in imitation, and a client key.

use posthaste::{
    Config,
    config::{Flag, Sources, Strings},
    running::Running,
    wiring,
};
use posthaste_admin::{NewAccount, NewKey};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The relay, and how it is reached.
pub(crate) struct OwnRelay {
    pub(crate) base: String,
    pub(crate) key: String,
    stop: CancellationToken,
    serving: JoinHandle<anyhow::Result<()>>,
    _folder: TempDir,
}

impl OwnRelay {
    /// Starts it on a free port, over a folder that is thrown away.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let flag = |path, value: String| Flag { name: "example", path, value };
        let flags = [
            flag("data.dir", folder.path().join("data").display().to_string()),
            flag("server.listen", "127.0.0.1:0".to_owned()),
            flag("server.events_listen", "off".to_owned()),
        ];
        let config = Config::read(&Sources { file: None, env: &NoEnvironment, flags: &flags })?;
        let running = Running::start(&config, None, wiring::transport(&config)?).await?;

        let account =
            NewAccount { preset: "sandbox".into(), name: "imitation".into(), ..NewAccount::default() };
        running.admin.accounts().add(account).await?;
        let key = NewKey { name: "service".to_owned(), ..NewKey::default() };
        let key = running.admin.keys().create(key).await?.key.secret().expose().to_owned();

        let base = format!("http://{}/api", running.address);
        let (stop, cut) = (CancellationToken::new(), CancellationToken::new());
        let stopped = stop.clone().cancelled_owned();
        let serving = tokio::spawn(async move { running.until(stopped, &cut).await });
        Ok(Self { base, key, stop, serving, _folder: folder })
    }

    /// Stops it in order: what is under way comes to its end.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.serving.await?
    }
}

/// The relay's own environment variables are none of this program's.
struct NoEnvironment;

impl Strings for NoEnvironment {
    fn vars(&self) -> Vec<(String, Option<String>)> {
        Vec::new()
    }
}
