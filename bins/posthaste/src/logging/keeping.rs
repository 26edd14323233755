//! The layer that keeps the latest lines.

use std::{collections::BTreeMap, fmt, sync::Arc};

use posthaste_admin::{LogBook, LogLevel, LogLine};
use posthaste_core::{Clock, SystemClock};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

pub(super) struct Keeping {
    book: Arc<LogBook>,
}

impl Keeping {
    pub(super) fn new(book: Arc<LogBook>) -> Self {
        Self { book }
    }
}

impl<S: Subscriber> Layer<S> for Keeping {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        let about = event.metadata();
        self.book.push(LogLine {
            number: 0,
            at: SystemClock.now(),
            level: level(*about.level()),
            target: about.target().to_owned(),
            message: said.message,
            fields: said.fields,
        });
    }
}

const fn level(level: Level) -> LogLevel {
    match level {
        Level::TRACE => LogLevel::Trace,
        Level::DEBUG => LogLevel::Debug,
        Level::INFO => LogLevel::Info,
        Level::WARN => LogLevel::Warn,
        Level::ERROR => LogLevel::Error,
    }
}

#[derive(Default)]
struct Said {
    message: String,
    fields: BTreeMap<String, String>,
}

impl Said {
    fn note(&mut self, field: &Field, value: String) {
        if field.name() == "message" {
            self.message = value;
        } else {
            self.fields.insert(field.name().to_owned(), value);
        }
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.note(field, format!("{value:?}"));
    }
}
