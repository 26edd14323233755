//! Operators' work as values that can travel.

mod execute;

use serde::{Deserialize, Serialize};

use crate::{
    AccountChange, AccountListInput, AuditInput, BrandingChange, CardLimitsChange, CardListInput,
    ChannelChange, Disclosed, ErrorsInput, KeyChange, KeyListInput, LiveInput, LogFilterInput, LogInput,
    LoginFlow, LoginFor, NewAccount, NewCards, NewChannel, NewKey, NewOwnKey, NewPool, NewUser,
    OwnPriceInput, OwnerInput, PlanInput, PoolChange, PriceUpdateInput, RatesInput, RecomputeInput,
    RedemptionListInput, ReleaseInput, RequestsInput, RouteInput, SignInTest, StatsInput, TargetInput,
    TeamInput, TokenInput, TrendInput, UserChange,
};

pub(crate) use self::execute::execute;

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
    /// Tell who would serve a request, and why. Nothing is sent.
    PlanRequest(PlanInput),
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
    /// Look for what is wrong with a way to log in.
    TestSignIn(SignInTest),
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
