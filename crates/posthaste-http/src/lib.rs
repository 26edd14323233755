#![doc = include_str!("../README.md")]

mod admin;
mod body;
mod decode;
mod door;
mod extract;
mod live;
mod respond;
mod routes;
mod server;
mod socket;
mod tls;

pub use admin::{
    AdminFront, AdminOptions, AdminRoute, CookieOptions, Door, admin_route_table, admin_router,
    document as openapi_document,
};
pub use door::door_router;
pub use live::LiveOptions;
pub use routes::{Access, Front, FrontOptions, RouteEntry, metrics_router, route_table, router};
pub use server::{Drained, Ending, ServerOptions, serve};
pub use tls::{ServerTls, TlsError};
