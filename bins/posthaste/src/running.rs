//! A relay that runs: its ports wired together, its listeners, and its orderly end.

mod background;
mod bounds;
mod options;
mod recorder;
mod runtime;

use std::{iter, net::SocketAddr, os::fd::AsFd, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use posthaste_admin::{Admin, CleanupState, Housekeeper, Messenger, SetupToken};
use posthaste_core::{AccountId, Secret, Transport};
use posthaste_gateway::{Membership, Relay, RelayPorts};
use posthaste_http::{AdminFront, Ending, Front, LiveOptions, ServerOptions, events_router, router, serve};
use posthaste_scheduler::{Backoff, Instance, Scheduler};
use posthaste_standby::Standby;
use posthaste_storage::{FleetSize, LedgerOptions, LedgerWriter};
use posthaste_telemetry::Otlp;
use tokio::{
    net::TcpListener,
    sync::oneshot,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::{background::Background, recorder::install_metrics, runtime::LiveRuntime};
use crate::{
    Config,
    admin_socket::{self, AdminListener},
    config::StoreKind,
    handover::{HandOver, Inherited, Place, Predecessor, Program, Retired, SuccessorListener},
    machine,
    reload::{ConfigSource, LiveParts, Reloader},
    wiring::{self, Live, Notify, Opened, StoreSize, spool::Spools},
};

pub(crate) use self::options::{admin_options, front_options, relay_options};

/// A relay that listens. End it with [`until`](Self::until).
pub struct Running {
    /// Where clients reach it.
    pub address: SocketAddr,
    /// Where the events WebSocket is reached, if it has an address of its own.
    pub events_address: Option<SocketAddr>,
    /// Operators' work on it.
    pub admin: Admin,
    /// Reads the configuration again.
    pub reloader: Reloader,
    /// What makes the first owner, where there is none yet.
    pub setup_token: Option<Secret>,
    /// Who tells operators, unless the configuration wants nobody to be told.
    pub notify: Option<Notify>,
    opened: Opened,
    standby: Option<Standby>,
    telemetry: Option<Otlp>,
    relay: Relay,
    ledger: LedgerWriter,
    spool: Option<Spools>,
    listener: TcpListener,
    events_listener: Option<TcpListener>,
    front: Front,
    server: ServerOptions,
    /// How long streams may go on once another process has taken over.
    upgrade_grace: Duration,
    retired: Retired,
    background: Background,
}

impl Running {
    /// Opens what the configuration names and binds its addresses. Clients are served from [`until`](Self::until) on;
    /// until then their connections wait. With a `source` the configuration can be read again.
    ///
    /// # Errors
    /// When something cannot be opened or bound; nothing is left running then.
    pub async fn start(
        config: &Config,
        source: Option<ConfigSource>,
        transport: Arc<dyn Transport>,
    ) -> anyhow::Result<Self> {
        // What starting holds on the way is large, and has no place in the futures of those who wait for it.
        Box::pin(Self::start_with(config, source, transport, Inherited::default(), None)).await
    }

    /// The same with sockets that listen already, and in the place of a relay that hands over.
    ///
    /// # Errors
    /// As [`start`](Self::start); the relay before goes on then.
    pub async fn start_with(
        config: &Config,
        source: Option<ConfigSource>,
        transport: Arc<dyn Transport>,
        mut inherited: Inherited,
        before: Option<Predecessor>,
    ) -> anyhow::Result<Self> {
        bounds::take_all_descriptors();
        let program = Program::own().context("the program's own file cannot be told")?;
        let prices = wiring::prices(config)?;
        let tls = wiring::server_tls(config)?;
        let metrics = install_metrics()?;
        // What can refuse without leaving a trace comes before what makes a folder, a store or a key.
        let socket_path = admin_socket::path(&config.data.dir);
        if before.is_none() {
            AdminListener::refuse_second(&socket_path).await?;
        }
        let listener = inherited.listener(Place::Relay, config.server.listen).await?;
        let address = listener.local_addr()?;
        let metrics_listener = match config.server.metrics_listen {
            Some(address) => Some(inherited.listener(Place::Metrics, address).await?),
            None => None,
        };
        let events_listener = match config.server.events_listen.address() {
            Some(address) => Some(inherited.listener(Place::Events, address).await?),
            None => None,
        };
        let events_address = events_listener.as_ref().map(TcpListener::local_addr).transpose()?;
        if let Some(address) = events_address {
            tracing::info!(%address, "the events WebSocket has an address of its own");
        }
        drop(inherited);
        let others = [(Place::Metrics, &metrics_listener), (Place::Events, &events_listener)];
        let others = others.into_iter().filter_map(|(place, listener)| Some((place, listener.as_ref()?)));
        let mut sockets = Vec::new();
        for (place, listener) in iter::once((Place::Relay, &listener)).chain(others) {
            sockets.push((place, listener.local_addr()?, listener.as_fd().try_clone_to_owned()?));
        }
        let mut opened = wiring::open_stores_to_serve(config).await?;
        for made in &opened.made {
            tracing::info!("made {made}");
        }
        let socket = match &before {
            Some(_) => None,
            None => Some(AdminListener::bind(&socket_path).await?),
        };
        let spool = wiring::spool::open(config, &mut opened).await?;
        let spooled = spool.as_ref().map(|spool| spool.state());
        let copied = wiring::copy::open(config, &mut opened, spooled.clone())?;

        let fleet_size = FleetSize::default();
        let standby = wiring::standby(config, &opened, fleet_size.clone());
        let stores = standby.as_ref().map_or_else(|| opened.stores.clone(), Standby::stores);
        opened.stores.health = stores.health.clone();

        let scheduler = Scheduler::new(Backoff::default()).with_instance(instance(config.data.store));
        let scheduler = Arc::new(scheduler);
        let flush_every = config.accounting.flush_every;
        let ledger_options = LedgerOptions { flush_every, ..LedgerOptions::default() };
        let (ledger, _writer) = LedgerWriter::start(Arc::clone(&opened.stores.ledger), ledger_options);
        let credentials = wiring::credentials(config, &opened, Arc::clone(&transport));
        let (vault, clock) = (Arc::clone(&opened.vault), Arc::clone(&opened.clock));
        let notify = Notify::start(config, &stores, vault, Arc::clone(&transport), Arc::clone(&clock));
        // Before anything happens that they should hear of.
        let channels = match &notify {
            Some(notify) => {
                Some((notify.clone(), notify.load().await.context("the channels cannot be read")?))
            }
            None => None,
        };
        let telemetry = wiring::telemetry::start(config, &transport, &metrics)?;
        let ports = RelayPorts {
            stores,
            ledger: ledger.clone(),
            vault: Arc::clone(&opened.vault),
            credentials: Arc::new(credentials.clone()),
            transport: Arc::clone(&transport),
            prices: Arc::clone(&prices),
            scheduler: Arc::clone(&scheduler),
            clock: Arc::clone(&clock),
            notices: Notify::sink(notify.as_ref()),
            telemetry: wiring::telemetry::sink(telemetry.as_ref()),
        };
        let relay = Relay::new(ports, relay_options(config)).await.context("the accounts cannot be read")?;
        if let Some(telemetry) = &telemetry {
            telemetry.known_as(relay.instance());
        }
        let membership = Membership {
            host: machine::host_name(),
            address: address.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            size: fleet_size,
            ..Membership::default()
        };
        let front = Front::new(relay.clone(), front_options(config, Some(metrics.clone())))
            .with_body_room(bounds::body_room(config.server.max_body_bytes.bytes()));
        let admin_options = config.admin.enabled.then(|| LiveOptions::new(admin_options(config)));
        let parts = LiveParts {
            relay: relay.clone(),
            front: front.options.clone(),
            admin: admin_options.clone(),
            tls: tls.clone(),
            notices: Notify::sink(notify.as_ref()),
            clock: Arc::clone(&clock),
        };
        let reloader = Reloader::new(source, config.clone(), Arc::clone(&prices), parts);
        let started_at = clock.now();
        let cleanup = CleanupState::default();
        let runtime = LiveRuntime {
            scheduler,
            relay: relay.clone(),
            clock,
            started_at,
            spool: spooled.clone(),
            cleanup: cleanup.clone(),
            reloader: reloader.clone(),
            store_size: StoreSize::of(config, &opened),
        };
        let (setup_token, shown) = SetupToken::generate().context("no set-up token can be made")?;
        let live = Live {
            runtime: Some(Arc::new(runtime)),
            messenger: notify.clone().map(|notify| Arc::new(notify) as Arc<dyn Messenger>),
            notices: Some(Notify::sink(notify.as_ref())),
            directory: wiring::directory(config)?,
            identity_provider: wiring::identity_provider(config, &transport)?,
            setup_token: Some(Arc::new(setup_token)),
        };
        let admin = wiring::admin(config, &opened, credentials.clone(), prices, transport, live);
        let needs_owner = config.admin.enabled
            && admin.sign_in().needs_owner().await.context("people cannot be looked up")?;
        let setup_token = needs_owner.then_some(shown);
        let front = match admin_options {
            Some(options) => {
                let own = AdminFront::new(admin.clone(), options);
                let pages = posthaste_console::router(&own);
                front.with_admin(own).with_console(posthaste_console::BASE, pages)
            }
            None => front,
        };
        let server = ServerOptions {
            header_read_timeout: config.server.header_read_timeout,
            idle_timeout: config.server.idle_timeout,
            unread_timeout: config.server.unread_timeout,
            shutdown_grace: config.server.shutdown_grace,
            most_connections: bounds::most_connections(),
            tls,
        };
        let mut background = Background::default();
        background.spawn(wiring::keep_time(&opened));
        background.follow(relay.clone());
        if config.server.watch_config {
            background.spawn_alone(reloader.clone().watch());
        }
        if let Some((notify, channels)) = channels {
            background.spawn(async move { notify.follow(channels).await });
            background.watch(relay.clone());
        }
        background.join_fleet(relay.clone(), membership);
        if config.oauth.general.refresh_idle {
            background.keep_fresh(credentials.clone(), relay.clone());
        }
        background.upkeep(metrics.clone(), spooled, relay.clone());
        if let Some(copied) = copied {
            background.spawn_alone(async move { copied.keep().await });
        }
        background.tell_refusals(admin.clone());
        background.keep_house(Housekeeper::new(admin.clone(), config.cleanup(), cleanup));
        if let Some(listener) = metrics_listener {
            background.metrics(listener, metrics, server.clone());
        }
        // Last of all: from here on the relay before serves no longer.
        let socket = match (socket, before) {
            (Some(socket), _) => socket,
            (None, Some(before)) => take_over(before, &opened, &socket_path).await?,
            (None, None) => AdminListener::bind(&socket_path).await?,
        };
        let retired = Retired::default();
        let hand_over = HandOver {
            sockets,
            lock: socket.share_lock()?,
            sqlite: opened.sqlite().map(Arc::clone),
            fleet: Arc::clone(&opened.stores.fleet),
            relay: relay.clone(),
            program,
            refuses: refuses_hand_over(config),
            retired: retired.clone(),
        };
        background.hand_over(SuccessorListener::bind(&config.data.dir)?, hand_over);
        background.admin(socket, admin.clone());
        Ok(Self {
            address,
            events_address,
            admin,
            reloader,
            setup_token,
            notify,
            opened,
            standby,
            telemetry,
            relay,
            ledger,
            spool,
            listener,
            events_listener,
            front,
            server,
            upgrade_grace: config.server.upgrade_grace,
            retired,
            background,
        })
    }

    /// Serves clients until `stop` is ready, lets answers under way end, books what is left and closes the store.
    ///
    /// `cut` is for those in a hurry: answers under way are cut off then, and what is left to do gets a few seconds.
    /// Without it a store that is down is waited for.
    ///
    /// # Errors
    /// When rows could not be booked, or the store not be closed in good order.
    pub async fn until(self, stop: impl Future<Output = ()>, cut: &CancellationToken) -> anyhow::Result<()> {
        let Self {
            notify,
            opened,
            standby,
            telemetry,
            admin,
            relay,
            ledger,
            spool,
            listener,
            events_listener,
            front,
            server,
            upgrade_grace,
            retired,
            background,
            ..
        } = self;
        let (retire, end) = (background.retire.clone(), background.end.clone());
        // Both listeners end as one, and each lets its answers under way end.
        let (told, hears) = oneshot::channel();
        let ending = async {
            let ending = tokio::select! {
                () = stop => {
                    end.cancel();
                    Ending::Stop
                }
                () = retired.wait() => {
                    retire.cancel();
                    Ending::Retire { within: upgrade_grace }
                }
            };
            // Without the events nobody hears.
            let _ = told.send(ending);
            ending
        };
        let events = async {
            let listener = events_listener?;
            let router = events_router(front.clone());
            let ending = async { hears.await.unwrap_or(Ending::Stop) };
            Some(serve(listener, router, &server, ending, cut.cancelled()).await)
        };
        let serving = serve(listener, router(front.clone()), &server, ending, cut.cancelled());
        let (drained, of_events) = tokio::join!(serving, events);
        let cut_off = drained.cut_off + of_events.map_or(0, |drained| drained.cut_off);
        if cut_off > 0 {
            tracing::warn!(connections = cut_off, "answers were cut off");
        }
        drop(front);
        relay.end_drains().await;
        let hurry = async {
            cut.cancelled().await;
            sleep(LAST_WORK).await;
        };
        tokio::pin!(hurry);
        // From here on nobody books any more.
        let flushed = tokio::select! {
            () = async { tokio::join!(
                leave(background, &relay),
                ledger.flush(),
                relay.flush_records(),
                admin.settle(),
                say_last(notify.as_ref()),
                wiring::telemetry::stop(telemetry.as_ref()),
            ); } => Ok(()),
            () = &mut hurry => Err(anyhow!("attempts are not in the books: the store did not take them in time")),
        };
        drop(relay);
        if let Some(spool) = spool {
            spool.close().await;
        }
        if let Some(standby) = &standby
            && timeout(LAST_WORK, standby.settle_up()).await.is_err()
        {
            tracing::warn!("not everything that limits counted here is counted in the shared store");
        }
        // However that went, the store is closed as well as it can be.
        let close = async { if retired.is_so() { opened.leave().await } else { opened.close().await } };
        let closed = tokio::select! {
            closed = close => closed.context("the store could not be closed"),
            () = sleep(LAST_WORK) => Err(anyhow!("the store did not close in time")),
        };
        flushed.and(closed)
    }
}

/// Takes the place of the relay before, which serves its streams to their end.
async fn take_over(mut before: Predecessor, opened: &Opened, path: &Path) -> anyhow::Result<AdminListener> {
    let lock = before.take_over(opened).await?;
    let socket = AdminListener::succeed(path, lock)?;
    before.succeed(Arc::clone(&opened.stores.admission)).await.context("the relay before is gone")?;
    Ok(socket)
}

/// What lives in a process's memory alone cannot be handed to another.
fn refuses_hand_over(config: &Config) -> Option<String> {
    let memory = "everything is in the memory store, which ends with its process: stop it and start anew";
    (config.data.store == StoreKind::Memory).then(|| memory.to_owned())
}

/// Ends the background tasks, and tells the other relays that this one is gone.
async fn leave(background: Background, relay: &Relay) {
    background.end().await;
    relay.leave_fleet().await;
}

/// Brings what waits to be told, as far as it can be brought now.
async fn say_last(notify: Option<&Notify>) {
    if let Some(notify) = notify {
        notify.stop().await;
    }
}

/// Relays that may share their accounts with others each go at a beat of their own.
fn instance(store: StoreKind) -> Instance {
    match store {
        // The half of an identity that is by chance alone.
        StoreKind::Redis => Instance(AccountId::generate().uuid().as_u64_pair().1),
        StoreKind::Sqlite | StoreKind::Memory => Instance::default(),
    }
}

/// What booking and closing may take when somebody is in a hurry; both are a matter of milliseconds with a sound store.
const LAST_WORK: Duration = Duration::from_secs(5);
