//! Signing in and refreshing, against scripted token servers.

mod code;
mod device;
mod support;
