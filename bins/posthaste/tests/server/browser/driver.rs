//! A headless Chromium, and what a person does with it.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use thirtyfour::{
    By, CapabilitiesHelper, ChromiumLikeCapabilities, DesiredCapabilities, RequestData, SessionId, WebDriver,
    WebElement, common::command::FormatRequestData, error::WebDriverResult,
};
use tokio::time::sleep;

use crate::support::Server;

/// A browser with one window. It ends with the value.
pub(crate) struct Browser {
    pub(crate) web: WebDriver,
    pub(crate) base: String,
    // Dropped last: it ends the browser.
    _program: Program,
}

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the browser itself complains of.
#[derive(Debug)]
struct Complaints;

impl FormatRequestData for Complaints {
    fn format_request(&self, session: &SessionId) -> RequestData {
        RequestData::new(http::Method::POST, format!("session/{session}/se/log"))
            .add_body(json!({ "type": "browser" }))
    }
}

impl Browser {
    /// A browser that knows the relay's address.
    pub(crate) async fn start(server: &Server) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let program = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is there: `cargo xtask setup` installs it");
        let program = Program(program);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut wanted = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--disable-dev-shm-usage",
        ] {
            wanted.add_arg(argument).unwrap();
        }
        wanted.set("goog:loggingPrefs", json!({ "browser": "ALL" })).unwrap();
        let mut tries = 0;
        let web = loop {
            match WebDriver::new(format!("http://{address}"), wanted.clone()).await {
                Ok(web) => break web,
                Err(error) if tries >= 100 => panic!("no browser: {error}"),
                Err(_) => tries += 1,
            }
            sleep(Duration::from_millis(100)).await;
        };
        Self { web, base: server.base.clone(), _program: program }
    }

    pub(crate) async fn go(&self, path: &str) {
        self.web.goto(format!("{}{path}", self.base)).await.unwrap();
    }

    /// The path that is shown, with its query.
    pub(crate) async fn path(&self) -> String {
        let url = self.web.current_url().await.unwrap();
        url.as_str().strip_prefix(&self.base).unwrap_or(url.as_str()).to_owned()
    }

    /// Runs a script and gives what it returns.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.web.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// The first element that fits, once it is there.
    pub(crate) async fn find(&self, css: &str) -> WebElement {
        for _ in 0..200 {
            if let Ok(found) = self.web.find(By::Css(css)).await {
                return found;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("no `{css}` at {}: {}", self.path().await, self.text().await);
    }

    /// All that the page says.
    pub(crate) async fn text(&self) -> String {
        let text: WebDriverResult<String> =
            async { self.web.find(By::Css("main")).await?.text().await }.await;
        text.unwrap_or_default()
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
        found.scroll_into_view().await.unwrap();
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
        self.web.cdp().send_raw("Emulation.setDeviceMetricsOverride", size).await.unwrap();
    }

    /// What went wrong in the page since this was asked last: errors, refused files, broken policies.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let answer = self.web.handle().cmd(Complaints).await.unwrap();
        let lines: Vec<Value> = answer.value().unwrap();
        let grave = lines.iter().filter(|line| line["level"] != "DEBUG" && line["level"] != "INFO");
        grave.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Where the page has asked for anything, itself included.
    pub(crate) async fn asked_for(&self) -> Vec<String> {
        let list = self.script("return performance.getEntries().map((entry) => entry.name).filter((name) => name.includes('://'))").await;
        serde_json::from_value(list).unwrap()
    }
}
