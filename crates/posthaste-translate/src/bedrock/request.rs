//! `POST /model/{modelId}/converse` and `…/converse-stream`: the request.

mod additional;
mod read;
mod tools;
mod turns;
mod write;

pub(super) use self::{
    read::{RequestIn, TierIn, decode_request, request, service_tier},
    write::{TierOut, encode_request, is_tier, question},
};
