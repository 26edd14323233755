//! Headers that leave with a client's request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use posthaste_fuzz::headers;

fuzz_target!(|input: &[u8]| headers::travel(input));
