//! Where a command is carried out: by the relay that runs on the data folder, else here on its store.

use std::sync::Arc;

use posthaste_admin::{Admin, AdminFailure, Command, Reply};

use super::{Failure, output::note};
use crate::{
    Config,
    admin_socket::{self, AdminClient},
    config::StoreKind,
    wiring::{self, Opened},
};

/// Where commands are carried out.
pub(super) enum Session {
    /// By the running relay.
    Remote(AdminClient),
    /// Here.
    Direct(Admin, Box<Opened>),
}

impl Session {
    /// Finds the relay, else opens the store. Where nothing is kept yet, only what adds something makes a data folder,
    /// and only if it would be taken.
    pub(super) async fn open(config: &Config, command: &Command) -> Result<Self, Failure> {
        wiring::check_folder(config)?;
        if let Some(client) = connect(config).await? {
            return Ok(Self::Remote(client));
        }
        if config.data.store == StoreKind::Memory {
            return Err(Failure::not_found(
                "no relay runs on this data folder, and the memory store lives in the relay alone",
            )
            .hint("start `posthaste serve`, or keep everything with store = \"sqlite\""));
        }
        if !wiring::is_initialised(config) {
            if !matches!(command, Command::AddAccount(_) | Command::CreateKey(_)) {
                return Err(nothing_here(config));
            }
            let rehearsal = Self::direct(config, wiring::open_forgetful().await?)?;
            rehearsal.execute(command.clone()).await?;
        }
        let opened = wiring::open_stores(config).await?;
        opened.made.iter().for_each(|made| note(&format!("made {made}")));
        opened.notices.iter().for_each(|notice| note(notice));
        Self::direct(config, opened)
    }

    fn direct(config: &Config, opened: Opened) -> Result<Self, Failure> {
        let (prices, transport) = (wiring::prices(config)?, wiring::transport(config)?);
        let credentials = wiring::credentials(config, &opened, Arc::clone(&transport));
        let admin = wiring::admin(config, &opened, credentials, prices, transport, None);
        Ok(Self::Direct(admin, Box::new(opened)))
    }

    /// Has a command carried out and ends.
    pub(super) async fn execute(self, command: Command) -> Result<Reply, Failure> {
        match self {
            Self::Remote(mut client) => Ok(client.call(&command).await?),
            Self::Direct(admin, opened) => {
                let done = admin.execute(command).await.map_err(|error| AdminFailure::from(&error));
                admin.settle().await;
                let closed = opened.close().await;
                let reply = done?;
                closed.map_err(anyhow::Error::from)?;
                Ok(reply)
            }
        }
    }
}

/// The relay that runs on the data folder, if one does.
pub(super) async fn connect(config: &Config) -> Result<Option<AdminClient>, Failure> {
    let path = admin_socket::path(&config.data.dir);
    AdminClient::connect(&path).await.map_err(|error| {
        Failure::failed(format!("the admin socket {} cannot be used", path.display()))
            .caused_by(error.to_string())
            .hint("run this as the user that the relay runs as")
    })
}

/// A reply of another kind than the command asks for.
pub(super) fn unexpected() -> Failure {
    Failure::failed("the running relay gave another answer than was asked for")
        .hint("use the program of the same version as the relay")
}

pub(super) fn nothing_here(config: &Config) -> Failure {
    let dir = config.data.dir.display();
    Failure::not_found(format!("nothing is kept in {dir} yet"))
        .hint(format!("is --data right? `posthaste init --data {dir}` makes a new one there"))
}
