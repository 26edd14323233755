//! A form's token under a mask of chance, so that it stands in no two pages alike.
//!
//! Pages are compressed and repeat what was asked for. Whoever can have a browser ask for pages and sees how long they are learns
//! what they hold that stays the same (BREACH); under a mask nothing does.

/// The token under a new mask: the mask and then what is seen through it, in hexadecimal digits.
pub(super) fn put_on(token: &str) -> String {
    let mut mask = vec![0; token.len()];
    if getrandom::fill(&mut mask).is_err() {
        // Without chance there is no mask, and without a token no form is taken.
        return String::new();
    }
    let seen = token.bytes().zip(&mask).map(|(byte, mask)| byte ^ mask);
    let both: Vec<u8> = mask.iter().copied().chain(seen).collect();
    hex::encode(both)
}

/// The token without its mask; `None` where it is no token under a mask.
pub(super) fn take_off(text: &str) -> Option<String> {
    let both = hex::decode(text).ok()?;
    if both.len() % 2 != 0 {
        return None;
    }
    let (mask, seen) = both.split_at(both.len() / 2);
    String::from_utf8(seen.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_seen_twice_and_always_known() {
        let token = "0123456789abcdef";
        let (one, other) = (put_on(token), put_on(token));
        assert_ne!(one, other);
        assert!(!one.contains(token));
        for masked in [one, other] {
            assert_eq!(take_off(&masked).as_deref(), Some(token));
        }
    }

    #[test]
    fn nonsense_is_no_token() {
        for text in ["0123456789abcdef0", "zz", "abc", "ffee00"] {
            assert_ne!(take_off(text).as_deref(), Some("0123456789abcdef"), "{text}");
        }
        assert_eq!(take_off(""), Some(String::new()));
    }
}
