//! From the list of pages to a router: one door for all of them.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{FromRequestParts, Path, RawPathParams, Request},
    response::Response,
    routing::{MethodFilter, MethodRouter, get, on},
};
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, StatusCode, Uri, header, request::Parts};
use posthaste_admin::AdminError;
use posthaste_core::Scope;
use posthaste_http::{AdminFront, PageVisitor};

use crate::{
    BASE, PageEntry, answer, asked::Asked, assets, fields::Fields, first_steps::WayGone, look::Look,
    pages::holder, told, trouble,
};

/// A page: where it is, who may come, and how it is made.
pub(crate) struct Page {
    method: Method,
    path: String,
    door: Door,
    work: Work,
}

/// To whom a page is open.
#[derive(Clone, Copy)]
pub(crate) enum Door {
    /// To everybody.
    Open,
    /// To people who have logged in.
    Person,
    /// To people who may do this.
    Needs(Scope),
}

type Made = Result<Response, AdminError>;
type Work = Arc<dyn Fn(Arc<Asked>) -> BoxFuture<'static, Made> + Send + Sync>;

/// A page to look at.
pub(crate) fn shows<F>(path: &str, door: Door, work: impl Fn(Arc<Asked>) -> F + Send + Sync + 'static) -> Page
where
    F: Future<Output = Made> + Send + 'static,
{
    made(Method::GET, path, door, work)
}

/// A form that is sent.
pub(crate) fn takes<F>(path: &str, door: Door, work: impl Fn(Arc<Asked>) -> F + Send + Sync + 'static) -> Page
where
    F: Future<Output = Made> + Send + 'static,
{
    made(Method::POST, path, door, work)
}

fn made<F>(
    method: Method,
    path: &str,
    door: Door,
    work: impl Fn(Arc<Asked>) -> F + Send + Sync + 'static,
) -> Page
where
    F: Future<Output = Made> + Send + 'static,
{
    let work: Work = Arc::new(move |asked| Box::pin(work(asked)));
    Page { method, path: format!("{BASE}{path}"), door, work }
}

impl Page {
    pub(crate) fn entry(&self) -> PageEntry {
        let needs = match self.door {
            Door::Open => None,
            Door::Person => Some("a log-in".to_owned()),
            Door::Needs(scope) => Some(scope.to_string()),
        };
        PageEntry { method: self.method.clone(), path: self.path.clone(), needs }
    }
}

/// What all pages share.
#[derive(Clone)]
struct Front {
    admin: AdminFront,
    way_gone: WayGone,
}

pub(crate) fn router(front: &AdminFront, pages: Vec<Page>) -> Router {
    let front = Front { admin: front.clone(), way_gone: WayGone::default() };
    let mut served: BTreeMap<String, MethodRouter> = BTreeMap::new();
    for Page { method, path, door, work } in pages {
        let front = front.clone();
        let filter = MethodFilter::try_from(method).unwrap_or(MethodFilter::GET);
        let serve = on(filter, move |request: Request| {
            let (front, work) = (front.clone(), Arc::clone(&work));
            async move { serve(&front, door, &work, request).await }
        });
        let others = served.remove(&path).unwrap_or_default();
        served.insert(path, others.merge(serve));
    }
    let lost = front.clone();
    let lost = move |request: Request| {
        let front = lost.clone();
        async move { nothing_here(&front, request).await }
    };
    served
        .into_iter()
        .fold(Router::new(), |router, (path, serve)| router.route(&path, serve))
        .route(&format!("{BASE}/assets/{{version}}/{{*name}}"), get(asset))
        .route(&format!("{BASE}/{{*rest}}"), get(lost))
}

async fn asset(Path((version, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    assets::answer(&version, &name, &headers)
        .unwrap_or_else(|| answer::page(StatusCode::NOT_FOUND, "no such file".to_owned()))
}

async fn nothing_here(front: &Front, request: Request) -> Response {
    let work: Work = Arc::new(|_| {
        let what = "page at this address".to_owned();
        Box::pin(async move { Err(AdminError::NotFound { what }) })
    });
    serve(front, Door::Person, &work, request).await
}

async fn serve(front: &Front, door: Door, work: &Work, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let look = Look::of(&head.headers);
    let response = match front.admin.visitor(&head).await {
        Ok(visitor) => answered(front, (door, work), (visitor, look), &mut head, body).await,
        Err(error) => trouble::without_frame(look, &error),
    };
    answer::finish(response, &head.headers).await
}

async fn answered(
    front: &Front,
    (door, work): (Door, &Work),
    (visitor, look): (PageVisitor, Look),
    head: &mut Parts,
    body: Body,
) -> Response {
    let parameters = RawPathParams::from_request_parts(head, &()).await;
    let parameters =
        parameters.map(|all| all.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
    let mut asked = Asked {
        admin: front.admin.admin().clone(),
        way_gone: front.way_gone.clone(),
        actor: visitor.actor(),
        look,
        path: head.uri.path().to_owned(),
        query: Fields::read(head.uri.query().unwrap_or_default().as_bytes()),
        form: Fields::default(),
        parameters: parameters.unwrap_or_default(),
        site: site(&visitor, &head.headers, &head.uri),
        told: told::told(&head.headers),
        held: holder::ticket(&head.headers),
        cookies: Arc::default(),
        visitor,
    };
    let made = match turned_away(&asked, door, head) {
        Some(refused) => refused,
        None => match read_form(&mut asked, door, head, body).await {
            Err(error) => Err(error),
            Ok(()) => {
                let asked = Arc::new(asked);
                let made = work(Arc::clone(&asked)).await;
                return settle(&asked, made).await;
            }
        },
    };
    settle(&Arc::new(asked), made).await
}

/// What is answered to who may not come in; `None` for who may.
fn turned_away(asked: &Asked, door: Door, head: &Parts) -> Option<Made> {
    if asked.person().is_none() && !matches!(door, Door::Open) {
        let to = head.uri.path_and_query().map(|path| path.as_str()).filter(|_| head.method == Method::GET);
        let query = Fields::default().set("to", to.unwrap_or_default());
        return Some(Ok(answer::see(&format!("{BASE}/sign-in{}", query.to_query()))));
    }
    match door {
        Door::Needs(need) => asked.actor.check(need).err().map(Err),
        Door::Open | Door::Person => None,
    }
}

async fn read_form(asked: &mut Asked, door: Door, head: &Parts, body: Body) -> Result<(), AdminError> {
    if head.method != Method::POST {
        return Ok(());
    }
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        let message = "has to be a form (application/x-www-form-urlencoded)".to_owned();
        return Err(AdminError::Invalid { field: "body", message });
    }
    let body = to_bytes(body, MOST_FORM).await;
    let body = body.map_err(|_| AdminError::Invalid {
        field: "body",
        message: "was cut off, or is larger than 1 MiB".to_owned(),
    })?;
    asked.form = Fields::read(&body);
    // Who has no session yet has no token either; that the form is of this site was looked at before.
    if !matches!(door, Door::Open) {
        asked.visitor.check_form(asked.form.value("csrf"))?;
    }
    Ok(())
}

async fn settle(asked: &Arc<Asked>, made: Made) -> Response {
    let mut response = match made {
        Ok(response) => response,
        Err(error) => trouble::page(asked, &error).await,
    };
    let is_page = response.headers().contains_key(header::CONTENT_TYPE);
    let headers = response.headers_mut();
    if asked.told.is_some() && is_page {
        headers.append(header::SET_COOKIE, told::forget());
    }
    for cookie in asked.cookies.lock().drain(..) {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}

/// `https://relay.example`, as the browser knows it.
fn site(visitor: &PageVisitor, headers: &HeaderMap, uri: &Uri) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| uri.authority().map(http::uri::Authority::as_str)).unwrap_or("localhost");
    format!("{}://{host}", if visitor.secure { "https" } else { "http" })
}

const MOST_FORM: usize = 1024 * 1024;
