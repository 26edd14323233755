//! AWS event streams whose checksums are right.

/// Bytes before a message's headers: two lengths and a checksum.
const PRELUDE: usize = 12;
/// A message without headers and payload: the prelude and the last checksum.
const SHORTEST: usize = PRELUDE + 4;

/// Reads the input as messages and puts lengths and checksums right, without which no changed message would be read any
/// further. Lengths that lead past the end are cut down to it.
pub fn repaired(input: &[u8]) -> Vec<u8> {
    let mut stream = input.to_vec();
    let mut rest = stream.as_mut_slice();
    while rest.len() >= SHORTEST {
        let total = length(&rest[..4]).clamp(SHORTEST, rest.len());
        let headers = length(&rest[4..8]).min(total - SHORTEST);
        let (message, after) = rest.split_at_mut(total);
        put(&mut message[..4], total);
        put(&mut message[4..8], headers);
        let prelude = crc32fast::hash(&message[..8]);
        message[8..PRELUDE].copy_from_slice(&prelude.to_be_bytes());
        let whole = crc32fast::hash(&message[..total - 4]);
        message[total - 4..].copy_from_slice(&whole.to_be_bytes());
        rest = after;
    }
    stream
}

fn length(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
}

fn put(place: &mut [u8], length: usize) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    place.copy_from_slice(&length.to_be_bytes());
}
