//! People who come from an identity provider.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_admin::{
    Actor, Admin, AdminError, AdminParts, Arrival, BegunLogin, BroughtBack, DirectoryError, Disclosed,
    IdentityProvider, ProviderError, ReturnedLogin, SignInFinding, SignInStep, SignedIn, UserChange, Visit,
    Vouched, VouchedRole,
};
use posthaste_core::{Role, Secret, SignIn};
use posthaste_vault::CodeSecret;

use crate::support::{Bench, quiet};

/// A provider whose code is whom it vouches for, as `subject:name`.
#[derive(Default)]
struct Vouches {
    begun: Mutex<u32>,
    away: Mutex<bool>,
}

#[async_trait]
impl IdentityProvider for Vouches {
    fn label(&self) -> &'static str {
        "Staff"
    }

    async fn begin(&self) -> Result<BegunLogin, DirectoryError> {
        let mut begun = self.begun.lock();
        *begun += 1;
        let named = |what: &str| Secret::new(format!("{what} {begun}"));
        let url = format!("https://id.example/{begun}");
        Ok(BegunLogin { url, state: named("state"), nonce: named("nonce"), verifier: named("verifier") })
    }

    async fn examine(&self) -> Vec<SignInFinding> {
        vec![SignInFinding::good(SignInStep::Redirect, "https://relay.example")]
    }

    async fn finish(&self, back: ReturnedLogin<'_>) -> Result<Vouched, ProviderError> {
        if *self.away.lock() {
            return Err(ProviderError::Away(DirectoryError::unfit("connecting to id.example")));
        }
        let begun = back.nonce.expose().strip_prefix("nonce ").unwrap();
        assert_eq!(back.verifier.expose(), &format!("verifier {begun}"), "both are of one log-in");
        let (subject, name) = back.code.expose().split_once(':').unwrap();
        let (issuer, subject) = ("https://id.example".to_owned(), subject.to_owned());
        Ok(Vouched {
            sign_in: SignIn::Oidc { issuer, subject },
            name: name.to_owned(),
            display_name: None,
            email: None,
            role: VouchedRole::AtFirst(Role::User),
        })
    }
}

async fn furnished() -> (Bench, Arc<Vouches>) {
    let (bench, vouches) = (quiet().await, Arc::new(Vouches::default()));
    let identity_provider = Some(Arc::clone(&vouches) as Arc<dyn IdentityProvider>);
    let parts = AdminParts { identity_provider, ..bench.parts };
    (Bench { admin: Admin::new(parts.clone()), parts, ..bench }, vouches)
}

/// A browser that is at the provider.
struct Away {
    ticket: Secret,
    number: u32,
}

impl Away {
    async fn begin(bench: &Bench) -> Self {
        let departure = bench.admin.sign_in().depart(None).await.unwrap();
        let number = departure.url.rsplit('/').next().unwrap().parse().unwrap();
        Self { ticket: departure.ticket, number }
    }

    async fn back(&self, bench: &Bench, who: &str) -> Result<Arrival, AdminError> {
        let (state, code) = (Some(Secret::new(format!("state {}", self.number))), Some(Secret::new(who)));
        let brought = BroughtBack { state, code, ..BroughtBack::default() };
        bench.admin.sign_in().arrive(Some(self.ticket.expose()), brought, &Visit::default()).await
    }
}

async fn come(bench: &Bench, who: &str) -> Result<Arrival, AdminError> {
    Away::begin(bench).await.back(bench, who).await
}

fn signed(arrival: Result<Arrival, AdminError>) -> SignedIn {
    match arrival {
        Ok(Arrival::SignedIn { signed, .. }) => *signed,
        other => panic!("{other:?}"),
    }
}

fn refused(arrival: &Result<Arrival, AdminError>, words: &str) {
    match arrival {
        Err(AdminError::Unauthenticated { what, .. }) if what.as_text().contains(words) => {}
        other => panic!("{words}: {other:?}"),
    }
}

#[tokio::test]
async fn a_person_is_known_by_subject_whatever_the_name() {
    let (bench, _) = furnished().await;
    let first = signed(come(&bench, "1:Ada").await).user;
    assert_eq!((first.name.as_str(), first.role), ("ada", Role::User));
    let renamed = signed(come(&bench, "1:lovelace").await).user;
    assert_eq!((renamed.id, renamed.name.as_str()), (first.id, "ada"));
    refused(&come(&bench, "2:ada").await, "belongs to somebody else");
    refused(&come(&bench, "3:a b").await, "cannot be one here");
    let off = UserChange { enabled: Some(false), ..UserChange::default() };
    bench.admin.people().update(&Actor::machine(), "ada", off).await.unwrap();
    refused(&come(&bench, "1:ada").await, "may not log in here");
    assert_eq!(bench.admin.people().list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_log_in_ends_after_ten_minutes_and_is_taken_once() {
    let (bench, _) = furnished().await;
    let (slow, quick) = (Away::begin(&bench).await, Away::begin(&bench).await);
    bench.clock.advance(Duration::from_secs(599));
    signed(quick.back(&bench, "1:ada").await);
    refused(&quick.back(&bench, "1:ada").await, "used before");
    bench.clock.advance(Duration::from_secs(1));
    refused(&slow.back(&bench, "1:ada").await, "longer than 10 minutes");
    refused(&quick.back(&bench, "1:ada").await, "longer than 10 minutes");
}

#[tokio::test]
async fn of_two_who_come_at_once_for_the_first_time_one_person_is_made() {
    let (bench, _) = furnished().await;
    let (one, other) = tokio::join!(come(&bench, "1:ada"), come(&bench, "1:ada"));
    assert_eq!(signed(one).user.id, signed(other).user.id);
    let away = Away::begin(&bench).await;
    let (one, other) = tokio::join!(away.back(&bench, "1:ada"), away.back(&bench, "1:ada"));
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1, "{one:?} {other:?}");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_here() {
    let (bench, _) = furnished().await;
    let sign_in = bench.admin.sign_in();
    let token = signed(come(&bench, "1:ada").await).token;
    let person = sign_in.person(token.expose()).await.unwrap().unwrap();
    let factor = sign_in.new_second_factor(&person).unwrap();
    let device = CodeSecret::from_base32(factor.secret.secret().clone());
    let code = || Disclosed::new(device.code(bench.now()).unwrap());
    sign_in.enrol_second_factor(&person, &factor.secret, &code()).await.unwrap();
    bench.clock.advance(Duration::from_secs(60));

    let away = Away::begin(&bench).await;
    let Ok(Arrival::NeedsCode { ticket, .. }) = away.back(&bench, "1:ada").await else { panic!("no code") };
    let visit = Visit::default();
    let with = |ticket: &Secret, code: Disclosed| {
        let ticket = ticket.expose().to_owned();
        let visit = &visit;
        async move { sign_in.arrive_with_code(Some(&ticket), code, visit).await }
    };
    let wrong = Disclosed::new(Secret::new("000000"));
    assert!(with(&ticket, wrong).await.is_err());
    assert!(with(&away.ticket, code()).await.is_err(), "the first step's ticket is not the second's");
    assert_eq!(with(&ticket, code()).await.unwrap().user.name, "ada");
    bench.clock.advance(Duration::from_secs(300));
    assert!(with(&ticket, code()).await.is_err(), "it is too long ago");
}

#[tokio::test]
async fn whoever_fails_too_often_from_one_address_waits() {
    let (bench, vouches) = furnished().await;
    *vouches.away.lock() = true;
    let away = come(&bench, "1:ada").await;
    assert!(matches!(away, Err(AdminError::IdentityProvider)), "{away:?}");
    *vouches.away.lock() = false;
    let mut tries = 0;
    let waits = loop {
        tries += 1;
        match bench.admin.sign_in().arrive(None, BroughtBack::default(), &Visit::default()).await {
            Err(AdminError::Unauthenticated { .. }) if tries < 100 => {}
            other => break other,
        }
    };
    assert!(matches!(waits, Err(AdminError::TooMany { .. })), "{tries}: {waits:?}");
}
