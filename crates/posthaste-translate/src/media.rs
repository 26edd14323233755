//! How dialects without a form of their own for media spell them: data URLs and fenced texts.

use std::borrow::Cow;

use crate::ir::Source;

/// Whether an address holds its data itself.
pub(crate) fn is_data_url(url: &str) -> bool {
    url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// Splits `data:<media type>[;<parameter>…];base64,<data>`
/// (RFC 2397, <https://www.rfc-editor.org/rfc/rfc2397>); `None` for any other text.
pub(crate) fn split_data_url(url: &str) -> Option<Source> {
    let rest = url.get(5..).filter(|_| is_data_url(url))?;
    let (head, data) = rest.split_once(',')?;
    let mut head = head.split(';');
    let media_type = head.next().unwrap_or_default();
    if media_type.is_empty() || !head.any(|parameter| parameter.eq_ignore_ascii_case("base64")) {
        return None;
    }
    Some(Source::Base64 { media_type: media_type.to_ascii_lowercase(), data: data.to_owned() })
}

/// The data URL of base64 data.
pub(crate) fn data_url(media_type: &str, data: &str) -> String {
    format!("data:{media_type};base64,{}", standard_base64(data))
}

/// Base64 in the standard alphabet, padded: vendors refuse the URL-safe one, which some clients use.
pub(crate) fn standard_base64(data: &str) -> Cow<'_, str> {
    if !data.contains(['-', '_']) {
        return Cow::Borrowed(data);
    }
    let mut standard = data.replace('-', "+").replace('_', "/");
    while !standard.len().is_multiple_of(4) {
        standard.push('=');
    }
    Cow::Owned(standard)
}

/// A document as a text, under its title and between fences.
pub(crate) fn titled(title: Option<&str>, text: &str) -> String {
    format!("{}:\n{}", title.unwrap_or("Document"), fenced("", text))
}

/// A text between fences longer than any that it holds.
pub(crate) fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.saturating_add(1).max(3));
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{text}{end}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_urls_are_split() {
        let split = |url| match split_data_url(url) {
            Some(Source::Base64 { media_type, data }) => (media_type, data),
            other => panic!("{other:?}"),
        };
        assert_eq!(split("data:image/png;base64,AAAA"), ("image/png".to_owned(), "AAAA".to_owned()));
        assert_eq!(split("DATA:Image/PNG;x=y;BASE64,").0, "image/png");
        for bad in ["data:image/png,AAAA", "data:;base64,AAAA", "data:image/png;base64", "https://a.test/b"] {
            assert_eq!(split_data_url(bad), None, "{bad}");
        }
    }

    #[test]
    fn data_is_written_in_the_standard_alphabet() {
        assert_eq!(data_url("image/png", "ab-_c"), "data:image/png;base64,ab+/c===");
        assert!(matches!(standard_base64("ab+/"), Cow::Borrowed("ab+/")));
    }

    #[test]
    fn fences_are_longer_than_those_inside() {
        assert_eq!(titled(Some("a.md"), "x"), "a.md:\n```\nx\n```");
        assert_eq!(fenced("python", "x\n"), "```python\nx\n```");
        assert!(titled(None, "a ```` b").starts_with("Document:\n`````\n"));
    }
}
