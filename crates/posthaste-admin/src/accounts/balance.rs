//! What is left on accounts, as their vendors tell it.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use parking_lot::Mutex;
use posthaste_core::{Account, AccountId, Egress, Payload, Timestamp};
use posthaste_provider::{Balance, BalanceForm};
use posthaste_vault::{CredentialSource, VaultError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::AccountService;
use crate::{AdminError, change::find};

/// What is left on an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BalanceView {
    /// Which account.
    pub account_id: AccountId,
    /// Its name.
    pub account: String,
    /// When its vendor told.
    pub asked_at: Timestamp,
    /// What is left, by currency. Empty where the vendor could not be asked, see `problem`.
    pub amounts: Vec<BalanceAmount>,
    /// Why it is not known, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// An amount of one currency, in billionths of its unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BalanceAmount {
    /// The currency, such as `USD` or `CNY`.
    pub currency: String,
    /// What is left; `None` where nothing bounds it.
    pub left: Option<i64>,
    /// What there was in all, where the vendor tells.
    pub limit: Option<i64>,
    /// What of that has been used, where the vendor tells.
    pub used: Option<i64>,
}

impl From<Balance> for BalanceAmount {
    fn from(balance: Balance) -> Self {
        let Balance { currency, left, limit, used } = balance;
        Self { currency, left, limit, used }
    }
}

/// What vendors told last. One for each process.
#[derive(Default)]
pub(crate) struct Balances(Mutex<HashMap<AccountId, BalanceView>>);

impl Balances {
    fn recent(&self, account: AccountId, now: Timestamp) -> Option<BalanceView> {
        let told = self.0.lock().get(&account)?.clone();
        (now.since(told.asked_at) < FRESH && now >= told.asked_at).then_some(told)
    }

    fn note(&self, view: BalanceView) {
        let mut told = self.0.lock();
        if told.len() >= MOST {
            told.clear();
        }
        told.insert(view.account_id, view);
    }
}

impl AccountService<'_> {
    /// What is left on an account: as its vendor told within the last five minutes, else as it tells now.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] for an account whose vendor does not tell.
    pub async fn balance(self, account: &str, ask: bool) -> Result<BalanceView, AdminError> {
        let account = find(&self.admin.account_records(), account).await?.value;
        let form = BalanceForm::of(&account).ok_or_else(|| {
            let message = format!(
                "the vendor of account `{}` tells no balance by its API (preset `{}`)",
                account.name, account.preset.0
            );
            AdminError::invalid("account", message)
        })?;
        let now = self.admin.parts().clock.now();
        if !ask && let Some(told) = self.admin.balances().recent(account.id, now) {
            return Ok(told);
        }
        let (amounts, problem) = match self.ask(&account, form).await? {
            Ok(balances) => (balances.into_iter().map(BalanceAmount::from).collect(), None),
            Err(problem) => (Vec::new(), Some(problem)),
        };
        let view = BalanceView {
            account_id: account.id,
            account: account.name,
            asked_at: self.admin.parts().clock.now(),
            amounts,
            problem,
        };
        self.admin.balances().note(view.clone());
        Ok(view)
    }

    /// The balances, or why there are none.
    async fn ask(
        self,
        account: &Account,
        form: BalanceForm,
    ) -> Result<Result<Vec<Balance>, String>, AdminError> {
        let credential = match self.admin.credentials().credential(account).await {
            Ok(credential) => credential,
            Err(VaultError::OAuth { error, .. }) => return Ok(Err(error.to_string())),
            Err(error) => return Err(error.into()),
        };
        let egress = self.admin.credentials().egress(account).await?;
        let questions = match form.questions(account, credential.as_deref()) {
            Ok(questions) => questions,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let mut answers = Vec::with_capacity(questions.len());
        for question in questions {
            let answer = timeout(PATIENCE, self.answer(question, &egress)).await;
            match answer.unwrap_or_else(|_| Err("the vendor did not answer in time".to_owned())) {
                Ok(answer) => answers.push(answer),
                Err(problem) => return Ok(Err(problem)),
            }
        }
        Ok(form.read(account, &answers).map_err(|error| error.to_string()))
    }

    async fn answer(self, question: http::Request<Payload>, egress: &Egress) -> Result<Bytes, String> {
        let transport = &self.admin.parts().transport;
        let (head, body) =
            transport.send(question, egress).await.map_err(|error| error.to_string())?.into_parts();
        if !head.status.is_success() {
            return Err(format!("the vendor answered {}", head.status));
        }
        let body = Limited::new(body, MOST_BYTES).collect().await;
        Ok(body.map_err(|error| format!("the vendor's answer cannot be read: {error}"))?.to_bytes())
    }
}

/// Until then a vendor is not asked again, unless somebody wants it.
const FRESH: Duration = Duration::from_secs(300);
const PATIENCE: Duration = Duration::from_secs(15);
const MOST_BYTES: usize = 64 * 1024;
/// Accounts that are remembered at most.
const MOST: usize = 10_000;
