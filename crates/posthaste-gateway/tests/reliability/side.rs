//! What an upstream may speak, and the accounts that speak it.

use posthaste_core::{Account, AuthForm, Dialect, Packing, ProviderKind, Surface};
use posthaste_testkit::{AccountSetters, account};

use crate::support::asking::MODEL;

/// One way in which an upstream speaks.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) surface: Surface,
    provider: ProviderKind,
    path: &'static str,
    /// A model whose price is known.
    priced: &'static str,
}

pub(crate) static MESSAGES: Side = Side {
    surface: Surface::plain(Dialect::AnthropicMessages),
    provider: ProviderKind::Anthropic,
    path: "",
    priced: "claude-sonnet-4-5",
};

pub(crate) static CHAT: Side = Side {
    surface: Surface::plain(Dialect::OpenAiChat),
    provider: ProviderKind::OpenAi,
    path: "/v1",
    priced: "gpt-5.4",
};

pub(crate) static RESPONSES: Side = Side {
    surface: Surface::plain(Dialect::OpenAiResponses),
    provider: ProviderKind::OpenAi,
    path: "/v1",
    priced: "gpt-5.4",
};

pub(crate) static GEMINI: Side = Side {
    surface: Surface::plain(Dialect::GeminiGenerate),
    provider: ProviderKind::Gemini,
    path: "",
    priced: "gemini-2.5-flash",
};

/// Asked so for clients that want an array, which is then passed on as it is.
static GEMINI_ARRAY: Side = Side {
    surface: Surface { dialect: Dialect::GeminiGenerate, packing: Packing::JsonArray },
    provider: ProviderKind::Gemini,
    path: "",
    priced: "gemini-2.5-flash",
};

pub(crate) static CONVERSE: Side = Side {
    surface: Surface::plain(Dialect::BedrockConverse),
    provider: ProviderKind::Bedrock,
    path: "",
    priced: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
};

pub(crate) static INVOKE: Side = Side {
    surface: Surface { dialect: Dialect::AnthropicMessages, packing: Packing::Invoke },
    provider: ProviderKind::Bedrock,
    path: "",
    priced: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
};

/// What a client may speak.
pub(crate) const CLIENTS: [Surface; 8] = [
    Surface::plain(Dialect::AnthropicMessages),
    Surface::plain(Dialect::OpenAiChat),
    Surface::plain(Dialect::OpenAiResponses),
    Surface::plain(Dialect::GeminiGenerate),
    Surface { dialect: Dialect::GeminiGenerate, packing: Packing::JsonArray },
    Surface { dialect: Dialect::GeminiGenerate, packing: Packing::CodeAssist },
    Surface::plain(Dialect::BedrockConverse),
    Surface { dialect: Dialect::AnthropicMessages, packing: Packing::Invoke },
];

impl Side {
    /// An account of this name at `http://NAME.example`.
    pub(crate) fn account(&self, name: &str, priority: u8) -> Account {
        Account {
            auth: AuthForm::None,
            dialects: vec![self.surface.dialect],
            ..account(name)
                .with_provider(self.provider)
                .with_base_url(format!("http://{name}.example{}", self.path))
                .with_models(&[MODEL])
                .with_priority(priority)
        }
    }

    /// The same, whose upstream calls the model by a name that has a price.
    pub(crate) fn priced(&self, name: &str, priority: u8) -> Account {
        self.account(name, priority).with_model_name("*", self.priced)
    }

    /// How the same upstream speaks when this client asks.
    pub(crate) fn towards(&'static self, client: Surface) -> &'static Self {
        let is_array = client == GEMINI_ARRAY.surface && self.surface == GEMINI.surface;
        if is_array { &GEMINI_ARRAY } else { self }
    }

    /// A client that speaks something else.
    pub(crate) fn stranger(&self) -> Surface {
        match self.surface.dialect {
            Dialect::AnthropicMessages => Surface::plain(Dialect::OpenAiChat),
            _ => Surface::plain(Dialect::AnthropicMessages),
        }
    }
}
