//! Mutations that know JSON: a value is replaced by another one, so that most inputs get past the parser.
//!
//! They look for values behind `:`, `,` and `[` in any text, and so work on a body as on the data of an event stream.

use std::ops::Range;

use libfuzzer_sys::fuzzer_mutate;
use serde::de::IgnoredAny;

/// For `fuzz_mutator!`: half the time libFuzzer's own mutations, half the time ours.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random::new(seed);
    if random.below(2) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut body = data[..size].to_vec();
    for _ in 0..=random.below(3) {
        change(&mut body, &mut random);
    }
    if body.is_empty() || body.len() > max_size {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..body.len()].copy_from_slice(&body);
    body.len()
}

/// For `fuzz_crossover!`: one input with a value of the other.
pub fn cross(one: &[u8], other: &[u8], out: &mut [u8], seed: u32) -> usize {
    let mut random = Random::new(seed);
    let mut body = one.to_vec();
    if let (Some(place), Some(value)) = (value(one, &mut random), value(other, &mut random)) {
        body.splice(place, other[value].iter().copied());
    }
    let length = body.len().min(out.len());
    out[..length].copy_from_slice(&body[..length]);
    length
}

fn change(body: &mut Vec<u8>, random: &mut Random) {
    let Some(place) = value(body, random) else { return };
    match random.below(8) {
        // Another value of the same body.
        0 | 1 => {
            if let Some(other) = value(body, random) {
                let other = body[other].to_vec();
                body.splice(place, other);
            }
        }
        // The value twice, as the next element.
        2 => {
            let twice = [b",", &body[place.clone()]].concat();
            body.splice(place.end..place.end, twice);
        }
        // The value one level deeper.
        3 => {
            body.insert(place.end, b']');
            body.insert(place.start, b'[');
        }
        // A member less, or an element, with the comma before it.
        4 => {
            let start = body[..place.start].iter().rposition(|byte| matches!(byte, b',' | b'{' | b'['));
            if let Some(start) = start {
                let keep = usize::from(body[start] != b',');
                body.drain(start + keep..place.end);
            }
        }
        _ => {
            let new = VALUES[random.below(VALUES.len())];
            body.splice(place, new.bytes());
        }
    }
}

/// Where some value stands.
fn value(body: &[u8], random: &mut Random) -> Option<Range<usize>> {
    let starts = |byte: &u8| matches!(byte, b':' | b',' | b'[');
    let from = random.below(body.len().max(1));
    // A few tries: some of these letters stand inside strings.
    (0..4).find_map(|step| {
        let from = (from + step) % body.len().max(1);
        let start = from + body[from..].iter().position(|byte| starts(byte))? + 1;
        let end = start + 64 * 1024;
        let text = &body[start..end.min(body.len())];
        let mut values = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
        matches!(values.next(), Some(Ok(_))).then(|| start..start + values.byte_offset())
    })
}

/// Xorshift: libFuzzer hands over a seed, so that a run can be repeated.
struct Random(u32);

impl Random {
    fn new(seed: u32) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9) | 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        usize::try_from(self.0 >> 1).unwrap_or(0) % limit
    }
}

const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1.5",
    "1e999",
    "99999999999999999999",
    "-9223372036854775808",
    r#""""#,
    r#"" ""#,
    r#""text""#,
    r#""\ud83d\ude00""#,
    r#""\ud83d""#,
    r#""\u0000""#,
    r#""\r\n""#,
    r#""äöü…😀""#,
    r#""cG9zdGhhc3Rl""#,
    r#""data:image/png;base64,AAAA""#,
    r#""https://example.com/a.png""#,
    r##""#/$defs/a""##,
    r##"{"$ref":"#"}"##,
    "[]",
    "[null]",
    "{}",
    r#"{"":""}"#,
    r#"{"type":null}"#,
    r#"{"type":"text","text":""}"#,
    r#"[{"type":"text","text":"a"}]"#,
    r#"[{"text":"a"}]"#,
    r#"{"type":"object","properties":{"a":{"type":["string","null"]}}}"#,
];
