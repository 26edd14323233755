//! The notifier from outside: with a transport in memory and time that a test moves, with scripted receivers over real
//! sockets, and with a real mail server.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod channels;
mod fleet;
mod mail;
mod pacing;
mod receivers;
mod retrying;
mod secrecy;
mod support;
