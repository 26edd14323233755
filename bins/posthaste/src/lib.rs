#![doc = include_str!("../README.md")]

pub mod admin_socket;
pub mod cli;
pub mod config;
pub mod demo;
pub mod handover;
pub mod logging;
mod machine;
pub mod memory;
pub mod reload;
pub mod running;
pub mod serve;
pub mod wiring;

pub use config::Config;
