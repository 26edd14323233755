//! People and tokens.

use posthaste_admin::{
    Command, CreatedToken, Disclosed, NewUser, SessionView, SignInReport, SignInTest, TokenInput, TokenView,
    UserChange, UserView,
};
use posthaste_core::Area;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, delete, get, post, put},
    input::{Json, NoBody},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = users();
    all.extend(tokens());
    all
}

fn users() -> Vec<Endpoint> {
    let (read, write) = (Area::Users.read(), Area::Users.write());
    vec![
        post("/admin/sign-in/test", "Look for what is wrong with the directory or the identity provider")
            .needs(write)
            .body::<SignInTest>()
            .answers(|asked: Asked, Json(test): Json<SignInTest>| async move {
                asked.act::<SignInReport>(Command::TestSignIn(test)).await
            }),
        get("/admin/users", "Everybody who can log in")
            .needs(read)
            .lists(|asked: Asked| async move { asked.act::<Vec<UserView>>(Command::ListUsers).await }),
        post("/admin/users", "Make a person").needs(write).body::<NewUser>().answers(
            |asked: Asked, Json(new): Json<NewUser>| async move {
                asked.act::<UserView>(Command::CreateUser(new)).await
            },
        ),
        get("/admin/users/{user}", "One person").needs(read).answers(|asked: Asked, _: NoBody| async move {
            let user = asked.parameter("user");
            asked.act::<UserView>(Command::ShowUser { user }).await
        }),
        put("/admin/users/{user}", "Change a person; what is not named stays as it is")
            .needs(write)
            .body::<UserChange>()
            .answers(|asked: Asked, Json(change): Json<UserChange>| async move {
                let user = asked.parameter("user");
                asked.act::<UserView>(Command::UpdateUser { user, change }).await
            }),
        delete("/admin/users/{user}", "Remove a person; the client keys stay").needs(write).answers(
            |asked: Asked, _: NoBody| async move {
                let user = asked.parameter("user");
                asked.act::<UserView>(Command::DeleteUser { user }).await
            },
        ),
        post("/admin/users/{user}/password", "Give a person another password and end the sessions")
            .needs(write)
            .body::<NewPassword>()
            .answers(|asked: Asked, Json(NewPassword { password }): Json<NewPassword>| async move {
                let user = asked.parameter("user");
                asked.act::<UserView>(Command::SetPassword { user, password }).await
            }),
        delete("/admin/users/{user}/second-factor", "Take a person's second factor away")
            .needs(write)
            .answers(|asked: Asked, _: NoBody| async move {
                let user = asked.parameter("user");
                asked.act::<UserView>(Command::DropSecondFactor { user }).await
            }),
        get("/admin/users/{user}/sessions", "A person's sessions").needs(read).lists(
            |asked: Asked| async move {
                let user = asked.parameter("user");
                asked.act::<Vec<SessionView>>(Command::ListSessions { user }).await
            },
        ),
        delete("/admin/users/{user}/sessions", "End all sessions of a person").needs(write).answers(
            |asked: Asked, _: NoBody| async move {
                let user = asked.parameter("user");
                asked.act::<UserView>(Command::EndSessions { user }).await
            },
        ),
    ]
}

fn tokens() -> Vec<Endpoint> {
    let (read, write) = (Area::Users.read(), Area::Users.write());
    vec![
        get("/admin/tokens", "All API tokens")
            .needs(read)
            .lists(|asked: Asked| async move { asked.act::<Vec<TokenView>>(Command::ListTokens).await }),
        post("/admin/tokens", "Make an API token; its secret is told now and never again")
            .needs(write)
            .body::<TokenInput>()
            .answers(|asked: Asked, Json(new): Json<TokenInput>| async move {
                asked.act::<CreatedToken>(Command::CreateToken(new)).await
            }),
        delete("/admin/tokens/{token}", "End an API token").needs(write).answers(
            |asked: Asked, _: NoBody| async move {
                let token = asked.parameter("token");
                asked.act::<TokenView>(Command::DeleteToken { token }).await
            },
        ),
    ]
}

/// The next password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// The password.
    password: Disclosed,
}
