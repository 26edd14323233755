#![doc = include_str!("../README.md")]

mod accounts;
mod acting;
mod actor;
mod admin;
mod audit;
mod backups;
mod board;
mod branding;
mod cards;
mod change;
mod channels;
mod command;
mod dashboard;
pub mod data;
mod directory;
mod error;
mod holders;
mod housekeeping;
mod input;
mod keys;
mod limit_text;
mod lists;
mod live;
mod logs;
mod not_known;
mod outlook;
mod own_keys;
mod owners;
mod people;
mod place;
mod policy;
mod pools;
mod prices;
mod rates;
mod reply;
mod requests;
mod routes;
mod runtime;
mod settings;
mod sign_in;
mod standings;
mod stats;
mod status;
mod system;
mod table;
mod tokens;
mod totals;
mod trend;
mod versions;
mod vouching;

pub use accounts::{
    AccountChange, AccountOrder, AccountPlace, AccountService, AccountUsage, AccountView, AwsKeysInput,
    ClearedErrors, EntraInput, ErrorsInput, Expires, Health, LoginFlow, LoginFor, LoginPlan, LoginTask,
    NewAccount, OrderItem, OrderView, PolledLogin, PresetView, RefreshedAccount, SavedAccount,
    SchedulingChange, StartedLogin, TestEvent, TestReport, TestSteps, VendorSettings, WindowUsage, presets,
};
pub use accounts::{BalanceAmount, BalanceView};
pub use actor::{Actor, Who};
pub use admin::{Admin, AdminParts};
pub use audit::{
    AuditEntry, AuditInput, AuditPage, AuditProblem, AuditReport, AuditService, AuditTarget, Outcome,
};
pub use backups::{BackupFolder, BackupView};
pub use branding::{Branding, BrandingChange, BrandingView};
pub use cards::{
    CardLimitsChange, CardListInput, CardService, CardStats, CardSum, CardView, CreatedCard, HeldRedemption,
    NewCards, RedemptionListInput, RedemptionView, TakenBackView, WithdrawnView,
};
pub use channels::{
    ChannelChange, ChannelService, ChannelView, DeliveryView, Messenger, NewChannel, NotedView, UnfitChannel,
};
pub use command::Command;
pub use dashboard::{
    AccountCounts, DashboardView, FailureCount, FailuresView, PaceView, ProviderCounts, RunningOutView,
    RunsOut, SavingView,
};
pub use error::{AdminError, AdminFailure, FailureKind};
pub use holders::{HeldKeyUsage, HolderOverview, HolderService, HolderUsage, HolderView};
pub use housekeeping::{CleanupState, Housekeeper, LastCleanup};
pub use input::{Disclosed, ModelMapping};
pub use keys::{
    BatchChange, BatchItem, BatchView, CreatedBatch, KeyBatch, KeySelection, NewKeys, TagView, rename_tag,
    tags,
};
pub use keys::{
    BindingInput, CaptureInput, CreatedKey, DayUsage, ExpiryInput, KeyChange, KeyService, KeyView,
    ModelUsage, NewKey, PolicyInput, QueueInput, UsageView, multiplier_text,
};
pub use keys::{export_keys, export_usage};
pub use limit_text::{length_text, limit_text, parse_dollars, parse_length, parse_limit};
pub use lists::{AccountListInput, AccountRow, KeyListInput, KeyRow, ListPage, SortOrder, UsedIn};
pub use live::{
    HeldPlace, LiveInput, LivePlaces, LiveRest, LiveService, LiveView, PlaceOwner, ReleaseInput,
    ReleasedPlaces, WaitingLine,
};
pub use logs::{LogBook, LogFilterInput, LogInput, LogLevel, LogLine, LogPage};
pub use not_known::NotKnown;
pub use outlook::{PlanInput, PlanView};
pub use own_keys::{CreatedOwnKey, NewOwnKey, OwnKeyRules, OwnKeyService, OwnKeyView, OwnUsage, QuotaInfo};
pub use owners::{OwnerInput, OwnerService, OwnerView, TeamInput, TeamView};
pub use people::{NewUser, PeopleService, SessionView, UserChange, UserView};
pub use place::PlaceInput;
pub use policy::Policy;
pub use pools::{NewPool, PoolChange, PoolService, PoolView, RulesChange};
pub use prices::{
    AmountChange, Amounts, KeptListView, OwnPriceInput, OwnPriceService, PriceChangeView, PriceStatus,
    PriceUpdateInput, PriceUpdateView, PriceView, RecomputeInput, RecomputeView, RefusedPrice, RowName,
    UnpricedModel,
};
pub use rates::{RatesInput, ServiceRate};
pub use reply::{Replied, Reply};
pub use requests::{ExplainView, NamedAccount, RequestService, RequestSummary, RequestsInput, RequestsPage};
pub use routes::{RouteInput, RouteService, RouteView, TargetInput};
pub use runtime::{Foretelling, OverheadView, ParkedModels, ParkedView, QuotaView, Runtime, SpoolStatus};
pub use sign_in::{
    Arrival, BroughtBack, Credentials, Departure, EnrolledFactor, FindingState, FirstOwner, KnownPerson,
    NewFactor, PasswordChange, ProfileView, SetupToken, SignInFinding, SignInReport, SignInService,
    SignInStep, SignInTest, SignInWay, SignInWays, SignedIn, Visit, csrf_token,
};
pub use standings::StandingView;
pub use stats::{NamedId, Period, StatsBy, StatsInput, StatsRow, StatsView, stats_table};
pub use status::{InstanceView, KeyCounts, ServerView, StatusView, StoreAway};
pub use system::{ProcessView, ReloadView, SettingSource, SettingView, SystemView};
pub use tokens::{CreatedToken, TokenInput, TokenService, TokenView};
pub use totals::UsageTotals;
pub use trend::{Every, Rank, TrendInput, TrendLine, TrendPoint, TrendView};
pub use versions::Acted;
pub use vouching::{
    BegunLogin, DirectoryError, IdentityProvider, PeopleDirectory, ProviderError, ReturnedLogin, Vouched,
    VouchedRole,
};
