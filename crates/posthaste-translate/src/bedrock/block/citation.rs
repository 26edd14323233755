//! Sources of a text (`Citation`, `CitationsDelta`).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    ir::{Citation, Json},
    json::Str,
};

/// Reads a citation. Only a page on the web has an address that other dialects know.
pub(in crate::bedrock) fn citation(raw: &RawValue) -> Citation {
    let wire = serde_json::from_str::<CitationIn<'_>>(raw.get()).unwrap_or_default();
    let quote: String = wire.source_content.iter().flatten().map(|piece| &*piece.text).collect();
    Citation {
        url: wire.location.and_then(|location| location.web?.url).map(Str::into_string),
        title: wire.title.map(Str::into_string),
        quote: (!quote.is_empty()).then_some(quote),
        span: None,
        own: Some(Json::from(raw)),
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CitationIn<'a> {
    #[serde(borrow)]
    title: Option<Str<'a>>,
    #[serde(borrow)]
    source_content: Option<Vec<PieceIn<'a>>>,
    #[serde(borrow)]
    location: Option<LocationIn<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PieceIn<'a> {
    #[serde(borrow)]
    text: Str<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LocationIn<'a> {
    #[serde(borrow)]
    web: Option<WebIn<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WebIn<'a> {
    #[serde(borrow)]
    url: Option<Str<'a>>,
}

/// A citation as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::bedrock) enum CitationOut<'a> {
    /// One of our own dialect.
    Raw(&'a RawValue),
    /// A page on the web.
    #[serde(rename_all = "camelCase")]
    Web {
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        source_content: Vec<PieceOut<'a>>,
        location: LocationOut<'a>,
    },
}

#[derive(Serialize)]
pub(in crate::bedrock) struct PieceOut<'a> {
    text: &'a str,
}

#[derive(Serialize)]
pub(in crate::bedrock) struct LocationOut<'a> {
    web: WebOut<'a>,
}

#[derive(Serialize)]
struct WebOut<'a> {
    url: &'a str,
}

/// The citation as it is written; none for a source of another dialect that has no address.
pub(in crate::bedrock) fn citation_out(citation: &Citation) -> Option<CitationOut<'_>> {
    match (&citation.own, &citation.url) {
        (Some(raw), _) if is_of_converse(raw) => Some(CitationOut::Raw(raw.as_raw())),
        (_, Some(url)) => Some(CitationOut::Web {
            title: citation.title.as_deref(),
            source_content: citation.quote.iter().map(|text| PieceOut { text }).collect(),
            location: LocationOut { web: WebOut { url } },
        }),
        (_, None) => None,
    }
}

/// Told by its form: a stream's writer does not know where its events come from.
fn is_of_converse(raw: &Json) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Form<'a> {
        #[serde(borrow)]
        location: Option<&'a RawValue>,
        #[serde(borrow)]
        source_content: Option<&'a RawValue>,
        #[serde(borrow, rename = "type")]
        kind: Option<&'a RawValue>,
    }
    serde_json::from_str::<Form<'_>>(raw.as_str())
        .is_ok_and(|form| form.kind.is_none() && (form.location.is_some() || form.source_content.is_some()))
}
