//! Names within filters.

use ldap3::{ldap_escape, parse_filter};

/// Where the name stands in a filter. The second spelling is that of claude-relay-service.
const NAME: [&str; 2] = ["{name}", "{{username}}"];
/// Where the person's distinguished name stands.
const PERSON: [&str; 1] = ["{dn}"];

/// Whether a filter can be used, and has its place for the name (or, for groups, the person's distinguished name).
///
/// # Errors
/// With what is wrong.
pub fn check_filter(filter: &str, of_groups: bool) -> Result<(), String> {
    let places: &[&str] = if of_groups { &PERSON } else { &NAME };
    if !places.iter().any(|place| filter.contains(place)) {
        return Err(format!("`{filter}` has no place for whom to look for; write `{}` there", places[0]));
    }
    match parse_filter(put(filter, places, "x")) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("`{filter}` is no filter such as `(uid={})`", places[0])),
    }
}

/// The filter that finds a name.
pub(super) fn with_name(filter: &str, name: &str) -> String {
    put(filter, &NAME, name)
}

/// The filter that finds the groups of a person.
pub(super) fn with_person(filter: &str, dn: &str) -> String {
    put(filter, &PERSON, dn)
}

/// The filter that finds people whatever they are called; `None` where there is none such.
pub(super) fn with_any_name(filter: &str) -> Option<String> {
    with_any(filter, &NAME)
}

/// The filter that finds the groups of anybody; `None` where there is none such.
pub(super) fn with_any_person(filter: &str) -> Option<String> {
    with_any(filter, &PERSON)
}

/// A star in its places stands for anything (RFC 4515, section 3).
fn with_any(filter: &str, places: &[&str]) -> Option<String> {
    let any = places.iter().fold(filter.to_owned(), |filter, place| filter.replace(place, "*"));
    parse_filter(&any).is_ok().then_some(any)
}

/// Puts a value into its places, as a value whatever it holds (RFC 4515, section 3). Each place is filled once: what is put in is
/// not looked at again.
fn put(filter: &str, places: &[&str], value: &str) -> String {
    let value = ldap_escape(value);
    let mut out = String::with_capacity(filter.len() + value.len());
    let mut rest = filter;
    while let Some((at, place)) =
        places.iter().filter_map(|place| Some((rest.find(place)?, *place))).min_by_key(|(at, _)| *at)
    {
        out.push_str(&rest[..at]);
        out.push_str(&value);
        rest = &rest[at + place.len()..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_a_value() {
        let filter = "(&(objectClass=person)(uid={name}))";
        for (name, escaped) in [
            ("ada", "ada"),
            ("*", "\\2a"),
            (")(uid=*", "\\29\\28uid=\\2a"),
            ("a\\b", "a\\5cb"),
            ("a\0b", "a\\00b"),
            ("{name}", "{name}"),
        ] {
            let put = with_name(filter, name);
            assert_eq!(put, format!("(&(objectClass=person)(uid={escaped}))"), "{name}");
            assert!(parse_filter(&put).is_ok(), "{put}");
        }
    }

    #[test]
    fn every_place_is_filled() {
        assert_eq!(with_name("(|(uid={name})(mail={name}))", "a"), "(|(uid=a)(mail=a))");
        assert_eq!(with_name("(uid={{username}})", "a"), "(uid=a)");
        assert_eq!(with_person("(member={dn})", "cn=A (B),dc=x"), "(member=cn=A \\28B\\29,dc=x)");
    }

    #[test]
    fn anybody_is_found_by_a_star() {
        assert_eq!(with_any_name("(&(a=b)(uid={name}))").as_deref(), Some("(&(a=b)(uid=*))"));
        assert_eq!(with_any_name("(mail={{username}}@x)").as_deref(), Some("(mail=*@x)"));
        assert_eq!(with_any_person("(member={dn})").as_deref(), Some("(member=*)"));
        assert_eq!(with_any_name("(uid>={name}"), None);
    }

    #[test]
    fn filters_without_a_place_or_a_form_are_refused() {
        assert!(check_filter("(uid={name})", false).is_ok());
        assert!(check_filter("(&(a=b)(uid={{username}}))", false).is_ok());
        assert!(check_filter("(member={dn})", true).is_ok());
        for (filter, of_groups) in
            [("(uid=ada)", false), ("(uid={name}", false), ("uid={name})", false), ("(member={name})", true)]
        {
            assert!(check_filter(filter, of_groups).is_err(), "{filter}");
        }
    }
}
