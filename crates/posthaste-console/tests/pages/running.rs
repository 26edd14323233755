//! A relay that runs, as far as pages ask it, and a folder of back-ups in memory.

use std::{
    future::{Future, ready},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use posthaste_admin::{
    AdminError, BackupFolder, BackupView, BegunLogin, DirectoryError, Foretelling, IdentityProvider, LogBook,
    LogLevel, LogLine, OverheadView, ParkedModels, ParkedView, ProcessView, ProviderError, QuotaView,
    ReloadView, ReturnedLogin, Runtime, SettingSource, SettingView, SignInFinding, SignInStep, SpoolStatus,
    Vouched,
};
use posthaste_core::{AccountId, ClientKey, InstanceId, Outlook, OutlookQuestion, Secret, Timestamp};

pub(crate) struct Running {
    book: Arc<LogBook>,
    filter: Mutex<String>,
    /// How the plan of every account goes.
    pub(crate) quota: Mutex<Vec<QuotaView>>,
    /// Whether the identity provider cannot be asked.
    pub(crate) is_away: AtomicBool,
    /// What would become of any request.
    pub(crate) outlook: Mutex<Option<Outlook>>,
    /// What was asked about, and by whom.
    pub(crate) questions: Mutex<Vec<(ClientKey, OutlookQuestion)>>,
}

#[async_trait]
impl IdentityProvider for Running {
    fn label(&self) -> &str {
        "House id"
    }

    async fn begin(&self) -> Result<BegunLogin, DirectoryError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(DirectoryError::unfit("nobody answers there"));
        }
        let secret = || Secret::new("dummy");
        let url = "https://id.example.com/authorize?client_id=relay".to_owned();
        Ok(BegunLogin { url, state: secret(), nonce: secret(), verifier: secret() })
    }

    async fn examine(&self) -> Vec<SignInFinding> {
        let redirect = "https://relay.example/users/oidc/callback";
        let mut found = vec![SignInFinding::good(SignInStep::Redirect, redirect)];
        if self.is_away.load(Ordering::Relaxed) {
            let advice = format!("look at `oidc.issuer` {}", crate::inert::NASTY[0]);
            found.push(SignInFinding::bad(SignInStep::Description, crate::inert::NASTY[1], advice));
        }
        found
    }

    async fn finish(&self, _: ReturnedLogin<'_>) -> Result<Vouched, ProviderError> {
        Err(ProviderError::Away(DirectoryError::unfit("nobody answers there")))
    }
}

impl Running {
    /// With a line of each of these levels in its log.
    pub(crate) fn new() -> Self {
        let running = Self {
            book: Arc::default(),
            filter: Mutex::new("info".to_owned()),
            quota: Mutex::default(),
            is_away: AtomicBool::new(false),
            outlook: Mutex::default(),
            questions: Mutex::default(),
        };
        running.say(LogLevel::Info, "posthaste_gateway::serve", "a request came");
        running.say(LogLevel::Error, "posthaste_storage", "the disk is full");
        running
    }

    pub(crate) fn say(&self, level: LogLevel, target: &str, message: &str) {
        self.book.push(LogLine {
            number: 0,
            at: Timestamp::EPOCH,
            level,
            target: target.to_owned(),
            message: message.to_owned(),
            fields: [("account".to_owned(), message.to_owned())].into(),
        });
    }
}

type Coming<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Runtime for Running {
    fn parked(&self, _: AccountId) -> Option<ParkedView> {
        None
    }

    fn parked_models(&self, _: AccountId) -> Vec<ParkedModels> {
        Vec::new()
    }

    fn quota(&self, _: AccountId) -> Vec<QuotaView> {
        self.quota.lock().unwrap().clone()
    }

    fn release(&self, _: AccountId) {}

    fn instance(&self) -> InstanceId {
        InstanceId::generate()
    }

    fn started_at(&self) -> Timestamp {
        Timestamp::EPOCH
    }

    fn in_flight(&self) -> u64 {
        3
    }

    fn open_streams(&self) -> Option<u64> {
        Some(2)
    }

    fn overhead(&self) -> Option<OverheadView> {
        Some(OverheadView { p50_us: 430, p99_us: 2_100, requests: 64 })
    }

    fn spool(&self) -> Option<SpoolStatus> {
        Some(SpoolStatus { rows: 12, bytes: 2_048, oldest_seconds: Some(60), ..SpoolStatus::default() })
    }

    fn process(&self) -> Option<ProcessView> {
        Some(ProcessView { pid: 4_711, resident_bytes: Some(50 << 20), processors: 2 })
    }

    fn settings(&self) -> Vec<SettingView> {
        let setting = |path: &str, value: &str, is_changed: bool| SettingView {
            path: path.to_owned(),
            value: Some(value.to_owned()),
            default: Some("10".to_owned()),
            changed: is_changed,
            source: if is_changed { SettingSource::File } else { SettingSource::Default },
            environment: format!("POSTHASTE_{}", path.to_uppercase().replace('.', "__")),
            live: !is_changed,
            waiting: is_changed.then(|| "30".to_owned()),
        };
        vec![
            setting("server.workers", "20", true),
            setting("limits.attempts", "10", false),
            setting("oidc.issuer", "https://id.example.com", false),
        ]
    }

    fn reload(&self) -> Coming<'_, Result<ReloadView, Vec<String>>> {
        let changed = vec!["limits.attempts".to_owned()];
        Box::pin(ready(Ok(ReloadView { changed, waiting: vec!["server.workers".to_owned()] })))
    }

    fn logs(&self) -> Option<(Arc<LogBook>, String)> {
        Some((Arc::clone(&self.book), self.filter.lock().unwrap().clone()))
    }

    fn set_log_filter(&self, filter: &str) -> Result<(), String> {
        if filter.contains('!') {
            return Err(format!("`{filter}` is no filter"));
        }
        filter.clone_into(&mut self.filter.lock().unwrap());
        Ok(())
    }

    fn outlook<'a>(&'a self, key: ClientKey, question: &'a OutlookQuestion) -> Option<Foretelling<'a>> {
        self.questions.lock().unwrap().push((key, question.clone()));
        let outlook = self.outlook.lock().unwrap().clone()?;
        Some(Box::pin(ready(Ok(outlook))))
    }

    fn settle_records(&self) -> Coming<'_, ()> {
        Box::pin(ready(()))
    }
}

/// The names of the back-ups.
#[derive(Default)]
pub(crate) struct Shelf(Mutex<Vec<BackupView>>);

impl BackupFolder for Shelf {
    fn make<'own, 'made>(&'own self, now: Timestamp) -> Coming<'made, Result<BackupView, AdminError>>
    where
        'own: 'made,
        Self: 'made,
    {
        let name = format!("backup-{}.db", self.0.lock().unwrap().len());
        let path = format!("/var/lib/posthaste/{name}");
        let backup = BackupView { name, path, bytes: 1_536, made_at: now };
        self.0.lock().unwrap().push(backup.clone());
        Box::pin(ready(Ok(backup)))
    }

    fn list<'own, 'made>(&'own self) -> Coming<'made, Result<Vec<BackupView>, AdminError>>
    where
        'own: 'made,
        Self: 'made,
    {
        Box::pin(ready(Ok(self.0.lock().unwrap().clone())))
    }

    fn remove<'own, 'given, 'made>(
        &'own self,
        backup: &'given BackupView,
    ) -> Coming<'made, Result<(), AdminError>>
    where
        'own: 'made,
        'given: 'made,
        Self: 'made,
    {
        self.0.lock().unwrap().retain(|kept| kept.name != backup.name);
        Box::pin(ready(Ok(())))
    }
}
