//! Words of the scope that ask for a certain behaviour, as names of models do in the API. The table for readers is in
//! the crate's README. The scope goes with every token, so what was asked for at the login holds at each refresh.

use std::time::Duration;

use super::refusal::Refusal;

/// A scope as it was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope(String);

/// A misbehaviour of the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// 500 with a page.
    Broken,
    /// 429 with `retry-after`.
    Busy,
    /// `invalid_grant`, whatever is presented.
    InvalidGrant,
    /// No answer at all.
    Hang,
    /// A 200 that is no JSON.
    Garbage,
    /// All is done, and the answer breaks off.
    Lost,
    /// The answer comes after [`SLOW`].
    Slow,
}

impl Scope {
    /// Takes what was asked for; nothing asked for means [`DEFAULT`].
    pub(super) fn asked(scope: Option<&str>) -> Result<Self, Refusal> {
        let invalid = |what: String| Refusal::new("invalid_scope", what);
        let scope = scope.unwrap_or(DEFAULT);
        if scope.len() > MAX_LEN {
            return Err(invalid("the scope is too long".to_owned()));
        }
        for word in scope.split(' ') {
            // RFC 6749 §3.3.
            let good = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            if word.is_empty() || !word.bytes().all(good) {
                return Err(invalid(
                    "the scope is no list of words with single spaces between them".to_owned(),
                ));
            }
            let numbered = NUMBERED.iter().find_map(|prefix| word.strip_prefix(prefix));
            if numbered.is_some_and(|number| number.parse::<u32>().is_err()) {
                return Err(invalid(format!("`{word}` wants a number at its end")));
            }
        }
        Ok(Self(scope.to_owned()))
    }

    /// What is left of it for a refresh that asks for `narrower` (RFC 6749 §6).
    pub(super) fn narrowed(&self, narrower: Option<&str>) -> Result<Self, Refusal> {
        let Some(narrower) = narrower else { return Ok(self.clone()) };
        let narrower = Self::asked(Some(narrower))?;
        match narrower.0.split(' ').find(|word| !self.has(word)) {
            None => Ok(narrower),
            Some(word) => Err(Refusal::new("invalid_scope", format!("`{word}` was not granted"))),
        }
    }

    /// Of a token that was made here.
    pub(super) fn granted(scope: String) -> Self {
        Self(scope)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn has(&self, wanted: &str) -> bool {
        self.0.split(' ').any(|word| word == wanted)
    }

    /// How long access tokens live.
    pub(super) fn lifetime(&self) -> Duration {
        self.seconds("lifetime-").unwrap_or(if self.has("short-lived") { SHORT } else { LIFETIME })
    }

    /// How long a device code lives.
    pub(super) fn device_lifetime(&self) -> Duration {
        self.seconds("device-expires-").unwrap_or(DEVICE_LIFETIME)
    }

    /// How long a device must wait between two polls.
    pub(super) fn interval(&self) -> Duration {
        self.seconds("interval-").unwrap_or(INTERVAL)
    }

    /// What is wrong at the exchange of a code.
    pub(super) fn trouble_at_exchange(&self) -> Option<Trouble> {
        let trouble = |(name, trouble): &(&str, _)| self.has(&["token-", name].concat()).then_some(*trouble);
        TROUBLES.iter().find_map(trouble)
    }

    /// What is wrong at a refresh, before which there were `earlier` ones.
    pub(super) fn trouble_at_refresh(&self, earlier: u32) -> Option<Trouble> {
        TROUBLES.iter().find_map(|(name, trouble)| {
            let word = ["refresh-", name].concat();
            if self.has(&word) {
                return Some(*trouble);
            }
            let first = self.number(&[&word, "-first-"].concat())?;
            (earlier < first).then_some(*trouble)
        })
    }

    fn seconds(&self, prefix: &str) -> Option<Duration> {
        self.number(prefix).map(|seconds| Duration::from_secs(seconds.into()))
    }

    fn number(&self, prefix: &str) -> Option<u32> {
        self.0.split(' ').find_map(|word| word.strip_prefix(prefix)?.parse().ok())
    }
}

/// What is granted when nothing is asked for.
const DEFAULT: &str = "inference";
const MAX_LEN: usize = 1_000;

const TROUBLES: [(&str, Trouble); 7] = [
    ("500", Trouble::Broken),
    ("429", Trouble::Busy),
    ("invalid-grant", Trouble::InvalidGrant),
    ("hang", Trouble::Hang),
    ("garbage", Trouble::Garbage),
    ("lost", Trouble::Lost),
    ("slow", Trouble::Slow),
];

/// Words that end with a number.
const NUMBERED: [&str; 10] = [
    "lifetime-",
    "device-expires-",
    "interval-",
    "refresh-500-first-",
    "refresh-429-first-",
    "refresh-invalid-grant-first-",
    "refresh-hang-first-",
    "refresh-garbage-first-",
    "refresh-lost-first-",
    "refresh-slow-first-",
];

const LIFETIME: Duration = Duration::from_secs(60 * 60);
const SHORT: Duration = Duration::from_secs(2);
const DEVICE_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// Vendors have five seconds; this is for tests and for people who watch.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long a slow answer takes.
pub(super) const SLOW: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::asked(Some(text)).unwrap()
    }

    #[test]
    fn words_ask_for_behaviour() {
        let plain = Scope::asked(None).unwrap();
        assert_eq!((plain.as_str(), plain.lifetime()), ("inference", LIFETIME));
        assert_eq!((plain.trouble_at_exchange(), plain.trouble_at_refresh(0)), (None, None));
        assert_eq!(scope("openid short-lived").lifetime(), SHORT);
        assert_eq!(scope("lifetime-7").lifetime(), Duration::from_secs(7));
        assert_eq!(scope("interval-0").interval(), Duration::ZERO);
        assert_eq!(scope("token-garbage").trouble_at_exchange(), Some(Trouble::Garbage));
        assert_eq!(scope("refresh-429").trouble_at_refresh(9), Some(Trouble::Busy));
    }

    #[test]
    fn trouble_may_end() {
        let scope = scope("refresh-500-first-2");
        let troubles = [0, 1, 2].map(|earlier| scope.trouble_at_refresh(earlier));
        assert_eq!(troubles, [Some(Trouble::Broken), Some(Trouble::Broken), None]);
    }

    #[test]
    fn what_is_no_scope_is_refused() {
        let long = "x".repeat(MAX_LEN + 1);
        for text in ["a  b", " a", "a\"", "lifetime-", "lifetime-x", "refresh-lost-first--1", &long] {
            assert_eq!(Scope::asked(Some(text)).unwrap_err().error, "invalid_scope", "{text}");
        }
    }

    #[test]
    fn a_refresh_may_ask_for_less_and_not_for_more() {
        let granted = scope("a b");
        assert_eq!(granted.narrowed(None).unwrap(), granted);
        assert_eq!(granted.narrowed(Some("b")).unwrap().as_str(), "b");
        assert_eq!(granted.narrowed(Some("b c")).unwrap_err().error, "invalid_scope");
    }

    #[test]
    fn every_trouble_has_its_numbered_word() {
        for (name, _) in TROUBLES {
            assert!(NUMBERED.contains(&&*format!("refresh-{name}-first-")), "{name}");
        }
    }
}
