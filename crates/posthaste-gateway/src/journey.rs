//! The facts of one request on its way.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use posthaste_core::{
    AccountId, Dialect, NanoUsd, Operation, ProviderKind, RequestId, ServiceRates, Surface,
};
use posthaste_wire::Envelope;
use tokio::time::Instant;

use crate::{
    Caller, RelayOptions,
    affinity::Affinity,
    asked::AskedModel,
    engine::Engine,
    limits::{Estimate, Hold},
    mending::Mend,
    targets::Targets,
    trail::Trail,
};

/// An admitted request: what every step and every attempt needs to know of it. It lives as long as the answer, so it
/// holds nothing large.
pub(crate) struct Journey {
    pub(crate) engine: Arc<Engine>,
    /// The settings as they were when it was admitted: it keeps them to its end.
    pub(crate) options: Arc<RelayOptions>,
    pub(crate) id: RequestId,
    pub(crate) caller: Caller,
    pub(crate) surface: Surface,
    /// The dialect of the only accounts that may serve, if the path names a vendor.
    pub(crate) pinned: Option<Dialect>,
    /// The account that made the answer which the request goes on from, if it goes on from one.
    pub(crate) home: Option<AccountId>,
    /// The conversation that it is part of, where it is part of one.
    pub(crate) affinity: Option<Affinity>,
    pub(crate) operation: Operation,
    /// What is asked for the model that the client names.
    pub(crate) targets: Targets,
    pub(crate) envelope: Envelope,
    /// The model, which the envelope may name by an alias.
    pub(crate) model: AskedModel,
    /// What the request is taken to use until it is over.
    pub(crate) estimate: Estimate,
    /// What it holds of the caller's limits.
    pub(crate) hold: Option<Hold>,
    /// What operators said of providers when it was admitted. It is billed by them, however long it takes and whatever is said
    /// meanwhile: the key's own multiplier is the one of that moment too.
    pub(crate) rates: Arc<ServiceRates>,
    /// What was put right in its conversation.
    pub(crate) mend: Option<Mend>,
    pub(crate) prompt_bytes: usize,
    pub(crate) received: Instant,
    /// What is noted of it, so that it can be explained.
    pub(crate) trail: Trail,
}

impl Journey {
    /// What the caller is billed for what it cost at a provider: by the multipliers of both.
    pub(crate) fn bills(&self, provider: ProviderKind, cost: NanoUsd) -> NanoUsd {
        let said = self.rates.rates.get(&provider).copied();
        let of_provider = said.unwrap_or_else(|| self.options.multiplier(provider));
        self.caller.key().policy.multiplier.and(of_provider, cost)
    }

    /// A number of the request's own, by which lots are drawn.
    pub(crate) fn seed(&self) -> u64 {
        self.id.uuid().as_u64_pair().1
    }

    /// The dialect in which an account should be asked, if it speaks it: the one that the path pins, else the client's.
    pub(crate) fn asked_dialect(&self) -> Dialect {
        self.pinned.unwrap_or(self.surface.dialect)
    }
}

/// What goes up: needed until an account answers, and let go then.
#[derive(Clone)]
pub(crate) struct Upload {
    pub(crate) headers: HeaderMap,
    pub(crate) query: Option<String>,
    pub(crate) body: Bytes,
    /// Whether sealed thoughts are left out of it, since an upstream did not accept them.
    pub(crate) unsealed: bool,
}
