//! The sources of a text: `annotations`
//! (<https://platform.openai.com/docs/guides/tools-web-search>).
//!
//! They stand beside the whole text of a message and count its characters; in the neutral form they stand with the part
//! that they belong to.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    ir::{Citation, Json},
    json::Str,
};

/// Reads an annotation. One of a kind that is not known is kept for its own dialect.
pub(super) fn citation(raw: &RawValue) -> Citation {
    let page = page(raw).unwrap_or_default();
    Citation {
        url: page.url.map(Str::into_string),
        title: page.title.map(Str::into_string),
        quote: None,
        span: page.start_index.zip(page.end_index),
        own: Some(Json::from(raw)),
    }
}

/// An annotation as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum AnnotationOut<'a> {
    /// One of our own dialect.
    Own(&'a RawValue),
    /// One of another's.
    Page {
        #[serde(rename = "type")]
        kind: &'static str,
        url_citation: PageOut<'a>,
    },
}

#[derive(Serialize)]
pub(super) struct PageOut<'a> {
    start_index: usize,
    end_index: usize,
    title: &'a str,
    url: &'a str,
}

impl<'a> AnnotationOut<'a> {
    /// The annotation for a citation of the text that stands at `start..end` in the message; `None` for a source that only
    /// another dialect can name. A citation that does not say which words it is about is about the whole text.
    pub(super) fn new(citation: &'a Citation, (start, end): (usize, usize)) -> Option<Self> {
        if let Some(own) = citation.own.as_ref().filter(|own| page(own.as_raw()).is_some()) {
            return Some(Self::Own(own.as_raw()));
        }
        let within = |index: usize| start.saturating_add(index).min(end);
        let (start_index, end_index) =
            citation.span.map_or((start, end), |(from, to)| (within(from), within(to)));
        let title = citation.title.as_deref().unwrap_or_default();
        let url = citation.url.as_deref()?;
        let url_citation = PageOut { start_index, end_index, title, url };
        Some(Self::Page { kind: "url_citation", url_citation })
    }
}

#[derive(Default, Deserialize)]
struct PageIn<'a> {
    #[serde(borrow)]
    url: Option<Str<'a>>,
    #[serde(borrow)]
    title: Option<Str<'a>>,
    start_index: Option<usize>,
    end_index: Option<usize>,
}

/// What an annotation of this dialect holds; Responses has the same fields one level higher.
fn page(raw: &RawValue) -> Option<PageIn<'_>> {
    #[derive(Deserialize)]
    struct AnnotationIn<'a> {
        #[serde(borrow)]
        url_citation: Option<PageIn<'a>>,
    }
    serde_json::from_str::<AnnotationIn<'_>>(raw.get()).ok()?.url_citation
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(citation: &Citation, place: (usize, usize)) -> Option<String> {
        AnnotationOut::new(citation, place).map(|annotation| serde_json::to_string(&annotation).unwrap())
    }

    #[test]
    fn an_annotation_of_our_own_comes_back_as_it_was() {
        let json = r#"{"type":"url_citation","url_citation":{"url":"https://a.test","title":"A","start_index":2,"end_index":5}}"#;
        let citation = citation(serde_json::from_str(json).unwrap());
        assert_eq!((citation.url.as_deref(), citation.span), (Some("https://a.test"), Some((2, 5))));
        assert_eq!(written(&citation, (0, 9)).as_deref(), Some(json));
    }

    #[test]
    fn another_dialects_source_is_placed_in_the_whole_text() {
        let own = Some(Json::parse(r#"{"type":"web_search_result_location"}"#).unwrap());
        let url = Some("https://a.test".to_owned());
        let citation = Citation { url, title: None, quote: None, span: None, own };
        let text = written(&citation, (3, 8)).unwrap();
        assert!(text.contains(r#""start_index":3,"end_index":8"#), "{text}");
        let text = written(&Citation { span: Some((1, 99)), ..citation.clone() }, (3, 8)).unwrap();
        assert!(text.contains(r#""start_index":4,"end_index":8"#), "{text}");
        assert_eq!(written(&Citation { url: None, ..citation }, (3, 8)), None);
    }
}
