//! The guides.

use http::StatusCode;

use crate::support::Rig;

const CLIENTS: [&str; 12] = [
    "claude-code",
    "codex",
    "gemini-cli",
    "opencode",
    "sillytavern",
    "anthropic-sdk",
    "openai-sdk",
    "google-genai",
    "azure-openai",
    "boto3",
    "vercel-ai-sdk",
    "curl",
];

#[tokio::test]
async fn everybody_who_has_logged_in_sees_settings_with_the_relays_address() {
    let rig = Rig::with_people().await;
    for role in ["user", "viewer", "owner"] {
        let mut browser = rig.logged_in(role).await;
        for client in CLIENTS {
            let page = rig.get(&mut browser, &format!("/admin-next/guides/{client}")).await;
            assert!(page.page().contains("http://relay.example/"), "{client}: {}", page.html);
            assert!(page.html.contains("<span data-slot>cr_…</span>"), "{client}: {}", page.html);
            let here = format!("href=\"/admin-next/guides/{client}\" aria-current=\"true\"");
            assert!(page.html.contains(&here), "{client}: {}", page.html);
            assert!(!page.html.contains("{site}") && !page.html.contains("{key}"), "{client}");
        }
        let first = rig.get(&mut browser, "/admin-next/guides").await;
        assert!(first.page().contains("posthaste clients setup claude-code --url http://relay.example"));
        // Who may make none is not led to where keys are made.
        assert_eq!(first.html.contains("/admin-next/keys/new"), role == "owner", "{role}");
        assert!(first.html.contains("data-letter=\"h\" aria-current=\"page\""), "{}", first.html);
    }
}

#[tokio::test]
async fn the_addresses_are_those_of_the_handbook() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("viewer").await;
    for (client, told) in [
        ("claude-code", "$env:ANTHROPIC_BASE_URL = &#34;http://relay.example/api&#34;"),
        ("codex", "base_url = &#34;http://relay.example/openai/v1&#34;"),
        ("gemini-cli", "GOOGLE_GEMINI_BASE_URL=http://relay.example/gemini\n"),
        ("opencode", "&#34;baseURL&#34;: &#34;http://relay.example/gemini/v1beta&#34;"),
        ("azure-openai", "azure_endpoint=&#34;http://relay.example/azure&#34;"),
        ("boto3", "endpoint_url=&#34;http://relay.example/bedrock&#34;"),
    ] {
        let page = rig.get(&mut browser, &format!("/admin-next/guides/{client}")).await;
        assert!(page.page().contains(told), "{client}: {}", page.html);
    }
}

#[tokio::test]
async fn a_client_that_nobody_knows_has_no_guide() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("viewer").await;
    let page = rig.get(&mut browser, "/admin-next/guides/%3Cscript%3Ealert(1)").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(!page.html.contains("<script>alert"), "{}", page.html);
}

#[tokio::test]
async fn a_new_key_stands_in_all_of_them() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    let place = "/admin-next/keys/new";
    let made = rig.fill_in(&mut browser, place, place, &[("name", "laptop"), ("expiry", "never")]).await;
    let (_, secret) = made.page().split_once("<code id=\"secret\">").unwrap();
    let secret = secret.split('<').next().unwrap();
    assert!(secret.starts_with("cr_") && secret.len() > 60, "{secret}");
    assert_eq!(made.html.matches("<details name=\"guide\"").count(), CLIENTS.len());
    assert!(!made.html.contains("<span data-slot>cr_…"), "the key stands there, and no mark");
    assert!(made.html.contains(&format!("ANTHROPIC_AUTH_TOKEN = &#34;<span data-slot>{secret}</span>")));
    let again = rig.get(&mut browser, "/admin-next/keys").await;
    assert!(!again.page().contains(secret), "it is shown once");
}
