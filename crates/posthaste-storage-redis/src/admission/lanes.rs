//! One call under way for each owner: steps that come meanwhile wait for its end and then go together, in their order.
//!
//! Alone a step is sent at once. Under load a call carries many, so that the server and the client have a call's work once
//! for all of them; and a lease's end never overtakes its beginning.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use fred::types::Value;
use parking_lot::Mutex;
use posthaste_storage::Half;
use tokio::{runtime::Handle, sync::oneshot, time::timeout};
use uuid::Uuid;

use super::step::Step;
use crate::{
    error::CallError,
    keys::Keys,
    link::{Link, Repeat},
    msgpack::Packer,
    reply, script,
};

/// The ways of all owners' steps. Clones share them.
#[derive(Clone)]
pub(super) struct Lanes {
    link: Link,
    keys: Keys,
    /// Who waits for an owner's call that is under way.
    busy: Arc<Mutex<HashMap<Owner, Vec<Waiting>>>>,
}

type Owner = (Half, Uuid);

/// What the script answers to one step.
type Line = Result<String, CallError>;

struct Waiting {
    step: Step,
    answer: oneshot::Sender<Line>,
}

impl Lanes {
    pub(super) fn new(link: Link, keys: Keys) -> Self {
        Self { link, keys, busy: Arc::default() }
    }

    /// Takes a step. Given up half-way it may have been taken or not, as with any call; no later one of the owner overtakes it.
    pub(super) async fn take(&self, owner: Owner, step: Step) -> Line {
        match self.enter(owner, step) {
            Ok(step) => {
                let turn = Turn { lanes: self, owner };
                let mut lines = self.send(owner, &[step]).await?;
                drop(turn);
                Ok(lines.pop().unwrap_or_default())
            }
            Err(answer) => {
                let told = timeout(self.link.patience(), answer).await.map_err(|_| CallError::TimedOut)?;
                told.unwrap_or(Err(CallError::Closed))
            }
        }
    }

    /// Gives the step back to whom the lane is free, and puts it behind others else.
    fn enter(&self, owner: Owner, step: Step) -> Result<Step, oneshot::Receiver<Line>> {
        match self.busy.lock().entry(owner) {
            Entry::Vacant(lane) => {
                lane.insert(Vec::new());
                Ok(step)
            }
            Entry::Occupied(mut lane) => {
                let (answer, told) = oneshot::channel();
                lane.get_mut().push(Waiting { step, answer });
                Err(told)
            }
        }
    }

    /// Those who wait now; with none the lane is free.
    fn next(&self, owner: Owner) -> Vec<Waiting> {
        let mut busy = self.busy.lock();
        let Entry::Occupied(mut lane) = busy.entry(owner) else { return Vec::new() };
        // Whoever gave up is not sent for.
        lane.get_mut().retain(|waiting| !waiting.answer.is_closed());
        let count = lane.get().len().min(MOST);
        if count == 0 {
            lane.remove();
            return Vec::new();
        }
        lane.get_mut().drain(..count).collect()
    }

    async fn go_on(self, owner: Owner) {
        loop {
            let (steps, answers): (Vec<_>, Vec<_>) =
                self.next(owner).into_iter().map(|waiting| (waiting.step, waiting.answer)).unzip();
            if steps.is_empty() {
                return;
            }
            let lines = match self.send(owner, &steps).await {
                Ok(lines) => lines.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error); answers.len()],
            };
            for (answer, line) in answers.into_iter().zip(lines) {
                // Whoever no longer waits need not be told.
                let _ = answer.send(line);
            }
        }
    }

    /// A line for each step.
    async fn send(&self, (half, owner): Owner, steps: &[Step]) -> Result<Vec<String>, CallError> {
        let mut keys = vec![self.keys.leases(half, owner), self.keys.book(half, owner)];
        if steps.iter().any(|step| step.totals) {
            keys.push(self.keys.totals(half, owner));
        }
        let mut all = Packer::default();
        all.list(steps.len());
        for step in steps {
            all.packed(&step.packed);
        }
        let arguments = vec![Value::Bytes(all.finish())];
        let answer = self.link.try_eval(&script::LIMITS, Repeat::Harmless, keys, arguments).await?;
        let lines: Vec<_> = reply::text(answer)?.split('\n').map(str::to_owned).collect();
        if lines.len() != steps.len() {
            return Err(CallError::Unreadable("another number of lines than steps".into()));
        }
        Ok(lines)
    }
}

/// The first one's time in a lane. Also when it is given up those behind go on.
struct Turn<'a> {
    lanes: &'a Lanes,
    owner: Owner,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        {
            let mut busy = self.lanes.busy.lock();
            let runtime = Handle::try_current();
            // Without a runtime the program is ending, and nobody waits any more.
            if runtime.is_err() || busy.get(&self.owner).is_none_or(Vec::is_empty) {
                busy.remove(&self.owner);
                return;
            }
        }
        tokio::spawn(self.lanes.clone().go_on(self.owner));
    }
}

/// Steps in one call at most, so that others do not wait long for the server.
const MOST: usize = 64;
