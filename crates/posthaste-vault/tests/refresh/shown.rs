//! No token in what is shown.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use posthaste_testkit::Reply;
use posthaste_vault::{CredentialSource, VaultError};
use serde_json::json;
use tracing::instrument::WithSubscriber;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Scripted, World, invalid_grant};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn no_token_is_in_errors_logs_or_debug_output() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone());
    // The runtime is of one thread, so that the tasks log here as well.
    let guard = tracing::subscriber::set_default(subscriber.finish());
    let shown = scenes().with_current_subscriber().await;
    drop(guard);
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("no new token") && logged.contains("token refreshed"), "{logged}");
    assert!(!logged.contains("canary"), "{logged}");
    assert!(!shown.contains("canary"), "{shown}");
}

/// Everything that can be shown, after everything that can happen.
async fn scenes() -> String {
    let echo = |status, error: &str| {
        let told = json!({"error": error, "error_description": "no: canary-refresh-0", "access_token": "canary-x", "refresh_token": "canary-y"});
        Scripted::Reply(Reply::json(status, &told))
    };
    let scripts = [
        Scripted::Late(Duration::from_millis(5)),
        Scripted::Reply(invalid_grant()),
        echo(400, "invalid_grant"),
        echo(401, "invalid_client"),
        echo(400, "canary-refresh-0"),
        echo(500, "server_error"),
        Scripted::Reply(Reply::json(200, &json!({"access_token": ["canary-z"], "token_type": "Bearer"}))),
        Scripted::Reply(Reply::json(200, &json!({"refresh_token": "canary-z"}))),
        Scripted::Reply(Reply::json(418, &json!("canary-z"))),
        Scripted::Lost,
    ];
    let mut shown = String::new();
    for script in scripts {
        let world = World::new().await;
        let account = world.logged_in("a", Duration::ZERO).await;
        world.server.next(script);
        let instance = world.instance();
        let got = instance.credential(&account).await;
        if let Err(error @ VaultError::OAuth { error: inner, .. }) = &got {
            shown += &format!("{error} {error:?} {inner} {}\n", inner.advice());
        }
        shown += &format!("{got:?} {instance:?} {:?}\n", instance.flows());
        shown += &format!("{:?} {:?}\n", world.stored(&account).await, world.stored_token(&account).await);
        shown += &format!("{:?}\n", instance.refresh(&account).await);
    }
    shown
}
