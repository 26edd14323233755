//! What went wrong at accounts.

use posthaste_admin::{AdminError, ClearedErrors, Command, ErrorsInput};
use posthaste_core::{AccountError, Area};

use super::kinds::{AZURE, BEDROCK, CCR, CLAUDE, CONSOLE, GEMINI, OPENAI, Presets, RESPONSES, named};
use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, delete, get},
    input::NoBody,
};

/// Those of the accounts of one kind, under the predecessor's names.
macro_rules! kind {
    ($path:literal, $presets:expr) => {
        [
            get(concat!("/admin/", $path, "/{account}/error-history"), "What went wrong at an account")
                .needs(Area::Accounts.read())
                .answers_query(|asked: Asked, with: ErrorsInput, _: NoBody| {
                    errors(asked, Some($presets), with)
                }),
            delete(
                concat!("/admin/", $path, "/{account}/error-history"),
                "Forget what went wrong at an account",
            )
            .needs(Area::Accounts.write())
            .answers(|asked: Asked, _: NoBody| clear(asked, Some($presets))),
        ]
    };
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let any = [
        get("/admin/accounts/{account}/error-history", "What went wrong at an account")
            .needs(Area::Accounts.read())
            .answers_query(|asked: Asked, with: ErrorsInput, _: NoBody| errors(asked, None, with)),
        delete("/admin/accounts/{account}/error-history", "Forget what went wrong at an account")
            .needs(Area::Accounts.write())
            .answers(|asked: Asked, _: NoBody| clear(asked, None)),
    ];
    [
        any,
        kind!("claude-accounts", CLAUDE),
        kind!("claude-console-accounts", CONSOLE),
        kind!("ccr-accounts", CCR),
        kind!("bedrock-accounts", BEDROCK),
        kind!("gemini-accounts", GEMINI),
        kind!("gemini-api-accounts", GEMINI),
        kind!("openai-accounts", OPENAI),
        kind!("openai-responses-accounts", RESPONSES),
        kind!("azure-openai-accounts", AZURE),
    ]
    .into_iter()
    .flatten()
    .collect()
}

async fn errors(
    asked: Asked,
    presets: Option<Presets>,
    with: ErrorsInput,
) -> Result<Vec<AccountError>, AdminError> {
    let account = account(&asked, presets).await?;
    asked.act(Command::AccountErrors { account, with }).await
}

async fn clear(asked: Asked, presets: Option<Presets>) -> Result<ClearedErrors, AdminError> {
    let account = account(&asked, presets).await?;
    asked.act(Command::ClearAccountErrors { account }).await
}

/// The account that the path names, of the kind that the path names, if it names one.
pub(super) async fn account(asked: &Asked, presets: Option<Presets>) -> Result<String, AdminError> {
    match presets {
        Some(presets) => Ok(named(asked, presets).await?.id.to_string()),
        None => Ok(asked.parameter("account")),
    }
}
