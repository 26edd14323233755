//! Which part of the list a client asks for.
//!
//! Anthropic: `limit` (1 to 1000, 20 if not given), `after_id` or `before_id`
//! (<https://platform.claude.com/docs/en/api/models-list>). Gemini: `pageSize` (50 if not given, what is above 1000 counts as
//! 1000) and `pageToken` (<https://ai.google.dev/api/models#method:-models.list>). The other dialects have no pages. Both
//! checked 2026-11-26.

use posthaste_core::Dialect;

use super::ModelEntry;

/// Which models of a list that is in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    limit: usize,
    from: From,
}

/// A page, with whether there is more in the direction in which it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<'a> {
    /// The models on it.
    pub models: &'a [ModelEntry],
    /// Whether there are more.
    pub has_more: bool,
}

/// What is wrong with a query, in words for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PagingError(&'static str);

#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    Start,
    After(String),
    Before(String),
}

impl Paging {
    /// All on one page.
    const ALL: Self = Self { limit: usize::MAX, from: From::Start };

    /// Reads the pairs of a query, decoded; of a name that comes twice, the last counts.
    ///
    /// # Errors
    /// When the vendor would refuse it.
    pub fn parse<'a>(
        dialect: Dialect,
        query: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, PagingError> {
        match dialect {
            Dialect::AnthropicMessages => anthropic(query),
            Dialect::GeminiGenerate => gemini(query),
            Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::BedrockConverse => Ok(Self::ALL),
        }
    }

    /// The page, of models in the order of their ids. An id that is not on the list stands where it would.
    pub fn cut<'a>(&self, models: &'a [ModelEntry]) -> Page<'a> {
        match &self.from {
            From::Start => self.forward(models),
            From::After(id) => self.forward(&models[models.partition_point(|model| model.id <= *id)..]),
            From::Before(id) => {
                let models = &models[..models.partition_point(|model| model.id < *id)];
                let start = models.len().saturating_sub(self.limit);
                Page { models: &models[start..], has_more: start > 0 }
            }
        }
    }

    fn forward<'a>(&self, models: &'a [ModelEntry]) -> Page<'a> {
        let end = models.len().min(self.limit);
        Page { models: &models[..end], has_more: end < models.len() }
    }
}

fn anthropic<'a>(query: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Paging, PagingError> {
    let (mut limit, mut after, mut before) = (20, None, None);
    for (name, value) in query {
        match name {
            "limit" => {
                let given = value.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                limit = given.ok_or(PagingError("`limit` is a number from 1 to 1000"))?;
            }
            "after_id" => after = Some(value.to_owned()),
            "before_id" => before = Some(value.to_owned()),
            _ => {}
        }
    }
    let from = match (after, before) {
        (Some(_), Some(_)) => return Err(PagingError("give either `after_id` or `before_id`")),
        (Some(id), None) => From::After(id),
        (None, Some(id)) => From::Before(id),
        (None, None) => From::Start,
    };
    Ok(Paging { limit, from })
}

/// Google's parameters may be written in either case.
fn gemini<'a>(query: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Paging, PagingError> {
    let (mut limit, mut from) = (50, From::Start);
    for (name, value) in query {
        match name {
            "pageSize" | "page_size" => {
                let size: i64 = value.parse().map_err(|_| PagingError("`pageSize` is a number"))?;
                limit = match usize::try_from(size) {
                    Err(_) => return Err(PagingError("`pageSize` is not below 0")),
                    Ok(0) => 50,
                    Ok(size) => size.min(MOST),
                };
            }
            "pageToken" | "page_token" if !value.is_empty() => from = From::After(value.to_owned()),
            _ => {}
        }
    }
    Ok(Paging { limit, from })
}

const MOST: usize = 1_000;

#[cfg(test)]
mod tests {
    use posthaste_core::Timestamp;
    use rstest::rstest;

    use super::*;
    use crate::ModelKind;

    fn models(ids: &str) -> Vec<ModelEntry> {
        let entry = |id: char| ModelEntry {
            id: id.to_string(),
            display_name: id.to_string(),
            created: Timestamp::EPOCH,
            owned_by: "tester".to_owned(),
            kind: ModelKind::Conversation,
            context_window: None,
            max_output: None,
        };
        ids.chars().map(entry).collect()
    }

    fn cut(dialect: Dialect, query: &[(&str, &str)]) -> (String, bool) {
        let models = models("acdefg");
        let page = Paging::parse(dialect, query.iter().copied()).unwrap().cut(&models);
        (page.models.iter().map(|model| model.id.as_str()).collect(), page.has_more)
    }

    #[rstest]
    #[case(&[], "acdefg", false)]
    #[case(&[("limit", "2")], "ac", true)]
    #[case(&[("limit", "2"), ("after_id", "c")], "de", true)]
    #[case(&[("limit", "2"), ("after_id", "b")], "cd", true)]
    #[case(&[("limit", "2"), ("after_id", "e")], "fg", false)]
    #[case(&[("after_id", "g")], "", false)]
    #[case(&[("limit", "2"), ("before_id", "f")], "de", true)]
    #[case(&[("limit", "2"), ("before_id", "d")], "ac", false)]
    #[case(&[("before_id", "a"), ("unknown", "x")], "", false)]
    fn anthropics_pages(#[case] query: &[(&str, &str)], #[case] ids: &str, #[case] has_more: bool) {
        assert_eq!(cut(Dialect::AnthropicMessages, query), (ids.to_owned(), has_more));
    }

    #[rstest]
    #[case(&[], "acdefg", false)]
    #[case(&[("pageSize", "4")], "acde", true)]
    #[case(&[("page_size", "4"), ("pageToken", "e")], "fg", false)]
    #[case(&[("pageSize", "0"), ("pageToken", "")], "acdefg", false)]
    #[case(&[("pageSize", "99999999")], "acdefg", false)]
    fn geminis_pages(#[case] query: &[(&str, &str)], #[case] ids: &str, #[case] has_more: bool) {
        assert_eq!(cut(Dialect::GeminiGenerate, query), (ids.to_owned(), has_more));
    }

    #[rstest]
    #[case(Dialect::AnthropicMessages, &[("limit", "0")])]
    #[case(Dialect::AnthropicMessages, &[("limit", "1001")])]
    #[case(Dialect::AnthropicMessages, &[("limit", "-1")])]
    #[case(Dialect::AnthropicMessages, &[("after_id", "a"), ("before_id", "b")])]
    #[case(Dialect::GeminiGenerate, &[("pageSize", "-1")])]
    #[case(Dialect::GeminiGenerate, &[("pageSize", "many")])]
    fn what_the_vendor_refuses_is_refused(#[case] dialect: Dialect, #[case] query: &[(&str, &str)]) {
        assert!(Paging::parse(dialect, query.iter().copied()).is_err());
    }

    #[test]
    fn openais_list_has_no_pages() {
        assert_eq!(
            cut(Dialect::OpenAiChat, &[("limit", "1"), ("pageSize", "x")]),
            ("acdefg".to_owned(), false)
        );
    }
}
