//! The little of MessagePack that scripts are told and tell: lists, whole numbers and bytes.
//!
//! The server's `cmsgpack` reads and writes it in C. Lua's numbers are doubles, so an amount beyond what these hold exactly
//! travels as a decimal text in a string. Form: <https://github.com/msgpack/msgpack/blob/master/spec.md>.

use bytes::Bytes;

use crate::error::CallError;

/// Writes one value after another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packer(Vec<u8>);

impl Packer {
    /// Begins a list; as many values are to follow.
    pub(crate) fn list(&mut self, length: usize) -> &mut Self {
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ ..16), _) => self.0.push(0x90 | short),
            (_, Ok(length)) => self.tagged(0xdc, &length.to_be_bytes()),
            _ => self.tagged(0xdd, &u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()),
        }
        self
    }

    /// A whole number, which a script takes for the nearest double.
    pub(crate) fn number(&mut self, number: i64) -> &mut Self {
        match number {
            -32..0 => self.0.push((number as i8).cast_unsigned()),
            0..0x80 => self.0.push(number as u8),
            0x80..0x100 => self.tagged(0xcc, &(number as u8).to_be_bytes()),
            0x100..0x1_0000 => self.tagged(0xcd, &(number as u16).to_be_bytes()),
            0x1_0000..0x1_0000_0000 => self.tagged(0xce, &(number as u32).to_be_bytes()),
            _ => self.tagged(0xd3, &number.to_be_bytes()),
        }
        self
    }

    /// A whole number that must come through exactly.
    pub(crate) fn amount(&mut self, amount: i64) -> &mut Self {
        if amount.unsigned_abs() <= MOST_EXACT { self.number(amount) } else { self.bytes(amount.to_string()) }
    }

    /// Bytes, a script's string.
    pub(crate) fn bytes(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let bytes = bytes.as_ref();
        match (u8::try_from(bytes.len()), u16::try_from(bytes.len())) {
            (Ok(short @ ..32), _) => self.0.push(0xa0 | short),
            (Ok(length), _) => self.tagged(0xd9, &[length]),
            (_, Ok(length)) => self.tagged(0xda, &length.to_be_bytes()),
            _ => self.tagged(0xdb, &u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()),
        }
        self.0.extend_from_slice(bytes);
        self
    }

    /// What another packer wrote.
    pub(crate) fn packed(&mut self, other: &Self) -> &mut Self {
        self.0.extend_from_slice(&other.0);
        self
    }

    pub(crate) fn finish(self) -> Bytes {
        self.0.into()
    }

    fn tagged(&mut self, tag: u8, rest: &[u8]) {
        self.0.push(tag);
        self.0.extend_from_slice(rest);
    }
}

/// A list of amounts, as a script wrote it.
pub(crate) fn amounts(packed: &[u8]) -> Result<Vec<i64>, CallError> {
    let mut input = packed;
    let read = (|| {
        let length = match byte(&mut input)? {
            tag @ 0x90..0xa0 => usize::from(tag & 0xf),
            0xdc => usize::from(u16::from_be_bytes(array(&mut input)?)),
            _ => return None,
        };
        (0..length).map(|_| amount(&mut input)).collect::<Option<Vec<i64>>>()
    })();
    read.filter(|_| input.is_empty()).ok_or_else(|| CallError::Unreadable("not a list of amounts".into()))
}

fn amount(input: &mut &[u8]) -> Option<i64> {
    Some(match byte(input)? {
        tag @ ..0x80 => tag.into(),
        tag @ 0xe0.. => tag.cast_signed().into(),
        0xcc => u8::from_be_bytes(array(input)?).into(),
        0xcd => u16::from_be_bytes(array(input)?).into(),
        0xce => u32::from_be_bytes(array(input)?).into(),
        0xcf => u64::from_be_bytes(array(input)?).try_into().ok()?,
        0xd0 => i8::from_be_bytes(array(input)?).into(),
        0xd1 => i16::from_be_bytes(array(input)?).into(),
        0xd2 => i32::from_be_bytes(array(input)?).into(),
        0xd3 => i64::from_be_bytes(array(input)?),
        tag @ 0xa0..0xc0 => {
            let (text, rest) = input.split_at_checked(usize::from(tag & 0x1f))?;
            *input = rest;
            str::from_utf8(text).ok()?.parse().ok()?
        }
        _ => return None,
    })
}

fn byte(input: &mut &[u8]) -> Option<u8> {
    array::<1>(input).map(|[byte]| byte)
}

fn array<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = input.split_first_chunk::<N>()?;
    *input = rest;
    Some(*first)
}

/// Up to here every whole number is a double of its own.
const MOST_EXACT: u64 = (1 << 53) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_every_size_come_back() {
        let mut all = vec![0, -1, -32, -33, i64::MIN, i64::MAX];
        all.extend((0..63).flat_map(|shift| [1_i64 << shift, (1 << shift) - 1, -(1 << shift)]));
        for length in [0, 1, 15, 16, all.len()] {
            let mut packer = Packer::default();
            packer.list(length);
            for amount in &all[..length] {
                packer.amount(*amount);
            }
            assert_eq!(amounts(&packer.finish()).unwrap(), all[..length]);
        }
    }

    #[test]
    fn forms_are_those_of_the_specification() {
        let packed = |write: fn(&mut Packer) -> &mut Packer| {
            let mut packer = Packer::default();
            write(&mut packer);
            packer.finish().to_vec()
        };
        assert_eq!(packed(|packer| packer.number(127)), [0x7f]);
        assert_eq!(packed(|packer| packer.number(-32)), [0xe0]);
        assert_eq!(packed(|packer| packer.number(200)), [0xcc, 200]);
        assert_eq!(packed(|packer| packer.number(65_535)), [0xcd, 0xff, 0xff]);
        assert_eq!(packed(|packer| packer.number(-33)), [0xd3, 255, 255, 255, 255, 255, 255, 255, 0xdf]);
        assert_eq!(packed(|packer| packer.amount(1 << 53))[..3], *b"\xb090");
        assert_eq!(packed(|packer| packer.bytes([7; 40]))[..3], [0xd9, 40, 7]);
        assert_eq!(packed(|packer| packer.bytes([7; 400]))[..4], [0xda, 1, 144, 7]);
        assert_eq!(packed(|packer| packer.list(16)), [0xdc, 0, 16]);
    }

    #[test]
    fn what_is_no_list_of_amounts_is_told() {
        for bytes in
            [&b""[..], b"\x91", b"\x91\xa1x", b"\x90\x00", b"\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff", b"{}"]
        {
            assert!(amounts(bytes).is_err(), "{bytes:x?}");
        }
    }
}
