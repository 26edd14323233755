//! A record as a member of its hour's set: the request's identity, by which members sort, the client key's, whether it lies
//! under a key of its own as well, and the record as bytes.

use bytes::Bytes;
use posthaste_core::{RequestId, RequestRecord};
use posthaste_storage::{KeptRequest, StorageError, pack_request, unpack_request};
use uuid::Uuid;

/// An hour since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hour(pub(super) u64);

impl Hour {
    /// As the identity tells it: its first 48 bits are milliseconds.
    pub(super) fn of(request: RequestId) -> Self {
        let (high, _) = request.uuid().as_u64_pair();
        Self((high >> 16) / 3_600_000)
    }
}

pub(super) struct Member(pub(super) Bytes);

impl Member {
    pub(super) fn pack(kept: &KeptRequest) -> Bytes {
        let record = pack_request(&kept.record);
        let mut member = Vec::with_capacity(HEAD + record.len());
        member.extend_from_slice(kept.record.id.uuid().as_bytes());
        member.extend_from_slice(kept.record.key_id.uuid().as_bytes());
        member.push(u8::from(kept.bodies.is_some()));
        member.extend_from_slice(&record);
        member.into()
    }

    /// Whether the record lies under a key of its own too, with its bodies.
    pub(super) fn is_apart(&self) -> bool {
        self.0.get(HEAD - 1) == Some(&1)
    }

    pub(super) fn record(&self) -> Result<RequestRecord, StorageError> {
        unpack_request(self.0.get(HEAD..).unwrap_or_default()).map_err(|error| {
            let request = identities(&self.0).next();
            let request = request.map(|request| format!(" {request}")).unwrap_or_default();
            StorageError::corrupt(format!("the record of request{request}"), error)
        })
    }
}

/// Identities that lie behind each other.
pub(super) fn identities(bytes: &[u8]) -> impl Iterator<Item = RequestId> {
    let ids = bytes.chunks_exact(16).filter_map(|id| Uuid::from_slice(id).ok());
    ids.map(RequestId::from_uuid).collect::<Vec<_>>().into_iter()
}

/// The bound of members from one on, or from a beginning.
pub(super) fn from(name: &[u8]) -> Bytes {
    [b"[", name].concat().into()
}

/// The bound of members before one.
pub(super) fn below(name: &[u8]) -> Bytes {
    [b"(", name].concat().into()
}

/// The bound behind all members with a beginning.
pub(super) fn above(id: &[u8]) -> Bytes {
    [b"[", id, &[0xff; 17]].concat().into()
}

/// What stands before the record.
const HEAD: usize = 33;
