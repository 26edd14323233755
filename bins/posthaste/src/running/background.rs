//! What a relay does beside the requests.

use std::{future::pending, time::Duration};

use metrics_exporter_prometheus::PrometheusHandle;
use posthaste_admin::{Admin, Housekeeper};
use posthaste_core::{Clock, SystemClock};
use posthaste_gateway::{Membership, Relay};
use posthaste_http::{ServerOptions, metrics_router, serve};
use posthaste_spool::SpoolState;
use posthaste_vault::RefreshingCredentials;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    admin_socket::{self, AdminListener},
    handover::{self, HandOver, SuccessorListener},
    wiring,
};

/// Tasks beside the requests. They are aborted when it is dropped.
pub(super) struct Background {
    stop: CancellationToken,
    /// What only one process on a data folder does ends when another one takes over.
    pub(super) retire: CancellationToken,
    /// A relay that ends hands over nothing, least of all sockets that are to refuse.
    pub(super) end: CancellationToken,
    tasks: JoinSet<()>,
}

impl Default for Background {
    fn default() -> Self {
        let stop = CancellationToken::new();
        let retire = stop.child_token();
        Self { end: retire.child_token(), retire, stop, tasks: JoinSet::new() }
    }
}

impl Background {
    pub(super) fn follow(&mut self, relay: Relay) {
        self.spawn(async move { relay.follow().await });
    }

    pub(super) fn watch(&mut self, relay: Relay) {
        self.spawn(async move { relay.watch().await });
    }

    pub(super) fn join_fleet(&mut self, relay: Relay, membership: Membership) {
        self.spawn(async move { relay.join_fleet(&membership).await });
    }

    pub(super) fn keep_fresh(&mut self, credentials: RefreshingCredentials, relay: Relay) {
        self.spawn_alone(async move { credentials.keep_fresh(|| relay.accounts()).await });
    }

    /// The exporter's histograms grow until they are looked after.
    pub(super) fn upkeep(&mut self, metrics: PrometheusHandle, spool: Option<SpoolState>, relay: Relay) {
        self.spawn(async move {
            let mut rounds = tokio::time::interval(METRICS_UPKEEP);
            loop {
                rounds.tick().await;
                if let Some(spool) = &spool {
                    wiring::spool::measure(spool, SystemClock.now());
                }
                relay.measure();
                metrics.run_upkeep();
            }
        });
    }

    /// Forgets what is older than it is kept for.
    pub(super) fn keep_house(&mut self, housekeeper: Housekeeper) {
        self.spawn_alone(async move { housekeeper.run().await });
    }

    /// Refused log-ins that were counted are told in the audit log when their time is over.
    pub(super) fn tell_refusals(&mut self, admin: Admin) {
        self.spawn(async move {
            let mut rounds = tokio::time::interval(REFUSALS);
            loop {
                rounds.tick().await;
                admin.sign_in().tell_refusals().await;
            }
        });
    }

    pub(super) fn admin(&mut self, socket: AdminListener, admin: Admin) {
        self.tasks.spawn(admin_socket::serve(socket, admin, self.retire.clone()));
    }

    pub(super) fn hand_over(&mut self, socket: SuccessorListener, hand_over: HandOver) {
        self.tasks.spawn(handover::serve(socket, hand_over, self.end.clone()));
    }

    pub(super) fn metrics(
        &mut self,
        listener: TcpListener,
        metrics: PrometheusHandle,
        options: ServerOptions,
    ) {
        let options = ServerOptions { shutdown_grace: Duration::ZERO, tls: None, ..options };
        self.spawn_alone(async move {
            serve(listener, metrics_router(metrics), &options, pending::<()>(), pending()).await;
        });
    }

    /// For what only one process does.
    pub(super) fn spawn_alone(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let retire = self.retire.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = retire.cancelled() => {}
                () = work => {}
            }
        });
    }

    pub(super) fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = work => {}
            }
        });
    }

    pub(super) async fn end(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a background task failed");
            }
        }
    }
}

/// How often is looked whether refused log-ins are to be told.
const REFUSALS: Duration = Duration::from_secs(60);
const METRICS_UPKEEP: Duration = Duration::from_secs(5);
