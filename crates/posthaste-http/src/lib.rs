#![doc = include_str!("../README.md")]

mod admin;
mod body;
mod decode;
mod door;
mod events;
mod extract;
mod link;
mod live;
mod respond;
mod room;
mod routes;
mod server;
mod socket;
mod tls;
mod waiting;

pub use admin::{
    AdminFront, AdminOptions, AdminRoute, CookieOptions, Door, PageVisitor, admin_route_table, admin_router,
    document as openapi_document,
};
pub use door::door_router;
pub use events::{SeatLimits, SocketOptions, events_router};
pub use link::LinkPace;
pub use live::LiveOptions;
pub use room::BodyRoom;
pub use routes::{Access, Front, FrontOptions, RouteEntry, metrics_router, route_table, router};
pub use server::{Drained, Ending, ServerOptions, serve};
pub use tls::{ServerTls, TlsError};
