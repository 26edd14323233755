//! The command line from afar: any command, as its program sends it to a relay on its own machine.

use posthaste_admin::{AdminError, Command, Reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, post},
    input::Json,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post(
            "/admin/command",
            "Have a command of the command line carried out, for a program of the same version",
        )
        .known()
        .body::<Asking>()
        .answers(carry_out),
    ]
}

/// A command. Its forms are those of the program, and change with it; who writes programs uses the other paths.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asking {
    /// What is to be done, such as `list_keys`.
    command: String,
    /// With what, where it takes something.
    with: Option<Value>,
}

/// What came of it.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Answered {
    /// What kind of reply it is.
    reply: String,
    /// The reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
}

async fn carry_out(asked: Asked, Json(asking): Json<Asking>) -> Result<Answered, AdminError> {
    let Asking { command, with } = asking;
    let command = match with {
        Some(with) => json!({ "command": command, "with": with }),
        None => json!({ "command": command }),
    };
    // serde's message may repeat a part of what may be a secret.
    let command: Command = serde_json::from_value(command).map_err(|_| AdminError::Invalid {
        field: "command",
        message: format!(
            "the relay (version {}) does not understand it; use the program of the same version",
            asked.version
        ),
    })?;
    let reply: Reply = asked.admin.act(&asked.actor, command).await?;
    let answered = serde_json::to_value(reply).and_then(serde_json::from_value);
    answered.map_err(|error| AdminError::internal("a reply", error))
}
