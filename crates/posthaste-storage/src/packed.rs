//! Records of requests and ledger rows as bytes, for stores that keep bytes: about a fifth of what they take as JSON, and
//! quickly written, since both are written for every request.
//!
//! The first byte is the number of the form. Behind it come the fields in the order of [`record`] or [`row`], without names: whole
//! numbers as in LEB128 (signed ones in zigzag), texts and lists behind their length, what may be missing behind a 0 or 1,
//! members of enums by a number of their own.
//!
//! Earlier releases kept JSON, whose first byte is `{`; that is still read. A field or a member that is added makes a new form
//! where it stands in the way of reading what lies in stores: a new member does not, a new field does. Readers of this form
//! stay, then, as long as records are kept anywhere.

#[macro_use]
mod macros;

mod bytes;
mod record;
mod row;
#[cfg(test)]
mod tests;

use posthaste_core::{AttemptRow, ClientKeyId, RequestId, RequestRecord, Timestamp};
use serde::de::DeserializeOwned;

use self::{
    bytes::{Input, Packed},
    row::Group,
};
use crate::{KeptRequest, RollupKey, RollupPeriod};

/// Why bytes are no record, or no row.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// A newer release wrote it, or it is no record at all.
    #[error("its form is {0}, which this release does not know")]
    UnknownForm(u8),
    /// It ends too early.
    #[error("it is cut off")]
    Cut,
    /// More follows than belongs to it.
    #[error("{0} bytes too many follow")]
    TooMuch(usize),
    /// Something cannot be what it should be.
    #[error("{0} cannot be read")]
    Unreadable(&'static str),
    /// It is JSON, and not that of a record.
    #[error("its JSON cannot be read")]
    Json(#[from] serde_json::Error),
}

/// A record as bytes.
pub fn pack_request(record: &RequestRecord) -> Vec<u8> {
    pack(record)
}

/// A record out of its bytes, or out of the JSON of earlier releases.
///
/// # Errors
/// When they are no record, or one of a form that is not known.
pub fn unpack_request(bytes: &[u8]) -> Result<RequestRecord, UnpackError> {
    unpack(bytes)
}

/// A record with its sealed bodies as bytes, for stores that keep one value for both.
pub fn pack_kept_request(kept: &KeptRequest) -> Vec<u8> {
    pack(kept)
}

/// A record with its sealed bodies out of their bytes, or out of the JSON of earlier releases.
///
/// # Errors
/// When they are no record, or one of a form that is not known.
pub fn unpack_kept_request(bytes: &[u8]) -> Result<KeptRequest, UnpackError> {
    unpack(bytes)
}

/// A ledger row as bytes, without what it is kept under: request, attempt and client key.
pub fn pack_row(row: &AttemptRow) -> Vec<u8> {
    let mut out = Vec::with_capacity(USUAL_BYTES);
    out.push(ROW_FORM);
    row::pack(row, &mut out);
    out
}

/// A ledger row out of its bytes and what it is kept under.
///
/// # Errors
/// When the bytes are no row, or one of a form that is not known.
pub fn unpack_row(bytes: &[u8], under: (RequestId, u16, ClientKeyId)) -> Result<AttemptRow, UnpackError> {
    match bytes.split_first() {
        Some((&ROW_FORM, rest)) => {
            let mut input = Input(rest);
            let row = row::unpack(&mut input, under)?;
            input.end().map(|()| row)
        }
        Some((&form, _)) => Err(UnpackError::UnknownForm(form)),
        None => Err(UnpackError::Cut),
    }
}

/// What a roll-up of one span and client key is kept under: account, provider, owner and model. Without the number of a form:
/// whoever keeps it says by its place what it is.
pub fn pack_group(key: &RollupKey) -> Vec<u8> {
    let mut out = Vec::with_capacity(USUAL_GROUP);
    Group(key).pack(&mut out);
    out
}

/// The same out of its bytes, in its span.
///
/// # Errors
/// When the bytes are none.
pub fn unpack_group(
    bytes: &[u8],
    span: (RollupPeriod, Timestamp, ClientKeyId),
) -> Result<RollupKey, UnpackError> {
    let mut input = Input(bytes);
    let key = Group::unpack(&mut input, span)?;
    input.end().map(|()| key)
}

fn pack(value: &impl Packed) -> Vec<u8> {
    let mut out = Vec::with_capacity(USUAL_BYTES);
    out.push(FORM);
    value.pack(&mut out);
    out
}

fn unpack<T: Packed + DeserializeOwned>(bytes: &[u8]) -> Result<T, UnpackError> {
    match bytes.split_first() {
        Some((&FORM, rest)) => {
            let mut input = Input(rest);
            let value = T::unpack(&mut input)?;
            input.end().map(|()| value)
        }
        Some((b'{', _)) => Ok(serde_json::from_slice(bytes)?),
        Some((&form, _)) => Err(UnpackError::UnknownForm(form)),
        None => Err(UnpackError::Cut),
    }
}

/// Of records of requests.
const FORM: u8 = 1;

/// Of ledger rows.
const ROW_FORM: u8 = 1;

/// What most records stay below, so that their buffer is made once.
const USUAL_BYTES: usize = 512;

const USUAL_GROUP: usize = 64;
