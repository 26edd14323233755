#![doc = include_str!("../README.md")]

mod body;
mod decode;
mod door;
mod extract;
mod respond;
mod routes;
mod server;
mod socket;

pub use door::door_router;
pub use routes::{Access, Front, FrontOptions, RouteEntry, metrics_router, route_table, router};
pub use server::{Drained, ServerOptions, serve};
