//! `groundingMetadata`: which stretch of the text rests on which page
//! (<https://ai.google.dev/api/generate-content#GroundingMetadata>).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::spelling::Whole;
use crate::{
    ir::{Citation, Content, Json, Part},
    json::Str,
};

/// A stretch of the answer and a page that it rests on.
#[derive(Clone, Debug)]
pub(super) struct Support {
    /// The part that holds the stretch.
    pub(super) part: usize,
    /// Its first byte and the byte behind its last one.
    pub(super) bytes: (usize, usize),
    /// Its words.
    pub(super) words: String,
    /// The page's address.
    pub(super) url: Option<String>,
    /// The page's title.
    pub(super) title: Option<String>,
    /// The support as it came.
    own: Json,
}

impl Support {
    /// The citation for the stretch, if it could be found in characters.
    pub(super) fn citation(self, span: Option<(usize, usize)>) -> Citation {
        Citation { url: self.url, title: self.title, quote: None, span, own: Some(self.own) }
    }
}

/// Reads what the text rests on: one support a stretch and page. Metadata that cannot be read supports nothing.
pub(super) fn supports(raw: &RawValue) -> Vec<Support> {
    let Ok(wire) = serde_json::from_str::<MetadataIn<'_>>(raw.get()) else { return Vec::new() };
    let chunks = wire.grounding_chunks.unwrap_or_default();
    let mut supports = Vec::new();
    let mut room = MOST_BYTES;
    for raw in wire.grounding_supports.unwrap_or_default() {
        let Ok(support) = serde_json::from_str::<SupportIn<'_>>(raw.get()) else { continue };
        let segment = support.segment.unwrap_or_default();
        for index in support.grounding_chunk_indices.unwrap_or_default() {
            let Some(page) = chunks.get(index).and_then(ChunkIn::page) else { continue };
            let size = raw.get().len() + page.size();
            if supports.len() == MOST || size > room {
                return supports;
            }
            room -= size;
            let text = |text: &Option<Str<'_>>| text.as_ref().map(|text| (**text).to_owned());
            supports.push(Support {
                part: offset(segment.part_index),
                bytes: (offset(segment.start_index), offset(segment.end_index)),
                words: text(&segment.text).unwrap_or_default(),
                url: text(&page.uri),
                title: text(&page.title),
                own: Json::from(raw),
            });
        }
    }
    supports
}

/// Far more than any answer has.
const MOST: usize = 4_096;
/// A support is copied for each of its pages, and a page for each support that names it: many times a long text would be more
/// than the answer itself.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// A stretch whose part is not named is looked for in as many parts. Answers have a handful.
const MOST_PARTS: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetadataIn<'a> {
    #[serde(borrow)]
    grounding_chunks: Option<Vec<ChunkIn<'a>>>,
    #[serde(borrow)]
    grounding_supports: Option<Vec<&'a RawValue>>,
}

/// A page on the web, in the customer's own data, or on the map.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChunkIn<'a> {
    #[serde(borrow)]
    web: Option<PageIn<'a>>,
    #[serde(borrow)]
    retrieved_context: Option<PageIn<'a>>,
    #[serde(borrow)]
    maps: Option<PageIn<'a>>,
}

impl<'a> ChunkIn<'a> {
    fn page(&self) -> Option<&PageIn<'a>> {
        self.web.as_ref().or(self.retrieved_context.as_ref()).or(self.maps.as_ref())
    }
}

#[derive(Deserialize)]
struct PageIn<'a> {
    #[serde(borrow)]
    uri: Option<Str<'a>>,
    #[serde(borrow)]
    title: Option<Str<'a>>,
}

impl PageIn<'_> {
    fn size(&self) -> usize {
        [&self.uri, &self.title].into_iter().flatten().map(|text| text.len()).sum()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SupportIn<'a> {
    #[serde(borrow)]
    segment: Option<SegmentIn<'a>>,
    grounding_chunk_indices: Option<Vec<usize>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SegmentIn<'a> {
    part_index: Option<Whole>,
    start_index: Option<Whole>,
    end_index: Option<Whole>,
    #[serde(borrow)]
    text: Option<Str<'a>>,
}

fn offset(number: Option<Whole>) -> usize {
    number.and_then(Whole::unsigned).and_then(|number| usize::try_from(number).ok()).unwrap_or(0)
}

/// Puts the citations on the parts that they speak of. `places` tells for each wire part where it is among the parts.
pub(super) fn cite(parts: &mut [Part], places: &[Option<usize>], supports: Vec<Support>) {
    let last = parts.iter().rposition(|part| text(part).is_some());
    for support in supports {
        let named = places.get(support.part).copied().flatten();
        let holds = |part: &Part| text(part).is_some_and(|text| stretch(text, &support).is_some());
        let index = named.filter(|index| parts.get(*index).is_some_and(holds));
        // The number of a part is left out, and then thoughts may stand before the text that is meant.
        let index = index.or_else(|| parts.iter().take(MOST_PARTS).position(holds)).or(last);
        let Some(part) = index.and_then(|index| parts.get_mut(index)) else { continue };
        let span = text(part).and_then(|text| {
            let (start, end) = stretch(text, &support)?;
            let first = text[..start].chars().count();
            Some((first, first + text[start..end].chars().count()))
        });
        part.citations.push(support.citation(span));
    }
}

fn text(part: &Part) -> Option<&str> {
    match &part.content {
        Content::Text(text) => Some(text),
        _ => None,
    }
}

/// The stretch's bytes, if the text has its words there.
fn stretch(text: &str, support: &Support) -> Option<(usize, usize)> {
    let (start, end) = support.bytes;
    let there = text.get(start..end)?;
    (support.words.is_empty() || there == support.words).then_some((start, end))
}

/// Where characters lie in a text that is not kept: the length in bytes of each, run by run.
#[derive(Debug, Default)]
pub(super) struct Offsets {
    /// Characters of one length that follow each other: the length, and how many.
    runs: Vec<(usize, usize)>,
    bytes: usize,
    /// The text changed its letters too often: places behind this are not known.
    lost: bool,
}

impl Offsets {
    /// Takes the next piece of the text.
    pub(super) fn push(&mut self, text: &str) {
        self.bytes += text.len();
        for character in text.chars() {
            let full = self.runs.len() == MOST_RUNS;
            match self.runs.last_mut() {
                _ if self.lost => {}
                Some((length, count)) if *length == character.len_utf8() => *count += 1,
                _ if full => self.lost = true,
                _ => self.runs.push((character.len_utf8(), 1)),
            }
        }
    }

    /// The length of the text in bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    /// The number of characters before a byte.
    pub(super) fn characters_before(&self, byte: usize) -> Option<usize> {
        let (mut bytes, mut characters) = (0, 0);
        for (length, count) in &self.runs {
            let end = bytes + length * count;
            if byte <= end {
                let inside = byte - bytes;
                return inside.is_multiple_of(*length).then(|| characters + inside / length);
            }
            (bytes, characters) = (end, characters + count);
        }
        (byte == bytes).then_some(characters)
    }

    /// The number of bytes before a character.
    pub(super) fn bytes_before(&self, character: usize) -> Option<usize> {
        let (mut bytes, mut characters) = (0, 0);
        for (length, count) in &self.runs {
            if character <= characters + count {
                return Some(bytes + length * (character - characters));
            }
            (bytes, characters) = (bytes + length * count, characters + count);
        }
        (character == characters).then_some(bytes)
    }
}

/// 32 KiB a stream, enough for any answer in one or two scripts.
const MOST_RUNS: usize = 2_048;

/// The metadata for citations of ours.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetadataOut {
    grounding_chunks: Vec<ChunkOut>,
    grounding_supports: Vec<SupportOut>,
}

#[derive(Debug, Serialize)]
struct ChunkOut {
    web: PageOut,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct PageOut {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SupportOut {
    segment: SegmentOut,
    grounding_chunk_indices: [usize; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SegmentOut {
    #[serde(skip_serializing_if = "is_zero")]
    part_index: usize,
    start_index: usize,
    end_index: usize,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(index: &usize) -> bool {
    *index == 0
}

impl MetadataOut {
    /// Whether nothing is cited.
    pub(super) fn is_empty(&self) -> bool {
        self.grounding_supports.is_empty()
    }

    /// Adds a citation of a stretch; whether it names a page that others can find.
    pub(super) fn add(
        &mut self,
        citation: &Citation,
        part: usize,
        bytes: (usize, usize),
        words: &str,
    ) -> bool {
        let Some(uri) = citation.url.clone() else { return false };
        if self.grounding_supports.len() == MOST {
            return false;
        }
        let page = PageOut { uri, title: citation.title.clone() };
        let known = self.grounding_chunks.iter().position(|chunk| chunk.web == page);
        let index = known.unwrap_or_else(|| {
            self.grounding_chunks.push(ChunkOut { web: page });
            self.grounding_chunks.len() - 1
        });
        let (start_index, end_index) = bytes;
        let segment = SegmentOut { part_index: part, start_index, end_index, text: words.to_owned() };
        self.grounding_supports.push(SupportOut { segment, grounding_chunk_indices: [index] });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{"groundingChunks":[{"web":{"uri":"https://a.test","title":"A"}},{"web":{"uri":"https://b.test"}}],
        "groundingSupports":[{"segment":{"startIndex":7,"endIndex":11,"text":"日x"},"groundingChunkIndices":[0,1,9]}]}"#;

    #[test]
    fn bytes_become_characters_in_the_part_that_has_the_words() {
        let mut parts = [Part::text("日x日x is"), Part::text("Zürich 日x.")];
        // The number of the part is wrong.
        let mut support = supports(serde_json::from_str(METADATA).unwrap());
        assert_eq!(support.len(), 2);
        support.iter_mut().for_each(|support| support.bytes = (8, 12));
        cite(&mut parts, &[Some(0), Some(1)], support);
        let spans: Vec<_> = parts[1].citations.iter().map(|citation| citation.span).collect();
        assert_eq!(spans, [Some((7, 9)), Some((7, 9))]);
        assert!(parts[0].citations.is_empty());
        assert_eq!(parts[1].citations[1].url.as_deref(), Some("https://b.test"));
    }

    #[test]
    fn a_long_support_of_many_pages_is_not_copied_for_each() {
        let words = "w".repeat(100_000);
        let pages = vec!["0"; 10_000].join(",");
        let metadata = format!(
            r#"{{"groundingChunks":[{{"web":{{"uri":"https://a.test"}}}}],
            "groundingSupports":[{{"segment":{{"text":"{words}"}},"groundingChunkIndices":[{pages}]}}]}}"#
        );
        let supports = supports(serde_json::from_str(&metadata).unwrap());
        assert!(!supports.is_empty());
        let copied: usize = supports.iter().map(|support| support.own.as_str().len()).sum();
        assert!(copied <= MOST_BYTES, "{copied}");
    }

    #[test]
    fn places_that_are_wrong_lose_their_span_and_nothing_else() {
        let mut parts = [Part::text("short")];
        cite(&mut parts, &[Some(0)], supports(serde_json::from_str(METADATA).unwrap()));
        assert_eq!(parts[0].citations.len(), 2);
        assert_eq!(parts[0].citations[0].span, None);
        cite(&mut [], &[], supports(serde_json::from_str(METADATA).unwrap()));
    }

    #[test]
    fn offsets_agree_with_the_text() {
        let text = "Zürich 日本語 🐎! é";
        let mut offsets = Offsets::default();
        text.chars().for_each(|character| offsets.push(&character.to_string()));
        assert_eq!(offsets.len(), text.len());
        for byte in 0..=text.len() + 1 {
            let expected = text.get(..byte).map(|before| before.chars().count());
            assert_eq!(offsets.characters_before(byte), expected, "byte {byte}");
        }
        for (characters, (byte, _)) in text.char_indices().enumerate() {
            assert_eq!(offsets.bytes_before(characters), Some(byte));
        }
        assert_eq!(offsets.bytes_before(100), None);
    }

    #[test]
    fn offsets_are_bounded() {
        let mut offsets = Offsets::default();
        offsets.push(&"aé".repeat(MOST_RUNS));
        assert_eq!(offsets.runs.len(), MOST_RUNS);
        assert_eq!(offsets.characters_before(3), Some(2));
        assert_eq!(offsets.characters_before(3 * MOST_RUNS), None);
    }
}
