//! Whether the time that a comparison takes tells where a guess is wrong (X3).
//!
//! What is compared with something secret is compared as a digest of fixed length, in a time that depends on nothing of it: that
//! holds by construction, and the tests of [`ClientKeyHash`] look that each byte counts. What is here measures it, and so runs on
//! request alone: `cargo xtask test --all`.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use std::{hint::black_box, sync::Arc, time::Instant};

use posthaste_core::ClientKeyHash;
use posthaste_storage::memory::MemoryStores;
use posthaste_vault::{MasterKey, NewToken, Vault, hash_token};

/// Takes turns by chance between two sorts of guesses, and tells how far their mean times lie apart, in standard errors (Welch's t).
/// What took very long was interrupted and is left out, as in Reparaz and others, "Dude, is my code constant time?" (2017).
fn apart(mut compare: impl FnMut(bool) -> bool) -> f64 {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut times = [Vec::with_capacity(SAMPLES), Vec::with_capacity(SAMPLES)];
    for _ in 0..SAMPLES {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let late = random & 1 == 1;
        let begun = Instant::now();
        for _ in 0..BATCH {
            black_box(compare(black_box(late)));
        }
        times[usize::from(late)].push(u64::try_from(begun.elapsed().as_nanos()).unwrap());
    }
    let mut all: Vec<u64> = times.concat();
    all.sort_unstable();
    let most = all[all.len() * 9 / 10];
    let [early, late] = times.map(|times| moments(times.into_iter().filter(|time| *time <= most)));
    (early.mean - late.mean).abs() / (early.variance / early.count + late.variance / late.count).sqrt()
}

struct Moments {
    count: f64,
    mean: f64,
    variance: f64,
}

/// In one go (Welford).
fn moments(times: impl Iterator<Item = u64>) -> Moments {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for time in times {
        count += 1.0;
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a short time")]
        let time = time as f64;
        let before = time - mean;
        mean += before / count;
        squares += before * (time - mean);
    }
    Moments { count, mean, variance: squares / (count - 1.0) }
}

/// Chance goes beyond three standard errors once in 370 times; a difference that is there does so each time.
#[expect(clippy::print_stdout, reason = "whoever measures wants to see it")]
fn assert_alike(what: &str, mut compare: impl FnMut(bool) -> bool) {
    let tries: Vec<f64> = (0..TRIES).map(|_| apart(&mut compare)).collect();
    println!("{what}: {tries:.2?} standard errors apart");
    assert!(tries.iter().any(|apart| *apart < 3.0), "{what}: {tries:?}");
}

/// A guess that is wrong at its first letter, and one that is at its last.
fn guesses(right: &str) -> [String; 2] {
    let other = |letter: u8| if letter == b'a' { 'b' } else { 'a' };
    let bytes = right.as_bytes();
    let first = format!("{}{}", other(bytes[0]), &right[1..]);
    let last = format!("{}{}", &right[..right.len() - 1], other(bytes[bytes.len() - 1]));
    [first, last]
}

#[test]
#[ignore = "a measurement of minutes"]
fn x3_the_measurement_tells_a_comparison_that_stops_early() {
    let kept = [7_u8; 32];
    let mut guesses = [kept; 2];
    guesses[0][0] = 0;
    guesses[1][31] = 0;
    let stops = |late: bool| {
        let guess = black_box(&guesses[usize::from(late)]);
        guess.iter().zip(black_box(&kept)).all(|(one, other)| black_box(*one) == *other)
    };
    let tries: Vec<f64> = (0..TRIES).map(|_| apart(stops)).collect();
    assert!(tries.iter().all(|apart| *apart > 3.0), "{tries:?}");
}

#[test]
#[ignore = "a measurement of minutes"]
fn x3_where_a_digest_differs_takes_no_other_time() {
    let kept = ClientKeyHash([7; 32]);
    let mut guesses = [kept; 2];
    guesses[0].0[0] = 0;
    guesses[1].0[31] = 0;
    assert_alike("a digest", |late| *black_box(&guesses[usize::from(late)]) == *black_box(&kept));
}

#[tokio::test]
#[ignore = "a measurement of minutes"]
async fn x3_where_a_client_key_or_a_token_is_wrong_takes_no_other_time() {
    let store = MemoryStores::stores().config;
    let vault = Vault::open(&MasterKey::generate().unwrap(), Arc::clone(&store)).await.unwrap();
    let key = vault.generate_client_key("cr_").unwrap();
    let keys = guesses(key.secret.expose());
    assert_alike("a client key", |late| vault.hash_client_key(&keys[usize::from(late)]) == key.hash);
    let token = NewToken::generate("").unwrap();
    let tokens = guesses(token.secret.expose());
    assert_alike("a token", |late| hash_token(&tokens[usize::from(late)]) == token.hash);
}

const SAMPLES: usize = 1_000_000;
const BATCH: usize = 8;
const TRIES: usize = 3;
