//! Computing the costs of what is booked again, after a price was put right.
//!
//! A ledger row keeps its tokens by class, so that its cost can be computed again. The row's amounts are changed in place,
//! together with the roll-ups that it is in, as one; the audit log has the sums from before and after, once before a part is
//! done and once after it. Whoever runs it twice, or again after it was broken off, changes nothing twice: a row that already
//! says what it should is left alone. What limits and budgets have counted stays as it is.

use std::collections::HashMap;

use posthaste_core::{
    Account, AccountId, AttemptRow, ClientKeyId, CostBasis, ModelName, Multiplier, NanoUsd, ProviderKind,
    RequestId, Timestamp,
};
use posthaste_metering::PriceBook;
use posthaste_storage::{Amount, Correction, first_request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Actor, Admin, AdminError,
    audit::{Noted, Outcome},
    input, rates,
};

/// Which costs are to be computed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecomputeInput {
    /// Of attempts that began at this moment or later.
    pub from: Timestamp,
    /// And before this one.
    pub until: Timestamp,
    /// Only of this model, as clients named it or as the upstream was asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Only of attempts that had no price.
    #[serde(default)]
    pub only_unpriced: bool,
    /// Only tell what would change.
    #[serde(default)]
    pub dry_run: bool,
    /// Where to go on: the `next` of the answer before. Each answer tells of some thousand rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<RowName>,
}

/// A row's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowName {
    /// The client's request.
    pub request: RequestId,
    /// Which attempt of it.
    pub attempt: u16,
}

/// What came of a part of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecomputeView {
    /// Rows that were looked at.
    pub looked_at: u64,
    /// Rows whose amounts are others now, or would be.
    pub changed: u64,
    /// Rows that have no price still, and stay as they are.
    pub unpriced: u64,
    /// Rows whose account or client key is gone, so that nobody knows what to multiply by. They stay as they are.
    pub left_out: u64,
    /// What the changed rows cost before.
    pub before: Amounts,
    /// What they cost now, or would.
    pub after: Amounts,
    /// Up to which moment all rows have been looked at.
    pub reached: Option<Timestamp>,
    /// Where to go on; `null` at the end.
    pub next: Option<RowName>,
}

/// Sums, in nano-dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Amounts {
    /// What the attempts cost.
    pub cost: NanoUsd,
    /// What the client keys are billed for them.
    pub billed: NanoUsd,
    /// How many of them have no price.
    pub unpriced: u64,
}

impl Amounts {
    fn add(&mut self, amount: &Amount) {
        if amount.basis.is_amount() {
            self.cost += amount.cost;
            self.billed += amount.billed;
        }
        self.unpriced += u64::from(amount.basis == CostBasis::Unpriced);
    }

    /// Adds other sums.
    pub fn merge(&mut self, other: &Self) {
        self.cost += other.cost;
        self.billed += other.billed;
        self.unpriced += other.unpriced;
    }
}

impl RecomputeView {
    /// Takes in what came of the next part.
    pub fn merge(&mut self, next: Self) {
        self.looked_at += next.looked_at;
        self.changed += next.changed;
        self.unpriced += next.unpriced;
        self.left_out += next.left_out;
        self.before.merge(&next.before);
        self.after.merge(&next.after);
        (self.reached, self.next) = (next.reached, next.next);
    }

    /// The sums before and after, for the audit log.
    pub(crate) fn noted(&self) -> (Value, Value) {
        let told = |sums: &Amounts| json!({ "rows": self.changed, "sums": sums, "reached": self.reached });
        (told(&self.before), told(&self.after))
    }
}

/// Computes the costs of a part of the rows again.
///
/// # Errors
/// [`AdminError::Invalid`] for a span that is none; else when the store fails: what was done until then stays done, and doing
/// it again does the rest.
pub(crate) async fn recompute(
    admin: &Admin,
    actor: &Actor,
    input: RecomputeInput,
) -> Result<RecomputeView, AdminError> {
    if input.from >= input.until {
        return Err(AdminError::invalid("until", format!("{} is not after {}", input.until, input.from)));
    }
    let model = input.model.as_deref().map(|name| input::model("model", name)).transpose()?;
    let (rows, end) = some_rows(admin, &input).await?;
    let mut view = RecomputeView {
        looked_at: rows.len() as u64,
        reached: Some(rows.last().map_or(input.until, |row| row.started_at)),
        next: end,
        ..RecomputeView::default()
    };
    let wanted = rows.iter().filter(|row| is_wanted(row, &input, model.as_ref()));
    let mut pricing = Pricing::load(admin).await?;
    let mut corrections = Vec::new();
    for row in wanted {
        match pricing.amount(admin, row).await? {
            Priced::Unknown => view.unpriced += 1,
            Priced::Unanswerable => view.left_out += 1,
            Priced::Amount(is) if is == Amount::of(row) => {}
            Priced::Amount(is) => {
                let AttemptRow { request_id, attempt, key_id, .. } = *row;
                corrections.push(Correction { request_id, attempt, key_id, was: Amount::of(row), is });
            }
        }
    }
    if input.dry_run || corrections.is_empty() {
        view.count(&corrections);
        return Ok(view);
    }
    // Should the relay be killed between the books and the note of what was done, the log has what was about to be.
    let mut planned = view.clone();
    planned.count(&corrections);
    let (before, after) = planned.noted();
    let (before, after) = (Some(before), Some(after));
    let noted = Noted { action: BEGUN, target: None, outcome: Outcome::Done, why: None, before, after };
    admin.audit().note(actor, noted).await;
    let mut done = Vec::with_capacity(corrections.len());
    for step in corrections.chunks(STEP) {
        let changed = admin.parts().stores.ledger.correct(step).await?;
        done.extend(step.iter().filter(|correction| changed.contains(&correction.name())).copied());
    }
    view.count(&done);
    Ok(view)
}

impl RecomputeView {
    fn count(&mut self, corrections: &[Correction]) {
        self.changed = corrections.len() as u64;
        for Correction { was, is, .. } in corrections {
            self.before.add(was);
            self.after.add(is);
        }
    }
}

fn is_wanted(row: &AttemptRow, input: &RecomputeInput, model: Option<&ModelName>) -> bool {
    (input.from..input.until).contains(&row.started_at)
        && model.is_none_or(|model| row.model == *model || row.upstream_model == *model)
        && (!input.only_unpriced || row.cost_basis == CostBasis::Unpriced)
        && row.cost_basis != CostBasis::None
}

/// The next rows, and where to go on behind them. Rows go by their requests' identities, which tell when a request came; its
/// attempts begin then or later.
async fn some_rows(
    admin: &Admin,
    input: &RecomputeInput,
) -> Result<(Vec<AttemptRow>, Option<RowName>), AdminError> {
    let ledger = &admin.parts().stores.ledger;
    let first = (first_request(input.from.minus(LONGEST_REQUEST)), 0);
    let mut after = input.after.map_or(first, |RowName { request, attempt }| (request, attempt).max(first));
    let (end, mut rows) = (first_request(input.until), Vec::new());
    while rows.len() < PART {
        let found = ledger.rows_after(Some(after), STEP).await?;
        let Some(last) = found.last() else { return Ok((rows, None)) };
        after = (last.request_id, last.attempt);
        let is_over = last.request_id >= end;
        rows.extend(found.into_iter().filter(|row| row.request_id < end));
        if is_over {
            return Ok((rows, None));
        }
    }
    Ok((rows, Some(RowName { request: after.0, attempt: after.1 })))
}

/// What is needed to price rows as a relay would now.
struct Pricing {
    book: PriceBook,
    rates: HashMap<ProviderKind, Multiplier>,
    accounts: HashMap<AccountId, Account>,
    /// What the client keys are billed by; `None` for those that are gone.
    keys: HashMap<ClientKeyId, Option<Multiplier>>,
}

enum Priced {
    Amount(Amount),
    Unknown,
    Unanswerable,
}

impl Pricing {
    async fn load(admin: &Admin) -> Result<Self, AdminError> {
        let own = super::own_prices(admin).await?;
        let book = super::update::book(admin).await?.with_own(&own);
        let accounts = admin.account_records().all().await?.into_iter();
        let accounts = accounts.map(|found| (found.value.id, found.value)).collect();
        Ok(Self { book, rates: rates::by_provider(admin).await?, accounts, keys: HashMap::new() })
    }

    async fn amount(&mut self, admin: &Admin, row: &AttemptRow) -> Result<Priced, AdminError> {
        let Some(of_key) = self.of_key(admin, row.key_id).await? else { return Ok(Priced::Unanswerable) };
        let Some(account) = self.accounts.get(&row.account_id) else { return Ok(Priced::Unanswerable) };
        let rests_on = (row.usage_source, row.cost_basis);
        let charge = self.book.recharge(account, row.upstream_model.as_str(), &row.usage, rests_on);
        let Some((cost, basis)) = charge else { return Ok(Priced::Unknown) };
        let cost = account.scheduling.multiplier.of(cost);
        let of_provider = self.rates.get(&row.provider).copied().unwrap_or_default();
        Ok(Priced::Amount(Amount { cost, billed: of_key.and(of_provider, cost), basis }))
    }

    async fn of_key(&mut self, admin: &Admin, key: ClientKeyId) -> Result<Option<Multiplier>, AdminError> {
        if let Some(known) = self.keys.get(&key) {
            return Ok(*known);
        }
        let id: Uuid = key.uuid();
        let found = admin.key_records().get(id).await?.map(|found| found.value.policy.multiplier);
        self.keys.insert(key, found);
        Ok(found)
    }
}

/// What the audit log calls it before it is done.
const BEGUN: &str = "price.recompute_begun";

/// Rows in one answer.
const PART: usize = 5_000;

/// Rows that are read or changed at once: others wait no longer than for a few milliseconds.
const STEP: usize = 500;

/// Attempts may begin later than their requests came, but not by more than this.
const LONGEST_REQUEST: std::time::Duration = std::time::Duration::from_secs(86_400);
