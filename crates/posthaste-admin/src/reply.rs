//! What commands answer.

use posthaste_core::{AccountError, CardLimits, KeptPriceList, OwnPrice, ServiceRates};
use posthaste_storage::RecordKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    AccountRow, AccountUsage, AccountView, AuditPage, AuditReport, BackupView, BalanceView, BrandingView,
    CardStats, CardView, ChannelView, ClearedErrors, CreatedCard, CreatedKey, CreatedOwnKey, CreatedToken,
    DashboardView, DeliveryView, ExplainView, KeyRow, KeyView, ListPage, LivePlaces, LiveView, LogPage,
    LoginPlan, OwnKeyView, OwnerView, PlanView, PolledLogin, PoolView, PresetView, PriceStatus,
    PriceUpdateView, PriceView, RecomputeView, RedemptionView, RefreshedAccount, ReleasedPlaces, ReloadView,
    RequestSummary, RequestsPage, RouteView, SavedAccount, ServiceRate, SessionView, SettingView,
    SignInReport, StartedLogin, StatsView, StatusView, SystemView, TeamView, TestReport, TokenView,
    TrendView, UnpricedModel, UsageView, UserView,
};

/// What came of a [`Command`](crate::Command).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "reply", content = "value", rename_all = "snake_case")]
pub enum Reply {
    /// The presets.
    Presets(Vec<PresetView>),
    /// An account that was added or changed.
    SavedAccount(SavedAccount),
    /// Accounts, by name.
    Accounts(Vec<AccountView>),
    /// An account, as it is or as it was when it was removed.
    Account(AccountView),
    /// An account's test.
    Tested(TestReport),
    /// An account with a new token.
    Refreshed(RefreshedAccount),
    /// What went wrong at an account, the newest first.
    AccountErrors(Vec<AccountError>),
    /// Back-ups, the newest first.
    Backups(Vec<BackupView>),
    /// A back-up, as it is or as it was when it was removed.
    Backup(BackupView),
    /// What is left on an account.
    Balance(BalanceView),
    /// How an account's windows go.
    AccountUsage(Box<AccountUsage>),
    /// How much of that was forgotten.
    ClearedErrors(ClearedErrors),
    /// What a login would be like.
    LoginPlan(LoginPlan),
    /// A login that was begun.
    StartedLogin(StartedLogin),
    /// Whether a person is done.
    PolledLogin(PolledLogin),
    /// A login that was given up.
    CancelledLogin,
    /// A new client key with its secret.
    CreatedKey(CreatedKey),
    /// Client keys, by name.
    Keys(Vec<KeyView>),
    /// A client key, as it is or as it was when it was removed.
    Key(KeyView),
    /// What a client key used.
    Usage(UsageView),
    /// Pools, by name.
    Pools(Vec<PoolView>),
    /// A pool, as it is or as it was when it was removed.
    Pool(PoolView),
    /// Owners, by name.
    Owners(Vec<OwnerView>),
    /// An owner, as it is or as it was when it was removed.
    Owner(OwnerView),
    /// Teams, by name.
    Teams(Vec<TeamView>),
    /// A team, as it is or as it was when it was removed.
    Team(TeamView),
    /// Routes, by model.
    Routes(Vec<RouteView>),
    /// A route, as it is or as it was when it was removed.
    Route(RouteView),
    /// Who would serve a request.
    Planned(Box<PlanView>),
    /// A request, explained.
    Explained(Box<ExplainView>),
    /// Requests, the newest first.
    Requests(Vec<RequestSummary>),
    /// What was used and what it cost.
    Stats(StatsView),
    /// The whole at a glance.
    Status(StatusView),
    /// What is going on.
    Live(Box<LiveView>),
    /// The places that requests hold.
    Places(Vec<LivePlaces>),
    /// How many places were given back.
    Released(ReleasedPlaces),
    /// What runs here.
    System(Box<SystemView>),
    /// The configuration.
    Settings(Vec<SettingView>),
    /// What was logged lately.
    Logs(LogPage),
    /// What a reload has done.
    Reloaded(ReloadView),
    /// What the relay calls itself.
    Branding(BrandingView),
    /// Prices of the operator's own, by list and model.
    OwnPrices(Vec<OwnPrice>),
    /// One of them, as it is or as it was when it was removed.
    OwnPrice(OwnPrice),
    /// Prices, by list and model.
    Prices(Vec<PriceView>),
    /// Where prices come from.
    PriceStatus(PriceStatus),
    /// What a list of prices changes, or has changed.
    PriceUpdate(Box<PriceUpdateView>),
    /// What came of a part of the books.
    Recomputed(RecomputeView),
    /// What a dollar of cost is billed as, by provider.
    ServiceRates(Vec<ServiceRate>),
    /// Models that have no price.
    Unpriced(Vec<UnpricedModel>),
    /// New cards with their codes.
    CreatedCards(Vec<CreatedCard>),
    /// A page of cards, the newest first.
    CardPage(ListPage<CardView>),
    /// A card, as it is or as it was when it was removed.
    Card(CardView),
    /// How many cards there are, and what they give.
    CardStats(CardStats),
    /// How much cards can add up to.
    CardLimits(CardLimits),
    /// A page of redemptions, the newest first.
    RedemptionPage(ListPage<RedemptionView>),
    /// A redemption.
    Redemption(RedemptionView),
    /// People, by name.
    Users(Vec<UserView>),
    /// A person, as it is or as it was when it was removed.
    User(UserView),
    /// A person's sessions.
    Sessions(Vec<SessionView>),
    /// What was found of a way to log in.
    SignInTested(SignInReport),
    /// A person's client keys, by name.
    OwnKeys(Vec<OwnKeyView>),
    /// A new client key of a person's with its secret.
    CreatedOwnKey(CreatedOwnKey),
    /// A client key of a person's.
    OwnKey(OwnKeyView),
    /// A new token of the admin API with its secret.
    CreatedToken(CreatedToken),
    /// Tokens of the admin API, by name.
    Tokens(Vec<TokenView>),
    /// A token of the admin API, as it was when it was removed.
    Token(TokenView),
    /// Channels, by name.
    Channels(Vec<ChannelView>),
    /// A channel, as it is or as it was when it was removed.
    Channel(ChannelView),
    /// A message and what became of it.
    Delivery(DeliveryView),
    /// A channel's latest messages, the newest first.
    Deliveries(Vec<DeliveryView>),
    /// A part of the audit log.
    Audit(AuditPage),
    /// Whether the audit log is as it was written.
    AuditVerified(AuditReport),
    /// A page of client keys.
    KeyPage(ListPage<KeyRow>),
    /// A page of accounts.
    AccountPage(ListPage<AccountRow>),
    /// A page of requests.
    RequestPage(RequestsPage),
    /// What a dashboard shows.
    Dashboard(Box<DashboardView>),
    /// What was used span by span.
    Trend(TrendView),
}

impl Reply {
    /// What is told of it in the audit log where it is about no record: before and after.
    pub(crate) fn noted(&self) -> Option<(Value, Value)> {
        match self {
            Self::Recomputed(view) => Some(view.noted()),
            Self::SignInTested(report) => Some(report.noted()),
            _ => None,
        }
    }

    /// The record that was made, for commands that are about none before.
    pub(crate) fn made(&self) -> Option<(RecordKind, Uuid)> {
        match self {
            Self::SavedAccount(saved) => Some((RecordKind::Account, saved.account.id.uuid())),
            Self::CreatedKey(created) => Some((RecordKind::ClientKey, created.view.id.uuid())),
            Self::CreatedOwnKey(created) => Some((RecordKind::ClientKey, created.view.id.uuid())),
            Self::OwnKey(key) => Some((RecordKind::ClientKey, key.id.uuid())),
            Self::Pool(pool) => Some((RecordKind::Pool, pool.id.uuid())),
            Self::Route(route) => Some((RecordKind::Route, route.id.uuid())),
            Self::Owner(owner) => Some((RecordKind::Owner, owner.id.uuid())),
            Self::Team(team) => Some((RecordKind::Team, team.id.uuid())),
            Self::User(user) => Some((RecordKind::User, user.id.uuid())),
            Self::Channel(channel) => Some((RecordKind::Channel, channel.id.uuid())),
            Self::CreatedToken(created) => Some((RecordKind::ApiToken, created.view.id.uuid())),
            Self::OwnPrice(price) => Some((RecordKind::OwnPrice, price.id.uuid())),
            Self::CreatedCards(made) => made.first().map(|made| (RecordKind::Card, made.view.id.uuid())),
            Self::Redemption(redemption) => Some((RecordKind::Card, redemption.card.uuid())),
            Self::PriceUpdate(view) if view.taken => Some((RecordKind::Setting, KeptPriceList::ID)),
            Self::ServiceRates(_) => Some((RecordKind::Setting, ServiceRates::ID)),
            Self::CardLimits(_) => Some((RecordKind::Setting, CardLimits::ID)),
            _ => None,
        }
    }
}

/// A value that a [`Reply`] can hold, so that whoever knows what a command answers can say so by its type.
pub trait Replied: Sized {
    /// The value, if the reply holds one of this kind.
    fn from_reply(reply: Reply) -> Option<Self>;
}

macro_rules! replied {
    ($($variant:ident($value:ty),)*) => {
        $(impl Replied for $value {
            fn from_reply(reply: Reply) -> Option<Self> {
                match reply {
                    Reply::$variant(value) => Some(value),
                    _ => None,
                }
            }
        })*
    };
}

replied! {
    Presets(Vec<PresetView>),
    SavedAccount(SavedAccount),
    Accounts(Vec<AccountView>),
    Account(AccountView),
    Tested(TestReport),
    Refreshed(RefreshedAccount),
    AccountErrors(Vec<AccountError>),
    ClearedErrors(ClearedErrors),
    Places(Vec<LivePlaces>),
    Released(ReleasedPlaces),
    Settings(Vec<SettingView>),
    Logs(LogPage),
    Reloaded(ReloadView),
    Branding(BrandingView),
    Backups(Vec<BackupView>),
    Backup(BackupView),
    Balance(BalanceView),
    Prices(Vec<PriceView>),
    OwnPrices(Vec<OwnPrice>),
    OwnPrice(OwnPrice),
    CreatedCards(Vec<CreatedCard>),
    CardPage(ListPage<CardView>),
    Card(CardView),
    CardStats(CardStats),
    CardLimits(CardLimits),
    RedemptionPage(ListPage<RedemptionView>),
    Redemption(RedemptionView),
    PriceStatus(PriceStatus),
    Recomputed(RecomputeView),
    ServiceRates(Vec<ServiceRate>),
    Unpriced(Vec<UnpricedModel>),
    LoginPlan(LoginPlan),
    StartedLogin(StartedLogin),
    PolledLogin(PolledLogin),
    CreatedKey(CreatedKey),
    Keys(Vec<KeyView>),
    Key(KeyView),
    Usage(UsageView),
    Pools(Vec<PoolView>),
    Pool(PoolView),
    Owners(Vec<OwnerView>),
    Owner(OwnerView),
    Teams(Vec<TeamView>),
    Team(TeamView),
    Routes(Vec<RouteView>),
    Route(RouteView),
    Requests(Vec<RequestSummary>),
    Stats(StatsView),
    Status(StatusView),
    Users(Vec<UserView>),
    User(UserView),
    Sessions(Vec<SessionView>),
    SignInTested(SignInReport),
    OwnKeys(Vec<OwnKeyView>),
    CreatedOwnKey(CreatedOwnKey),
    OwnKey(OwnKeyView),
    CreatedToken(CreatedToken),
    Tokens(Vec<TokenView>),
    Token(TokenView),
    Channels(Vec<ChannelView>),
    Channel(ChannelView),
    Delivery(DeliveryView),
    Deliveries(Vec<DeliveryView>),
    Audit(AuditPage),
    AuditVerified(AuditReport),
    KeyPage(ListPage<KeyRow>),
    AccountPage(ListPage<AccountRow>),
    RequestPage(RequestsPage),
    Trend(TrendView),
}

impl Replied for DashboardView {
    fn from_reply(reply: Reply) -> Option<Self> {
        match reply {
            Reply::Dashboard(value) => Some(*value),
            _ => None,
        }
    }
}

impl Replied for ExplainView {
    fn from_reply(reply: Reply) -> Option<Self> {
        match reply {
            Reply::Explained(value) => Some(*value),
            _ => None,
        }
    }
}

macro_rules! boxed {
    ($($variant:ident($value:ty),)*) => {
        $(impl Replied for $value {
            fn from_reply(reply: Reply) -> Option<Self> {
                match reply {
                    Reply::$variant(value) => Some(*value),
                    _ => None,
                }
            }
        })*
    };
}

boxed! {
    AccountUsage(AccountUsage),
    PriceUpdate(PriceUpdateView),
    Live(LiveView),
    System(SystemView),
    Planned(PlanView),
}

impl Replied for () {
    fn from_reply(reply: Reply) -> Option<Self> {
        matches!(reply, Reply::CancelledLogin).then_some(())
    }
}
