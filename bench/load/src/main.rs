//! Load generator for JSON and SSE over HTTP/1.1 with keep-alive; one thread, loopback only. Prints one line of JSON.
//!
//! Standard output and errors are its interface; `options.rs` lists its options.

mod exchange;
mod options;
mod stamps;
mod totals;

use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::exchange::{Connection, Outcome};
use crate::options::{Options, USAGE};
use crate::totals::Totals;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => Rc::new(options),
        Err(error) => {
            eprintln!("load: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let totals = Rc::new(RefCell::new(Totals::default()));
    let seconds = tokio::task::LocalSet::new().block_on(&runtime, run(&options, &totals));
    println!("{}", totals.borrow_mut().summary(seconds));
    ExitCode::SUCCESS
}

/// Runs all workers to their end and tells how long that took.
async fn run(options: &Rc<Options>, totals: &Rc<RefCell<Totals>>) -> f64 {
    let start = Instant::now();
    let next = Rc::new(RefCell::new(0));
    let workers: Vec<_> = (0..options.connections)
        .map(|id| {
            let (options, next, totals) = (Rc::clone(options), Rc::clone(&next), Rc::clone(totals));
            tokio::task::spawn_local(Worker { options, next, totals, start }.run(id))
        })
        .collect();
    for worker in workers {
        worker.await.expect("a worker does not panic");
    }
    start.elapsed().as_secs_f64()
}

/// Waits for a planned start. What is late counts from its plan; the timer's own slack (1 ms) is not the target's.
async fn start_at(planned: Instant) -> Instant {
    if planned <= Instant::now() {
        return planned;
    }
    tokio::time::sleep_until(planned).await;
    Instant::now()
}

/// One connection's share of the load.
struct Worker {
    options: Rc<Options>,
    /// The number of the next request of any worker.
    next: Rc<RefCell<u64>>,
    totals: Rc<RefCell<Totals>>,
    start: Instant,
}

impl Worker {
    async fn run(self, id: u64) {
        let mut connection = Connection::default();
        let ramp = self.options.ramp_ms * id / self.options.connections;
        tokio::time::sleep_until(self.start + Duration::from_millis(ramp)).await;
        while let Some(planned) = self.plan() {
            let begun = start_at(planned).await;
            let result = self.exchange(&mut connection).await;
            self.book(&connection, begun, result);
        }
    }

    /// When the next request is to start; `None` when there is none.
    fn plan(&self) -> Option<Instant> {
        let number = self.next.replace_with(|next| *next + 1);
        let planned = match self.options.rate {
            Some(rate) => self.start + Duration::from_secs_f64(number as f64 / rate),
            None => Instant::now(),
        };
        let late = |seconds| planned > self.start + Duration::from_secs_f64(seconds);
        (number < self.options.max && !self.options.seconds.is_some_and(late)).then_some(planned)
    }

    /// One request; once more on a new connection when the peer had closed an idle one.
    async fn exchange(&self, connection: &mut Connection) -> Result<Outcome, String> {
        let limit = Duration::from_secs_f64(self.options.timeout);
        let reused = connection.is_open();
        for again in [reused, false] {
            let exchange = connection.exchange(&self.options, &self.totals);
            let result =
                tokio::time::timeout(limit, exchange).await.unwrap_or_else(|_| Err("timeout".to_owned()));
            let idle_closed =
                matches!(&result, Err(error) if error == "eof before head" || error.starts_with("write"));
            if !result.as_ref().is_ok_and(|outcome| outcome.keep) {
                connection.close();
            }
            if !(again && idle_closed) {
                return result.and_then(|outcome| outcome.check(&self.options, connection.body()));
            }
        }
        unreachable!("the second turn returns")
    }

    fn book(&self, connection: &Connection, begun: Instant, result: Result<Outcome, String>) {
        let mut totals = self.totals.borrow_mut();
        match result {
            Ok(outcome) => totals.answered(begun, outcome.first),
            Err(error) => totals.failed(error, connection.body()),
        }
    }
}
