//! What a form or a query says.

use form_urlencoded::{Serializer, parse};

/// Named values, in the order in which they came. A name may come several times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(crate) fn read(text: &[u8]) -> Self {
        Self(parse(text).map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The first value, without space around it; `None` where there is none or it is empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.given(name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The first value as it came, which may be empty; `None` where the field is not there at all.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value for a form's field, empty where there is none.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.given(name).unwrap_or_default()
    }

    /// All values of the name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box is ticked.
    pub(crate) fn ticked(&self, name: &str) -> bool {
        self.text(name).is_some()
    }

    /// Whether the field has this value.
    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|given| given == value)
    }

    /// The lines of a text field, without empty ones; commas part as well as line ends do.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let text = self.value(name);
        let parts = text.split(['\n', ',']).map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }

    /// A whole number; `None` where there is none or it is something else.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.text(name)?.parse().ok()
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    /// The same with another value in the place of all of that name; without it where the value is empty.
    #[must_use]
    pub(crate) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.retain(|(known, _)| known != name);
        let value = value.into();
        if value.is_empty() { self } else { self.with(name, value) }
    }

    /// As a query, with a question mark in front unless it is empty.
    pub(crate) fn to_query(&self) -> String {
        let parts = self.0.iter().filter(|(_, value)| !value.is_empty());
        let text = Serializer::new(String::new()).extend_pairs(parts).finish();
        if text.is_empty() { text } else { format!("?{text}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_it_was_written() {
        let form = Fields::read(b"name=+Ada+&tag=a&tag=b&empty=&models=x%0Ay%2C+z&n=12");
        assert_eq!(form.text("name"), Some("Ada"));
        assert_eq!(form.value("name"), " Ada ");
        assert_eq!(form.all("tag").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((form.text("empty"), form.given("empty"), form.given("none")), (None, Some(""), None));
        assert_eq!(form.lines("models"), ["x", "y", "z"]);
        assert_eq!((form.number("n"), form.number("name")), (Some(12), None));
        assert!(form.is("tag", "b") && !form.is("tag", "c") && form.ticked("tag") && !form.ticked("empty"));
    }

    #[test]
    fn a_query_changes_by_one_value() {
        let query = Fields::read(b"search=a%26b&page=3");
        assert_eq!(query.clone().set("page", "4").to_query(), "?search=a%26b&page=4");
        assert_eq!(query.set("page", "").to_query(), "?search=a%26b");
        assert_eq!(Fields::default().to_query(), "");
    }
}
