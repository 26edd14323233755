//! Packed bodies.

use std::io::Write;

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use http::StatusCode;

use crate::support::{MAX_BODY_BYTES, Read, Rig, Setup, post, whole};

async fn packed(rig: &Rig, coding: &str, body: Vec<u8>) -> Read {
    rig.send(post("/v1/messages").header("content-encoding", coding).body(body.into()).unwrap()).await
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn bare_deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// One stored meta-block (RFC 7932 §9.2), for texts of up to 64 KiB.
fn brotli(plain: &[u8]) -> Vec<u8> {
    let length = u16::try_from(plain.len() - 1).unwrap();
    let head = [
        0x0b | ((length & 1) << 7).to_le_bytes()[0],
        (length >> 1).to_le_bytes()[0],
        0x80 | (length >> 9).to_le_bytes()[0],
    ];
    [&head, plain, &[0x03]].concat()
}

/// A frame of raw blocks (RFC 8878 §3.1.1), for texts of up to 255 bytes.
fn zstd(plain: &[u8]) -> Vec<u8> {
    let length = u8::try_from(plain.len()).unwrap();
    let block = u32::from(length) << 3 | 1;
    [&[0x28, 0xb5, 0x2f, 0xfd, 0x20, length][..], &block.to_le_bytes()[..3], plain].concat()
}

/// A frame that repeats one byte over `blocks` times 128 KiB.
fn zstd_bomb(blocks: usize) -> Vec<u8> {
    // No content size, a window of 128 KiB; each block is of the repeating kind.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    for block in 1..=blocks {
        let head = (128 * 1024) << 3 | 1 << 1 | u32::from(block == blocks);
        frame.extend_from_slice(&head.to_le_bytes()[..3]);
        frame.push(b' ');
    }
    frame
}

/// 32 MiB of spaces, as packed by Node's zlib at its default quality.
const BROTLI_BOMB: [u8; 53] = [
    0xcb, 0xff, 0xff, 0x3f, 0xf8, 0x25, 0x40, 0xe2, 0xb1, 0x40, 0x20, 0xf7, 0xfe, 0x8f, 0xff, 0xff, 0x7f,
    0xf0, 0x4b, 0x00, 0xc4, 0x61, 0x11, 0x80, 0xee, 0xfd, 0x1f, 0xff, 0xff, 0xff, 0xe0, 0x97, 0x00, 0x88,
    0xc3, 0x02, 0x00, 0xdd, 0xfb, 0xbf, 0xfc, 0xff, 0xfc, 0x32, 0xf0, 0x11, 0x08, 0x70, 0x50, 0x0b, 0xaf,
    0x77, 0x0f,
];

#[tokio::test]
async fn a_packed_body_arrives_unpacked() {
    let rig = Rig::new().await;
    let plain = whole().into_bytes();
    for (coding, body) in [
        ("identity", plain.clone()),
        ("gzip", gzip(&plain)),
        ("x-gzip", gzip(&plain)),
        ("GZIP", gzip(&plain)),
        ("deflate", zlib(&plain)),
        ("deflate", bare_deflate(&plain)),
        ("br", brotli(&plain)),
        ("zstd", zstd(&plain)),
        ("gzip, br", brotli(&gzip(&plain))),
        ("deflate, gzip", gzip(&zlib(&plain))),
    ] {
        let read = packed(&rig, coding, body).await;
        assert_eq!(read.status, StatusCode::OK, "{coding}: {}", read.text());
        let sent = rig.transport.sent().pop().unwrap();
        assert_eq!(sent.body, plain, "{coding}");
        assert!(!sent.headers.contains_key("content-encoding"), "{coding}");
    }
}

#[tokio::test]
async fn a_bomb_is_refused() {
    let rig = Rig::new().await;
    let spaces = vec![b' '; 32 * 1024 * 1024];
    let gzipped = gzip(&spaces);
    let layered = gzip(&gzipped);
    for (coding, bomb) in [
        ("gzip", gzipped),
        ("deflate", zlib(&spaces)),
        ("deflate", bare_deflate(&spaces)),
        ("br", BROTLI_BOMB.to_vec()),
        ("zstd", zstd_bomb(4 * 1024)),
        ("gzip, gzip", layered),
    ] {
        let length = bomb.len();
        let read = packed(&rig, coding, bomb).await;
        assert_eq!(read.status, StatusCode::PAYLOAD_TOO_LARGE, "{coding} of {length}: {}", read.text());
    }
    assert!(rig.transport.sent().is_empty());
}

#[tokio::test]
async fn a_third_layer_an_unknown_coding_and_a_torn_body_are_refused() {
    let rig = Rig::new().await;
    let plain = whole().into_bytes();
    let third = gzip(&gzip(&gzip(&plain)));
    assert_eq!(packed(&rig, "gzip, gzip, gzip", third).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for coding in ["compress", "gzip;q=1", "aes128gcm", "br2"] {
        assert_eq!(packed(&rig, coding, plain.clone()).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    for (coding, body) in
        [("gzip", gzip(&plain)), ("deflate", zlib(&plain)), ("br", brotli(&plain)), ("zstd", zstd(&plain))]
    {
        for cut in [0, 1, 5, body.len() / 2, body.len() - 1] {
            let read = packed(&rig, coding, body[..cut].to_vec()).await;
            assert_eq!(read.status, StatusCode::BAD_REQUEST, "{coding} cut at {cut}: {}", read.text());
        }
    }
    assert!(rig.transport.sent().is_empty());
}

#[tokio::test]
async fn the_bound_holds_to_the_byte_before_and_after_unpacking() {
    let plain = whole().into_bytes();
    let at_most = plain.len();
    let rig = Rig::with(Setup { max_body_bytes: at_most, ..Setup::default() }).await;
    let padded = [&plain[..], b" "].concat();
    for (coding, body, status) in [
        ("identity", plain.clone(), StatusCode::OK),
        ("identity", padded.clone(), StatusCode::PAYLOAD_TOO_LARGE),
        ("zstd", zstd(&padded), StatusCode::PAYLOAD_TOO_LARGE),
        ("deflate", bare_deflate(&padded), StatusCode::PAYLOAD_TOO_LARGE),
        ("deflate", bare_deflate(&plain), StatusCode::OK),
    ] {
        assert_eq!(packed(&rig, coding, body).await.status, status, "{coding}");
    }
}

#[tokio::test]
async fn sixty_four_mebibytes_are_served_and_one_byte_more_is_not() {
    let rig = Rig::new().await;
    let whole = whole();
    let body = |length: usize| format!("{whole}{}", " ".repeat(length - whole.len()));
    assert_eq!(rig.post("/v1/messages", body(MAX_BODY_BYTES)).await.status, StatusCode::OK);
    let over = rig.post("/v1/messages", body(MAX_BODY_BYTES + 1)).await;
    assert_eq!(over.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(rig.transport.sent().len(), 1);
}
