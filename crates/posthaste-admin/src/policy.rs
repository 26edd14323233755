//! What each command needs, what it is called, and which record it is about.

use posthaste_core::{Area, CardLimits, KeptPriceList, Level, Scope, ServiceRates};
use posthaste_storage::RecordKind;

use crate::{Command, LoginFor};

/// What is known of a command before it is carried out. There is no command without it: the match below is exhaustive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What whoever asks for it has to be allowed.
    pub need: Scope,
    /// What it is called in the audit log.
    pub action: &'static str,
    /// The record that it is about, by name or id, where that is there before.
    pub about: Option<(RecordKind, String)>,
    /// Whether the audit log has it.
    pub audited: bool,
}

impl Command {
    /// What it needs, what it is called, and what it is about.
    pub fn policy(&self) -> Policy {
        use RecordKind::{
            Account, ApiToken, Card, Channel, ClientKey, OwnPrice, Owner, Pool, Route, Setting, Team, User,
        };

        let about = |kind, name: &str| Some((kind, name.to_owned()));
        let (need, action, about) = match self {
            Self::ListPresets => (Area::Accounts.read(), "presets.list", None),
            // Who lets the relay ask within its own network opens what strangers do not reach.
            Self::AddAccount(new) if new.opens_own_network() => (Area::Settings.write(), "account.add", None),
            Self::AddAccount(_) => (Area::Accounts.write(), "account.add", None),
            Self::ListAccounts => (Area::Accounts.read(), "account.list", None),
            Self::ShowAccount { account } => (Area::Accounts.read(), "account.show", about(Account, account)),
            Self::UpdateAccount { account, change } if change.opens_own_network() => {
                (Area::Settings.write(), "account.update", about(Account, account))
            }
            Self::UpdateAccount { account, .. } => {
                (Area::Accounts.write(), "account.update", about(Account, account))
            }
            Self::DeleteAccount { account } => {
                (Area::Accounts.write(), "account.delete", about(Account, account))
            }
            // It spends what the account has.
            Self::TestAccount { account, .. } => {
                (Area::Accounts.write(), "account.test", about(Account, account))
            }
            Self::ResetAccount { account } => {
                (Area::Accounts.write(), "account.reset", about(Account, account))
            }
            Self::RefreshAccount { account } => {
                (Area::Accounts.write(), "account.refresh", about(Account, account))
            }
            Self::AccountErrors { account, .. } => {
                (Area::Accounts.read(), "account.errors", about(Account, account))
            }
            Self::AccountUsage { account } => {
                (Area::Accounts.read(), "account.usage", about(Account, account))
            }
            Self::AccountBalance { account, ask: false } => {
                (Area::Accounts.read(), "account.balance", about(Account, account))
            }
            // The vendor is asked with the account's credential, as often as somebody wants.
            Self::AccountBalance { account, ask: true } => {
                (Area::Accounts.write(), "account.ask_balance", about(Account, account))
            }
            Self::ClearAccountErrors { account } => {
                (Area::Accounts.write(), "account.clear_errors", about(Account, account))
            }
            Self::PlanLogin(whose) => (Area::Accounts.write(), "login.plan", about_login(whose)),
            Self::StartLogin { whose: LoginFor::NewAccount(new), .. } if new.opens_own_network() => {
                (Area::Settings.write(), "login.start", None)
            }
            Self::StartLogin { whose, .. } => (Area::Accounts.write(), "login.start", about_login(whose)),
            Self::FinishLogin { .. } => (Area::Accounts.write(), "login.finish", None),
            Self::PollLogin { .. } => (Area::Accounts.write(), "login.poll", None),
            Self::CancelLogin { .. } => (Area::Accounts.write(), "login.cancel", None),
            Self::CreateKey(_) => (Area::Keys.write(), "key.create", None),
            Self::ListKeys => (Area::Keys.read(), "key.list", None),
            Self::ShowKey { key } => (Area::Keys.read(), "key.show", about(ClientKey, key)),
            Self::UpdateKey { key, .. } => (Area::Keys.write(), "key.update", about(ClientKey, key)),
            Self::RevokeKey { key } => (Area::Keys.write(), "key.revoke", about(ClientKey, key)),
            Self::DeleteKey { key } => (Area::Keys.write(), "key.delete", about(ClientKey, key)),
            Self::ListDeletedKeys => (Area::Keys.read(), "key.list_deleted", None),
            Self::RestoreKey { key, .. } => (Area::Keys.write(), "key.restore", about(ClientKey, key)),
            Self::PurgeKey { key } => (Area::Keys.write(), "key.purge", about(ClientKey, key)),
            Self::RegenerateKey { key } => (Area::Keys.write(), "key.regenerate", about(ClientKey, key)),
            Self::KeyUsage { key } => (Area::Usage.read(), "key.usage", about(ClientKey, key)),
            Self::CreatePool(_) => (Area::Pools.write(), "pool.create", None),
            Self::ListPools => (Area::Pools.read(), "pool.list", None),
            Self::ShowPool { pool } => (Area::Pools.read(), "pool.show", about(Pool, pool)),
            Self::UpdatePool { pool, .. } => (Area::Pools.write(), "pool.update", about(Pool, pool)),
            Self::DeletePool { pool } => (Area::Pools.write(), "pool.delete", about(Pool, pool)),
            Self::ListOwners => (Area::Keys.read(), "owner.list", None),
            Self::ShowOwner { owner } => (Area::Keys.read(), "owner.show", about(Owner, owner)),
            Self::SetOwner { owner, .. } => (Area::Keys.write(), "owner.set", about(Owner, owner)),
            Self::DeleteOwner { owner } => (Area::Keys.write(), "owner.delete", about(Owner, owner)),
            Self::ListTeams => (Area::Keys.read(), "team.list", None),
            Self::ShowTeam { team } => (Area::Keys.read(), "team.show", about(Team, team)),
            Self::SetTeam { team, .. } => (Area::Keys.write(), "team.set", about(Team, team)),
            Self::DeleteTeam { team } => (Area::Keys.write(), "team.delete", about(Team, team)),
            Self::CreateRoute(_) => (Area::Pools.write(), "route.create", None),
            Self::ListRoutes => (Area::Pools.read(), "route.list", None),
            Self::ShowRoute { route } => (Area::Pools.read(), "route.show", about(Route, route)),
            Self::UpdateRoute { route, .. } => (Area::Pools.write(), "route.update", about(Route, route)),
            Self::DeleteRoute { route } => (Area::Pools.write(), "route.delete", about(Route, route)),
            Self::PlanRequest(_) => (Area::Pools.read(), "request.plan", None),
            Self::Explain { bodies: true, .. } => (Area::Bodies.read(), "request.bodies", None),
            Self::Explain { bodies: false, .. } => (Area::Requests.read(), "request.explain", None),
            Self::ListRequests { .. } => (Area::Requests.read(), "request.list", None),
            Self::Stats(_) => (Area::Usage.read(), "stats", None),
            Self::Status => (Area::System.read(), "status", None),
            Self::Live(_) => (Area::System.read(), "live", None),
            Self::KeyPlaces { key } => (Area::System.read(), "live.key", about(ClientKey, key)),
            Self::ReleasePlaces { key, .. } => (Area::Keys.write(), "key.release", about(ClientKey, key)),
            Self::System => (Area::System.read(), "system", None),
            Self::Settings => (Area::Settings.read(), "settings.show", None),
            Self::ListLogs(_) => (Area::System.read(), "logs.list", None),
            Self::SetLogFilter(_) => (Area::Settings.write(), "logs.filter", None),
            Self::ReloadSettings => (Area::Settings.write(), "settings.reload", None),
            Self::ShowBranding => (Area::Settings.read(), "branding.show", None),
            Self::SetBranding(_) => (Area::Settings.write(), "branding.set", None),
            Self::ListPrices => (Area::Usage.read(), "price.list", None),
            Self::PriceStatus => (Area::Usage.read(), "price.status", None),
            Self::ListBackups => (Area::System.read(), "backup.list", None),
            Self::CreateBackup => (Area::Settings.write(), "backup.create", None),
            Self::DeleteBackup { .. } => (Area::Settings.write(), "backup.delete", None),
            Self::ListOwnPrices => (Area::Usage.read(), "price.list_own", None),
            Self::ShowOwnPrice { price } => (Area::Usage.read(), "price.show_own", about(OwnPrice, price)),
            // What a model costs decides whose budget ends when.
            Self::SetOwnPrice(input) => (Area::Settings.write(), "price.set", about(OwnPrice, &input.name())),
            Self::DeleteOwnPrice { price } => {
                (Area::Settings.write(), "price.delete", about(OwnPrice, price))
            }
            // What is fetched from an address comes from the relay's own network.
            Self::UpdatePrices(input) if input.dry_run => (Area::Settings.write(), "price.look", None),
            Self::UpdatePrices(_) => {
                (Area::Settings.write(), "price.update", about(Setting, KeptPriceList::NAME))
            }
            Self::RecomputeCosts(input) if input.dry_run => {
                (Area::Settings.write(), "price.look_at_costs", None)
            }
            Self::RecomputeCosts(_) => (Area::Settings.write(), "price.recompute", None),
            Self::CreateCards(_) => (Area::Keys.write(), "card.create", None),
            Self::PageCards(_) => (Area::Keys.read(), "card.page", None),
            Self::ShowCard { card } => (Area::Keys.read(), "card.show", about(Card, card)),
            Self::RevokeCard { card } => (Area::Keys.write(), "card.revoke", about(Card, card)),
            Self::DeleteCard { card } => (Area::Keys.write(), "card.delete", about(Card, card)),
            Self::RedeemCard { key, .. } => (Area::Keys.write(), "card.redeem", about(ClientKey, key)),
            Self::CardStats => (Area::Keys.read(), "card.stats", None),
            Self::ShowCardLimits => (Area::Keys.read(), "card.limits", None),
            Self::SetCardLimits(_) => {
                (Area::Settings.write(), "card.set_limits", about(Setting, CardLimits::NAME))
            }
            Self::PageRedemptions(_) => (Area::Keys.read(), "redemption.page", None),
            Self::RevokeRedemption { .. } => (Area::Keys.write(), "redemption.revoke", None),
            Self::ShowServiceRates => (Area::Usage.read(), "rates.show", None),
            // As with prices.
            Self::SetServiceRates(_) => {
                (Area::Settings.write(), "rates.set", about(Setting, ServiceRates::NAME))
            }
            Self::ListUnpriced => (Area::Usage.read(), "price.unknown", None),
            Self::ListUsers => (Area::Users.read(), "user.list", None),
            Self::ShowUser { user } => (Area::Users.read(), "user.show", about(User, user)),
            Self::CreateUser(_) => (Area::Users.write(), "user.create", None),
            Self::UpdateUser { user, .. } => (Area::Users.write(), "user.update", about(User, user)),
            Self::DeleteUser { user } => (Area::Users.write(), "user.delete", about(User, user)),
            Self::SetPassword { user, .. } => (Area::Users.write(), "user.password", about(User, user)),
            Self::DropSecondFactor { user } => {
                (Area::Users.write(), "user.drop_second_factor", about(User, user))
            }
            Self::ListSessions { user } => (Area::Users.read(), "session.list", about(User, user)),
            Self::EndSessions { user } => (Area::Users.write(), "session.end_all", about(User, user)),
            // It tells of addresses within the operator's network, and spends a password where one is given.
            Self::TestSignIn(_) => (Area::Users.write(), "sign_in.test", None),
            Self::ListKeysOf { user } => (Area::Keys.read(), "user_key.list", about(User, user)),
            Self::CreateKeyOf { .. } => (Area::Keys.write(), "user_key.create", None),
            Self::RevokeKeyOf { user, key } => {
                let name =
                    if uuid::Uuid::try_parse(key).is_ok() { key.clone() } else { format!("{user}/{key}") };
                (Area::Keys.write(), "user_key.revoke", about(ClientKey, &name))
            }
            Self::CreateToken(_) => (Area::Users.write(), "token.create", None),
            Self::ListTokens => (Area::Users.read(), "token.list", None),
            Self::DeleteToken { token } => (Area::Users.write(), "token.delete", about(ApiToken, token)),
            Self::ListChannels => (Area::Notifications.read(), "channel.list", None),
            Self::ShowChannel { channel } => {
                (Area::Notifications.read(), "channel.show", about(Channel, channel))
            }
            // As with accounts: the relay's own network is an admin's to open.
            Self::CreateChannel(new) if new.with.allow_private == Some(true) => {
                (Area::Settings.write(), "channel.create", None)
            }
            Self::CreateChannel(_) => (Area::Notifications.write(), "channel.create", None),
            Self::UpdateChannel { channel, change } if change.allow_private == Some(true) => {
                (Area::Settings.write(), "channel.update", about(Channel, channel))
            }
            Self::UpdateChannel { channel, .. } => {
                (Area::Notifications.write(), "channel.update", about(Channel, channel))
            }
            Self::DeleteChannel { channel } => {
                (Area::Notifications.write(), "channel.delete", about(Channel, channel))
            }
            Self::TestChannel { channel } => {
                (Area::Notifications.write(), "channel.test", about(Channel, channel))
            }
            Self::TryChannel(new) if new.with.allow_private == Some(true) => {
                (Area::Settings.write(), "channel.try", None)
            }
            Self::TryChannel(_) => (Area::Notifications.write(), "channel.try", None),
            Self::ListDeliveries { channel, .. } => {
                (Area::Notifications.read(), "channel.deliveries", about(Channel, channel))
            }
            Self::ListAudit(_) => (Area::Audit.read(), "audit.list", None),
            Self::VerifyAudit => (Area::Audit.read(), "audit.verify", None),
            Self::PageKeys(_) => (Area::Keys.read(), "key.page", None),
            Self::PageAccounts(_) => (Area::Accounts.read(), "account.page", None),
            Self::PageRequests(_) => (Area::Requests.read(), "request.page", None),
            Self::Dashboard => (Area::Usage.read(), "dashboard", None),
            Self::Trend(_) => (Area::Usage.read(), "trend", None),
        };
        // What people wrote to the relay is looked at by few, and that is told.
        let audited = need.level == Level::Write && !QUIET.contains(&action) || need.area == Area::Bodies;
        Policy { need, action, about, audited }
    }
}

fn about_login(whose: &LoginFor) -> Option<(RecordKind, String)> {
    match whose {
        LoginFor::NewAccount(_) => None,
        LoginFor::Account(account) => Some((RecordKind::Account, account.clone())),
    }
}

/// Steps on the way to what the log has.
const QUIET: [&str; 5] = ["login.plan", "login.poll", "login.cancel", "price.look", "price.look_at_costs"];
