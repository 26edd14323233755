//! Numbers, texts and lists as bytes.

use std::{collections::BTreeMap, sync::Arc};

use super::UnpackError;

/// What has a form in bytes.
pub(super) trait Packed: Sized {
    fn pack(&self, out: &mut Vec<u8>);
    fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError>;
}

/// What is still to be read.
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn byte(&mut self) -> Result<u8, UnpackError> {
        let (&first, rest) = self.0.split_first().ok_or(UnpackError::Cut)?;
        self.0 = rest;
        Ok(first)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], UnpackError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(UnpackError::Cut)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, UnpackError> {
        let length = self.length()?;
        str::from_utf8(self.bytes(length)?).map_err(|_| UnpackError::Unreadable("a text"))
    }

    /// Nothing may follow.
    pub(super) fn end(&self) -> Result<(), UnpackError> {
        match self.0.len() {
            0 => Ok(()),
            more => Err(UnpackError::TooMuch(more)),
        }
    }

    /// How long something is. Its parts have a byte each at least, so that a wrong length asks for no memory.
    fn length(&mut self) -> Result<usize, UnpackError> {
        let length = usize::try_from(u64::unpack(self)?).map_err(|_| UnpackError::Cut)?;
        if length > self.0.len() { Err(UnpackError::Cut) } else { Ok(length) }
    }
}

pub(super) fn pack_text(text: &str, out: &mut Vec<u8>) {
    (text.len() as u64).pack(out);
    out.extend_from_slice(text.as_bytes());
}

impl Packed for u64 {
    fn pack(&self, out: &mut Vec<u8>) {
        let mut left = *self;
        while left >= 0x80 {
            out.push(left as u8 | 0x80);
            left >>= 7;
        }
        out.push(left as u8);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
        let mut number = 0;
        for shift in (0..Self::BITS).step_by(7) {
            let byte = input.byte()?;
            let bits = Self::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(UnpackError::Unreadable("a whole number"))
    }
}

impl Packed for i64 {
    fn pack(&self, out: &mut Vec<u8>) {
        ((self << 1) ^ (self >> 63)).cast_unsigned().pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
        let zigzag = u64::unpack(input)?;
        Ok((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
    }
}

macro_rules! packed_small_numbers {
    ($($number:ty),*) => {$(
        impl Packed for $number {
            fn pack(&self, out: &mut Vec<u8>) {
                u64::from(*self).pack(out);
            }

            fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
                Self::try_from(u64::unpack(input)?).map_err(|_| UnpackError::Unreadable("a small number"))
            }
        }
    )*};
}

packed_small_numbers!(u16, u32);

impl Packed for bool {
    fn pack(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
        match input.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(UnpackError::Unreadable("yes or no")),
        }
    }
}

impl<T: Packed> Packed for Option<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.is_some().pack(out);
        if let Some(inner) = self {
            inner.pack(out);
        }
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
        bool::unpack(input)?.then(|| T::unpack(input)).transpose()
    }
}

impl<T: Packed> Packed for Vec<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        (self.len() as u64).pack(out);
        for item in self {
            item.pack(out);
        }
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
        let length = input.length()?;
        (0..length).map(|_| T::unpack(input)).collect()
    }
}

impl<K: Packed + Ord, V: Packed> Packed for BTreeMap<K, V> {
    fn pack(&self, out: &mut Vec<u8>) {
        (self.len() as u64).pack(out);
        for (key, value) in self {
            key.pack(out);
            value.pack(out);
        }
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
        let length = input.length()?;
        (0..length).map(|_| Ok((K::unpack(input)?, V::unpack(input)?))).collect()
    }
}

impl Packed for String {
    fn pack(&self, out: &mut Vec<u8>) {
        pack_text(self, out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
        input.text().map(str::to_owned)
    }
}

impl Packed for Arc<str> {
    fn pack(&self, out: &mut Vec<u8>) {
        pack_text(self, out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
        input.text().map(Self::from)
    }
}
