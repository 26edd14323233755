//! The console in a real browser.

mod credentials;
mod details;
mod driver;
mod flows;
mod order;
mod pages;
mod planned;
mod sign_in;
mod sound;
mod trials;
