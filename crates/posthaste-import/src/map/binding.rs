//! Who may serve whom: groups, bindings, and accounts that are not for everybody.
//!
//! There an account is *shared* (anybody's who is not bound), *dedicated* (for keys that are bound to it) or a *group*'s, and a
//! key may be bound for each platform apart. Here every account is anybody's unless a key is bound, to one place. So whatever
//! set of accounts a key could use there becomes the place that it is bound to here: an account, a group's pool, or a pool made
//! for that set. A key without a binding is bound to nothing where every account is shared.

use std::collections::{BTreeMap, BTreeSet};

use posthaste_core::{AccountId, Binding, Place, Pool, PoolId};

use super::{
    MapOptions, WantedKey,
    key::{Service, permitted},
    pool,
};
use crate::{
    found::{AccountKind, Fields, Found, FoundAccount, FoundRecord},
    ids,
    names::Names,
};

/// The platforms that keys are bound for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Platform {
    Claude,
    Gemini,
    OpenAi,
    Azure,
}

impl Platform {
    const ALL: [Self; 4] = [Self::Claude, Self::Gemini, Self::OpenAi, Self::Azure];

    const fn of(kind: AccountKind) -> Option<Self> {
        match kind {
            AccountKind::ClaudeOfficial
            | AccountKind::ClaudeConsole
            | AccountKind::Ccr
            | AccountKind::Bedrock => Some(Self::Claude),
            AccountKind::Gemini | AccountKind::GeminiApi => Some(Self::Gemini),
            AccountKind::OpenAi | AccountKind::OpenAiResponses => Some(Self::OpenAi),
            AccountKind::AzureOpenAi => Some(Self::Azure),
            AccountKind::Droid => None,
        }
    }

    const fn service(self) -> Service {
        match self {
            Self::Claude => Service::Claude,
            Self::Gemini => Service::Gemini,
            Self::OpenAi | Self::Azure => Service::OpenAi,
        }
    }

    /// The fields that bind a key.
    const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Claude => &["claudeAccountId", "claudeConsoleAccountId", "bedrockAccountId"],
            Self::Gemini => &["geminiAccountId"],
            Self::OpenAi => &["openaiAccountId"],
            Self::Azure => &["azureOpenaiAccountId"],
        }
    }
}

type Set = BTreeSet<AccountId>;

/// Works out bindings, and the pools that they need.
pub(super) struct Groups<'a> {
    options: &'a MapOptions,
    names: &'a mut Names,
    platforms: BTreeMap<Platform, Set>,
    shared: BTreeMap<Platform, Set>,
    by_id: BTreeMap<String, AccountId>,
    groups: BTreeMap<String, (PoolId, Set)>,
    pools: BTreeMap<PoolId, (Pool, Set)>,
}

impl<'a> Groups<'a> {
    pub(super) fn new(
        found: &Found,
        accounts: &BTreeMap<&str, (&FoundAccount, AccountId)>,
        options: &'a MapOptions,
        names: &'a mut Names,
    ) -> Self {
        let mut made = Self {
            options,
            names,
            platforms: BTreeMap::new(),
            shared: BTreeMap::new(),
            by_id: BTreeMap::new(),
            groups: BTreeMap::new(),
            pools: BTreeMap::new(),
        };
        for (id, (account, own)) in accounts {
            made.by_id.insert((*id).to_owned(), *own);
            let Some(platform) = Platform::of(account.kind) else { continue };
            made.platforms.entry(platform).or_default().insert(*own);
            // Accounts of this kind were never given to whoever did not ask for them.
            let told = account.fields.text("accountType");
            let shared = account.kind != AccountKind::Ccr && matches!(told.as_deref(), None | Some("shared"));
            if shared {
                made.shared.entry(platform).or_default().insert(*own);
            }
        }
        made.add_groups(found);
        made.add_ccr(accounts);
        made
    }

    fn add_groups(&mut self, found: &Found) {
        let mut groups: Vec<_> = found.groups.iter().collect();
        groups.sort_by_key(|group| (group.fields.moment("createdAt"), group.id.clone()));
        for group in groups {
            let id = PoolId::from_uuid(ids::stable("pool", &group.id));
            let members: Set = group.members.iter().filter_map(|id| self.by_id.get(id)).copied().collect();
            let name =
                self.names.give(&group.fields.text("name").unwrap_or_default(), "crs group", id.uuid());
            let created = group.fields.moment("createdAt").unwrap_or(self.options.now);
            let made = pool(id, name, created, self.options.now);
            self.pools.insert(id, (made, members.clone()));
            self.groups.insert(group.id.clone(), (id, members));
        }
    }

    /// Accounts that clients asked for by prefix have a pool to bind keys to.
    fn add_ccr(&mut self, accounts: &BTreeMap<&str, (&FoundAccount, AccountId)>) {
        let of_kind = accounts.values().filter(|(account, _)| account.kind == AccountKind::Ccr);
        let members: Set = of_kind.map(|(_, id)| *id).collect();
        if !members.is_empty() {
            self.pool_of("ccr", "ccr", members);
        }
    }

    /// Binds a key to what it could use there.
    pub(super) fn bind(&mut self, record: &FoundRecord, wanted: &mut WantedKey) {
        let permitted = permitted(&record.fields);
        let mut usable = Set::new();
        let mut told = Vec::new();
        for platform in Platform::ALL.into_iter().filter(|platform| permitted.contains(&platform.service())) {
            let bound = self.bound(&record.fields, platform, &mut wanted.notes);
            match &bound {
                Some((words, accounts)) => {
                    told.extend(words.iter().cloned());
                    usable.extend(accounts);
                }
                None => usable.extend(self.shared.get(&platform).into_iter().flatten()),
            }
        }
        if told.is_empty() {
            // Of whatever platforms: what it is permitted, its providers say.
            let others = Platform::ALL.iter().flat_map(|platform| self.platforms.get(platform)).flatten();
            let shared: Set = self.shared.values().flatten().copied().collect();
            if others.copied().collect::<Set>() != shared {
                let id = self.pool_of("shared", "crs shared", shared);
                wanted.key.policy.binding = Some(Binding { to: Place::Pool(id), strict: true });
            }
            return;
        }
        let one = usable.first().copied().filter(|_| usable.len() == 1);
        let same = self.groups.values().find(|(_, members)| *members == usable && !members.is_empty());
        let to = match (one, same) {
            (_, Some((group, _))) if told.iter().all(|word| word.starts_with("group:")) => {
                Place::Pool(*group)
            }
            (Some(account), _) => Place::Account(account),
            (None, _) => {
                let services: Vec<_> = permitted.iter().map(|service| format!("{service:?}")).collect();
                let signature = format!("{} {}", told.join(" "), services.join(" "));
                Place::Pool(self.pool_of(&signature, "", usable))
            }
        };
        wanted.key.policy.binding = Some(Binding { to, strict: true });
    }

    /// The accounts that a key is bound to for a platform, with what says so; `None` where it is not bound.
    fn bound(
        &self,
        fields: &Fields,
        platform: Platform,
        notes: &mut Vec<String>,
    ) -> Option<(Vec<String>, Set)> {
        let (mut words, mut accounts) = (Vec::new(), Set::new());
        for text in platform.fields().iter().filter_map(|name| fields.text(name)) {
            let (id, found) = match text.strip_prefix("group:") {
                Some(id) => (id, self.groups.get(id).map(|(_, members)| members.clone())),
                None => {
                    let id = text
                        .strip_prefix("api:")
                        .or_else(|| text.strip_prefix("responses:"))
                        .unwrap_or(&text);
                    (id, self.by_id.get(id).map(|account| Set::from([*account])))
                }
            };
            match found {
                Some(found) => accounts.extend(found),
                None => notes.push(format!("it is bound to {id}, which is not there or not taken over")),
            }
            words.push(text.into_owned());
        }
        (!words.is_empty()).then_some((words, accounts))
    }

    /// The pool for a set of accounts, known by what it was made for.
    fn pool_of(&mut self, what: &str, name: &str, members: Set) -> PoolId {
        let id = PoolId::from_uuid(ids::derived("pool for", what));
        if !self.pools.contains_key(&id) {
            let short: String = id.uuid().simple().to_string().chars().take(8).collect();
            let name = if name.is_empty() { format!("crs binding {short}") } else { name.to_owned() };
            let name = self.names.give(&name, "crs pool", id.uuid());
            let now = self.options.now;
            self.pools.insert(id, (pool(id, name, now, now), members));
        }
        id
    }

    /// The pools, and each account's.
    pub(super) fn finish(self) -> (Vec<Pool>, BTreeMap<AccountId, BTreeSet<PoolId>>) {
        let mut memberships: BTreeMap<AccountId, BTreeSet<PoolId>> = BTreeMap::new();
        for (id, (_, members)) in &self.pools {
            for account in members {
                memberships.entry(*account).or_default().insert(*id);
            }
        }
        (self.pools.into_values().map(|(pool, _)| pool).collect(), memberships)
    }
}
