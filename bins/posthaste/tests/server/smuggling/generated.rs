//! Cases that follow from lists: each odd spelling in each place.

use super::{Words, head_without_host};

/// A case and how it is written.
pub(super) type Generated = (String, Box<dyn Fn(&Words) -> String + Send>);

/// All of them.
pub(super) fn generated() -> Vec<Generated> {
    let mut cases = Vec::new();
    transfer_encodings(&mut cases);
    content_lengths(&mut cases);
    names(&mut cases);
    chunk_sizes(&mut cases);
    hosts_and_targets(&mut cases);
    cases
}

fn add(cases: &mut Vec<Generated>, name: String, case: impl Fn(&Words) -> String + Send + 'static) {
    cases.push((name, Box::new(case)));
}

/// Spellings that one reader takes for `chunked` and another does not. Beside a length each of them has two meanings; those that
/// end in no plain `chunked` have none alone.
const CODINGS: [(&str, bool); 26] = [
    ("chunked", true),
    ("Chunked", true),
    (" chunked", true),
    ("\tchunked", true),
    ("chunked ", true),
    ("chunked \t", true),
    (",chunked", true),
    ("chunked,", true),
    ("gzip, chunked", true),
    ("identity, chunked", true),
    ("chunked, chunked", true),
    ("chunked, gzip", false),
    ("chunked;", false),
    ("chunked;a", false),
    ("chunked a", false),
    ("chu nked", false),
    ("chunke", false),
    ("chunkedd", false),
    ("'chunked'", false),
    ("[chunked]", false),
    ("chunked\x0b", false),
    ("\x0cchunked", false),
    ("chunked\x7f", false),
    ("chunked\0", false),
    ("deflate", false),
    ("0", false),
];

fn transfer_encodings(cases: &mut Vec<Generated>) {
    for (coding, is_plain) in CODINGS {
        add(cases, format!("TE {coding:?}, then a length of all"), move |w| {
            w.chunked(&format!("Transfer-Encoding: {coding}\r\nContent-Length: {}", w.all()))
        });
        add(cases, format!("a length of all, then TE {coding:?}"), move |w| {
            w.chunked(&format!("Content-Length: {}\r\nTransfer-Encoding: {coding}", w.all()))
        });
        add(cases, format!("TE {coding:?} with the length of a chunk's line"), move |w| {
            w.chunked(&format!("Transfer-Encoding: {coding}\r\nContent-Length: 5"))
        });
        if !is_plain {
            add(cases, format!("TE {coding:?} alone"), move |w| {
                w.chunked(&format!("Transfer-Encoding: {coding}"))
            });
        }
    }
}

/// Spellings of a length that one reader takes for a number and another does not.
const LENGTHS: [&str; 18] = [
    "LEN ALL",
    "LEN,ALL",
    "ALL,LEN",
    "LEN;ALL",
    "LEN\tALL",
    "+ALL",
    "-0",
    "0x0",
    "0b1",
    "1e2",
    "LEN_",
    "_LEN",
    "LEN,",
    ",LEN",
    "\"LEN\"",
    "LEN\x0b",
    "LEN\x7f",
    "99999999999999999999LEN",
];

fn content_lengths(cases: &mut Vec<Generated>) {
    for length in LENGTHS {
        add(cases, format!("CL {length:?}"), move |w| w.sized(&format!("Content-Length: {length}")));
        add(cases, format!("CL {length:?}, then one of all"), move |w| {
            w.sized(&format!("Content-Length: {length}\r\nContent-Length: ALL"))
        });
        add(cases, format!("CL of all, then {length:?}"), move |w| {
            w.sized(&format!("Content-Length: ALL\r\nContent-Length: {length}"))
        });
    }
}

/// Names that are nearly those of the two framing headers, beside the other one.
const NAMES: [&str; 10] =
    ["{} ", "{}\t", " {}", "\t{}", "{}\0", "{}\x0b", "\x0c{}", "{}\r", "X: y\r{}", "({})"];

fn names(cases: &mut Vec<Generated>) {
    for name in NAMES {
        let (coding, length) =
            (name.replace("{}", "Transfer-Encoding"), name.replace("{}", "Content-Length"));
        add(cases, format!("{coding:?} beside a length"), move |w| {
            w.sized(&format!("Content-Length: LEN\r\n{coding}: chunked"))
        });
        add(cases, format!("{length:?} beside another one"), move |w| {
            w.sized(&format!("{length}: ALL\r\nContent-Length: LEN"))
        });
    }
}

/// Lines of a chunk's size that are none.
const SIZES: [&str; 19] = [
    "SIZE\n",
    "SIZE\r",
    "SIZE\r\r\n",
    "\nSIZE\r\n",
    "SIZE\0\r\n",
    "SIZEg\r\n",
    "gSIZE\r\n",
    "SIZE,\r\n",
    "SIZE a\r\n",
    "SIZE.0\r\n",
    "SIZE\x0b\r\n",
    "\x0cSIZE\r\n",
    "'SIZE'\r\n",
    "SIZE;\n\r\n",
    "SIZE;a=\"\n\"\r\n",
    "10000000000000000SIZE\r\n",
    "fffffffffffffffe\r\n",
    "7fffffffffffffff\r\n",
    "0\r\nSIZE\r\n",
];

fn chunk_sizes(cases: &mut Vec<Generated>) {
    for size in SIZES {
        add(cases, format!("a chunk's size {size:?}"), move |w| w.first_chunk(size));
    }
}

/// Where a request is for.
const TARGETS: [&str; 10] = [
    "POST /v1/messages HTTP/1.1 HTTP/1.1",
    "POST /v1/messages\tHTTP/1.1",
    "POST\t/v1/messages HTTP/1.1",
    "POST /v1/messages http/1.1",
    "POST /v1/messages HTTP/1.10",
    "POST /v1/messages HTTP/01.1",
    "POST /v1/messages HTTP/3.0",
    "POST /v1/mess\0ages HTTP/1.1",
    "POST /v1/messages\rGET / HTTP/1.1",
    "PO ST /v1/messages HTTP/1.1",
];

fn hosts_and_targets(cases: &mut Vec<Generated>) {
    for target in TARGETS {
        add(cases, format!("{target:?}"), move |w| w.line(target, "Content-Length: ALL"));
    }
    for host in ["Host: a\0", "Host : relay", " Host: relay", "Host: relay\r\n folded", "Host\t: relay"] {
        add(cases, format!("{host:?}"), move |w| head_without_host(w, host));
    }
}
