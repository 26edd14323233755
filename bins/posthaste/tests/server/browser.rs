//! The console in a real browser.

mod credentials;
mod driver;
mod flows;
mod order;
mod pages;
mod sign_in;
mod sound;
mod trials;
