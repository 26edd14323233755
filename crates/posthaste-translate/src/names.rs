//! Tool names where a dialect limits them: cleaned, shortened, and known again in the answer.

use std::collections::{HashMap, HashSet};

use crate::digest::digest;

/// Which names a dialect takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// `[A-Za-z0-9_-]{1,64}`: Anthropic, Chat, Responses, Converse.
    Word,
    /// `[A-Za-z_][A-Za-z0-9_.:-]{0,63}`: Gemini.
    Gemini,
}

impl NameRule {
    fn allows(self, name: &str) -> bool {
        let bytes = name.as_bytes();
        (1..=LONGEST).contains(&bytes.len())
            && self.may_start(bytes[0])
            && bytes.iter().all(|byte| self.may_hold(*byte))
    }

    fn may_hold(self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'-')
            || (self == Self::Gemini && matches!(byte, b'.' | b':'))
    }

    fn may_start(self, byte: u8) -> bool {
        self == Self::Word || byte.is_ascii_alphabetic() || byte == b'_'
    }

    /// A legal name that resembles another and carries its digest.
    fn legal(self, name: &str, round: u32) -> String {
        let mut legal = String::with_capacity(LONGEST);
        if !name.bytes().next().is_some_and(|first| self.may_start(first) || !self.may_hold(first)) {
            legal.push('_');
        }
        for character in name.chars().take(KEPT) {
            let byte = u8::try_from(character).ok().filter(|byte| self.may_hold(*byte));
            legal.push(byte.map_or('_', char::from));
        }
        legal.truncate(KEPT);
        legal.push_str(&format!("_{:08x}", folded_digest(name, round)));
        legal
    }
}

const LONGEST: usize = 64;

/// Room for the digest and what sets it off.
const KEPT: usize = LONGEST - 9;

/// The tools of one request under the names an upstream takes.
///
/// Nothing is kept between requests: a name's stand-in hangs on the name alone and, where two would get the same, on the set
/// of names. Where all names are legal, nothing is allocated.
#[derive(Debug, Default)]
pub(crate) struct ToolNames {
    upstream: HashMap<String, String>,
    client: HashMap<String, String>,
}

impl ToolNames {
    /// Takes all names of a request: those of its tools, and those that only its history calls.
    pub(crate) fn new<'n>(names: impl Iterator<Item = &'n str> + Clone, rule: NameRule) -> Self {
        let mut renamed = Self::default();
        if names.clone().all(|name| rule.allows(name)) {
            return renamed;
        }
        let (legal, mut illegal): (Vec<_>, Vec<_>) = names.partition(|name| rule.allows(name));
        let mut taken: HashSet<String> = legal.into_iter().map(str::to_owned).collect();
        // Who comes first keeps the plain digest: that must not hang on the order of the request.
        illegal.sort_unstable();
        illegal.dedup();
        for name in illegal {
            let legal = (0..).map(|round| rule.legal(name, round)).find(|legal| !taken.contains(legal));
            let legal = legal.expect("there are more digests than names");
            taken.insert(legal.clone());
            renamed.upstream.insert(name.to_owned(), legal.clone());
            renamed.client.insert(legal, name.to_owned());
        }
        renamed
    }

    /// What the upstream shall call a tool.
    pub(crate) fn upstream<'n>(&'n self, name: &'n str) -> &'n str {
        self.upstream.get(name).map_or(name, String::as_str)
    }

    /// What the client calls a tool that the upstream names.
    pub(crate) fn client<'n>(&'n self, name: &'n str) -> &'n str {
        self.client.get(name).map_or(name, String::as_str)
    }
}

/// Folded to 32 bits.
fn folded_digest(name: &str, round: u32) -> u32 {
    let [a, b, c, d, e, f, g, h] = digest(name, round).to_le_bytes();
    u32::from_le_bytes([a ^ e, b ^ f, c ^ g, d ^ h])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(names: &[&str], rule: NameRule) -> ToolNames {
        ToolNames::new(names.iter().copied(), rule)
    }

    #[test]
    fn legal_names_stay_and_cost_nothing() {
        let longest = "x".repeat(64);
        let tools = names(&["get_weather", "mcp__a-b__C9", "9", &longest], NameRule::Word);
        assert_eq!((tools.upstream.capacity(), tools.client.capacity()), (0, 0));
        assert_eq!(tools.upstream("get_weather"), "get_weather");
        assert_eq!(tools.client("get_weather"), "get_weather");
        assert_eq!(names(&["a.b:c", "_9"], NameRule::Gemini).upstream.capacity(), 0);
    }

    #[test]
    fn illegal_names_come_back_as_they_were() {
        let long = "mcp__server__".repeat(9);
        for (rule, illegal) in [
            (NameRule::Word, ["functions.add:0", "查天气", "", &long]),
            (NameRule::Gemini, ["9lives", "a b", "-", &long]),
        ] {
            let tools = names(&illegal, rule);
            for name in illegal {
                let upstream = tools.upstream(name);
                assert!(rule.allows(upstream), "{upstream}");
                assert_eq!(tools.client(upstream), name);
            }
        }
    }

    #[test]
    fn a_name_stays_readable() {
        let tools = names(&["functions.add:0"], NameRule::Word);
        assert!(tools.upstream("functions.add:0").starts_with("functions_add_0_"));
        assert!(names(&["9lives"], NameRule::Gemini).upstream("9lives").starts_with("_9lives_"));
    }

    #[test]
    fn a_digest_that_is_taken_is_passed_by() {
        let stand_in = NameRule::Word.legal("a.b", 0);
        let tools = names(&["a.b", &stand_in], NameRule::Word);
        assert_ne!(tools.upstream("a.b"), stand_in);
        assert_eq!(tools.client(&stand_in), stand_in);
        assert_eq!(tools.client(tools.upstream("a.b")), "a.b");
    }

    #[test]
    fn the_stand_in_is_the_same_in_every_release() {
        assert_eq!(NameRule::Word.legal("a.b", 0), STAND_IN);
    }

    const STAND_IN: &str = "a_b_cf525a7c";

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn names_are_legal_distinct_and_reversible_in_any_order(
            set in prop::collection::hash_set("[ab.:é-]{0,4}|[a-z.]{60,70}", 0..12),
            gemini in any::<bool>(),
        ) {
            let rule = if gemini { NameRule::Gemini } else { NameRule::Word };
            let list: Vec<&str> = set.iter().map(String::as_str).collect();
            let tools = names(&list, rule);
            let backwards: Vec<&str> = list.iter().rev().copied().collect();
            let again = names(&backwards, rule);
            let mut seen = HashSet::new();
            for name in list {
                let upstream = tools.upstream(name);
                prop_assert!(rule.allows(upstream));
                prop_assert!(seen.insert(upstream.to_owned()));
                prop_assert_eq!(tools.client(upstream), name);
                prop_assert_eq!(again.upstream(name), upstream);
            }
        }
    }
}
