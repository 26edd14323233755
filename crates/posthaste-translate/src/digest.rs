//! A short digest for names and ids of our own making.

/// FNV-1a of 64 bits: the same everywhere and for ever, which the standard library's hasher does not promise. No secret, no
/// proof: who wants a collision finds one, so whoever uses it passes by what is taken.
pub(crate) fn digest(text: &str, round: u32) -> u64 {
    let bytes = text.bytes().chain(round.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
