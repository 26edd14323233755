#![doc = include_str!("../README.md")]

mod access;
mod account;
mod account_error;
mod card;
mod channel;
mod client_key;
mod client_name;
mod clock;
mod credential;
mod dialect;
mod egress;
mod fault;
pub mod fields;
mod health_news;
mod id;
mod ledger;
mod limit;
mod limit_event;
mod limit_slot;
mod losses;
mod model;
mod money;
mod network;
mod notice;
mod outlook;
mod own_price;
mod owner;
mod payload;
mod policy;
mod pool;
mod request_record;
#[cfg(feature = "schema")]
mod schema;
mod secret;
mod session;
mod setting;
mod telemetry;
mod terms;
mod timestamp;
mod transport;
mod usage;
mod user;
mod verdict;

pub use access::{Area, Level, Role, Scope, UnknownWord};
pub use account::{
    Account, AccountSettings, AuthForm, DialectUrl, ModelMap, PresetName, PrivateAddressConsent, ProviderKind,
};
pub use account_error::{AccountError, GivenRest};
pub use card::{Card, CardGift, CardKind, CardState, CardStatus, CardStep, Redemption};
pub use channel::{
    BarkSettings, Channel, ChannelField, ChannelKind, Language, MailSecurity, NoticeFilter, SmtpSettings,
    TelegramSettings,
};
pub use client_key::{ClientKey, ClientKeyHash, Expiry, HashForm, KeyStatus, ModelRules};
pub use client_name::ClientPattern;
pub use clock::{Clock, SystemClock};
pub use credential::{AccessToken, AwsKeys, Credential, TokenFacts};
pub use dialect::{ChatVariant, Dialect, Operation, Packing, Surface};
pub use egress::{Egress, Proxy, ProxyLogin, ProxyScheme, ProxySettings};
pub use fault::{Fault, FaultKind, Origin};
pub use health_news::{HealthNews, Told, ToldRest};
pub use id::{
    AccountId, ApiTokenId, CardId, ChannelId, ClientKeyId, IdError, InstanceId, OwnPriceId, PoolId,
    RedemptionId, RequestId, RouteId, TeamId, UserId,
};
pub use ledger::{AttemptOutcome, AttemptPhase, AttemptRow, CostBasis, UsageSource};
pub use limit::{Calendar, CallerLimits, Limit, LimitState, LimitUnit, LimitWindow, OnLoss};
pub use limit_event::{LimitEvent, LimitOwner};
pub use limit_slot::LimitSlot;
pub use losses::LossList;
pub use model::{ModelName, ModelNameError, ModelPattern};
pub use money::{Multiplier, NanoUsd};
pub use network::{Network, NetworkError};
pub use notice::{NoNotices, Notice, NoticeEvent, NoticeKind, NoticeSink, Severity, Subject, SubjectRef};
pub use outlook::{
    Outlook, OutlookAccount, OutlookLeg, OutlookLimit, OutlookQuestion, OutlookRefusal, OutlookTurn,
    RefusingStep,
};
pub use own_price::{OwnPrice, OwnRates};
pub use owner::{Owner, Team};
pub use payload::Payload;
pub use policy::{Binding, CaptureRules, KeyPolicy, QueueRules, SchedulingRules};
pub use pool::{AffinityRules, Place, Pool, PoolRules, RetryPolicy, Route, RouteTarget, Strategy};
pub use request_record::{
    AskedAccount, Barrier, CapturedBodies, CapturedBody, CheckedLimit, ConversationFound, Estimated,
    OrderReason, OrderReasonError, PassedOver, PlannedLeg, RecordedFault, Repairs, RequestPlan,
    RequestRecord, RequestSteps, Rest, Stop, StopEnd,
};
pub use secret::{Sealed, Secret};
pub use session::{Session, TokenHash};
pub use setting::{CardLimits, KeptPriceList, ServiceRates, Setting, SettingValue};
pub use telemetry::{
    AnswerWords, NoTelemetry, SpanId, Telemetry, TraceContext, TraceId, TraceParent, TracedAttempt,
    TracedRequest,
};
pub use terms::{Geography, ServiceTier, Terms};
pub use timestamp::Timestamp;
pub use transport::{
    BoxError, ConnectStep, ConnectSteps, ConnectWatch, ProxyProblem, RelayBody, TimeoutGuard, Transport,
    TransportError, boxed_body, full_body,
};
pub use usage::{StreamEnd, Usage};
pub use user::{ApiToken, PasswordHash, SecondFactor, SignIn, User};
pub use verdict::{Cooldown, CooldownReason, CooldownScope, PlanUse, RateWindow, Verdict};
