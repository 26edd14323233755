//! A message's headers: length of the name, name, type, value.

use super::MessageError;

/// One header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name, 1 to 255 bytes; those of the protocol begin with a colon.
    pub name: &'a str,
    /// The value.
    pub value: HeaderValue<'a>,
}

/// A header's value, of one of the ten types (`true` and `false` are a type each).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderValue<'a> {
    /// Types 0 (true) and 1 (false).
    Bool(bool),
    /// Type 2.
    Byte(i8),
    /// Type 3.
    Short(i16),
    /// Type 4.
    Int(i32),
    /// Type 5.
    Long(i64),
    /// Type 6, up to 65,535 bytes.
    Bytes(&'a [u8]),
    /// Type 7, up to 65,535 bytes.
    String(&'a str),
    /// Type 8: milliseconds since 1970.
    Timestamp(i64),
    /// Type 9.
    Uuid([u8; 16]),
}

impl<'a> Header<'a> {
    /// Reads all headers of a message.
    pub(super) fn read_all(mut bytes: &'a [u8]) -> Option<Vec<Self>> {
        let mut headers = Vec::new();
        while !bytes.is_empty() {
            headers.push(Self::read(&mut bytes)?);
        }
        Some(headers)
    }

    fn read(bytes: &mut &'a [u8]) -> Option<Self> {
        let name_len = u8::from_be_bytes(take(bytes)?);
        let name = text(take_slice(bytes, name_len.into())?)?;
        let value = HeaderValue::read(bytes)?;
        (!name.is_empty()).then_some(Self { name, value })
    }

    /// Appends the header.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), MessageError> {
        let name_len = u8::try_from(self.name.len()).map_err(|_| MessageError::HeaderTooLong)?;
        if name_len == 0 {
            return Err(MessageError::MalformedHeaders);
        }
        out.push(name_len);
        out.extend_from_slice(self.name.as_bytes());
        self.value.write(out)
    }
}

impl<'a> HeaderValue<'a> {
    /// The text, where the value is one.
    pub const fn as_str(self) -> Option<&'a str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    fn read(bytes: &mut &'a [u8]) -> Option<Self> {
        let [kind] = take(bytes)?;
        Some(match kind {
            0 => Self::Bool(true),
            1 => Self::Bool(false),
            2 => Self::Byte(i8::from_be_bytes(take(bytes)?)),
            3 => Self::Short(i16::from_be_bytes(take(bytes)?)),
            4 => Self::Int(i32::from_be_bytes(take(bytes)?)),
            5 => Self::Long(i64::from_be_bytes(take(bytes)?)),
            6 => Self::Bytes(take_sized(bytes)?),
            7 => Self::String(text(take_sized(bytes)?)?),
            8 => Self::Timestamp(i64::from_be_bytes(take(bytes)?)),
            9 => Self::Uuid(take(bytes)?),
            _ => return None,
        })
    }

    fn write(self, out: &mut Vec<u8>) -> Result<(), MessageError> {
        match self {
            Self::Bool(true) => out.push(0),
            Self::Bool(false) => out.push(1),
            Self::Byte(value) => put(out, 2, &value.to_be_bytes()),
            Self::Short(value) => put(out, 3, &value.to_be_bytes()),
            Self::Int(value) => put(out, 4, &value.to_be_bytes()),
            Self::Long(value) => put(out, 5, &value.to_be_bytes()),
            Self::Bytes(value) => put_sized(out, 6, value)?,
            Self::String(value) => put_sized(out, 7, value.as_bytes())?,
            Self::Timestamp(value) => put(out, 8, &value.to_be_bytes()),
            Self::Uuid(value) => put(out, 9, &value),
        }
        Ok(())
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*head)
}

fn take_slice<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(head)
}

fn take_sized<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u16::from_be_bytes(take(bytes)?);
    take_slice(bytes, length.into())
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn put(out: &mut Vec<u8>, kind: u8, value: &[u8]) {
    out.push(kind);
    out.extend_from_slice(value);
}

fn put_sized(out: &mut Vec<u8>, kind: u8, value: &[u8]) -> Result<(), MessageError> {
    let length = u16::try_from(value.len()).map_err(|_| MessageError::HeaderTooLong)?;
    put(out, kind, &length.to_be_bytes());
    out.extend_from_slice(value);
    Ok(())
}
