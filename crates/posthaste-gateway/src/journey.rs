//! The facts of one request on its way.

use std::sync::Arc;

use posthaste_wire::Envelope;

use crate::{Call, Caller, engine::Engine};

/// An admitted request: what every step and every attempt needs to know of it.
pub(crate) struct Journey {
    pub(crate) engine: Arc<Engine>,
    pub(crate) call: Call,
    pub(crate) caller: Caller,
    pub(crate) envelope: Envelope,
}
