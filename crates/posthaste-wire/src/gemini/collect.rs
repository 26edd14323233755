//! The chunks of an answer, put together: each is a whole answer with the parts that are new.

use std::collections::BTreeMap;

use crate::{fault::to_json, object::Object};

/// What came of an answer.
#[derive(Debug, Default)]
pub(crate) struct Generated {
    /// Everything beside the candidates; `None` before the first chunk.
    head: Option<Object>,
    candidates: BTreeMap<u64, Candidate>,
}

/// A candidate with its parts.
#[derive(Debug, Default)]
struct Candidate {
    head: Object,
    content: Object,
    parts: Vec<Object>,
}

impl Generated {
    pub(crate) fn add(&mut self, data: &[u8]) -> serde_json::Result<()> {
        let mut chunk: Object = serde_json::from_slice(data)?;
        let candidates = chunk.remove("candidates");
        let head = self.head.get_or_insert_default();
        // A count that a later chunk leaves out still holds.
        if let (Some(former), Some(counts)) = (head.object("usageMetadata"), chunk.object("usageMetadata")) {
            let mut usage = former;
            usage.take_over(counts);
            chunk.set("usageMetadata", &usage);
        }
        head.take_over(chunk);
        let candidates = candidates.map(|candidates| serde_json::from_str::<Vec<Object>>(candidates.get()));
        for candidate in candidates.transpose()?.unwrap_or_default() {
            let index = candidate.get("index").and_then(|index| index.get().parse().ok()).unwrap_or(0);
            self.candidates.entry(index).or_default().add(candidate)?;
        }
        Ok(())
    }

    pub(crate) fn whole(self) -> Option<Vec<u8>> {
        let mut whole = self.head?;
        if !self.candidates.is_empty() {
            let candidates: Vec<_> = self.candidates.into_values().map(Candidate::whole).collect();
            whole.set("candidates", &candidates);
        }
        Some(to_json(&whole))
    }
}

impl Candidate {
    fn add(&mut self, mut piece: Object) -> serde_json::Result<()> {
        let content = piece.remove("content").map(|content| serde_json::from_str::<Object>(content.get()));
        self.head.take_over(piece);
        let mut content = content.transpose()?.unwrap_or_default();
        let parts = content.remove("parts").map(|parts| serde_json::from_str::<Vec<Object>>(parts.get()));
        self.content.take_over(content);
        for part in parts.transpose()?.unwrap_or_default() {
            self.add_part(part);
        }
        Ok(())
    }

    /// Texts grow, everything else stands alone. A part with a signature is never joined with another one: it has to come
    /// back as it was.
    fn add_part(&mut self, part: Object) {
        let Some(piece) = PlainText::of(&part) else { return self.parts.push(part) };
        let Some(last) = self.parts.last_mut() else { return self.parts.push(part) };
        match PlainText::of(last) {
            Some(former) if former.thought == piece.thought => last.append("text", &piece.text),
            _ if piece.text.is_empty() => {}
            _ => self.parts.push(part),
        }
    }

    fn whole(self) -> Object {
        let Self { mut head, mut content, parts } = self;
        if !parts.is_empty() {
            content.set("parts", &parts);
        }
        head.set("content", &content);
        head
    }
}

/// A part that is a text and nothing else.
struct PlainText {
    text: String,
    thought: bool,
}

impl PlainText {
    fn of(part: &Object) -> Option<Self> {
        let alone = part.members().all(|(name, _)| matches!(name, "text" | "thought"));
        let text = alone.then(|| part.text("text")).flatten()?;
        Some(Self { text, thought: part.get("thought").is_some_and(|thought| thought.get() == "true") })
    }
}
