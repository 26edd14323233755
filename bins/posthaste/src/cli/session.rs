//! Where a command is carried out: by the relay that runs on the data folder, else here on its store.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use posthaste_admin::{Actor, Admin, AdminFailure, Command, LoginFor, Messenger, Reply};

use super::{Failure, output::note, remote::RemoteServer};
use crate::{
    Config,
    admin_socket::{self, AdminClient},
    config::StoreKind,
    machine,
    wiring::{self, Live, Notify, Opened},
};

/// Where commands are carried out.
pub(super) enum Session {
    /// By the running relay.
    Remote(Remote),
    /// By a relay elsewhere.
    Elsewhere(RemoteServer),
    /// Here.
    Direct(Admin, Box<Opened>),
}

/// The running relay.
pub(super) struct Remote {
    socket: PathBuf,
    /// For the next command. Each has its own connection, since a person may take longer between two than the relay
    /// keeps an idle one.
    client: Option<AdminClient>,
}

impl Session {
    /// Finds the relay, else opens the store. Where nothing is kept yet, only what adds something makes a data folder,
    /// and only if it would be taken.
    pub(super) async fn open(config: &Config, command: &Command) -> Result<Self, Failure> {
        if let Some(server) = &config.elsewhere {
            return Ok(Self::Elsewhere(server.clone()));
        }
        wiring::check_folder(config)?;
        if let Some(client) = connect(config).await? {
            let socket = admin_socket::path(&config.data.dir);
            return Ok(Self::Remote(Remote { socket, client: Some(client) }));
        }
        if config.data.store == StoreKind::Memory {
            return Err(Failure::not_found(
                "no relay runs on this data folder, and the memory store lives in the relay alone",
            )
            .hint("start `posthaste serve`, or keep everything with store = \"sqlite\""));
        }
        if !wiring::is_initialised(config) {
            if !adds(command) {
                return Err(nothing_here(config));
            }
            let rehearsal = Self::direct(config, wiring::open_forgetful().await?, command)?;
            rehearsal.execute(command.clone()).await?;
        }
        let opened = wiring::open_stores(config).await?;
        opened.made.iter().for_each(|made| note(&format!("made {made}")));
        opened.notices.iter().for_each(|notice| note(notice));
        Self::direct(config, opened, command)
    }

    fn direct(config: &Config, opened: Opened, command: &Command) -> Result<Self, Failure> {
        let (prices, transport) = (wiring::prices(config)?, wiring::transport(config)?);
        let credentials = wiring::credentials(config, &opened, Arc::clone(&transport));
        let vault = Arc::clone(&opened.vault);
        let notify =
            Notify::start(config, &opened.stores, vault, Arc::clone(&transport), Arc::clone(&opened.clock));
        let messenger = notify.map(|notify| Arc::new(notify) as Arc<dyn Messenger>);
        let mut live = Live { messenger, ..Live::default() };
        // Nothing else here asks who people are, or is held up by what is wrong with that.
        if matches!(command, Command::TestSignIn(_)) {
            live.directory = wiring::directory(config)?;
            live.identity_provider = wiring::identity_provider(config, &transport)?;
        }
        let admin = wiring::admin(config, &opened, credentials, prices, transport, live);
        Ok(Self::Direct(admin, Box::new(opened)))
    }

    /// Has a command carried out and ends.
    pub(super) async fn execute(mut self, command: Command) -> Result<Reply, Failure> {
        let done = self.call(command).await;
        let closed = self.close().await;
        let reply = done?;
        closed?;
        Ok(reply)
    }

    /// Has a command carried out. [`close`](Self::close) the session after the last one.
    pub(super) async fn call(&mut self, command: Command) -> Result<Reply, Failure> {
        match self {
            Self::Remote(remote) => Ok(remote.client().await?.call(&command).await?),
            Self::Elsewhere(server) => server.call(&command).await,
            Self::Direct(admin, _) => {
                let who = Actor::machine_user(machine::own_user());
                admin.act(&who, command).await.map_err(|error| AdminFailure::from(&error).into())
            }
        }
    }

    /// Ends in good order.
    pub(super) async fn close(self) -> Result<(), Failure> {
        match self {
            Self::Remote(_) | Self::Elsewhere(_) => Ok(()),
            Self::Direct(admin, opened) => {
                admin.settle().await;
                opened.close().await.map_err(|error| anyhow::Error::from(error).into())
            }
        }
    }
}

impl Remote {
    async fn client(&mut self) -> Result<AdminClient, Failure> {
        if let Some(client) = self.client.take() {
            return Ok(client);
        }
        connect_to(&self.socket).await?.ok_or_else(|| {
            Failure::failed("the relay stopped meanwhile, and what was begun there went with it")
                .hint("begin again")
        })
    }
}

/// Whether a command is the first of what adds something.
fn adds(command: &Command) -> bool {
    matches!(
        command,
        Command::AddAccount(_)
            | Command::CreateKey(_)
            | Command::CreateUser(_)
            | Command::PlanLogin(LoginFor::NewAccount(_))
    )
}

/// The relay that runs on the data folder, if one does.
pub(super) async fn connect(config: &Config) -> Result<Option<AdminClient>, Failure> {
    connect_to(&admin_socket::path(&config.data.dir)).await
}

async fn connect_to(path: &Path) -> Result<Option<AdminClient>, Failure> {
    AdminClient::connect(path).await.map_err(|error| {
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
