//! No secret comes out anywhere but in the request.

use std::{
    io,
    sync::{Arc, Mutex},
};

use posthaste_core::{
    BarkSettings, Channel, ChannelKind, ProxyScheme, ProxySettings, Sealed, TelegramSettings,
};
use posthaste_testkit::{MemoryTransport, Reply};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Bench, channel, down, pass};

const CANARY: &str = "canary0secret";

/// All that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
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

fn channels() -> Vec<Channel> {
    let hook = format!("https://hooks.example.com/{CANARY}/x?access_token={CANARY}");
    let key = format!("key-{CANARY}");
    let telegram = ChannelKind::Telegram(TelegramSettings { chat: "1".to_owned(), ..Default::default() });
    let of =
        |service: ChannelKind, target: &str| channel(service.clone().as_str(), service, target, Some(&key));
    let proxy = ProxySettings {
        scheme: ProxyScheme::Http,
        host: "proxy.example.com".to_owned(),
        port: 8_080,
        username: Some("me".to_owned()),
        password: Some(Sealed::from_text(CANARY)),
    };
    vec![
        of(ChannelKind::Webhook, &hook),
        of(ChannelKind::WeCom, &hook),
        of(ChannelKind::DingTalk, &hook),
        of(ChannelKind::Feishu, &hook),
        Channel { proxy: Some(proxy), ..of(ChannelKind::Slack, &hook) },
        of(ChannelKind::Discord, &hook),
        of(telegram, &format!("1:{CANARY}")),
        of(ChannelKind::Bark(BarkSettings::default()), CANARY),
    ]
}

/// A service that says back all that it was sent, in every form that is read.
fn parrot(status: u16) -> MemoryTransport {
    MemoryTransport::new(move |sent| {
        let said = format!("{} {:?} {}", sent.uri, sent.headers, String::from_utf8_lossy(&sent.body));
        let body = json!({
            "errcode": 1, "errmsg": said, "code": status, "msg": said, "message": said,
            "ok": false, "error_code": status, "description": said,
        });
        Reply::json(status, &body)
    })
}

#[tokio::test(start_paused = true)]
async fn neither_log_nor_errors_nor_deliveries_hold_a_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    for status in [400, 503] {
        let transport = parrot(status);
        let bench = Bench::new(Arc::new(transport.clone()));
        let channels = channels();
        bench.notifier.set_channels(channels.clone());
        bench.tell(down());
        pass(2_000).await;
        for channel in &channels {
            let deliveries = bench.deliveries(channel).await;
            assert_eq!(deliveries.len(), 1, "{}", channel.name);
            let test = bench.notifier.test(channel).await;
            let shown = format!("{deliveries:?} {test:?} {}", serde_json::to_string(&deliveries).unwrap());
            assert!(!shown.contains(CANARY), "{}: {shown}", channel.name);
        }
        assert!(format!("{:?}", transport.sent()).contains(CANARY), "the service itself is sent it");
        assert!(!format!("{:?}", bench.notifier).contains(CANARY));
    }
    drop(guard);
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("a notice was refused") && logged.contains("could not be brought"), "{logged}");
    assert!(!logged.contains(CANARY), "{logged}");
}
