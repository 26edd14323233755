//! The console in a real browser.

mod credentials;
mod driver;
mod flows;
mod pages;
mod sound;
