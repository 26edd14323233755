//! Unpacking request bodies.

use std::io::{self, Read};

use brotli_decompressor::Decompressor;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};
use posthaste_core::{Fault, FaultKind, Origin};
use ruzstd::decoding::StreamingDecoder;

/// A way of packing that the relay takes (RFC 9110 §8.4.1; `zstd` RFC 8878).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// The layers that a body is packed in, the outermost first.
pub(crate) fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, Fault> {
    let mut layers = Vec::new();
    for value in headers.get_all(header::CONTENT_ENCODING) {
        let names =
            value.to_str().map_err(|_| unsupported("content-encoding is not readable text".to_owned()))?;
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match name.to_ascii_lowercase().as_str() {
                "identity" => {}
                "gzip" | "x-gzip" => layers.push(Coding::Gzip),
                "deflate" => layers.push(Coding::Deflate),
                "br" => layers.push(Coding::Brotli),
                "zstd" => layers.push(Coding::Zstd),
                _ => return Err(unsupported(format!("content-encoding `{name}` is not supported"))),
            }
        }
    }
    if layers.len() > MOST_LAYERS {
        return Err(unsupported(format!("the body is packed more than {MOST_LAYERS} times")));
    }
    layers.reverse();
    Ok(layers)
}

/// Unpacks one layer. This takes processor time: call it where blocking is allowed.
pub(crate) fn unpack(coding: Coding, packed: &[u8], at_most: usize) -> Result<Vec<u8>, Fault> {
    match coding {
        Coding::Gzip => read_bounded(MultiGzDecoder::new(packed), packed.len(), at_most),
        Coding::Deflate if has_zlib_header(packed) => {
            read_bounded(ZlibDecoder::new(packed), packed.len(), at_most)
        }
        // RFC 9110 asks for the zlib form, yet some clients send bare deflate.
        Coding::Deflate => read_bounded(DeflateDecoder::new(packed), packed.len(), at_most),
        Coding::Brotli => read_bounded(Decompressor::new(packed, BUFFER_BYTES), packed.len(), at_most),
        Coding::Zstd => {
            let decoder =
                StreamingDecoder::new(packed).map_err(|error| malformed(io::Error::other(error)))?;
            read_bounded(decoder, packed.len(), at_most)
        }
    }
}

fn read_bounded(mut decoder: impl Read, packed_len: usize, at_most: usize) -> Result<Vec<u8>, Fault> {
    let mut unpacked = Vec::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = decoder.read(&mut buffer).map_err(malformed)?;
        if read == 0 {
            return Ok(unpacked);
        }
        if unpacked.len() + read > at_most {
            return Err(crate::body::too_large(at_most));
        }
        unpacked.extend_from_slice(&buffer[..read]);
        if unpacked.len() > HARMLESS_BYTES && unpacked.len() / packed_len.max(1) > MOST_EXPANSION {
            let message = "the body unpacks to far more than it should: send it without content-encoding";
            return Err(Fault::new(FaultKind::TooLarge, Origin::Client, message));
        }
    }
}

fn has_zlib_header(packed: &[u8]) -> bool {
    matches!(packed, [method, flags, ..] if method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0)
}

fn unsupported(what: String) -> Fault {
    let message = format!("{what}: send gzip, deflate, br, zstd or no content-encoding");
    Fault::new(FaultKind::UnsupportedEncoding, Origin::Client, message)
}

fn malformed(error: io::Error) -> Fault {
    Fault::invalid_request(format!("the body cannot be unpacked as its content-encoding says: {error}"))
}

const MOST_LAYERS: usize = 2;
const BUFFER_BYTES: usize = 64 * 1024;

/// Up to here nobody is harmed, whatever the ratio.
const HARMLESS_BYTES: usize = 4 * 1024 * 1024;

/// Conversations pack to a tenth or so; a bomb unpacks to a thousand times its size.
const MOST_EXPANSION: usize = 100;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    const LIMIT: usize = 64 * 1024 * 1024;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn layers(value: &str) -> Result<Vec<Coding>, FaultKind> {
        let headers = [(header::CONTENT_ENCODING, value.parse().unwrap())].into_iter().collect();
        codings(&headers).map_err(|fault| fault.kind)
    }

    #[test]
    fn layers_are_taken_off_from_the_outside() {
        assert_eq!(layers("gzip"), Ok(vec![Coding::Gzip]));
        assert_eq!(layers("gzip, br"), Ok(vec![Coding::Brotli, Coding::Gzip]));
        assert_eq!(layers("identity"), Ok(vec![]));
        assert_eq!(layers("gzip, gzip, gzip"), Err(FaultKind::UnsupportedEncoding));
        assert_eq!(layers("compress"), Err(FaultKind::UnsupportedEncoding));
    }

    #[test]
    fn a_packed_body_is_unpacked() {
        assert_eq!(unpack(Coding::Gzip, &gzip(b"{\"model\":1}"), LIMIT).unwrap(), b"{\"model\":1}");
        // Written by `zstd` and `brotli` at their default levels.
        let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x05, 0x29, 0x00, 0x00, b'h', b'e', b'l', b'l', b'o'];
        assert_eq!(unpack(Coding::Zstd, &zstd, LIMIT).unwrap(), b"hello");
        let brotli = [0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03];
        assert_eq!(unpack(Coding::Brotli, &brotli, LIMIT).unwrap(), b"hello");
    }

    #[test]
    fn a_bomb_is_refused_early() {
        let bomb = gzip(&vec![b' '; 32 * 1024 * 1024]);
        assert_eq!(unpack(Coding::Gzip, &bomb, LIMIT).unwrap_err().kind, FaultKind::TooLarge);
    }

    #[test]
    fn more_than_the_bound_is_refused() {
        let fault = unpack(Coding::Gzip, &gzip(&[b'x'; 1_000]), 999).unwrap_err();
        assert_eq!(fault.kind, FaultKind::TooLarge);
    }

    #[test]
    fn garbage_is_the_clients_fault() {
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
            let fault = unpack(coding, b"\xff\xfe plainly not packed", LIMIT).unwrap_err();
            assert_eq!(fault.kind, FaultKind::InvalidRequest, "{coding:?}");
        }
    }
}
