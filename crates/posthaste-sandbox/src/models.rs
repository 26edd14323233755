//! Which names are models.

/// Whether a model's name begins with one of these; a dash at the end must be followed by something.
pub(crate) fn serves(model: &str, prefixes: &[&str]) -> bool {
    let named = |rest: &str, prefix: &str| !(rest.is_empty() && prefix.ends_with('-'));
    prefixes.iter().any(|prefix| model.strip_prefix(prefix).is_some_and(|rest| named(rest, prefix)))
}
