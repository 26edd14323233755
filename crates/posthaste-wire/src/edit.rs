//! A few changes to the top-level members of a JSON object, spliced into its bytes.

mod members;

use bytes::Bytes;
use posthaste_core::{Fault, Payload};
use serde_json::Value;

use self::members::Members;

/// A short list of changes to an object's top-level members.
///
/// The object is read once and not built. What is not named keeps its bytes, its place and its spelling, and the
/// result is made of slices of it: nothing but the new values is copied. Names are compared as JSON reads them, so
/// `"mod\u0065l"` is `model`. A named member that is there twice is refused, since readers could disagree about it;
/// others may be doubled, which is for the upstream to judge. A later change of the same member replaces an earlier
/// one.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    changes: Vec<(&'static str, Change)>,
    wrapping: Option<Wrapping>,
}

#[derive(Clone, Debug)]
enum Change {
    Set(Bytes),
    SetWithin(&'static str, Bytes),
    Insert(Bytes),
    Remove,
}

#[derive(Clone, Debug)]
struct Wrapping {
    before: Bytes,
    after: Bytes,
}

impl Edits {
    /// No changes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a member this value, where it stands; a missing one comes last.
    pub fn set(self, name: &'static str, value: impl Into<Value>) -> Self {
        self.change(name, Change::Set(json(value)))
    }

    /// Gives a member of the object `name` this value. A missing object is made, as is one for `null`; what is no
    /// object is left for the upstream to refuse.
    pub fn set_within(self, name: &'static str, inner: &'static str, value: impl Into<Value>) -> Self {
        self.change(name, Change::SetWithin(inner, json(value)))
    }

    /// Adds a member; one that is there already stays as it is.
    pub fn insert(self, name: &'static str, value: impl Into<Value>) -> Self {
        self.change(name, Change::Insert(json(value)))
    }

    /// Leaves a member out.
    pub fn remove(self, name: &'static str) -> Self {
        self.change(name, Change::Remove)
    }

    /// Makes the object, changed as asked, the member `name` of a new one, after the members `beside`.
    pub fn wrap(mut self, name: &str, beside: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let mut before = String::from("{");
        for (neighbour, value) in beside {
            before += &format!("{}:{value},", Value::from(neighbour));
        }
        before += &format!("{}:", Value::from(name));
        self.wrapping = Some(Wrapping { before: before.into(), after: Bytes::from_static(b"}") });
        self
    }

    /// The changed body in slices, and what stood in the members that were named.
    ///
    /// # Errors
    /// When the body is not a JSON object in UTF-8, or a named member is there more than once.
    pub fn apply(&self, body: &Bytes) -> Result<Edited, EditError> {
        let members = Members::read(body)?;
        let found = self
            .changes
            .iter()
            .map(|(name, _)| members.position(name))
            .collect::<Result<Vec<Option<usize>>, _>>()?;
        let former = found.iter().zip(&self.changes).filter_map(|(position, (name, _))| {
            Some((*name, body.slice(members.list[(*position)?].value.clone())))
        });
        let former = former.collect();

        let mut out = Splice::new(body);
        out.put(self.wrapping.as_ref().map(|wrapping| wrapping.before.clone()));
        out.keep(0..members.first);
        let (mut at, mut any) = (members.first, false);
        for (position, member) in members.list.iter().enumerate() {
            let change = found.iter().position(|found| *found == Some(position));
            let change = change.map(|change| &self.changes[change].1);
            // A member owns the gap before it, with its comma; the first that stays has no comma.
            if !matches!(change, Some(Change::Remove)) {
                out.keep(if any { at } else { member.key }..member.value.start);
                match change {
                    Some(Change::Set(value)) => out.put(Some(value.clone())),
                    Some(Change::SetWithin(inner, value)) => {
                        out.put_all(&set_within(body.slice(member.value.clone()), inner, value)?);
                    }
                    _ => out.keep(member.value.clone()),
                }
                any = true;
            }
            at = member.value.end;
        }
        for (name, value) in self.added(&found) {
            out.put(Some(Bytes::from(format!("{}{}:", if any { "," } else { "" }, Value::from(name)))));
            out.put_all(&value);
            any = true;
        }
        out.keep(at..body.len());
        out.put(self.wrapping.as_ref().map(|wrapping| wrapping.after.clone()));
        Ok(Edited { payload: Payload::from_parts(out.done()), former })
    }

    fn change(mut self, name: &'static str, change: Change) -> Self {
        self.changes.retain(|(other, _)| *other != name);
        self.changes.push((name, change));
        self
    }

    /// The members that are new, with their values in parts.
    fn added(&self, found: &[Option<usize>]) -> impl Iterator<Item = (&'static str, Vec<Bytes>)> {
        let missing = self.changes.iter().zip(found).filter(|(_, found)| found.is_none());
        missing.filter_map(|((name, change), _)| match change {
            Change::Set(value) | Change::Insert(value) => Some((*name, vec![value.clone()])),
            Change::SetWithin(inner, value) => Some((*name, object_of(inner, value))),
            Change::Remove => None,
        })
    }
}

/// A body after its changes.
#[derive(Clone, Debug)]
pub struct Edited {
    /// The changed body.
    pub payload: Payload,
    former: Vec<(&'static str, Bytes)>,
}

impl Edited {
    /// The JSON text that stood in a named member before, whether or not it was changed.
    pub fn former(&self, name: &str) -> Option<&Bytes> {
        self.former.iter().find_map(|(other, value)| (*other == name).then_some(value))
    }
}

/// Why a body cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It is not a JSON object in UTF-8.
    #[error("the body is not a JSON object in UTF-8: send one JSON object")]
    NotAnObject,
    /// A member that has to be read or changed is there more than once.
    #[error("`{0}` is given more than once: send it once")]
    Repeated(&'static str),
}

impl From<EditError> for Fault {
    fn from(error: EditError) -> Self {
        Self::invalid_request(error.to_string()).caused_by(error)
    }
}

/// The JSON text of top-level members, as slices of the body; what is absent is `None`.
///
/// # Errors
/// As [`Edits::apply`].
pub fn members<const N: usize>(
    body: &Bytes,
    names: [&'static str; N],
) -> Result<[Option<Bytes>; N], EditError> {
    let members = Members::read(body)?;
    let mut values = [const { None }; N];
    for (value, name) in values.iter_mut().zip(names) {
        *value = members.position(name)?.map(|position| body.slice(members.list[position].value.clone()));
    }
    Ok(values)
}

fn json(value: impl Into<Value>) -> Bytes {
    value.into().to_string().into()
}

fn object_of(name: &str, value: &Bytes) -> Vec<Bytes> {
    vec![format!("{{{}:", Value::from(name)).into(), value.clone(), Bytes::from_static(b"}")]
}

fn set_within(object: Bytes, name: &'static str, value: &Bytes) -> Result<Vec<Bytes>, EditError> {
    match object.first() {
        Some(b'{') => {
            let edits = Edits { changes: vec![(name, Change::Set(value.clone()))], wrapping: None };
            Ok(edits.apply(&object)?.payload.parts().to_vec())
        }
        Some(b'n') => Ok(object_of(name, value)),
        _ => Ok(vec![object]),
    }
}

/// A text made of stretches of a body and of new pieces; neighbouring stretches become one slice.
struct Splice<'a> {
    body: &'a Bytes,
    open: std::ops::Range<usize>,
    parts: Vec<Bytes>,
}

impl<'a> Splice<'a> {
    fn new(body: &'a Bytes) -> Self {
        Self { body, open: 0..0, parts: Vec::new() }
    }

    fn keep(&mut self, stretch: std::ops::Range<usize>) {
        if stretch.is_empty() {
            return;
        }
        if self.open.end != stretch.start {
            self.close();
            self.open.start = stretch.start;
        }
        self.open.end = stretch.end;
    }

    fn put(&mut self, piece: Option<Bytes>) {
        if let Some(piece) = piece {
            self.close();
            self.parts.push(piece);
        }
    }

    fn put_all(&mut self, pieces: &[Bytes]) {
        self.close();
        self.parts.extend_from_slice(pieces);
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.parts.push(self.body.slice(self.open.clone()));
        }
        self.open = self.open.end..self.open.end;
    }

    fn done(mut self) -> Vec<Bytes> {
        self.close();
        self.parts
    }
}

#[cfg(test)]
mod tests;
