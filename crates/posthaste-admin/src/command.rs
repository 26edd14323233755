//! Operators' work as values that can travel.

use serde::{Deserialize, Serialize};

use crate::{
    AccountChange, AccountListInput, Actor, Admin, AdminError, AuditInput, BrandingChange, CardLimitsChange,
    CardListInput, ChannelChange, Disclosed, ErrorsInput, KeyChange, KeyListInput, LiveInput, LogFilterInput,
    LogInput, LoginFlow, LoginFor, NewAccount, NewCards, NewChannel, NewKey, NewOwnKey, NewPool, NewUser,
    OwnPriceInput, OwnerInput, PoolChange, PriceUpdateInput, RatesInput, RecomputeInput, RedemptionListInput,
    ReleaseInput, Reply, RequestsInput, RouteInput, StatsInput, TargetInput, TeamInput, TokenInput,
    TrendInput, UserChange, accounts, backups, branding, dashboard, lists, logs, own_keys, prices, rates,
    system, trend,
};

/// A piece of work. Records are named by id or by name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "command", content = "with", rename_all = "snake_case")]
pub enum Command {
    /// Tell the presets.
    ListPresets,
    /// Add an account.
    AddAccount(NewAccount),
    /// Tell all accounts.
    ListAccounts,
    /// Tell one account.
    ShowAccount {
        /// Which.
        account: String,
    },
    /// Change an account.
    UpdateAccount {
        /// Which.
        account: String,
        /// What.
        change: AccountChange,
    },
    /// Remove an account.
    DeleteAccount {
        /// Which.
        account: String,
    },
    /// Send one tiny real request with an account.
    TestAccount {
        /// Which.
        account: String,
        /// For which model; the service chooses one when it is not told.
        model: Option<String>,
    },
    /// End an account's rest.
    ResetAccount {
        /// Which.
        account: String,
    },
    /// Renew an account's token.
    RefreshAccount {
        /// Which.
        account: String,
    },
    /// Tell what went wrong at an account.
    AccountErrors {
        /// Which.
        account: String,
        /// Which of its failures.
        #[serde(default)]
        with: ErrorsInput,
    },
    /// Tell how an account's windows go and what was spent in them.
    AccountUsage {
        /// Which.
        account: String,
    },
    /// Forget what went wrong at an account.
    ClearAccountErrors {
        /// Which.
        account: String,
    },
    /// Look whether and how an account can be logged in.
    PlanLogin(LoginFor),
    /// Begin to log an account in.
    StartLogin {
        /// Which.
        whose: LoginFor,
        /// How.
        flow: LoginFlow,
    },
    /// Finish a login with what the browser brought back.
    FinishLogin {
        /// Which.
        login: String,
        /// The code, or the address that the browser was sent to.
        brought: Disclosed,
    },
    /// Ask whether a person has entered the device's code.
    PollLogin {
        /// Which.
        login: String,
    },
    /// Give a login up.
    CancelLogin {
        /// Which.
        login: String,
    },
    /// Make a client key.
    CreateKey(NewKey),
    /// Tell all client keys.
    ListKeys,
    /// Tell one client key.
    ShowKey {
        /// Which.
        key: String,
    },
    /// Change a client key.
    UpdateKey {
        /// Which.
        key: String,
        /// What.
        change: KeyChange,
    },
    /// Close a client key for good and keep its record.
    RevokeKey {
        /// Which.
        key: String,
    },
    /// Delete a client key, so that it can be restored.
    DeleteKey {
        /// Which.
        key: String,
    },
    /// Tell the client keys that are deleted.
    ListDeletedKeys,
    /// Make a deleted client key what it was.
    RestoreKey {
        /// Which.
        key: String,
        /// Under which name, where its own is another's by now.
        name: Option<String>,
    },
    /// Drop a deleted client key's record for good.
    PurgeKey {
        /// Which.
        key: String,
    },
    /// Give a client key another secret.
    RegenerateKey {
        /// Which.
        key: String,
    },
    /// Tell what a client key used.
    KeyUsage {
        /// Which.
        key: String,
    },
    /// Make a pool.
    CreatePool(NewPool),
    /// Tell all pools.
    ListPools,
    /// Tell one pool.
    ShowPool {
        /// Which.
        pool: String,
    },
    /// Change a pool.
    UpdatePool {
        /// Which.
        pool: String,
        /// What.
        change: PoolChange,
    },
    /// Remove a pool that nobody uses.
    DeletePool {
        /// Which.
        pool: String,
    },
    /// Tell all owners.
    ListOwners,
    /// Tell one owner.
    ShowOwner {
        /// Which.
        owner: String,
    },
    /// Make or change an owner.
    SetOwner {
        /// Which.
        owner: String,
        /// What.
        with: OwnerInput,
    },
    /// Remove an owner of no keys.
    DeleteOwner {
        /// Which.
        owner: String,
    },
    /// Tell all teams.
    ListTeams,
    /// Tell one team.
    ShowTeam {
        /// Which.
        team: String,
    },
    /// Make or change a team.
    SetTeam {
        /// Which.
        team: String,
        /// What.
        with: TeamInput,
    },
    /// Remove a team of no owners.
    DeleteTeam {
        /// Which.
        team: String,
    },
    /// Make a route.
    CreateRoute(RouteInput),
    /// Tell what is left on an account.
    AccountBalance {
        /// Which.
        account: String,
        /// Whether its vendor is asked in any case.
        ask: bool,
    },
    /// Tell which back-ups of the store lie beside it.
    ListBackups,
    /// Make a back-up of the store.
    CreateBackup,
    /// Remove a back-up.
    DeleteBackup {
        /// Which, by its name.
        backup: String,
    },
    /// Tell all prices of the operator's own.
    ListOwnPrices,
    /// Tell one of them.
    ShowOwnPrice {
        /// Which: list and model, such as `anthropic/claude-sonnet-5`, or its id.
        price: String,
    },
    /// Say what a model costs, or say it otherwise.
    SetOwnPrice(OwnPriceInput),
    /// Let the price book say again what a model costs.
    DeleteOwnPrice {
        /// Which.
        price: String,
    },
    /// Look at a list of prices, or take it over.
    UpdatePrices(PriceUpdateInput),
    /// Compute what is booked again by the prices of now.
    RecomputeCosts(RecomputeInput),
    /// Make redemption cards.
    CreateCards(NewCards),
    /// Tell a page of redemption cards.
    PageCards(CardListInput),
    /// Tell one redemption card.
    ShowCard {
        /// Which, by id or by its last characters.
        card: String,
    },
    /// Withdraw a redemption card that nobody has redeemed, and keep its record.
    RevokeCard {
        /// Which.
        card: String,
    },
    /// Remove a redemption card that nobody has redeemed.
    DeleteCard {
        /// Which.
        card: String,
    },
    /// Redeem a card for a client key.
    RedeemCard {
        /// The card's code.
        code: Disclosed,
        /// Which client key.
        key: String,
    },
    /// Tell how many redemption cards there are, and what they give.
    CardStats,
    /// Tell how much cards can add up to.
    ShowCardLimits,
    /// Change how much cards can add up to.
    SetCardLimits(CardLimitsChange),
    /// Tell a page of redemptions.
    PageRedemptions(RedemptionListInput),
    /// Take back what a card gave, as far as it is not used.
    RevokeRedemption {
        /// Which, by the redemption's id.
        redemption: String,
    },
    /// Tell all routes.
    ListRoutes,
    /// Tell one route.
    ShowRoute {
        /// Which.
        route: String,
    },
    /// Give a route other targets.
    UpdateRoute {
        /// Which.
        route: String,
        /// Where it leads from now on.
        targets: Vec<TargetInput>,
    },
    /// Remove a route.
    DeleteRoute {
        /// Which.
        route: String,
    },
    /// Tell what became of a request, and why.
    Explain {
        /// Its id.
        request: String,
        /// Whether its bodies are to be told, where they were captured.
        #[serde(default)]
        bodies: bool,
    },
    /// Tell the latest requests.
    ListRequests {
        /// Only this client key's.
        key: Option<String>,
        /// How many at most.
        limit: usize,
    },
    /// Tell what was used and what it cost.
    Stats(StatsInput),
    /// Tell the whole at a glance.
    Status,
    /// Tell what is going on.
    Live(LiveInput),
    /// Tell the places that a client key's requests hold.
    KeyPlaces {
        /// Which.
        key: String,
    },
    /// Give places back that a client key's requests hold.
    ReleasePlaces {
        /// Which.
        key: String,
        /// Which of them.
        #[serde(default)]
        with: ReleaseInput,
    },
    /// Tell what runs here.
    System,
    /// Tell the configuration.
    Settings,
    /// Read the configuration again and take what can change while the relay runs.
    ReloadSettings,
    /// Tell what was logged lately.
    ListLogs(LogInput),
    /// Log other events.
    SetLogFilter(LogFilterInput),
    /// Tell what the relay calls itself.
    ShowBranding,
    /// Change what the relay calls itself.
    SetBranding(BrandingChange),
    /// Tell all prices.
    ListPrices,
    /// Tell where prices come from.
    PriceStatus,
    /// Tell what a dollar of cost is billed as, by provider.
    ShowServiceRates,
    /// Change what a dollar of cost is billed as at some providers.
    SetServiceRates(RatesInput),
    /// Tell the models that were used and have no price.
    ListUnpriced,
    /// Tell all people.
    ListUsers,
    /// Tell one person.
    ShowUser {
        /// Which.
        user: String,
    },
    /// Make a person.
    CreateUser(NewUser),
    /// Change a person.
    UpdateUser {
        /// Which.
        user: String,
        /// What.
        change: UserChange,
    },
    /// Remove a person.
    DeleteUser {
        /// Which.
        user: String,
    },
    /// Give a person another password.
    SetPassword {
        /// Which.
        user: String,
        /// The next one.
        password: Disclosed,
    },
    /// Take a person's second factor away.
    DropSecondFactor {
        /// Which.
        user: String,
    },
    /// Tell a person's sessions.
    ListSessions {
        /// Whose.
        user: String,
    },
    /// End a person's sessions.
    EndSessions {
        /// Whose.
        user: String,
    },
    /// Tell a person's client keys.
    ListKeysOf {
        /// Whose.
        user: String,
    },
    /// Make a client key for a person, within what the person may have.
    CreateKeyOf {
        /// Whose.
        user: String,
        /// Which.
        new: NewOwnKey,
    },
    /// Close one of a person's client keys for good and keep its record.
    RevokeKeyOf {
        /// Whose.
        user: String,
        /// Which, by id or by the name that the person knows it by.
        key: String,
    },
    /// Make a token of the admin API.
    CreateToken(TokenInput),
    /// Tell all tokens of the admin API.
    ListTokens,
    /// End a token of the admin API.
    DeleteToken {
        /// Which.
        token: String,
    },
    /// Tell all channels.
    ListChannels,
    /// Tell one channel.
    ShowChannel {
        /// Which.
        channel: String,
    },
    /// Add a channel.
    CreateChannel(NewChannel),
    /// Change a channel.
    UpdateChannel {
        /// Which.
        channel: String,
        /// What.
        change: ChannelChange,
    },
    /// Remove a channel.
    DeleteChannel {
        /// Which.
        channel: String,
    },
    /// Send a test to a channel.
    TestChannel {
        /// Which.
        channel: String,
    },
    /// Send a test to a channel that is not kept.
    TryChannel(NewChannel),
    /// Tell what became of a channel's latest messages.
    ListDeliveries {
        /// Which.
        channel: String,
        /// How many at most.
        limit: usize,
    },
    /// Tell what was done.
    ListAudit(AuditInput),
    /// Check that the audit log is as it was written.
    VerifyAudit,
    /// Tell a page of client keys.
    PageKeys(KeyListInput),
    /// Tell a page of accounts.
    PageAccounts(AccountListInput),
    /// Tell a page of requests.
    PageRequests(RequestsInput),
    /// Tell what a dashboard shows.
    Dashboard,
    /// Tell what was used span by span.
    Trend(TrendInput),
}

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
