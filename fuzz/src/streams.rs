//! A stream in pieces.

/// Where a stream is cut: after one byte, in the middle somewhere, and before the last byte. The place depends on the input
/// alone, so that a finding can be seen again; a change anywhere in the input moves it.
pub fn cuts(stream: &[u8]) -> [usize; 2] {
    let sum = crc32fast::hash(stream);
    let end = stream.len() + 1;
    let place = |sum: u32| usize::try_from(sum).unwrap_or(0) % end;
    let [first, second] = [place(sum), place(sum.rotate_left(16) ^ 0x9e37_79b9)];
    [first.min(second), first.max(second)]
}

/// The stream in three pieces, some of which may be empty.
pub fn pieces(stream: &[u8]) -> [&[u8]; 3] {
    let [first, second] = cuts(stream);
    [&stream[..first], &stream[first..second], &stream[second..]]
}
