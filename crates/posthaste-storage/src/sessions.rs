//! Persons' sessions.

use async_trait::async_trait;
use posthaste_core::{Session, Timestamp, TokenHash, UserId};

use crate::StorageError;

/// Sessions, found by the hash of their token. What has lapsed is as good as gone. Durable when it returns, as
/// configuration is: who logged out stays out.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Keeps a new session.
    async fn begin(&self, session: &Session) -> Result<(), StorageError>;

    /// The session with this token, unless it has lapsed at `now`.
    async fn find(&self, token: TokenHash, now: Timestamp) -> Result<Option<Session>, StorageError>;

    /// Puts a session in the place of the one with its token, if that is still there at `now`: one that was ended is not
    /// brought back. Tells whether it was.
    async fn renew(&self, session: &Session, now: Timestamp) -> Result<bool, StorageError>;

    /// Ends a session. Tells whether there was one.
    async fn end(&self, token: TokenHash) -> Result<bool, StorageError>;

    /// A person's sessions that have not lapsed at `now`, the oldest first.
    async fn of(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StorageError>;

    /// Drops at most `limit` sessions that have lapsed at `now` and tells how many: repeat it while that is `limit`. A store
    /// that does so by itself drops none.
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, StorageError>;
}
