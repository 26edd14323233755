//! What a new relay still lacks before its first client is served. It is seen from what is there: nothing is kept of it, and nobody has
//! to follow it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use posthaste_admin::{
    AccountListInput, AccountRow, AdminError, Command, Every, KeyListInput, KeyRow, ListPage, RequestsInput,
    RequestsPage, TrendInput, TrendView,
};
use posthaste_core::Area;

use crate::{BASE, asked::Asked};

/// Whether a request was ever seen: what was served once stays served, and on a large relay's books it takes long to see.
#[derive(Clone, Debug, Default)]
pub(crate) struct WayGone(Arc<AtomicBool>);

impl WayGone {
    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The way to the first request, as far as it is not gone yet.
pub(crate) struct FirstSteps {
    pub(crate) steps: Vec<Step>,
    /// Where the next step is done, and what the button there says; `None` on that page itself.
    pub(crate) next: Option<(String, &'static str)>,
    /// Whether all that is missing is a request.
    pub(crate) waits_for_first: bool,
}

/// One of the steps.
pub(crate) struct Step {
    pub(crate) label: &'static str,
    /// Where it is done; `None` for who cannot go there yet.
    pub(crate) href: Option<String>,
    pub(crate) is_done: bool,
    pub(crate) is_now: bool,
}

/// What is missing on the way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Missing {
    Owner,
    Account,
    Key,
    Request,
}

/// The way for whoever asks, on pages that are on it; `None` where it is gone to its end, or is somebody else's to go.
pub(crate) async fn of(asked: &Asked) -> Result<Option<FirstSteps>, AdminError> {
    let path = asked.path.strip_prefix(BASE).unwrap_or_default().trim_end_matches('/');
    if path == "/start" {
        return Ok(Some(FirstSteps::new(Missing::Owner, path)));
    }
    let below =
        |place: &str| path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_on_way = path.is_empty() || ["/accounts", "/keys", "/guides"].into_iter().any(below);
    let may_go = asked.person().is_some()
        && [Area::Accounts, Area::Keys].into_iter().all(|area| asked.may(area.write()));
    if !is_on_way || !may_go {
        return Ok(None);
    }
    Ok(missing(asked).await?.map(|missing| FirstSteps::new(missing, path)))
}

/// What a relay with something to do has is looked for first, so that its pages wait for one look alone, and that once.
async fn missing(asked: &Asked) -> Result<Option<Missing>, AdminError> {
    if asked.way_gone.is_set() {
        return Ok(None);
    }
    let accounts = AccountListInput { page_size: Some(1), ..AccountListInput::default() };
    let accounts: ListPage<AccountRow> = asked.act(Command::PageAccounts(accounts)).await?;
    if accounts.total == 0 {
        return Ok(Some(Missing::Account));
    }
    if has_requests(asked).await? {
        asked.way_gone.set();
        return Ok(None);
    }
    let keys = KeyListInput { page_size: Some(1), ..KeyListInput::default() };
    let keys: ListPage<KeyRow> = asked.act(Command::PageKeys(keys)).await?;
    Ok(Some(if keys.total == 0 { Missing::Key } else { Missing::Request }))
}

/// Records of requests are forgotten after a while, and may not be kept at all: then the books tell.
async fn has_requests(asked: &Asked) -> Result<bool, AdminError> {
    let input = RequestsInput { limit: Some(1), ..RequestsInput::default() };
    let page: Option<RequestsPage> =
        asked.act_if_may(Area::Requests.read(), Command::PageRequests(input)).await?;
    if page.is_some_and(|page| !page.requests.is_empty()) {
        return Ok(true);
    }
    let input = TrendInput { every: Every::Month, ..TrendInput::default() };
    let books: Option<TrendView> = asked.act_if_may(Area::Usage.read(), Command::Trend(input)).await?;
    Ok(books.is_some_and(|books| !books.spans.is_empty()))
}

impl FirstSteps {
    fn new(missing: Missing, path: &str) -> Self {
        let step = |of: Missing, label, place: Option<&str>| Step {
            label,
            href: place.filter(|_| missing > Missing::Owner).map(|place| format!("{BASE}{place}")),
            is_done: of < missing,
            is_now: of == missing,
        };
        let steps = vec![
            step(Missing::Owner, text("Owner"), None),
            step(Missing::Account, text("First account"), Some("/accounts/new")),
            step(Missing::Key, text("First key"), Some("/keys/new")),
            step(Missing::Request, text("First request"), Some("/guides")),
        ];
        let (place, label) = match missing {
            Missing::Owner => ("/start", ""),
            Missing::Account => ("/accounts/new", text("Add the first account")),
            Missing::Key => ("/keys/new", text("Make the first key")),
            Missing::Request => ("/guides", text("Set up a client")),
        };
        // The page after a key was made has the settings too.
        let is_there = path.starts_with(place) || (missing == Missing::Request && path == "/keys/new");
        Self {
            steps,
            next: (!is_there).then(|| (format!("{BASE}{place}"), label)),
            waits_for_first: missing == Missing::Request,
        }
    }
}

/// Its words are among those that are translated.
const fn text(text: &'static str) -> &'static str {
    text
}
