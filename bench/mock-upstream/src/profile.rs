//! What one request gets: how many chunks, how large, how fast, and which fault.

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    None,
    /// Answer with this HTTP status and the vendor's error body.
    Status(u16),
    /// Close the connection in the middle of the stream.
    Cut,
    /// Never answer.
    Hang,
    /// Answer, then fall silent in the middle of the stream.
    HangMid,
}

#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) chunks: u32,
    pub(crate) bytes: usize,
    pub(crate) json_bytes: usize,
    pub(crate) delay_ms: u64,
    pub(crate) ttfb_ms: u64,
    pub(crate) in_tokens: u64,
    pub(crate) out_tokens: u64,
    pub(crate) cache_read: u64,
    pub(crate) coalesce: bool,
    pub(crate) fault: Fault,
    pub(crate) every: u64,
    pub(crate) retry_after: u64,
}

impl Default for Profile {
    fn default() -> Self {
        Profile {
            chunks: 50,
            bytes: 20,
            json_bytes: 600,
            delay_ms: 0,
            ttfb_ms: 0,
            in_tokens: 1234,
            out_tokens: 567,
            cache_read: 0,
            coalesce: false,
            fault: Fault::None,
            every: 1,
            retry_after: 1,
        }
    }
}

impl Profile {
    /// These settings, less those that an API key of the form `…mock.k=v.k=v` changes.
    pub(crate) fn overridden_by(&self, key: &str) -> Self {
        let mut profile = self.clone();
        if let Some((_, pairs)) = key.split_once("mock.") {
            for pair in pairs.split('.') {
                // A pair that is not understood changes nothing: a key may hold anything.
                profile.set(pair);
            }
        }
        profile
    }

    /// Applies one `k=v`; false when it is not understood.
    pub(crate) fn set(&mut self, kv: &str) -> bool {
        let Some((k, v)) = kv.split_once('=') else { return false };
        if k == "fault" {
            self.fault = match v {
                "none" => Fault::None,
                "cut" => Fault::Cut,
                "hang" => Fault::Hang,
                "hangmid" => Fault::HangMid,
                code => match code.parse() {
                    Ok(c @ 400..=599) => Fault::Status(c),
                    _ => return false,
                },
            };
            return true;
        }
        let Ok(n) = v.parse::<u64>() else { return false };
        match k {
            "chunks" => self.chunks = u32::try_from(n).unwrap_or(MAX_CHUNKS).min(MAX_CHUNKS),
            "bytes" => self.bytes = usize::try_from(n).unwrap_or(usize::MAX),
            "json_bytes" => self.json_bytes = usize::try_from(n).unwrap_or(usize::MAX),
            "delay_ms" => self.delay_ms = n,
            "ttfb_ms" => self.ttfb_ms = n,
            "in_tokens" => self.in_tokens = n,
            "out_tokens" => self.out_tokens = n,
            "cache_read" => self.cache_read = n,
            "coalesce" => self.coalesce = n != 0,
            "every" => self.every = n.max(1),
            "retry_after" => self.retry_after = n,
            _ => return false,
        }
        true
    }
}

/// Enough for any measurement.
const MAX_CHUNKS: u32 = 1_000_000;
