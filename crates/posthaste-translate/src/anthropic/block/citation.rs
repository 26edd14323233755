//! The sources of a text (<https://docs.claude.com/en/docs/build-with-claude/citations>).
//!
//! Only a page on the web has a name that other dialects know; places in the request's own documents mean something to
//! Anthropic alone. A web citation counts with its `encrypted_index`, which the API wants back: one that came from another
//! vendor has none, is shown to clients with an empty one, and does not go back to the API.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    ir::{Citation, Json},
    json::Str,
};

/// Reads a citation of a text block or a `citations_delta`.
pub(in crate::anthropic) fn citation(raw: &RawValue) -> Citation {
    let wire = serde_json::from_str::<CitationIn<'_>>(raw.get()).unwrap_or_default();
    let is_web = &*wire.kind == WEB;
    let is_ours = !is_web || wire.encrypted_index.is_some_and(|index| !index.is_empty());
    let text = |text: Option<Str<'_>>| text.filter(|_| is_web).map(Str::into_string);
    Citation {
        url: text(wire.url),
        title: text(wire.title),
        quote: text(wire.cited_text),
        span: None,
        own: is_ours.then(|| Json::from(raw)),
    }
}

/// A citation as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::anthropic) enum CitationOut<'a> {
    /// One of Anthropic's own.
    Own(&'a RawValue),
    /// One of another vendor's.
    Web {
        #[serde(rename = "type")]
        kind: &'static str,
        url: &'a str,
        title: Option<&'a str>,
        cited_text: &'a str,
        encrypted_index: &'static str,
    },
}

impl<'a> CitationOut<'a> {
    /// For the API, which takes its own citations only.
    pub(in crate::anthropic) fn for_upstream(citation: &'a Citation) -> Option<Self> {
        citation.own.as_ref().filter(|own| is_anthropic(own)).map(|own| Self::Own(own.as_raw()))
    }

    /// For a client, who may be shown any page.
    pub(in crate::anthropic) fn for_client(citation: &'a Citation) -> Option<Self> {
        let web = |url: &'a String| Self::Web {
            kind: WEB,
            url,
            title: citation.title.as_deref(),
            cited_text: citation.quote.as_deref().unwrap_or_default(),
            encrypted_index: "",
        };
        Self::for_upstream(citation).or_else(|| citation.url.as_ref().map(web))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CitationIn<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    url: Option<Str<'a>>,
    #[serde(borrow)]
    title: Option<Str<'a>>,
    #[serde(borrow)]
    cited_text: Option<Str<'a>>,
    #[serde(borrow)]
    encrypted_index: Option<Str<'a>>,
}

/// Every form of Anthropic's ends like this, and nobody else's does.
fn is_anthropic(own: &Json) -> bool {
    serde_json::from_str::<CitationIn<'_>>(own.as_str()).is_ok_and(|wire| wire.kind.ends_with("_location"))
}

const WEB: &str = "web_search_result_location";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Citation {
        citation(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_page_on_the_web_is_named_and_kept_whole() {
        let json = r#"{"type":"web_search_result_location","url":"https://a.test","title":"A","cited_text":"b","encrypted_index":"Eo8"}"#;
        let citation = read(json);
        assert_eq!(citation.url.as_deref(), Some("https://a.test"));
        assert_eq!(citation.quote.as_deref(), Some("b"));
        assert_eq!(citation.own.unwrap().as_str(), json);
    }

    #[test]
    fn a_place_in_a_document_is_kept_for_its_own_dialect_only() {
        let json = r#"{"type":"char_location","document_index":0,"document_title":"A","cited_text":"b","start_char_index":0,"end_char_index":1}"#;
        let citation = read(json);
        assert_eq!((&citation.url, &citation.title, &citation.quote), (&None, &None, &None));
        assert!(
            matches!(CitationOut::for_upstream(&citation), Some(CitationOut::Own(raw)) if raw.get() == json)
        );
    }

    #[test]
    fn a_page_of_another_vendor_is_shown_and_not_sent_back() {
        let shown = Citation { url: Some("https://a.test".to_owned()), own: None, ..read("{}") };
        let shown = serde_json::to_string(&CitationOut::for_client(&shown)).unwrap();
        let back = read(&shown);
        assert_eq!(back.url.as_deref(), Some("https://a.test"));
        assert!(CitationOut::for_upstream(&back).is_none());
        let foreign = Json::parse(r#"{"type":"url_citation","url_citation":{}}"#).unwrap();
        assert!(CitationOut::for_upstream(&Citation { own: Some(foreign), ..back }).is_none());
    }
}
