//! What a person brings back from the browser.

use url::{Url, form_urlencoded};

/// The vendor's answer to an authorize URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pasted {
    Code {
        code: String,
        state: Option<String>,
    },
    /// RFC 6749 §4.1.2.1
    Error {
        error: String,
        why: String,
        state: Option<String>,
    },
}

/// Reads a bare code, `CODE#STATE`, a query, or the whole address that the browser was sent to.
pub(super) fn read(text: &str) -> Option<Pasted> {
    let text = text.trim();
    if let Ok(url) = Url::parse(text)
        && matches!(url.scheme(), "http" | "https")
    {
        let answer = url.query().and_then(parameters);
        return answer.or_else(|| url.fragment().and_then(parameters));
    }
    if text.contains("code=") || text.contains("error=") {
        return parameters(text.trim_start_matches('?'));
    }
    let (code, state) = match text.split_once('#') {
        Some((code, state)) => (code, Some(state)),
        None => (text, None),
    };
    let readable = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    if !readable(code) || !state.is_none_or(readable) {
        return None;
    }
    Some(Pasted::Code { code: code.to_owned(), state: state.map(str::to_owned) })
}

fn parameters(query: &str) -> Option<Pasted> {
    let value = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.into_owned())
    };
    let state = value("state");
    if let Some(error) = value("error") {
        return Some(Pasted::Error { error, why: value("error_description").unwrap_or_default(), state });
    }
    let code = value("code")?;
    // Pages that show the code as CODE#STATE may put it into an address like that as well.
    match code.split_once('#') {
        Some((code, state)) => Some(Pasted::Code { code: code.to_owned(), state: Some(state.to_owned()) }),
        None => Some(Pasted::Code { code, state }),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::bare("  abc-1\n", "abc-1", None)]
    #[case::with_state("abc#xyz", "abc", Some("xyz"))]
    #[case::address("http://localhost:1/cb?code=abc&state=xyz", "abc", Some("xyz"))]
    #[case::encoded("https://x.example/cb?state=x%2Fy&code=4%2F0Ab", "4/0Ab", Some("x/y"))]
    #[case::fragment("https://x.example/cb#code=abc&state=xyz", "abc", Some("xyz"))]
    #[case::query("?code=abc&state=xyz", "abc", Some("xyz"))]
    #[case::both_in_code("https://x.example/cb?code=abc%23xyz", "abc", Some("xyz"))]
    fn codes_are_found(#[case] text: &str, #[case] code: &str, #[case] state: Option<&str>) {
        let state = state.map(str::to_owned);
        assert_eq!(read(text), Some(Pasted::Code { code: code.to_owned(), state }));
    }

    #[rstest]
    #[case("")]
    #[case("#xyz")]
    #[case("abc#")]
    #[case("two words")]
    #[case("https://x.example/cb")]
    #[case("https://x.example/cb?code=&state=xyz")]
    fn what_holds_no_code_is_none(#[case] text: &str) {
        assert_eq!(read(text), None);
    }

    #[test]
    fn a_denial_is_told() {
        let denied = read("http://localhost:1/cb?error=access_denied&error_description=no+thanks&state=s");
        let Some(Pasted::Error { error, why, state }) = denied else { panic!("{denied:?}") };
        assert_eq!(
            (error.as_str(), why.as_str(), state.as_deref()),
            ("access_denied", "no thanks", Some("s"))
        );
    }
}
