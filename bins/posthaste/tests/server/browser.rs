//! The console in a real browser.

mod driver;
mod flows;
mod pages;
mod sound;
