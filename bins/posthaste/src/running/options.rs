//! The parts' options as the configuration has them, at the start and after each reload.

use metrics_exporter_prometheus::PrometheusHandle;
use posthaste_gateway::{FirstEventTimeouts, RelayOptions};
use posthaste_http::{AdminOptions, CookieOptions, FrontOptions};

use crate::{Config, config::Durability};

pub(crate) fn admin_options(config: &Config) -> AdminOptions {
    AdminOptions {
        trusted_proxies: config.server.trusted_proxies.clone().unwrap_or_default().0,
        cookies: if config.admin.secure_cookies { CookieOptions::Secure } else { CookieOptions::AsAsked },
        hosts: config.admin.hosts.as_ref().map(|hosts| hosts.0.clone()).unwrap_or_default(),
        max_body_bytes: config.server.max_body_bytes.bytes(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

pub(crate) fn front_options(config: &Config, metrics: Option<PrometheusHandle>) -> FrontOptions {
    FrontOptions {
        max_body_bytes: config.server.max_body_bytes.bytes(),
        metrics,
        metrics_token: config.server.metrics_token.clone(),
        trusted_proxies: config.server.trusted_proxies.clone().unwrap_or_default().0,
        origins: config.server.events_origins.clone().unwrap_or_default().0,
        version: env!("CARGO_PKG_VERSION"),
    }
}

pub(crate) fn relay_options(config: &Config) -> RelayOptions {
    RelayOptions {
        attempts: config.relay.attempts,
        first_event: FirstEventTimeouts {
            anthropic_messages: config.relay.first_event_timeout,
            open_ai_chat: config.relay.first_event_timeout_chat,
        },
        head_timeout: config.relay.head_timeout,
        gap_timeout: config.relay.gap_timeout,
        keep_alive: config.server.keep_alive_after,
        drain: config.relay.drain_timeout,
        by_provider: config.timeouts.overrides(),
        multipliers: config.pricing.by_provider(),
        rules: config.scheduling.rules(),
        records: config.records.rules(),
        account_errors: config.retention.error_bounds(),
        strict_accounting: config.accounting.durability == Durability::Strict,
    }
}
