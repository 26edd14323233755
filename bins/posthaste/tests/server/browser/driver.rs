//! A headless Chromium, and what a person does with it.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element, wd::WebDriverCompatibleCommand};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::Server;

/// A browser with one window. It ends with the value.
pub(crate) struct Browser {
    pub(crate) web: Client,
    pub(crate) base: String,
    // Dropped last: it ends the browser.
    _program: Program,
}

/// The driver. A browser outlives the driver that started it unless its session is ended before.
struct Program {
    driver: Child,
    address: SocketAddr,
    session: Option<String>,
}

impl Program {
    fn end_session(&self, session: &str) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let head = format!("DELETE /session/{session} HTTP/1.1\r\nhost: {}\r\n\r\n", self.address);
        stream.write_all(head.as_bytes())?;
        // It answers when the browser is gone.
        stream.read(&mut [0; 1024]).map(drop)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(session) = &self.session {
            // Where the driver itself is gone nothing more can be done.
            let _ = self.end_session(session);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// A command that only Chromium has, with what it is given.
#[derive(Debug)]
struct Own(&'static str, Value);

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.0))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.1.to_string()))
    }
}

impl Browser {
    /// A browser that knows the relay's address.
    pub(crate) async fn start(server: &Server) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is there: `cargo xtask setup` installs it");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut program = Program { driver, address, session: None };
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--disable-dev-shm-usage",
        ];
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let wanted = wanted.as_object().unwrap();
        let mut tries = 0;
        let web = loop {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            match builder.capabilities(wanted.clone()).connect(&format!("http://{address}")).await {
                Ok(web) => break web,
                Err(error) if tries >= 100 => panic!("no browser: {error}"),
                Err(_) => tries += 1,
            }
            sleep(Duration::from_millis(100)).await;
        };
        program.session = web.session_id().await.unwrap();
        Self { web, base: server.base.clone(), _program: program }
    }

    pub(crate) async fn go(&self, path: &str) {
        self.web.goto(&format!("{}{path}", self.base)).await.unwrap();
    }

    /// The path that is shown, with its query.
    pub(crate) async fn path(&self) -> String {
        let url = self.web.current_url().await.unwrap();
        url.as_str().strip_prefix(&self.base).unwrap_or(url.as_str()).to_owned()
    }

    /// Runs a script and gives what it returns.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.web.execute(script, Vec::new()).await.unwrap()
    }

    /// The first element that fits, once it is there.
    pub(crate) async fn find(&self, css: &str) -> Element {
        for _ in 0..200 {
            if let Ok(found) = self.web.find(Locator::Css(css)).await {
                return found;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("no `{css}` at {}: {}", self.path().await, self.text().await);
    }

    /// All that the page says.
    pub(crate) async fn text(&self) -> String {
        match self.web.find(Locator::Css("main")).await {
            Ok(main) => main.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Waits until the page says this.
    pub(crate) async fn says(&self, words: &str) {
        for _ in 0..200 {
            if self.text().await.contains(words) {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("`{words}` is not said at {}: {}", self.path().await, self.text().await);
    }

    pub(crate) async fn fill(&self, name: &str, value: &str) {
        let field = self.find(&format!("[name='{name}']")).await;
        field.clear().await.unwrap();
        field.send_keys(value).await.unwrap();
    }

    pub(crate) async fn click(&self, css: &str) {
        let found = self.find(css).await;
        found.click().await.unwrap();
    }

    pub(crate) async fn log_in(&self, name: &str, password: &str) {
        self.go("/admin-next/sign-in").await;
        self.fill("name", name).await;
        self.fill("password", password).await;
        self.click("form.fields button.primary").await;
        self.find("header.bar").await;
    }

    /// Makes the window as wide as this; below 600 it is a telephone's.
    pub(crate) async fn width(&self, width: u32) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": size });
        self.web.issue_cmd(Own("goog/cdp/execute", command)).await.unwrap();
    }

    /// Has the browser live in another zone of time.
    pub(crate) async fn zone(&self, name: &str) {
        let command = json!({ "cmd": "Emulation.setTimezoneOverride", "params": { "timezoneId": name } });
        self.web.issue_cmd(Own("goog/cdp/execute", command)).await.unwrap();
    }

    /// What went wrong in the page since this was asked last: errors, refused files, broken policies.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let answer = self.web.issue_cmd(Own("se/log", json!({ "type": "browser" }))).await.unwrap();
        let lines: Vec<Value> = serde_json::from_value(answer).unwrap();
        let grave = lines.iter().filter(|line| line["level"] != "DEBUG" && line["level"] != "INFO");
        grave.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Where the page has asked for anything, itself included.
    pub(crate) async fn asked_for(&self) -> Vec<String> {
        let list = self.script("return performance.getEntries().map((entry) => entry.name).filter((name) => name.includes('://'))").await;
        serde_json::from_value(list).unwrap()
    }
}
