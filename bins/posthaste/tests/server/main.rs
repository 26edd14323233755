//! The program as a process: real sockets, real signals, a real store.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod bad_input;
mod browser;
mod canary;
mod cards;
mod doctor;
mod elsewhere;
mod events;
mod explained;
mod fleet;
mod helping;
mod inert;
mod killed;
mod leaving;
mod live;
mod logins;
mod logs;
mod nginx;
mod notices;
mod oidc;
mod operators;
mod people;
mod planned;
mod prices;
mod proxied;
mod raw;
mod redis;
mod refusals;
mod reloading;
mod settings;
mod smuggling;
mod stopping;
mod support;
mod telemetry;
mod through;
mod tls;
mod told;
mod tried;
mod upgrading;
