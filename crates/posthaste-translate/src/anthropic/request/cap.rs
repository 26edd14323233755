//! The answer's cap where the client set none: Anthropic requires one, other dialects leave it to the model.

/// What the model can surely write, and how the loss is told.
///
/// A smaller cap would cut answers that the client's own vendor would have given whole. Of each generation it is the least
/// that any of its models takes, so none refuses it (<https://docs.claude.com/en/docs/about-claude/models/overview>,
/// checked 2026-11-26). Models of others that speak this dialect get what even old ones take.
pub(super) fn default_cap(model: &str) -> (u64, &'static str) {
    let Some((_, claude)) = model.split_once("claude-") else { return SMALL };
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| claude.starts_with(prefix));
    match () {
        () if begins(&["3-7-", "3.7-"]) => LARGE,
        () if begins(&["3-5-", "3.5-"]) => MEDIUM,
        () if begins(&["1", "2", "3", "v", "instant"]) => SMALL,
        () => LARGE,
    }
}

const SMALL: (u64, &str) = (4_096, "set to 4096, since the upstream requires a cap");
const MEDIUM: (u64, &str) = (8_192, "set to 8192, since the upstream requires a cap");
const LARGE: (u64, &str) = (32_000, "set to 32000, since the upstream requires a cap");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_generation_may_write_what_all_its_models_can() {
        for (model, cap) in [
            ("claude-sonnet-4-6", 32_000),
            ("claude-opus-4-20250514", 32_000),
            ("claude-sonnet-5", 32_000),
            ("claude-3-7-sonnet-20250219", 32_000),
            ("anthropic/claude-3.5-sonnet", 8_192),
            ("us.anthropic.claude-3-5-haiku-20241022-v1:0", 8_192),
            ("claude-3-opus-20240229", 4_096),
            ("anthropic.claude-v2:1", 4_096),
            ("claude-2.1", 4_096),
            ("claude-instant-1.2", 4_096),
            ("kimi-k2", 4_096),
            ("claude", 4_096),
        ] {
            assert_eq!(default_cap(model).0, cap, "{model}");
        }
    }
}
