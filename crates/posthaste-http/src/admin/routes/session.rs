//! Logging in and out.
//!
//! The predecessor has the same paths: `/web/auth/*` for its administrator, `/users/*` for its users. Here they are one.

use posthaste_admin::{
    AdminError, Arrival, BroughtBack, Credentials, Disclosed, FirstOwner, PasswordChange, ProfileView,
    SignInWays, SignedIn, UserView, csrf_token,
};
use posthaste_core::{Secret, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, get, post},
    input::{Json, NoBody},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/web/auth/state", "Whether the relay waits for its first owner, and how people can log in")
            .open()
            .answers(state),
        post("/web/auth/setup", "Make the first owner, with the token that the relay showed when it started")
            .open()
            .body::<FirstOwner>()
            .answers(set_up),
        post("/web/auth/login", "Log in").open().body::<LoginInput>().answers(log_in),
        post("/users/login", "Log in").open().body::<LoginInput>().answers(log_in),
        get("/users/oidc/login", "Go to the identity provider to log in").open().redirects(depart),
        get("/users/oidc/callback", "Come back from the identity provider").open().redirects(arrive),
        post("/users/oidc/code", "Give the code of the second factor after coming back")
            .open()
            .body::<CodeInput>()
            .answers(arrive_with_code),
        post("/web/auth/logout", "Log out").person().answers(log_out),
        post("/users/logout", "Log out").person().answers(log_out),
        get("/web/auth/user", "Who is logged in, and what changes need").person().answers(profile),
        get("/users/profile", "Who is logged in, and what changes need").person().answers(profile),
        post("/web/auth/change-password", "Change the own password")
            .person()
            .body::<PasswordChange>()
            .answers(change_password),
    ]
}

/// Whether the relay waits for its first owner, and how people can log in.
#[derive(Serialize, JsonSchema)]
struct State {
    /// Whether it waits.
    needs_owner: bool,
    /// How they can.
    ways: SignInWays,
}

/// Where to go once logged in.
#[derive(Deserialize, JsonSchema)]
struct DepartQuery {
    /// A path on this site; `/users/profile` where none is given. A second factor is asked for there with `second_factor=needed`
    /// in the query.
    to: Option<String>,
}

/// What the identity provider sends a browser back with; more that some send is not looked at.
#[derive(Deserialize, JsonSchema)]
struct ArriveQuery {
    /// What the browser was sent with.
    state: Option<String>,
    /// What tells who it is.
    code: Option<String>,
    /// Why there is no code.
    error: Option<String>,
    /// The provider's name.
    iss: Option<String>,
}

/// The second step of a log-in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CodeInput {
    /// The code of the second factor, or a recovery code.
    code: Disclosed,
}

/// What a person gives to log in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LoginInput {
    /// The name.
    #[serde(alias = "name")]
    username: String,
    /// The password.
    password: Disclosed,
    /// The code of the second factor, or a recovery code.
    code: Option<Disclosed>,
    /// Whether the session comes as a cookie and not in the answer: for pages.
    #[serde(default)]
    cookie: bool,
}

/// A session that has just begun.
#[derive(Serialize, JsonSchema)]
struct LoggedIn {
    /// What programs present as `Authorization: Bearer`; not there where the session is in the cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Disclosed>,
    /// What pages send as `X-CSRF-Token` with what changes something.
    csrf_token: String,
    /// When the session ends if it is not used.
    until: Timestamp,
    /// Who has logged in.
    user: UserView,
}

async fn state(asked: Asked, _: NoBody) -> Result<State, AdminError> {
    let sign_in = asked.admin.sign_in();
    Ok(State { needs_owner: sign_in.needs_owner().await?, ways: sign_in.ways() })
}

async fn set_up(asked: Asked, Json(first): Json<FirstOwner>) -> Result<LoggedIn, AdminError> {
    let signed = asked.admin.sign_in().set_up(first, &asked.visit).await?;
    Ok(logged_in(&asked, signed, true))
}

async fn log_in(asked: Asked, Json(input): Json<LoginInput>) -> Result<LoggedIn, AdminError> {
    let LoginInput { username, password, code, cookie } = input;
    let given = Credentials { name: username, password, code };
    let signed = asked.admin.sign_in().by_password(given, &asked.visit).await?;
    Ok(logged_in(&asked, signed, cookie))
}

async fn depart(asked: Asked, query: DepartQuery) -> Result<String, AdminError> {
    let departure = asked.admin.sign_in().depart(query.to.as_deref()).await?;
    asked.keep_ticket(Some(&departure.ticket));
    Ok(departure.url)
}

async fn arrive(asked: Asked, query: ArriveQuery) -> Result<String, AdminError> {
    let ArriveQuery { state, code, error, iss } = query;
    let (state, code) = (state.map(Secret::new), code.map(Secret::new));
    let brought = BroughtBack { state, code, error, issuer: iss };
    let ticket = asked.ticket();
    let arrival = Box::pin(asked.admin.sign_in().arrive(ticket.as_deref(), brought, &asked.visit)).await?;
    match arrival {
        Arrival::SignedIn { signed, to } => {
            asked.give_session(&signed);
            asked.keep_ticket(None);
            Ok(to)
        }
        Arrival::NeedsCode { ticket, to } => {
            asked.keep_ticket(Some(&ticket));
            let (path, fragment) =
                to.split_once('#').map_or((to.as_str(), None), |(path, at)| (path, Some(at)));
            let joint = if path.contains('?') { '&' } else { '?' };
            let fragment = fragment.map(|at| format!("#{at}")).unwrap_or_default();
            Ok(format!("{path}{joint}second_factor=needed{fragment}"))
        }
    }
}

async fn arrive_with_code(asked: Asked, Json(input): Json<CodeInput>) -> Result<LoggedIn, AdminError> {
    let ticket = asked.ticket();
    let signed = asked.admin.sign_in().arrive_with_code(ticket.as_deref(), input.code, &asked.visit).await?;
    asked.keep_ticket(None);
    Ok(logged_in(&asked, signed, true))
}

fn logged_in(asked: &Asked, signed: SignedIn, cookie: bool) -> LoggedIn {
    if cookie {
        asked.give_session(&signed);
    }
    let csrf_token = csrf_token(signed.token.expose());
    let SignedIn { token, until, user } = signed;
    LoggedIn { token: (!cookie).then(|| Disclosed::new(token)), csrf_token, until, user }
}

async fn log_out(asked: Asked, _: NoBody) -> Result<(), AdminError> {
    asked.admin.sign_in().end(asked.person()?, asked.visit.address).await?;
    asked.take_session();
    Ok(())
}

async fn profile(asked: Asked, _: NoBody) -> Result<ProfileView, AdminError> {
    let profile = asked.admin.sign_in().profile(asked.person()?);
    Ok(ProfileView { csrf_token: asked.cookie.as_deref().map(csrf_token), ..profile })
}

async fn change_password(asked: Asked, Json(change): Json<PasswordChange>) -> Result<UserView, AdminError> {
    asked.admin.sign_in().change_password(asked.person()?, change).await
}
