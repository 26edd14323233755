//! What a browser keeps of a client key that was presented to it.

use std::{net::IpAddr, time::Duration};

use posthaste_core::{ClientKey, ClientKeyHash, ClientKeyId, Sealed, Secret, Timestamp};
use posthaste_vault::login_place;
use serde::{Deserialize, Serialize};

use super::HolderService;
use crate::AdminError;

/// That a client key was presented: never the key itself, so that whoever gets hold of a ticket gets no key.
#[derive(Serialize, Deserialize)]
struct Presented {
    key: ClientKeyId,
    /// What the key was known by; a key that is given another secret is known by another one.
    hash: ClientKeyHash,
    until: Timestamp,
}

impl HolderService<'_> {
    /// For how long a ticket stands for the key that was presented.
    pub const TICKET_LASTS: Duration = Duration::from_secs(3_600);

    /// What a browser keeps in the place of a client key: sealed, and good for [`TICKET_LASTS`](Self::TICKET_LASTS).
    ///
    /// # Errors
    /// When the vault fails.
    pub fn ticket(self, key: &ClientKey) -> Result<Secret, AdminError> {
        let parts = self.admin.parts();
        let until = parts.clock.now().plus(Self::TICKET_LASTS);
        let presented = Presented { key: key.id, hash: key.hash, until };
        let said =
            serde_json::to_string(&presented).map_err(|error| AdminError::internal("a ticket", error))?;
        let sealed = parts.vault.seal(&login_place(HELD), &Secret::new(said))?;
        Ok(Secret::new(sealed.as_text()))
    }

    /// The client key of a ticket, also one that is over; `None` where the ticket is over or none of ours, or the key has another
    /// secret since.
    ///
    /// # Errors
    /// As [`redeeming_key`](Self::redeeming_key) for one that is switched off, or bound to other networks.
    pub async fn by_ticket(
        self,
        ticket: &str,
        address: Option<IpAddr>,
    ) -> Result<Option<ClientKey>, AdminError> {
        let parts = self.admin.parts();
        let sealed = Sealed::from_text(ticket);
        let Ok(said) = parts.vault.unseal(&login_place(HELD), &sealed) else { return Ok(None) };
        let Ok(presented) = serde_json::from_str::<Presented>(said.expose()) else { return Ok(None) };
        if presented.until <= parts.clock.now() {
            return Ok(None);
        }
        let found = self.admin.key_records().get(presented.key.uuid()).await?.map(|found| found.value);
        match found.filter(|key| key.hash == presented.hash) {
            Some(key) => self.let_in(key, address, true).map(Some),
            None => Ok(None),
        }
    }
}

/// What such tickets are sealed for.
const HELD: &str = "client key";
