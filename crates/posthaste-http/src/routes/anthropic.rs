//! Anthropic's Messages API.

use posthaste_core::{Dialect::AnthropicMessages, Operation};

use super::{Route, table::Table};

pub(super) fn add(table: &mut Table) {
    for base in ["/api", "/claude", ""] {
        let path = format!("{base}/v1/messages");
        table.relay(&format!("{path}/count_tokens"), Route::new(AnthropicMessages, Operation::CountTokens));
        table.relay(&path, Route::new(AnthropicMessages, Operation::Chat));
    }
    table.models("/claude/v1/models", None);
    table.probes("/claude");
    table.open("/claude/v1");
}
