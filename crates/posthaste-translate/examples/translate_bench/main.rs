//! Measures what translating costs, for each pair of dialects: CPU time of requests, whole answers and streams, and the
//! memory that an open stream keeps.
//!
//! `cargo run --release -p posthaste-translate --example translate_bench` prints the table. With a job it runs only that, for
//! a profiler: `… --example translate_bench -- open-ai-chat anthropic-messages stream 1000` names client, upstream, job and
//! rounds; `valgrind --tool=callgrind --toggle-collect='*profiled*'` then counts nothing but the job.

mod samples;

use std::{error::Error, fs, time::Duration};

use posthaste_core::{Dialect, ModelName, Operation, Timestamp};
use posthaste_translate::{
    Ask, Forgetful, StreamContext, StreamTranslator, Target, translate_request, translate_response,
};
use rustix::time::{ClockId, clock_gettime};
use uuid::Uuid;

use crate::samples::{EVENTS, LARGE, NONE, Samples};

/// As in the product, so that memory is kept as it is there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [client, upstream, job, rounds] = words.as_slice() {
        let pair = Pair::new(dialect(client)?, dialect(upstream)?)?;
        return profiled(&pair, Job::named(job)?, rounds.parse()?);
    }
    println!("CPU time in µs; the stream has {EVENTS} pieces of text\n");
    let titles = Job::ALL.map(|job| job.title()).join(" | ");
    println!("| client | upstream | {titles} | KiB per open stream |");
    println!("| --- | --- |{}", " --- |".repeat(Job::ALL.len() + 1));
    for client in Dialect::ALL {
        for upstream in Dialect::ALL.into_iter().filter(|upstream| *upstream != client) {
            let pair = Pair::new(client, upstream)?;
            let mut row = format!("| {client} | {upstream} |");
            for job in Job::ALL {
                row += &format!(" {:.1} |", pair.micros(job)?);
            }
            println!("{row} {:.1} |", pair.kibibytes_per_stream()?);
        }
    }
    Ok(())
}

/// Apart, so that a profiler can tell it from what comes before.
#[inline(never)]
fn profiled(pair: &Pair, job: Job, rounds: usize) -> Result<()> {
    pair.run(job, rounds)
}

fn dialect(name: &str) -> Result<Dialect> {
    let known = Dialect::ALL.into_iter().find(|dialect| dialect.as_str() == name);
    known.ok_or_else(|| format!("{name}: not a dialect").into())
}

/// What is measured.
#[derive(Clone, Copy)]
enum Job {
    /// A request with so many turns of a tool.
    Request(usize),
    Answer,
    Stream,
}

impl Job {
    const ALL: [Self; 6] = [
        Self::Request(NONE),
        Self::Answer,
        Self::Stream,
        Self::Request(LARGE[0]),
        Self::Request(LARGE[1]),
        Self::Request(LARGE[2]),
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Request(NONE) => "request-1k",
            Self::Request(turns) if turns == LARGE[0] => "request-200k",
            Self::Request(turns) if turns == LARGE[1] => "request-400k",
            Self::Request(_) => "request-800k",
            Self::Answer => "answer",
            Self::Stream => "stream",
        }
    }

    fn named(name: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|job| job.title() == name);
        known.ok_or_else(|| format!("{name}: not a job").into())
    }
}

/// A client's dialect, an upstream's, and what they say.
struct Pair {
    client: Dialect,
    upstream: Dialect,
    samples: Samples,
    context: StreamContext,
}

impl Pair {
    fn new(client: Dialect, upstream: Dialect) -> Result<Self> {
        let mut pair = Self {
            client,
            upstream,
            samples: Samples::new(client, upstream)?,
            context: StreamContext::plain(samples::model(), upstream, Timestamp::EPOCH, Uuid::nil()),
        };
        // That of a true request, with all that it holds on to.
        pair.context = pair.request(pair.samples.request(NONE))?;
        Ok(pair)
    }

    fn request(&self, body: &[u8]) -> Result<StreamContext> {
        let model: ModelName = samples::model();
        let ask = Ask {
            from: self.client,
            to: &Target::of(self.upstream),
            operation: Operation::Chat,
            body,
            model: &model,
            upstream_model: &model,
            stream: true,
            id: Uuid::nil(),
            now: Timestamp::EPOCH,
            memory: &Forgetful,
        };
        Ok(translate_request(&ask)?.context)
    }

    fn translator(&self) -> StreamTranslator {
        let framing = samples::framing(self.upstream);
        StreamTranslator::with_framing(self.upstream, framing, self.client, self.context.clone())
    }

    fn run(&self, job: Job, rounds: usize) -> Result<()> {
        for _ in 0..rounds {
            match job {
                Job::Request(turns) => drop(self.request(self.samples.request(turns))?),
                Job::Answer => {
                    let answer = &self.samples.answer;
                    drop(translate_response(self.upstream, self.client, answer, &self.context)?);
                }
                Job::Stream => self.stream()?,
            }
        }
        Ok(())
    }

    /// Each frame comes alone, as from a slow upstream.
    fn stream(&self) -> Result<()> {
        let mut translator = self.translator();
        for frame in &self.samples.stream {
            translator.push(frame, &mut Vec::with_capacity(frame.len()))?;
        }
        Ok(translator.finish(&mut Vec::new())?)
    }

    /// CPU time of one round, the least of some tries: what else the machine does only adds to it.
    fn micros(&self, job: Job) -> Result<f64> {
        let rounds = match job {
            Job::Request(NONE) | Job::Answer => 500,
            Job::Stream => 50,
            Job::Request(_) => 5,
        };
        let mut least = f64::MAX;
        for _ in 0..TRIES {
            let begun = cpu_time();
            self.run(job, rounds)?;
            least = least.min((cpu_time() - begun).as_secs_f64() * 1e6 / rounds as f64);
        }
        Ok(least)
    }

    /// What a stream keeps in the middle of its answer, by the growth of the process.
    fn kibibytes_per_stream(&self) -> Result<f64> {
        let (first, _) = self.samples.stream.split_at(self.samples.stream.len() / 2);
        let before = resident()?;
        let mut open = Vec::with_capacity(STREAMS);
        for _ in 0..STREAMS {
            let mut translator = self.translator();
            for frame in first {
                translator.push(frame, &mut Vec::with_capacity(frame.len()))?;
            }
            open.push(translator);
        }
        Ok(resident()?.saturating_sub(before) as f64 / 1024.0 / STREAMS as f64)
    }
}

const TRIES: usize = 7;
const STREAMS: usize = 4_000;

/// CPU time of the whole process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Bytes of the process that are in memory.
fn resident() -> Result<usize> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<usize>()? * 1024)
}
