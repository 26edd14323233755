//! A relay with something on every page, and where its pages are.

use posthaste_testkit::ScriptedUpstream;

use crate::support::{Bench, serving, whole};

pub(super) const PASSWORD: &str = "correct horse battery";

/// The file in the folder that holds the secret of the key `laptop`.
pub(super) const HOLDERS_KEY: &str = "laptop.key";

/// A folder with an owner, accounts, keys and requests, and the paths of all pages on it.
pub(super) async fn furnished(bench: Bench) -> (Bench, ScriptedUpstream, Vec<String>) {
    let upstream = ScriptedUpstream::start(serving).await;
    std::fs::write(bench.folder.path().join("password"), PASSWORD).unwrap();
    bench.cli("admin create ada --password-file password");
    bench.add_account("main", &upstream);
    let key = bench.create_key("laptop");
    std::fs::write(bench.folder.path().join(HOLDERS_KEY), &key).unwrap();
    bench.cli("keys update laptop --limit cost=5/day --limit concurrency=4 --add-tag ci");
    bench.cli("pools create --name fast");
    bench.cli("accounts update main --pool fast");
    bench.cli("routes create --model house --to claude-sonnet-4-5@pool:fast");
    let server = bench.serve();
    for _ in 0..3 {
        server.post(&key, &whole()).await.unwrap().text().await.unwrap();
    }
    server.stop().await;
    let id = |line: &str| bench.cli(line)["id"].as_str().unwrap().to_owned();
    let (account, key) = (id("accounts show main"), id("keys show laptop"));
    let requests = bench.cli("requests list");
    let requests = requests.as_array().cloned().or_else(|| requests["requests"].as_array().cloned()).unwrap();
    let request = requests[0]["id"].as_str().unwrap();
    let mut paths: Vec<String> = posthaste_console::page_table()
        .into_iter()
        .filter(|page| page.method == http::Method::GET && page.needs.is_some() && !page.path.contains('{'))
        .map(|page| page.path)
        .collect();
    paths.extend([
        format!("/admin-next/accounts/{account}"),
        format!("/admin-next/accounts/{account}/edit"),
        "/admin-next/accounts/new/anthropic".to_owned(),
        "/admin-next/accounts/new/azure-openai".to_owned(),
        format!("/admin-next/keys/{key}"),
        format!("/admin-next/keys/{key}/edit"),
        format!("/admin-next/requests/{request}"),
        "/admin-next/plan?model=house&key=laptop".to_owned(),
        "/admin-next/key".to_owned(),
    ]);
    (bench, upstream, paths)
}
