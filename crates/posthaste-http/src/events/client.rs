//! The holder of a client key, who asks models.
//!
//! One question is answered at a time; a few may wait, and any of them can be cancelled.

use std::{convert::Infallible, future, pin::Pin, sync::Arc};

use axum::extract::ws::{Utf8Bytes, close_code};
use posthaste_core::{Dialect, Fault, FaultKind, Origin, RequestId, Secret};
use posthaste_gateway::Caller;
use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    chat::Talks,
    door::Visit,
    message::{self, Incoming, Request, Text},
    session::{read, refuse, stopping},
    turn::{self, Outcome, Question, Turn},
};
use crate::{
    link::{Heard, Link, Over, over},
    waiting::Waiting,
};

/// Whoever asks, and what is asked.
pub(super) struct Client {
    visit: Arc<Visit>,
    secret: Arc<Secret>,
    waiting: Waiting<Asked>,
    running: Option<Running>,
    talks: Talks,
    /// The model that was named last.
    model: Option<String>,
    /// One that the key may ask for, to be told as an example.
    example: Option<String>,
    /// When something was last asked for or answered.
    busy: Instant,
}

/// A question that waits.
struct Asked {
    id: String,
    what: What,
}

enum What {
    Text(Box<Text>),
    Request(Box<Request>),
}

/// A question that is being answered. Dropping it cancels it.
struct Running {
    id: String,
    turn: Pin<Box<dyn Future<Output = Outcome> + Send>>,
    told: mpsc::Receiver<Utf8Bytes>,
}

/// What comes of the question that is being answered.
enum News {
    Tell(Utf8Bytes),
    Ended(Outcome),
}

impl Client {
    pub(super) fn new(visit: &Arc<Visit>, secret: Secret, caller: &Caller) -> Self {
        let models = visit.front.relay.models(caller, Dialect::OpenAiChat, None);
        Self {
            visit: Arc::clone(visit),
            secret: Arc::new(secret),
            waiting: Waiting::new(visit.front.options.now().max_body_bytes),
            running: None,
            talks: Talks::default(),
            model: None,
            example: models.first().map(|model| model.id.clone()),
            busy: Instant::now(),
        }
    }

    pub(super) async fn serve(
        &mut self,
        link: &mut Link,
        stop: &CancellationToken,
    ) -> Result<Infallible, Over> {
        let options = self.visit.front.sockets.options;
        let mut rechecks = interval(options.recheck);
        rechecks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.running.is_none() && !stop.is_cancelled() {
                self.begin(link).await?;
            }
            let idle = self.running.is_none();
            tokio::select! {
                news = news(&mut self.running) => self.learn(news, link).await?,
                heard = link.hear() => self.heard(heard?, link, stop).await?,
                _ = rechecks.tick() => Self::recheck(&self.visit, &self.secret).await?,
                () = stop.cancelled(), if idle => return self.end(link).await,
                () = sleep_until(self.busy + options.idle), if idle => {
                    return Err(over(close_code::NORMAL, "nothing was asked for a long time"));
                }
            }
        }
    }

    /// Begins with the next question that waits.
    async fn begin(&mut self, link: &mut Link) -> Result<(), Over> {
        while let Some(Asked { id, what }) = self.waiting.pop() {
            let question = match what {
                What::Text(text) => self.question(*text),
                What::Request(request) => turn::of_request(&request),
            };
            match question {
                Ok(question) => {
                    // One event at a time: the turn waits for a slow client, and the upstream for the turn.
                    let (events, told) = mpsc::channel(1);
                    let (visit, secret) = (Arc::clone(&self.visit), Arc::clone(&self.secret));
                    let request = RequestId::generate();
                    let turn = Turn { visit, secret, id: id.clone(), request, events };
                    self.running = Some(Running { id, turn: Box::pin(turn.run(question)), told });
                    return Ok(());
                }
                Err(fault) => refuse(&self.visit, link, &fault, Some(&id)).await?,
            }
        }
        Ok(())
    }

    fn question(&mut self, text: Text) -> Result<Question, Fault> {
        let model = text.model.clone().or_else(|| self.model.clone()).ok_or_else(|| {
            let such = self.example.as_ref().map(|example| format!(", such as `{example}`"));
            Fault::invalid_request(format!("`model`: name the model to ask{}", such.unwrap_or_default()))
        })?;
        let body = self.talks.body(&text, &model)?;
        self.model = Some(model);
        Ok(turn::of_text(text, body))
    }

    async fn learn(&mut self, news: News, link: &mut Link) -> Result<(), Over> {
        match news {
            News::Tell(event) => link.tell(event).await,
            News::Ended(outcome) => {
                if let Some(mut running) = self.running.take() {
                    while let Ok(event) = running.told.try_recv() {
                        link.tell(event).await?;
                    }
                }
                self.busy = Instant::now();
                if let Some(exchange) = outcome.exchange {
                    self.talks.note(exchange);
                }
                if outcome.locked_out { Err(locked_out()) } else { Ok(()) }
            }
        }
    }

    async fn heard(&mut self, heard: Heard, link: &mut Link, stop: &CancellationToken) -> Result<(), Over> {
        self.busy = Instant::now();
        let is_too_large = matches!(heard, Heard::TooLarge);
        let size = if let Heard::Text(text) = &heard { text.len() } else { 0 };
        let now = self.visit.front.relay.now();
        let done = match read(heard, "send JSON as text") {
            Ok(Incoming::Text(text)) => {
                let id = text.id.clone();
                self.ask(id, What::Text(text), (size, stop))
            }
            Ok(Incoming::Request(request)) => {
                let id = request.id.clone();
                self.ask(id, What::Request(request), (size, stop))
            }
            Ok(Incoming::Cancel(id)) => match self.cancel(&id) {
                true => return link.tell(message::message("cancelled", Some(&id), &json!({}), now)).await,
                false => Err((Some(id), Fault::invalid_request("`id`: nothing of this name is asked for"))),
            },
            Ok(Incoming::Ping(content)) => {
                return link.tell(message::message("pong", None, &json!(content), now)).await;
            }
            Ok(Incoming::Auth(_)) => {
                Err((None, Fault::invalid_request("you are logged in; connect again as somebody else")))
            }
            Ok(Incoming::Subscribe(_) | Incoming::Unsubscribe(_)) => {
                let message = "with a client key one asks models; log in as an operator to watch";
                Err((None, Fault::new(FaultKind::PermissionDenied, Origin::Client, message)))
            }
            Err(fault) => Err((None, fault)),
        };
        let Err((id, fault)) = done else { return Ok(()) };
        refuse(&self.visit, link, &fault, id.as_deref()).await?;
        if is_too_large { Err(over(close_code::SIZE, "the message is too large")) } else { Ok(()) }
    }

    fn ask(
        &mut self,
        id: Option<String>,
        what: What,
        (size, stop): (usize, &CancellationToken),
    ) -> Result<(), (Option<String>, Fault)> {
        let id = id.unwrap_or_else(|| RequestId::generate().to_string());
        let refused = if id.len() > LONGEST_ID {
            return Err((None, Fault::invalid_request("`id`: at most 128 bytes")));
        } else if self.is_asked(&id) {
            Some(Fault::invalid_request("`id`: another question of this name is not answered yet"))
        } else if stop.is_cancelled() {
            Some(going_away())
        } else {
            None
        };
        match refused {
            Some(fault) => Err((Some(id), fault)),
            None => {
                self.waiting.push(Asked { id: id.clone(), what }, size).map_err(|fault| (Some(id), fault))
            }
        }
    }

    fn is_asked(&self, id: &str) -> bool {
        self.running.as_ref().is_some_and(|running| running.id == id)
            || self.waiting.holds(|asked| asked.id == id)
    }

    /// Ends a question; `false` where there is none. What it holds is free at once.
    fn cancel(&mut self, id: &str) -> bool {
        match self.running.take_if(|running| running.id == id) {
            Some(_) => true,
            None => self.waiting.take(|asked| asked.id == id).is_some(),
        }
    }

    async fn recheck(visit: &Visit, secret: &Secret) -> Result<(), Over> {
        match visit.caller(secret.expose()).await {
            Err(fault) if turn::locks_out(&fault) => Err(locked_out()),
            // A store that is away ends nothing.
            _ => Ok(()),
        }
    }

    async fn end(&mut self, link: &mut Link) -> Result<Infallible, Over> {
        while let Some(Asked { id, .. }) = self.waiting.pop() {
            refuse(&self.visit, link, &going_away(), Some(&id)).await?;
        }
        Err(stopping())
    }
}

/// What comes next of the question that is being answered; never comes where there is none.
async fn news(running: &mut Option<Running>) -> News {
    match running {
        Some(Running { turn, told, .. }) => tokio::select! {
            Some(event) = told.recv() => News::Tell(event),
            outcome = turn => News::Ended(outcome),
        },
        None => future::pending().await,
    }
}

fn locked_out() -> Over {
    over(close_code::POLICY, "the client key does not open this door any more")
}

fn going_away() -> Fault {
    let message = "the relay is shutting down: connect again";
    let fault = Fault::new(FaultKind::Overloaded, Origin::Relay, message);
    fault.retry_after(std::time::Duration::from_secs(1))
}

const LONGEST_ID: usize = 128;
