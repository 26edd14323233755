//! Which adapter serves which vendor.

use posthaste_core::ProviderKind;

use crate::{Provider, anthropic::Anthropic};

static ANTHROPIC: Anthropic = Anthropic::new(ProviderKind::Anthropic);
static ANTHROPIC_COMPATIBLE: Anthropic = Anthropic::new(ProviderKind::AnthropicCompatible);
static SANDBOX: Anthropic = Anthropic::new(ProviderKind::Sandbox);

/// The adapter that serves `kind`.
pub fn provider(kind: ProviderKind) -> &'static dyn Provider {
    match kind {
        ProviderKind::Anthropic => &ANTHROPIC,
        ProviderKind::AnthropicCompatible => &ANTHROPIC_COMPATIBLE,
        ProviderKind::Sandbox => &SANDBOX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_adapter() {
        for kind in ProviderKind::ALL {
            assert_eq!(provider(kind).kind(), kind);
        }
    }
}
