//! Tokens that are kept fresh: one refresh for all, nothing lost, nothing shown.

mod backoff;
mod entra;
mod fleet;
mod idle;
mod interrupted;
mod laws;
mod qwen;
mod shown;
mod sqlite;
mod steady;
mod support;
mod wire;
