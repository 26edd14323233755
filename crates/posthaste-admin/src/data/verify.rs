//! Whether what is kept can be read, and agrees with itself.

mod books;

use posthaste_core::{
    Account, ApiToken, Card, Channel, ClientKey, OwnPrice, Owner, Pool, Route, Sealed, Setting, Team, User,
};
use posthaste_storage::{ConfigStore, Entity, Record, RecordKind, Stores};
use posthaste_vault::{
    Place, Vault, account_credential_place, account_proxy_place, channel_place, request_bodies_place,
    user_second_factor_place,
};
use serde::Serialize;

use super::Progress;

/// What was looked at, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Configuration records that were read.
    pub records: u64,
    /// Secrets that were opened.
    pub secrets: u64,
    /// Ledger rows that were read.
    pub rows: u64,
    /// Roll-ups that were compared with the rows, as far as those are kept.
    pub rollups: u64,
    /// Records of requests that were read: the latest 20,000 of them.
    pub requests: u64,
    /// Sessions of people.
    pub sessions: u64,
    /// Entries of the audit log, whose chain was followed.
    pub audit: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where.
    pub place: String,
    /// What.
    pub what: String,
}

/// Reads everything, opens every secret, and adds the ledger's rows up to compare them with the roll-ups. Nothing is
/// changed, and a failure of the store is a problem like others. A store that others write to meanwhile may show roll-ups that
/// are ahead of the rows: look at a copy.
pub async fn verify(stores: &Stores, vault: &Vault, progress: Progress<'_>) -> Findings {
    let mut search = Search { vault, findings: Findings::default() };
    for (done, kind) in RecordKind::ALL.into_iter().enumerate() {
        progress("records", done as u64, RecordKind::ALL.len() as u64);
        search.records(&*stores.config, kind).await;
    }
    search.requests(stores).await;
    progress("journals", 0, 1);
    super::journals::verify(stores, vault, &mut search.findings).await;
    books::compare(&*stores.ledger, &mut search.findings, progress).await;
    search.findings
}

impl Findings {
    /// Adds something that is wrong.
    pub fn problem(&mut self, place: impl Into<String>, what: impl Into<String>) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(Problem { place: place.into(), what: what.into() });
        }
    }

    /// Adds that something could not be read.
    pub(super) fn unreadable(&mut self, place: impl Into<String>, error: &dyn std::error::Error) {
        let mut what = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            what.push_str(&format!(": {cause}"));
            next = cause.source();
        }
        self.problem(place, what);
    }
}

struct Search<'a> {
    vault: &'a Vault,
    findings: Findings,
}

impl Search<'_> {
    async fn records(&mut self, config: &dyn ConfigStore, kind: RecordKind) {
        let mut after = None;
        loop {
            let page = match config.list(kind, after, PAGE).await {
                Ok(page) => page,
                Err(error) => return self.findings.unreadable(format!("records of kind {kind}"), &error),
            };
            page.records.iter().for_each(|record| self.record(record));
            match page.next {
                Some(next) => after = Some(next),
                None => return,
            }
        }
    }

    fn record(&mut self, record: &Record) {
        self.findings.records += 1;
        match record.kind {
            // Whoever has a vault has read it.
            RecordKind::Keyring => {}
            RecordKind::Account => {
                if let Some(account) = self.entity::<Account>(record) {
                    self.secret(&account_credential_place(account.id), account.credential.as_ref());
                    let password = account.proxy.as_ref().and_then(|proxy| proxy.password.as_ref());
                    self.secret(&account_proxy_place(account.id), password);
                }
            }
            RecordKind::ClientKey => drop(self.entity::<ClientKey>(record)),
            RecordKind::Pool => drop(self.entity::<Pool>(record)),
            RecordKind::Route => drop(self.entity::<Route>(record)),
            RecordKind::Owner => drop(self.entity::<Owner>(record)),
            RecordKind::Team => drop(self.entity::<Team>(record)),
            RecordKind::Channel => {
                if let Some(channel) = self.entity::<Channel>(record) {
                    for (field, sealed) in channel.sealed() {
                        self.secret(&channel_place(channel.id, field), Some(sealed));
                    }
                }
            }
            RecordKind::User => {
                if let Some(user) = self.entity::<User>(record) {
                    let secret = user.second_factor.as_ref().map(|factor| &factor.secret);
                    self.secret(&user_second_factor_place(user.id), secret);
                }
            }
            RecordKind::ApiToken => drop(self.entity::<ApiToken>(record)),
            RecordKind::OwnPrice => drop(self.entity::<OwnPrice>(record)),
            RecordKind::Card => drop(self.entity::<Card>(record)),
            RecordKind::Setting => drop(self.entity::<Setting>(record)),
        }
    }

    fn entity<T: Entity>(&mut self, record: &Record) -> Option<T> {
        let place = format!("{} {}", record.kind, record.id);
        if !record.intact {
            self.findings.problem(place.clone(), "is damaged: its checksum is another one");
        }
        let entity: T = match serde_json::from_str(&record.body) {
            Ok(entity) => entity,
            Err(error) => {
                self.findings.problem(place, format!("cannot be read: {error}"));
                return None;
            }
        };
        if entity.id() != record.id || entity.lookup() != record.lookup {
            self.findings.problem(place, "is kept under another name or identity than its own");
        }
        Some(entity)
    }

    fn secret(&mut self, place: &Place<'_>, sealed: Option<&Sealed>) {
        let Some(sealed) = sealed else { return };
        self.findings.secrets += 1;
        if let Err(error) = self.vault.unseal(place, sealed) {
            self.findings.problem(place.to_string(), error.to_string());
        }
    }

    async fn requests(&mut self, stores: &Stores) {
        let latest = match stores.requests.latest(None, MOST_REQUESTS).await {
            Ok(latest) => latest,
            Err(error) => return self.findings.unreadable("records of requests", &error),
        };
        for record in latest {
            self.findings.requests += 1;
            match stores.requests.find(record.id).await {
                Ok(kept) => {
                    let bodies = kept.and_then(|kept| kept.bodies);
                    self.secret(&request_bodies_place(record.id), bodies.as_ref());
                }
                Err(error) => self.findings.unreadable(format!("request {}", record.id), &error),
            }
        }
    }
}

const PAGE: usize = 500;

/// Records of requests explain and prove nothing: the latest are enough to look at.
const MOST_REQUESTS: usize = 20_000;

/// Who has more of them needs no longer list.
const MOST_PROBLEMS: usize = 1_000;
