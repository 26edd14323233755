//! Which service does a piece of work.

use super::Command;
use crate::{
    Actor, Admin, AdminError, Reply, accounts, backups, branding, dashboard, lists, logs, outlook, own_keys,
    prices, rates, system, trend,
};

pub(crate) async fn execute(admin: &Admin, actor: &Actor, command: Command) -> Result<Reply, AdminError> {
    let (people, tokens, channels) = (admin.people(), admin.tokens(), admin.channels());
    let (accounts, keys) = (admin.accounts(), admin.keys());
    let (pools, routes, owners) = (admin.pools(), admin.routes(), admin.owners());
    let (own_prices, cards) = (admin.own_prices(), admin.cards());
    Ok(match command {
        Command::ListPresets => Reply::Presets(accounts::presets()),
        Command::AddAccount(new) => Reply::SavedAccount(accounts.add(new).await?),
        Command::ListAccounts => Reply::Accounts(accounts.list().await?),
        Command::ShowAccount { account } => Reply::Account(accounts.show(&account).await?),
        Command::UpdateAccount { account, change } => {
            Reply::SavedAccount(accounts.update(&account, change).await?)
        }
        Command::DeleteAccount { account } => Reply::Account(accounts.delete(&account).await?),
        Command::TestAccount { account, model } => {
            Reply::Tested(accounts.test(&account, model.as_deref()).await?)
        }
        Command::AccountBalance { account, ask } => Reply::Balance(accounts.balance(&account, ask).await?),
        Command::ResetAccount { account } => Reply::Account(accounts.reset(&account).await?),
        Command::RefreshAccount { account } => Reply::Refreshed(accounts.refresh(&account).await?),
        Command::AccountErrors { account, with } => {
            Reply::AccountErrors(accounts.errors(&account, &with).await?)
        }
        Command::AccountUsage { account } => Reply::AccountUsage(Box::new(accounts.usage(&account).await?)),
        Command::ClearAccountErrors { account } => {
            Reply::ClearedErrors(accounts.clear_errors(&account).await?)
        }
        Command::PlanLogin(whose) => Reply::LoginPlan(accounts.plan_login(&whose).await?),
        Command::StartLogin { whose, flow } => {
            Reply::StartedLogin(accounts.start_login(&whose, &flow).await?)
        }
        Command::FinishLogin { login, brought } => {
            Reply::SavedAccount(accounts.finish_login(&login, &brought).await?)
        }
        Command::PollLogin { login } => Reply::PolledLogin(accounts.poll_login(&login).await?),
        Command::CancelLogin { login } => {
            accounts.cancel_login(&login)?;
            Reply::CancelledLogin
        }
        Command::CreateKey(new) => Reply::CreatedKey(keys.create(new).await?),
        Command::ListKeys => Reply::Keys(keys.list().await?),
        Command::ShowKey { key } => Reply::Key(keys.show(&key).await?),
        Command::UpdateKey { key, change } => Reply::Key(keys.update(&key, change).await?),
        Command::RevokeKey { key } => Reply::Key(keys.revoke(&key).await?),
        Command::DeleteKey { key } => Reply::Key(keys.delete(&key).await?),
        Command::ListDeletedKeys => Reply::Keys(keys.list_deleted().await?),
        Command::RestoreKey { key, name } => Reply::Key(keys.restore(&key, name.as_deref()).await?),
        Command::PurgeKey { key } => Reply::Key(keys.purge(&key).await?),
        Command::RegenerateKey { key } => Reply::CreatedKey(keys.regenerate(&key).await?),
        Command::KeyUsage { key } => Reply::Usage(keys.usage(&key).await?),
        Command::CreatePool(new) => Reply::Pool(pools.create(new).await?),
        Command::ListPools => Reply::Pools(pools.list().await?),
        Command::ShowPool { pool } => Reply::Pool(pools.show(&pool).await?),
        Command::UpdatePool { pool, change } => Reply::Pool(pools.update(&pool, change).await?),
        Command::DeletePool { pool } => Reply::Pool(pools.delete(&pool).await?),
        Command::ListOwners => Reply::Owners(owners.list().await?),
        Command::ShowOwner { owner } => Reply::Owner(owners.show(&owner).await?),
        Command::SetOwner { owner, with } => Reply::Owner(owners.set(&owner, &with).await?),
        Command::DeleteOwner { owner } => Reply::Owner(owners.delete(&owner).await?),
        Command::ListTeams => Reply::Teams(owners.list_teams().await?),
        Command::ShowTeam { team } => Reply::Team(owners.show_team(&team).await?),
        Command::SetTeam { team, with } => Reply::Team(owners.set_team(&team, &with).await?),
        Command::DeleteTeam { team } => Reply::Team(owners.delete_team(&team).await?),
        Command::CreateRoute(new) => Reply::Route(routes.create(new).await?),
        Command::PlanRequest(input) => Reply::Planned(Box::new(outlook::plan(admin, &input).await?)),
        Command::ListRoutes => Reply::Routes(routes.list().await?),
        Command::ShowRoute { route } => Reply::Route(routes.show(&route).await?),
        Command::UpdateRoute { route, targets } => Reply::Route(routes.update(&route, targets).await?),
        Command::DeleteRoute { route } => Reply::Route(routes.delete(&route).await?),
        Command::Explain { request, bodies } => {
            Reply::Explained(Box::new(admin.requests().explain(&request, bodies).await?))
        }
        Command::ListRequests { key, limit } => {
            Reply::Requests(admin.requests().list(key.as_deref(), limit).await?)
        }
        Command::Stats(input) => Reply::Stats(admin.stats(&input).await?),
        Command::Status => Reply::Status(admin.status().await?),
        Command::Live(input) => Reply::Live(Box::new(admin.live().view(&input).await?)),
        Command::KeyPlaces { key } => Reply::Places(admin.live().of_key_now(&key).await?),
        Command::ReleasePlaces { key, with } => Reply::Released(admin.live().release(&key, &with).await?),
        Command::System => Reply::System(Box::new(system::system(admin).await?)),
        Command::Settings => Reply::Settings(system::settings(admin)),
        Command::ListLogs(input) => Reply::Logs(logs::list(admin, input).await?),
        Command::SetLogFilter(input) => Reply::Logs(logs::set_filter(admin, input).await?),
        Command::ReloadSettings => Reply::Reloaded(system::reload(admin).await?),
        Command::ShowBranding => Reply::Branding(branding::show(admin).await?),
        Command::SetBranding(change) => Reply::Branding(branding::change(admin, change).await?),
        Command::ListBackups => Reply::Backups(backups::list(admin).await?),
        Command::CreateBackup => Reply::Backup(backups::make(admin).await?),
        Command::DeleteBackup { backup } => Reply::Backup(backups::delete(admin, &backup).await?),
        Command::ListPrices => Reply::Prices(prices::all(admin).await?),
        Command::PriceStatus => Reply::PriceStatus(prices::status(admin).await?),
        Command::ListOwnPrices => Reply::OwnPrices(own_prices.list().await?),
        Command::ShowOwnPrice { price } => Reply::OwnPrice(own_prices.show(&price).await?),
        Command::SetOwnPrice(input) => Reply::OwnPrice(own_prices.set(input).await?),
        Command::DeleteOwnPrice { price } => Reply::OwnPrice(own_prices.delete(&price).await?),
        Command::UpdatePrices(input) => {
            Reply::PriceUpdate(Box::new(prices::update::update(admin, input).await?))
        }
        Command::RecomputeCosts(input) => {
            Reply::Recomputed(prices::recompute::recompute(admin, actor, input).await?)
        }
        Command::CreateCards(new) => Reply::CreatedCards(cards.create(actor, new).await?),
        Command::PageCards(input) => Reply::CardPage(cards.page(&input).await?),
        Command::ShowCard { card } => Reply::Card(cards.show(&card).await?),
        Command::RevokeCard { card } => Reply::Card(cards.revoke(actor, &card).await?),
        Command::DeleteCard { card } => Reply::Card(cards.delete(&card).await?),
        Command::RedeemCard { code, key } => Reply::Redemption(cards.redeem(actor, &code, &key).await?),
        Command::CardStats => Reply::CardStats(cards.stats().await?),
        Command::ShowCardLimits => Reply::CardLimits(cards.limits().await?),
        Command::SetCardLimits(change) => Reply::CardLimits(cards.set_limits(change).await?),
        Command::PageRedemptions(input) => Reply::RedemptionPage(cards.redemptions(&input).await?),
        Command::RevokeRedemption { redemption } => {
            Reply::Redemption(cards.take_back(actor, &redemption).await?)
        }
        Command::ShowServiceRates => Reply::ServiceRates(rates::show(admin).await?),
        Command::SetServiceRates(input) => Reply::ServiceRates(rates::set(admin, &input).await?),
        Command::ListUnpriced => Reply::Unpriced(prices::unpriced(admin).await?),
        Command::ListUsers => Reply::Users(people.list().await?),
        Command::ShowUser { user } => Reply::User(people.show(&user).await?),
        Command::CreateUser(new) => Reply::User(people.create(actor, new).await?),
        Command::UpdateUser { user, change } => Reply::User(people.update(actor, &user, change).await?),
        Command::DeleteUser { user } => Reply::User(people.delete(actor, &user).await?),
        Command::SetPassword { user, password } => {
            Reply::User(people.set_password(actor, &user, &password).await?)
        }
        Command::DropSecondFactor { user } => Reply::User(people.drop_second_factor(actor, &user).await?),
        Command::ListSessions { user } => Reply::Sessions(people.sessions(&user).await?),
        Command::EndSessions { user } => Reply::User(people.end_sessions(actor, &user).await?),
        Command::TestSignIn(test) => Reply::SignInTested(admin.sign_in().test(test).await?),
        Command::ListKeysOf { user } => Reply::OwnKeys(own_keys::list_of(admin, &user).await?),
        Command::CreateKeyOf { user, new } => {
            Reply::CreatedOwnKey(own_keys::create_of(admin, &user, new).await?)
        }
        Command::RevokeKeyOf { user, key } => Reply::OwnKey(own_keys::revoke_of(admin, &user, &key).await?),
        Command::CreateToken(new) => Reply::CreatedToken(tokens.create(actor, new).await?),
        Command::ListTokens => Reply::Tokens(tokens.list().await?),
        Command::DeleteToken { token } => Reply::Token(tokens.delete(&token).await?),
        Command::ListChannels => Reply::Channels(channels.list().await?),
        Command::ShowChannel { channel } => Reply::Channel(channels.show(&channel).await?),
        Command::CreateChannel(new) => Reply::Channel(channels.create(new).await?),
        Command::UpdateChannel { channel, change } => {
            Reply::Channel(channels.update(&channel, change).await?)
        }
        Command::DeleteChannel { channel } => Reply::Channel(channels.delete(&channel).await?),
        Command::TestChannel { channel } => Reply::Delivery(channels.test(&channel).await?),
        Command::TryChannel(new) => Reply::Delivery(channels.try_out(new).await?),
        Command::ListDeliveries { channel, limit } => {
            Reply::Deliveries(channels.deliveries(&channel, limit).await?)
        }
        Command::ListAudit(input) => Reply::Audit(admin.audit().list(&input).await?),
        Command::VerifyAudit => Reply::AuditVerified(admin.audit().verify().await?),
        Command::PageKeys(input) => Reply::KeyPage(lists::keys_page(admin, actor, &input).await?),
        Command::PageAccounts(input) => Reply::AccountPage(lists::accounts_page(admin, actor, &input).await?),
        Command::PageRequests(input) => Reply::RequestPage(admin.requests().page(&input).await?),
        Command::Dashboard => Reply::Dashboard(Box::new(dashboard::dashboard(admin).await?)),
        Command::Trend(input) => Reply::Trend(trend::trend(admin, &input).await?),
    })
}
