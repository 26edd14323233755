//! Sixty-four bytes of a text at once: which of them are what, a bit for each.

use wide::u8x16;

pub(super) const BLOCK: usize = 64;

/// Bytes in a vector.
const PIECE: usize = 16;

/// The first bytes of a text, and behind its end zeros. The lowest bit of an answer is the first byte.
#[derive(Clone, Copy)]
pub(super) struct Block([u8x16; BLOCK / PIECE]);

impl Block {
    pub(super) fn of(text: &[u8]) -> Self {
        match text.first_chunk() {
            Some(block) => Self::new(block),
            None => {
                let mut block = [0; BLOCK];
                block[..text.len()].copy_from_slice(text);
                Self::new(&block)
            }
        }
    }

    fn new(block: &[u8; BLOCK]) -> Self {
        let (pieces, _) = block.as_chunks::<PIECE>();
        Self(std::array::from_fn(|at| u8x16::new(pieces[at])))
    }

    pub(super) fn quotes(&self) -> u64 {
        self.bits(|piece| is(piece, b'"'))
    }

    pub(super) fn backslashes(&self) -> u64 {
        self.bits(|piece| is(piece, b'\\'))
    }

    /// Control characters, which no string may have.
    pub(super) fn controls(&self) -> u64 {
        self.bits(is_control)
    }

    /// The letters behind nearly all backslashes of a text of code.
    pub(super) fn common_escapes(&self) -> u64 {
        self.bits(|piece| is(piece, b'n') | is(piece, b't'))
    }

    fn bits(&self, kind: impl Fn(u8x16) -> u8x16) -> u64 {
        self.0.iter().rev().fold(0, |bits, piece| bits << PIECE | u64::from(kind(*piece).to_bitmask()))
    }
}

/// How long a string is that ends soon and without escapes, as names do.
pub(super) fn short_length(text: &[u8]) -> Option<usize> {
    let piece = u8x16::new(*text.first_chunk()?);
    let special = is(piece, b'"') | is(piece, b'\\') | is_control(piece);
    let length = special.to_bitmask().trailing_zeros() as usize;
    (text.get(length) == Some(&b'"') && length < PIECE).then_some(length)
}

fn is(piece: u8x16, byte: u8) -> u8x16 {
    piece.simd_eq(u8x16::splat(byte))
}

fn is_control(piece: u8x16) -> u8x16 {
    piece.min(u8x16::splat(b' ' - 1)).simd_eq(piece)
}

/// Follows backslashes from block to block.
#[derive(Clone, Copy, Default)]
pub(super) struct Escapes {
    /// The last block ended with a backslash that escapes the first byte of the next one.
    reaches_over: bool,
}

impl Escapes {
    /// The bytes of the next block that are escaped and no backslashes, and a first byte that is escaped, whatever it is.
    ///
    /// Of a row of backslashes each escapes the next one, and the last one the byte behind the row if their number is odd.
    /// Adding a bit at a row's start to the row carries it to behind its end; whether that is an odd number of bytes away, the
    /// two places tell. No branch depends on the text (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", section 3.1).
    pub(super) fn pass(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = u64::MAX / 3;
        let first = u64::from(self.reaches_over);
        let rows = backslashes & !first;
        let starts = rows & !(rows << 1);
        let from_even = rows.wrapping_add(starts & EVEN) & !rows;
        let (from_odd, reaches_over) = rows.overflowing_add(starts & !EVEN);
        let from_odd = from_odd & !rows;
        self.reaches_over = reaches_over;
        first | (from_even & !EVEN) | (from_odd & EVEN)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn one_by_one(block: &[u8], is: fn(&u8) -> bool) -> u64 {
        block.iter().rev().fold(0, |bits, byte| bits << 1 | u64::from(is(byte)))
    }

    /// Bytes like those that are looked for, and others.
    fn byte() -> impl Strategy<Value = u8> {
        prop_oneof![
            prop::sample::select(b"\"\\\x1f\x20nt!#[]\x00\x7f\x80\xa2\xdc\x9f\xff".as_slice()),
            any::<u8>()
        ]
    }

    /// Where backslashes escape something, one byte after the other.
    fn escaped_one_by_one(text: &[u8]) -> Vec<bool> {
        let mut escapes = false;
        text.iter()
            .map(|byte| {
                let is_escaped = escapes;
                escapes = *byte == b'\\' && !is_escaped;
                is_escaped
            })
            .collect()
    }

    proptest! {
        #[test]
        fn a_block_is_what_its_bytes_are(text in vec(byte(), 0..=BLOCK)) {
            let mut whole = [0; BLOCK];
            whole[..text.len()].copy_from_slice(&text);
            let block = Block::of(&text);
            prop_assert_eq!(block.quotes(), one_by_one(&whole, |byte| *byte == b'"'));
            prop_assert_eq!(block.backslashes(), one_by_one(&whole, |byte| *byte == b'\\'));
            prop_assert_eq!(block.controls(), one_by_one(&whole, |byte| *byte < b' '));
            prop_assert_eq!(block.common_escapes(), one_by_one(&whole, |byte| matches!(byte, b'n' | b't')));
        }

        #[test]
        fn a_string_is_short_when_it_ends_within_a_piece(text in vec(byte(), 0..2 * PIECE)) {
            let end = text.iter().position(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\'));
            let expected = end.filter(|end| text.len() >= PIECE && *end < PIECE && text[*end] == b'"');
            prop_assert_eq!(short_length(&text), expected);
        }

        #[test]
        fn a_row_of_backslashes_escapes_what_is_behind_it_when_it_is_odd(
            text in vec(prop_oneof![3 => Just(b'\\'), 1 => Just(b'n')], 3 * BLOCK)
        ) {
            let mut escapes = Escapes::default();
            let (blocks, _) = text.as_chunks::<BLOCK>();
            let found: Vec<_> = blocks
                .iter()
                .flat_map(|block| {
                    let escaped = escapes.pass(one_by_one(block, |byte| *byte == b'\\'));
                    (0..BLOCK).map(move |at| escaped >> at & 1 == 1)
                })
                .collect();
            let expected = escaped_one_by_one(&text);
            for (at, byte) in text.iter().enumerate().filter(|(at, byte)| at % BLOCK == 0 || **byte != b'\\') {
                prop_assert_eq!(found[at], expected[at], "at {} {}", at, byte);
            }
        }
    }
}
