//! Decides who hears of what.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use posthaste_core::{Channel, ChannelId, Notice};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinError, JoinSet},
};

use crate::{
    claims::Claims,
    delivery::{Begun, DeliveryLog},
    pace::Pace,
    repeats::{Ended, Repeats, Weighed},
    sender::Sender,
    worker::{Worker, stopped},
};

/// Takes notices from the queue, drops repeats, and hands the rest to the channels that want them.
pub(crate) struct Hub {
    pub(crate) notices: mpsc::Receiver<Notice>,
    pub(crate) channels: watch::Receiver<Vec<Arc<Channel>>>,
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) sender: Arc<Sender>,
    pub(crate) log: Arc<dyn DeliveryLog>,
    pub(crate) claims: Claims,
    pub(crate) repeats: Repeats,
    pub(crate) dropped: Arc<AtomicU64>,
    pub(crate) served: HashMap<ChannelId, Served>,
    pub(crate) workers: JoinSet<()>,
}

/// A channel that is served.
pub(crate) struct Served {
    queue: mpsc::Sender<Arc<Notice>>,
    channel: watch::Sender<Arc<Channel>>,
}

impl Hub {
    /// Serves until the relay stops; then ends with the last worker.
    pub(crate) async fn run(mut self) {
        self.follow();
        loop {
            tokio::select! {
                biased;
                () = stopped(&mut self.stopping) => break,
                changed = self.channels.changed() => match changed {
                    Ok(()) => self.follow(),
                    Err(_) => break,
                },
                notice = self.notices.recv() => match notice {
                    Some(notice) => self.take(notice).await,
                    None => break,
                },
                Some(ended) = self.workers.join_next(), if !self.workers.is_empty() => self.clear_up(&ended),
            }
        }
        // What was told before the end is still handed on.
        while let Ok(notice) = self.notices.try_recv() {
            self.take(notice).await;
        }
        self.served.values_mut().for_each(|line| line.queue = closed());
        while self.workers.join_next().await.is_some() {}
    }

    /// Serves the channels that there are now.
    fn follow(&mut self) {
        let wanted: Vec<Arc<Channel>> = self.channels.borrow_and_update().clone();
        let is_wanted = |id: &ChannelId| wanted.iter().any(|channel| channel.id == *id && channel.enabled);
        self.served.retain(|id, _| is_wanted(id));
        for channel in wanted.into_iter().filter(|channel| channel.enabled) {
            match self.served.get(&channel.id) {
                Some(line) => {
                    line.channel.send_if_modified(|known| {
                        let is_new = **known != *channel;
                        *known = channel;
                        is_new
                    });
                }
                None => self.serve(channel),
            }
        }
    }

    fn serve(&mut self, channel: Arc<Channel>) {
        let (queue, waiting) = mpsc::channel(MOST_WAITING);
        let id = channel.id;
        let (channel, follows) = watch::channel(channel);
        self.workers.spawn(
            Worker {
                queue: waiting,
                channel: follows,
                stopping: self.stopping.clone(),
                sender: Arc::clone(&self.sender),
                log: Arc::clone(&self.log),
                pace: Pace::default(),
            }
            .run(),
        );
        self.served.insert(id, Served { queue, channel });
    }

    /// Workers end with their channels. One that ended otherwise gets a successor.
    fn clear_up(&mut self, ended: &Result<(), JoinError>) {
        let Err(error) = ended else { return };
        tracing::error!(%error, "serving a channel broke off; it starts anew");
        let broken = self.served.extract_if(|_, line| line.queue.is_closed());
        let channels: Vec<_> = broken.map(|(_, line)| Arc::clone(&line.channel.borrow())).collect();
        channels.into_iter().for_each(|channel| self.serve(channel));
    }

    async fn take(&mut self, notice: Notice) {
        if self.channels.has_changed().unwrap_or(false) {
            self.follow();
        }
        let now = self.sender.clock.now();
        let (ended, quiet_for) = match self.repeats.weigh(&notice, now) {
            Weighed::Repeat => return,
            Weighed::New { quiet_for } => (None, quiet_for),
            Weighed::End { of } => (of, Duration::ZERO),
        };
        for key in ended.iter().flat_map(|ended| &ended.keys) {
            self.claims.give_back(key).await;
        }
        let wanting = self.wanting(&notice, ended.as_ref());
        if wanting.is_empty() {
            // Another relay may know of a channel that this one has not heard of yet.
            return;
        }
        self.repeats.told_to(&notice, wanting.clone());
        if !self.claims.claim(&notice, quiet_for, now).await {
            return;
        }
        let notice = Arc::new(notice);
        for id in wanting {
            self.hand_on(id, &notice).await;
        }
    }

    /// The channels that want to hear of it. Of an end those that heard of the beginning, whatever it was.
    fn wanting(&self, notice: &Notice, ended: Option<&Ended>) -> Vec<ChannelId> {
        let wants = |id: &ChannelId, channel: &Channel| match ended {
            Some(ended) => channel.filter.is_about(notice) && ended.channels.contains(id),
            None => channel.filter.allows(notice),
        };
        self.served.iter().filter(|(id, line)| wants(id, &line.channel.borrow())).map(|(id, _)| *id).collect()
    }

    async fn hand_on(&self, id: ChannelId, notice: &Arc<Notice>) {
        let Some(line) = self.served.get(&id) else { return };
        if line.queue.try_send(Arc::clone(notice)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            let channel = Arc::clone(&line.channel.borrow());
            let now = self.sender.clock.now();
            let begun = Begun::new(&channel, std::slice::from_ref(notice), now);
            self.log.note(begun.drop_because("too many notices were waiting for this channel", now)).await;
        }
    }
}

fn closed() -> mpsc::Sender<Arc<Notice>> {
    mpsc::channel(1).0
}

/// For one channel.
const MOST_WAITING: usize = 256;
