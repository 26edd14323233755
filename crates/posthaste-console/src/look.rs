//! How somebody likes pages: the language, the colours, how dense tables are. It is kept in a cookie, so that the first byte of
//! a page is right already.

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};

/// How pages look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) language: Language,
    pub(crate) theme: Theme,
    pub(crate) dense: bool,
}

/// What pages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Chinese,
}

/// The colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the device has it.
    Auto,
    Light,
    Dark,
}

impl Language {
    /// As HTML names it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }
}

impl Theme {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl Look {
    /// As it was chosen, or as the browser asks for.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let language = language_of(asked.unwrap_or_default());
        let usual = Self { language, theme: Theme::Auto, dense: false };
        let kept = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| Cookie::split_parse(value.to_owned()).filter_map(Result::ok))
            .find(|cookie| cookie.name() == COOKIE);
        kept.map_or(usual, |cookie| cookie.value().split('.').fold(usual, Self::with))
    }

    /// The same but for one word; what is none changes nothing.
    #[must_use]
    pub(crate) fn with(self, word: &str) -> Self {
        match word {
            "en" => Self { language: Language::English, ..self },
            "zh" => Self { language: Language::Chinese, ..self },
            "auto" => Self { theme: Theme::Auto, ..self },
            "light" => Self { theme: Theme::Light, ..self },
            "dark" => Self { theme: Theme::Dark, ..self },
            "dense" => Self { dense: true, ..self },
            "airy" => Self { dense: false, ..self },
            _ => self,
        }
    }

    /// What keeps it.
    pub(crate) fn cookie(self, secure: bool) -> Option<HeaderValue> {
        let language = match self.language {
            Language::English => "en",
            Language::Chinese => "zh",
        };
        let density = if self.dense { "dense" } else { "airy" };
        let value = format!("{language}.{}.{density}", self.theme.word());
        let cookie = Cookie::build((COOKIE, value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(secure)
            .max_age(cookie::time::Duration::days(400));
        HeaderValue::try_from(cookie.build().to_string()).ok()
    }
}

/// The first of the browser's languages that pages are written in.
fn language_of(asked: &str) -> Language {
    let wanted = asked.split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
    for language in wanted {
        let language = language.to_ascii_lowercase();
        if language.starts_with("zh") {
            return Language::Chinese;
        }
        if language.starts_with("en") {
            return Language::English;
        }
    }
    Language::English
}

const COOKIE: &str = "posthaste_look";

#[cfg(test)]
mod tests {
    use super::*;

    fn look(cookie: &str, languages: &str) -> Look {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(cookie).unwrap());
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_str(languages).unwrap());
        Look::of(&headers)
    }

    #[test]
    fn the_browser_is_asked_and_then_the_person() {
        assert_eq!(look("a=b", "de, zh-CN;q=0.8, en;q=0.5").language, Language::Chinese);
        assert_eq!(look("a=b", "fr").language, Language::English);
        let kept = look("a=b; posthaste_look=zh.dark.dense", "en");
        assert_eq!(kept, Look { language: Language::Chinese, theme: Theme::Dark, dense: true });
        assert_eq!(look("posthaste_look=nonsense.<script>", "en").theme, Theme::Auto);
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let look = Look { language: Language::Chinese, theme: Theme::Light, dense: true };
        let cookie = look.cookie(true).unwrap();
        let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        assert_eq!(self::look(&pair, "en"), look);
    }
}
