//! The demo has a vendor to log in at.

use std::process::Stdio;

use super::{LoggingIn, visit};
use crate::support::{Bench, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_logged_in_at_the_demo() {
    let bench = Bench::new();
    let demo = bench.spawn("demo --listen 127.0.0.1:0");
    let line = eventually("the demo tells how", || {
        let log = demo.log();
        log.contains("The relay stays up").then_some(())?;
        log.lines().find(|line| line.contains("accounts login")).map(|line| line.trim().to_owned())
    })
    .await;
    // As it is shown, but for a browser that reads JSON.
    for (flow, page) in [("--paste", "url"), ("--device", "verification_uri_complete")] {
        let name = flow.trim_start_matches('-');
        let line = line.replace("--name me", &format!("--name {name} {flow} --json"));
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_posthaste"));
        command.args(line.split(' ').skip(1)).current_dir(bench.folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut login = LoggingIn::begin(command);
        let page = login.task[page].as_str().unwrap().to_owned();
        assert_eq!(visit(&page).await.0, 200, "people see the page: {page}");
        let (status, back) = visit(&format!("{page}&approve=1")).await;
        assert!(matches!(status, 200..400), "{status}");
        if let Some(back) = back {
            login.paste(&back);
        }
        assert_eq!(login.end().saved()["name"], name);
    }
}
