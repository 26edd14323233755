//! The events WebSocket, with a real client.

mod asking;
mod bench;
mod bounds;
mod entering;
mod watching;
