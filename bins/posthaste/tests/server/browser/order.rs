//! Accounts put into another order: dragged, moved by their arrows, and typed.

use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};

use super::{driver::Browser, pages};
use crate::support::Bench;

const PAGE: &str = "/admin-next/accounts/order";

fn furnished(accounts: &[(&str, u32)]) -> Bench {
    let bench = Bench::new();
    std::fs::write(bench.folder.path().join("password"), pages::PASSWORD).unwrap();
    bench.cli("admin create ada --password-file password");
    for (name, priority) in accounts {
        bench.cli(&format!("accounts add --preset sandbox --name {name} --priority {priority}"));
    }
    bench
}

/// The groups as the page shows them: a number, then the names in it.
async fn groups(browser: &Browser) -> Vec<(u64, Vec<String>)> {
    let script = "return [...document.querySelectorAll('tbody[data-priority]')].map((group) => \
                  [Number(group.dataset.priority), [...group.querySelectorAll('tr[data-account]')].map((row) => row.dataset.account)])";
    serde_json::from_value(browser.script(script).await).unwrap()
}

fn group(priority: u64, names: &[&str]) -> (u64, Vec<String>) {
    (priority, names.iter().map(|&name| name.to_owned()).collect())
}

/// Where the middle of an element is in the window.
async fn middle(browser: &Browser, css: &str) -> (f64, f64) {
    let script = format!(
        "const box = document.querySelector(`{css}`).getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]"
    );
    serde_json::from_value(browser.script(&script).await).unwrap()
}

/// Takes an account by its handle and lets it go over something else.
async fn drag(browser: &Browser, account: &str, onto: &str) {
    let move_to = |(x, y)| PointerAction::MoveTo { duration: None, x, y };
    let from = middle(browser, &format!("tr[data-account='{account}'] .grip")).await;
    let to = middle(browser, onto).await;
    let mouse = MouseActions::new("mouse".to_owned())
        .then(move_to(from))
        .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
        .then(move_to(to))
        .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
    browser.web.perform_actions(mouse).await.unwrap();
}

fn priority(bench: &Bench, account: &str) -> u64 {
    bench.cli(&format!("accounts show {account}"))["priority"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_dragged_moved_by_keys_and_saved_together() {
    let bench = furnished(&[("a", 10), ("b", 10), ("c", 11), ("d", 90)]);
    let server = bench.serve();
    let browser = Browser::start(&server).await;
    browser.width(1440).await;
    browser.log_in("ada", pages::PASSWORD).await;
    browser.go("/admin-next/accounts").await;
    browser.click("a[href$='/accounts/order']").await;
    browser.find("form[data-order][data-ready]").await;

    // Onto a group it joins it, and a group that is empty is gone.
    drag(&browser, "d", "tr[data-account='c']").await;
    assert_eq!(groups(&browser).await, [group(10, &["a", "b"]), group(11, &["c", "d"])]);
    // Before a group that has no number free before it, the others make room.
    drag(&browser, "d", "tbody[data-priority='11'] tr.group").await;
    assert_eq!(groups(&browser).await, [group(10, &["a", "b"]), group(11, &["d"]), group(12, &["c"])]);

    // By the keyboard: out of its group to a place of its own, and on into the next one. The focus stays with it.
    let arrow = browser.find("tr[data-account='a'] button[data-step='1']").await;
    arrow.click().await.unwrap();
    let expected = [group(10, &["b"]), group(11, &["a"]), group(12, &["d"]), group(13, &["c"])];
    assert_eq!(groups(&browser).await, expected);
    browser.web.active_element().await.unwrap().send_keys("\n").await.unwrap();
    let expected = [group(10, &["b"]), group(12, &["a", "d"]), group(13, &["c"])];
    assert_eq!(groups(&browser).await, expected);
    let told = browser.script("return document.querySelector('[data-told]').textContent").await;
    assert_eq!(told, "a: now priority 12");
    // Behind all others, and no further.
    let behind = "document.querySelector(\"tr[data-account='c'] button[data-step='1']\")";
    browser.script(&format!("{behind}.click()")).await;
    let told = browser.script("return document.querySelector('[data-told]').textContent").await;
    assert_eq!(told, "c is at the end already");

    // Typed: a number that nobody has makes a group.
    let field = browser.find("tr[data-account='b'] [data-was]").await;
    field.clear().await.unwrap();
    field.send_keys("70\t").await.unwrap();
    let expected = [group(12, &["a", "d"]), group(13, &["c"]), group(70, &["b"])];
    assert_eq!(groups(&browser).await, expected);
    browser.click("form[data-order] button.primary").await;
    browser.says("The places of 4 accounts are saved.").await;
    let now = ["a", "b", "c", "d"].map(|name| priority(&bench, name));
    assert_eq!(now, [12, 70, 13, 12]);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_moved_accounts_meanwhile_is_not_overwritten_unseen() {
    let bench = furnished(&[("a", 10), ("b", 20)]);
    let server = bench.serve();
    let browser = Browser::start(&server).await;
    browser.width(390).await;
    browser.log_in("ada", pages::PASSWORD).await;
    browser.go(PAGE).await;
    browser.find("form[data-order][data-ready]").await;
    // The arrows lie within what is seen, so that nobody has to scroll sideways for them.
    let within = "const edge = document.querySelector('form[data-order] .scroll').getBoundingClientRect().right;
        const arrows = [...document.querySelectorAll('button[data-step]')];
        return arrows.length === 4 && arrows.every((one) => one.getBoundingClientRect().right <= Math.min(edge, innerWidth));";
    assert_eq!(browser.script(within).await, true);
    bench.cli("accounts update a --priority 30");
    browser.click("tr[data-account='a'] button[data-step='1']").await;
    assert_eq!(groups(&browser).await, [group(20, &["a", "b"])]);
    browser.click("form[data-order] button.primary").await;
    browser.says("Somebody else moved accounts while this page was open.").await;
    browser.says("Take theirs").await;
    assert_eq!(priority(&bench, "a"), 30);
    browser.click("button[form='order']").await;
    browser.says("The places of 1 accounts are saved.").await;
    assert_eq!(priority(&bench, "a"), 20);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drag_that_is_given_up_moves_nothing() {
    let bench = furnished(&[("a", 10), ("b", 20)]);
    let server = bench.serve();
    let browser = Browser::start(&server).await;
    browser.width(1440).await;
    browser.log_in("ada", pages::PASSWORD).await;
    browser.go(PAGE).await;
    browser.find("form[data-order][data-ready]").await;
    drag(&browser, "a", "h1").await;
    // Where it stands already it stays as well.
    drag(&browser, "a", "tbody[data-priority='20'] tr.group").await;
    assert_eq!(groups(&browser).await, [group(10, &["a"]), group(20, &["b"])]);
    drag(&browser, "a", "tr[data-account='b']").await;
    assert_eq!(groups(&browser).await, [group(20, &["a", "b"])]);
    server.stop().await;
}
