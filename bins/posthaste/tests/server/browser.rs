//! The console in a real browser.

mod credentials;
mod details;
mod driver;
mod flows;
mod pages;
mod planned;
mod sound;
