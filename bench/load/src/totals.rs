//! What was measured, and how it is told.

use std::collections::BTreeMap;

use tokio::time::Instant;

#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) bytes: u64,
    pub(crate) connects: u64,
    /// From the mock's write of a stamp to its arrival here.
    pub(crate) chunk_us: Vec<u32>,
    /// The same, of the first stamp of each answer.
    pub(crate) first_chunk_us: Vec<u32>,
    ok: u64,
    errors: BTreeMap<String, u64>,
    latency_us: Vec<u32>,
    first_us: Vec<u32>,
    /// The start of the first wrong answer.
    sample: String,
}

impl Totals {
    /// Counts a good answer that ends now.
    pub(crate) fn answered(&mut self, begun: Instant, first: Option<Instant>) {
        let end = Instant::now();
        self.ok += 1;
        self.latency_us.push(micros(begun, end));
        self.first_us.push(micros(begun, first.unwrap_or(end)));
    }

    pub(crate) fn failed(&mut self, error: String, body: &[u8]) {
        if self.sample.is_empty() {
            self.sample = body[..body.len().min(400)].escape_ascii().to_string();
        }
        *self.errors.entry(error).or_default() += 1;
    }

    pub(crate) fn summary(&mut self, seconds: f64) -> String {
        let failed: u64 = self.errors.values().sum();
        let rps = self.ok as f64 / seconds;
        format!(
            "{{\"ok\":{},\"failed\":{failed},\"seconds\":{seconds:.4},\"rps\":{rps:.2},\"latency_us\":{},\
             \"first_us\":{},\"first_chunk_us\":{},\"chunk_us\":{},\"bytes\":{},\"connects\":{},\"errors\":{:?},\"sample\":{:?}}}",
            self.ok,
            quantiles(&mut self.latency_us),
            quantiles(&mut self.first_us),
            quantiles(&mut self.first_chunk_us),
            quantiles(&mut self.chunk_us),
            self.bytes,
            self.connects,
            self.errors,
            self.sample
        )
    }
}

fn micros(from: Instant, to: Instant) -> u32 {
    u32::try_from((to - from).as_micros()).unwrap_or(u32::MAX)
}

fn quantiles(values: &mut [u32]) -> String {
    values.sort_unstable();
    let count = values.len();
    let at = |percent: usize| {
        values.get((count * percent / 100).min(count.saturating_sub(1))).copied().unwrap_or(0)
    };
    format!("{{\"n\":{count},\"p50\":{},\"p90\":{},\"p99\":{},\"max\":{}}}", at(50), at(90), at(99), at(100))
}
