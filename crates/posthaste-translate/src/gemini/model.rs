//! What a model's name tells.

/// The generation in a name such as `gemini-3.1-pro-preview`; none for names without a number and for others' models.
pub(super) fn generation(model: &str) -> Option<u32> {
    let (_, rest) = model.split_once("gemini-")?;
    let digits = rest.len() - rest.trim_start_matches(|character: char| character.is_ascii_digit()).len();
    rest[..digits].parse().ok()
}

/// Whether the model thinks by levels, checks signatures in a tool loop and takes media in results: all since Gemini 3.
pub(super) fn is_third(model: &str) -> bool {
    generation(model).is_some_and(|generation| generation >= 3)
}

/// Whether the model is one of the large ones, which cannot be kept from thinking.
pub(super) fn is_pro(model: &str) -> bool {
    model.contains("-pro")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_generation() {
        assert_eq!(generation("gemini-3.1-pro-preview"), Some(3));
        assert_eq!(generation("publishers/google/models/gemini-2.5-flash"), Some(2));
        for none in ["gemini-flash-latest", "claude-3", "gemini-", "gemini-99999999999"] {
            assert_eq!(generation(none), None, "{none}");
        }
    }
}
