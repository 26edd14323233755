//! Who would serve a request that nobody has sent.

use std::collections::BTreeMap;

use posthaste_core::{
    AccountId, ClientKey, ClientKeyHash, ClientKeyId, Dialect, Expiry, HashForm, KeyPolicy, ModelName,
    ModelRules, Operation, Outlook, OutlookQuestion, PoolId, Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Admin, AdminError, change::find};

/// The request that is asked about. Nothing of it is sent.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanInput {
    /// The client key, by id or name. Without one it is asked about a key that has no limits and is bound to nothing.
    #[serde(default)]
    pub key: Option<String>,
    /// The model as a client names it.
    pub model: String,
    /// The dialect that the client speaks; Anthropic's Messages when not given.
    #[serde(default)]
    pub dialect: Option<Dialect>,
    /// What is asked for; an answer to a conversation when not given.
    #[serde(default)]
    pub operation: Option<Operation>,
    /// Whether a stream is asked for.
    #[serde(default)]
    pub stream: bool,
    /// The dialect of the only accounts that may serve, where the path names a vendor.
    #[serde(default)]
    pub pinned: Option<Dialect>,
    /// What the client calls the conversation; a new one when not given.
    #[serde(default)]
    pub session: Option<String>,
    /// How long the prompt is, in tokens; 1000 when not given.
    #[serde(default)]
    pub prompt_tokens: Option<u64>,
    /// The cap on the answer's tokens, if the client sets one.
    #[serde(default)]
    pub max_tokens: Option<u64>,
}

/// Who would serve it, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanView {
    /// Whose request it would be; `None` where no client key was named.
    pub key_id: Option<ClientKeyId>,
    /// The key's name.
    pub key: Option<String>,
    /// What was asked.
    pub question: OutlookQuestion,
    /// What would become of it.
    pub outlook: Outlook,
    /// The names of the accounts that are mentioned; of one that was removed, its id.
    pub accounts: BTreeMap<AccountId, String>,
    /// The names of the pools.
    pub pools: BTreeMap<PoolId, String>,
}

impl PlanView {
    /// An account's name.
    pub fn account(&self, id: AccountId) -> String {
        self.accounts.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// A pool's name.
    pub fn pool(&self, id: PoolId) -> String {
        self.pools.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }
}

pub(crate) async fn plan(admin: &Admin, input: &PlanInput) -> Result<PlanView, AdminError> {
    let question = question(input)?;
    let named = input.key.as_deref().map(str::trim).filter(|key| !key.is_empty());
    let key = match named {
        Some(named) => find(&admin.key_records(), named).await?.value,
        None => nobodys(admin.now()),
    };
    let (key_id, name) = (named.map(|_| key.id), named.map(|_| key.name.clone()));
    let asked = admin.parts().runtime.as_ref().and_then(|runtime| runtime.outlook(key, &question));
    let Some(asked) = asked else {
        return Err(AdminError::Conflict {
            what: "only a running relay knows who would serve a request; start it with `posthaste serve`"
                .to_owned(),
        });
    };
    let outlook = asked.await?;
    let known = admin.directory().await?;
    let legs = || outlook.legs.iter().map(|leg| &leg.planned);
    let mentioned = legs().flat_map(|leg| {
        let asked = leg.asked.iter().map(|asked| asked.account);
        asked.chain(leg.passed_over.iter().map(|passed| passed.account))
    });
    let home = outlook.conversation.and_then(|conversation| conversation.home);
    let account = |id: AccountId| {
        let found = known.accounts.get(&id.uuid());
        (id, found.map_or_else(|| id.to_string(), |account| account.name.clone()))
    };
    let pool = |id: PoolId| {
        let found = known.pools.get(&id.uuid());
        (id, found.map_or_else(|| id.to_string(), |pool| pool.name.clone()))
    };
    Ok(PlanView {
        key_id,
        key: name,
        accounts: mentioned.chain(home).map(account).collect(),
        pools: legs().filter_map(|leg| leg.pool).map(pool).collect(),
        question: question.clone(),
        outlook,
    })
}

/// The key of nobody: it opens every door and is kept nowhere.
fn nobodys(now: Timestamp) -> ClientKey {
    ClientKey {
        id: ClientKeyId::generate(),
        name: String::new(),
        hash: ClientKeyHash([0; 32]),
        hash_form: HashForm::Own,
        hint: String::new(),
        enabled: true,
        disabled_because: None,
        revoked_at: None,
        deleted_at: None,
        expiry: Expiry::default(),
        first_used_at: None,
        models: ModelRules::default(),
        policy: KeyPolicy::default(),
        card_steps: Vec::new(),
        created_at: now,
        updated_at: now,
    }
}

fn question(input: &PlanInput) -> Result<OutlookQuestion, AdminError> {
    let model = ModelName::parse(input.model.trim())
        .map_err(|error| AdminError::invalid("model", error.to_string()))?;
    let session = input.session.as_deref().map(str::trim).filter(|session| !session.is_empty());
    let is_plain = |session: &str| {
        session.len() <= LONGEST_SESSION && session.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    };
    if session.is_some_and(|session| !is_plain(session)) {
        let message = format!("is no name of up to {LONGEST_SESSION} letters, digits and signs");
        return Err(AdminError::invalid("session", message));
    }
    Ok(OutlookQuestion {
        model,
        dialect: input.dialect.unwrap_or(Dialect::AnthropicMessages),
        operation: input.operation.unwrap_or(Operation::Chat),
        streamed: input.stream,
        pinned: input.pinned,
        session: session.map(str::to_owned),
        prompt_tokens: input.prompt_tokens.unwrap_or(USUAL_PROMPT),
        max_tokens: input.max_tokens,
    })
}

const USUAL_PROMPT: u64 = 1_000;
const LONGEST_SESSION: usize = 256;
