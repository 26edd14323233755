#![doc = include_str!("../README.md")]
#![expect(clippy::unused_self, reason = "what templates call is a method of theirs")]

mod answer;
mod asked;
mod assets;
mod edited;
mod fields;
mod first_steps;
mod frame;
mod guides;
mod look;
mod pages;
mod reasons;
mod serve;
mod show;
mod texts;
mod told;
mod trouble;

use axum::Router;
use posthaste_http::AdminFront;

/// Where the console's pages begin.
pub const BASE: &str = "/admin-next";

/// The console's pages and files, below [`BASE`].
pub fn router(front: &AdminFront) -> Router {
    serve::router(front, pages::all())
}

/// A page of the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageEntry {
    /// Its method.
    pub method: http::Method,
    /// Its path, parameters in braces.
    pub path: String,
    /// What whoever comes must be allowed to do; `None` for pages that need no log-in.
    pub needs: Option<String>,
}

/// Every page and to whom it is open, for those who check or print it.
pub fn page_table() -> Vec<PageEntry> {
    pages::all().into_iter().map(|page| page.entry()).collect()
}
