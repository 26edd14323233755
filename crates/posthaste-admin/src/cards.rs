//! Redemption cards: an operator makes them, and whoever has the code of one adds what it gives to a client key.

mod fitting;
mod input;
mod steps;
mod view;
mod watched;

use posthaste_core::{
    Card, CardId, CardLimits, CardState, CardStatus, ClientKey, ClientKeyId, Redemption, RedemptionId,
    SettingValue,
};
use posthaste_storage::{Repository, StorageError, Versioned};
use posthaste_vault::{NewToken, hash_token};

pub(crate) use self::watched::redeem_watched;
pub use self::{
    input::{CardLimitsChange, CardListInput, NewCards, RedemptionListInput},
    view::{
        CardStats, CardSum, CardView, CreatedCard, HeldRedemption, RedemptionView, TakenBackView,
        WithdrawnView,
    },
};
use crate::{Actor, Admin, AdminError, Disclosed, ListPage, Who, change::find, lists::Cut, settings};

/// Redemption cards.
#[derive(Clone, Copy)]
pub struct CardService<'a> {
    admin: &'a Admin,
}

impl<'a> CardService<'a> {
    pub(crate) fn new(admin: &'a Admin) -> Self {
        Self { admin }
    }

    /// Makes cards. Their codes are in the answer and nowhere else.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for an input that cannot be taken. When the store fails half-way, the cards before that are there,
    /// and nobody knows their codes.
    pub async fn create(self, actor: &Actor, new: NewCards) -> Result<Vec<CreatedCard>, AdminError> {
        let now = self.admin.now();
        let (count, gives, note) = new.checked(now)?;
        let mut made = Vec::with_capacity(count);
        for _ in 0..count {
            let code = NewToken::card_code()?;
            let text = code.secret.expose();
            let card = Card {
                id: CardId::generate(),
                code: code.hash,
                hint: text[text.len() - HINT_LENGTH..].to_owned(),
                gives,
                expires_at: new.expires_at,
                note: note.clone(),
                made_by: called(actor),
                state: CardState::Unused,
                created_at: now,
                updated_at: now,
            };
            let kept = self.cards().create(card).await?.value;
            made.push(CreatedCard { view: CardView::of(&kept, now), code: Disclosed::new(code.secret) });
        }
        Ok(made)
    }

    /// A page of cards, the newest first.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a page that cannot be.
    pub async fn page(self, input: &CardListInput) -> Result<ListPage<CardView>, AdminError> {
        let (known, now) = (self.admin.directory().await?, self.admin.now());
        let cut = Cut::new(input.page, input.page_size)?;
        // Identities of later cards sort after those of earlier ones.
        let wanted: Vec<_> = known.cards.values().rev().filter(|card| input.wants(card, now)).collect();
        let (cards, total) = cut.of(wanted);
        Ok(cut.page(cards.into_iter().map(|card| CardView::of(card, now)).collect(), total))
    }

    /// One of them, by id or by its last characters where those are its alone.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none.
    pub async fn show(self, card: &str) -> Result<CardView, AdminError> {
        let found = self.find(card).await?;
        Ok(CardView::of(&found.value, self.admin.now()))
    }

    /// Withdraws a card that nobody has redeemed, and keeps its record.
    ///
    /// # Errors
    /// [`AdminError::Conflict`] when it was redeemed, [`AdminError::NotFound`] when there is none.
    pub async fn revoke(self, actor: &Actor, card: &str) -> Result<CardView, AdminError> {
        let (now, found) = (self.admin.now(), self.unredeemed(card).await?);
        if found.value.state != CardState::Unused {
            return Ok(CardView::of(&found.value, now));
        }
        let state = CardState::Withdrawn { at: now, by: called(actor) };
        let next = Card { state, updated_at: now, ..found.value };
        let kept = self.cards().replace(next, found.version).await.map_err(faster)?;
        Ok(CardView::of(&kept.value, now))
    }

    /// Removes a card that nobody has redeemed.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke).
    pub async fn delete(self, card: &str) -> Result<CardView, AdminError> {
        let found = self.unredeemed(card).await?;
        self.cards().remove(found.value.id.uuid(), found.version).await.map_err(faster)?;
        Ok(CardView::of(&found.value, self.admin.now()))
    }

    /// Redeems a card for a client key, by the key's id or name.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for a code or a key that there is not, [`AdminError::Conflict`] for a card that is over, was
    /// redeemed before, or does not fit the key.
    pub async fn redeem(
        self,
        actor: &Actor,
        code: &Disclosed,
        key: &str,
    ) -> Result<RedemptionView, AdminError> {
        let key = find(&self.admin.key_records(), key).await?.value;
        self.redeem_for(&key, code, called(actor)).await
    }

    /// The same for a key that is known to be the redeemer's.
    pub(crate) async fn redeem_for(
        self,
        key: &ClientKey,
        code: &Disclosed,
        by: String,
    ) -> Result<RedemptionView, AdminError> {
        let now = self.admin.now();
        let hash = hash_token(&normal(code.secret().expose())).to_hex();
        let unknown = || AdminError::NotFound { what: UNKNOWN_CODE.to_owned() };
        let found = self.cards().find(&hash).await?.ok_or_else(unknown)?;
        if found.value.open_step().is_some() {
            // A relay that stopped between its steps leaves such a card. Whose it is, is decided already, unless it does not fit.
            steps::finish(self.admin, found.value.id).await?;
        }
        let Versioned { version, value: card } = self.cards().find(&hash).await?.ok_or_else(unknown)?;
        let refused = |what: &str| Err(AdminError::Conflict { what: format!("the card {what}") });
        match card.status(now) {
            CardStatus::Unused => {}
            CardStatus::Expired => {
                return refused(
                    "can no longer be redeemed: its time is over; ask whoever gave it for another",
                );
            }
            CardStatus::Revoked => {
                return refused(
                    "can no longer be redeemed: it was withdrawn; ask whoever gave it for another",
                );
            }
            CardStatus::Redeemed | CardStatus::TakenBack => {
                return refused("was redeemed already, and each gives what it has once");
            }
        }
        // As it is now: what was presented may be a moment old.
        let key = steps::key(self.admin, key.id).await?;
        steps::check(&key, &card, &limits(self.admin).await?, now)?;
        let id = RedemptionId::generate();
        let redemption = Redemption { id, key: key.id, key_name: key.name, by, at: now };
        let card_id = card.id;
        let next = Card { state: CardState::Redeeming { redemption }, updated_at: now, ..card };
        match self.cards().replace(next, version).await {
            Ok(_) => {}
            Err(StorageError::Conflict { .. }) => {
                return refused("was redeemed by somebody else at this moment");
            }
            Err(error) => return Err(error.into()),
        }
        // Whatever fails from here on, the card is on its way, and the next who looks brings it there.
        let ended = steps::finish(self.admin, card_id).await?;
        let mine = ended.filter(|card| card.redemption().is_some_and(|redemption| redemption.id == id));
        match mine.as_ref().and_then(RedemptionView::of) {
            Some(view) => Ok(view),
            None => refused("was not redeemed: the client key was changed at this moment; try again"),
        }
    }

    /// A page of redemptions, the newest first.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a page that cannot be, [`AdminError::NotFound`] for a key that there is not.
    pub async fn redemptions(
        self,
        input: &RedemptionListInput,
    ) -> Result<ListPage<RedemptionView>, AdminError> {
        let cut = Cut::new(input.page, input.page_size)?;
        let key = match input.key.as_deref() {
            Some(key) => Some(find(&self.admin.key_records(), key).await?.value.id),
            None => None,
        };
        let (items, total) = cut.of(self.redeemed(|id| key.is_none_or(|key| key == id)).await?);
        Ok(cut.page(items, total))
    }

    /// The redemptions of some client keys, the newest first.
    pub(crate) async fn held(self, keys: &[ClientKeyId]) -> Result<Vec<HeldRedemption>, AdminError> {
        Ok(self.redeemed(|key| keys.contains(&key)).await?.into_iter().map(HeldRedemption::from).collect())
    }

    /// Takes back what a card gave, as far as it is not used; time stays.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is no such redemption, [`AdminError::Conflict`] when that was done already.
    pub async fn take_back(self, actor: &Actor, redemption: &str) -> Result<RedemptionView, AdminError> {
        let now = self.admin.now();
        let missing = || AdminError::NotFound { what: format!("redemption `{}`", redemption.escape_debug()) };
        let wanted: RedemptionId = redemption.parse().map_err(|_| missing())?;
        let all = self.redeemed(|_| true).await?;
        let id =
            all.into_iter().find(|known| known.id == wanted).map(|known| known.card).ok_or_else(missing)?;
        steps::finish(self.admin, id).await?;
        let Versioned { version, value: card } = self.cards().get(id.uuid()).await?.ok_or_else(missing)?;
        let redemption = match card.state.clone() {
            CardState::Redeemed { redemption } if redemption.id == wanted => redemption,
            _ => {
                let what = "what the card gave was taken back already".to_owned();
                return Err(AdminError::Conflict { what });
            }
        };
        let step = RedemptionId::generate();
        let state = CardState::TakingBack { redemption, step, at: now, by: called(actor) };
        let next = Card { state, updated_at: now, ..card };
        self.cards().replace(next, version).await.map_err(faster)?;
        let ended = steps::finish(self.admin, id).await?;
        ended.as_ref().and_then(RedemptionView::of).ok_or_else(missing)
    }

    /// How many cards there are, and what they give.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stats(self) -> Result<CardStats, AdminError> {
        let (known, now) = (self.admin.directory().await?, self.admin.now());
        let mut by_status = CardStatus::ALL.map(|status| CardSum { status, cards: 0, quota: 0, seconds: 0 });
        let mut taken_back: u64 = 0;
        for card in known.cards.values() {
            let status = card.status(now);
            for sum in by_status.iter_mut().filter(|sum| sum.status == status) {
                sum.cards += 1;
                sum.quota = sum.quota.saturating_add(card.gives.quota);
                sum.seconds = sum.seconds.saturating_add(card.gives.seconds);
            }
            if let CardState::TakenBack { quota, .. } = &card.state {
                taken_back = taken_back.saturating_add(*quota);
            }
        }
        let total = u64::try_from(known.cards.len()).unwrap_or(u64::MAX);
        Ok(CardStats { total, by_status: by_status.into(), taken_back })
    }

    /// How much cards can add up to.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn limits(self) -> Result<CardLimits, AdminError> {
        limits(self.admin).await
    }

    /// Changes how much cards can add up to. What was redeemed already stays.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for what cannot be counted.
    pub async fn set_limits(self, wanted: CardLimitsChange) -> Result<CardLimits, AdminError> {
        wanted.check()?;
        let next = |kept: Option<SettingValue>| {
            let mut limits = read(kept);
            limits.most_quota = wanted.most_quota.unwrap_or(limits.most_quota);
            limits.most_days = wanted.most_days.unwrap_or(limits.most_days);
            Ok(SettingValue::CardLimits(limits))
        };
        settings::change(self.admin, CardLimits::ID, next).await.map(|kept| read(Some(kept)))
    }

    /// Brings cards to their end that are on their way since a relay stopped. Answers how many.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn finish_open(self) -> Result<usize, AdminError> {
        steps::finish_all(self.admin).await
    }

    /// Redemptions of the client keys that are `wanted`, the newest first.
    async fn redeemed(self, wanted: impl Fn(ClientKeyId) -> bool) -> Result<Vec<RedemptionView>, AdminError> {
        let known = self.admin.directory().await?;
        let views = known.cards.values().filter_map(|card| RedemptionView::of(card));
        let mut views: Vec<_> = views.filter(|view| wanted(view.key)).collect();
        views.sort_unstable_by_key(|view| std::cmp::Reverse(view.id));
        Ok(views)
    }

    async fn find(self, card: &str) -> Result<Versioned<Card>, AdminError> {
        match card.chars().count() {
            // As people read it from a list.
            HINT_LENGTH => find(&self.cards(), &format!("…{}", card.to_lowercase())).await,
            _ => find(&self.cards(), card).await,
        }
    }

    /// A card that is not on its way and nobody has redeemed.
    async fn unredeemed(self, card: &str) -> Result<Versioned<Card>, AdminError> {
        let found = self.find(card).await?;
        let id = found.value.id.uuid();
        if found.value.open_step().is_some() {
            steps::finish(self.admin, found.value.id).await?;
        }
        let found = find(&self.cards(), &id.hyphenated().to_string()).await?;
        if found.value.redemption().is_some() {
            let what = "the card was redeemed already; take its redemption back instead".to_owned();
            return Err(AdminError::Conflict { what });
        }
        Ok(found)
    }

    fn cards(self) -> Repository<Card> {
        self.admin.card_records()
    }
}

async fn limits(admin: &Admin) -> Result<CardLimits, AdminError> {
    settings::kept(admin, CardLimits::ID).await.map(read)
}

fn read(kept: Option<SettingValue>) -> CardLimits {
    match kept {
        Some(SettingValue::CardLimits(limits)) => limits,
        _ => CardLimits::default(),
    }
}

/// As the code was made, however somebody copied it.
fn normal(code: &str) -> String {
    let letters = code.chars().filter(|letter| !letter.is_whitespace());
    letters.map(|letter| if letter == '_' { '-' } else { letter.to_ascii_lowercase() }).collect()
}

fn faster(error: StorageError) -> AdminError {
    match error {
        StorageError::Conflict { .. } => AdminError::Conflict {
            what: "somebody else changed the card at this moment; look at it again".to_owned(),
        },
        error => error.into(),
    }
}

/// What whoever acts is called in a record.
fn called(actor: &Actor) -> String {
    match &actor.who {
        Who::Machine { name: Some(name) } => format!("command line ({name})"),
        Who::Machine { name: None } => "command line".to_owned(),
        Who::User { name, .. } => name.clone(),
        Who::Token { name, .. } => format!("token {name}"),
        Who::Stranger => "holder of the client key".to_owned(),
    }
}

const HINT_LENGTH: usize = 4;
const UNKNOWN_CODE: &str = "card of this code; it is `phc-` and six groups of four, and all of it is needed";
