//! From groups to what somebody may do.

use posthaste_admin::VouchedRole;
use posthaste_core::Role;

/// Which groups may what. Where there is any, it is looked at at each log-in; else a person begins with `otherwise`.
#[derive(Clone, Debug, Default)]
pub struct GroupRoles {
    /// Names of groups with what their members may do.
    pub by_group: Vec<(String, Role)>,
    /// What somebody may who is in none of them; `None` does not let such people in.
    pub otherwise: Option<Role>,
}

impl GroupRoles {
    /// Whether groups matter.
    pub fn asks_groups(&self) -> bool {
        !self.by_group.is_empty()
    }

    /// The same, where names of groups are alike only when they are spelt alike.
    pub fn of_exactly(&self, groups: &[String]) -> Option<VouchedRole> {
        self.most(|wanted| groups.iter().any(|group| wanted == group))
    }

    /// What the members of these groups may do: the most that any of them gives, but never an owner's.
    pub fn of(&self, groups: &[String]) -> Option<VouchedRole> {
        self.most(|wanted| groups.iter().any(|group| same_name(wanted, group)))
    }

    fn most(&self, is_in: impl Fn(&str) -> bool) -> Option<VouchedRole> {
        let found = self.by_group.iter().filter(|(wanted, _)| is_in(wanted));
        let most = found.map(|(_, role)| (*role).min(Role::Admin)).max();
        let role = most.or(self.otherwise)?;
        Some(if self.asks_groups() { VouchedRole::Always(role) } else { VouchedRole::AtFirst(role) })
    }
}

/// Whether two distinguished names are the same, as far as their usual spellings go: case, and spaces beside commas and equals
/// signs, make no difference.
fn same_name(one: &str, other: &str) -> bool {
    plain(one) == plain(other)
}

fn plain(dn: &str) -> String {
    let small = dn.to_lowercase();
    let mut out = String::with_capacity(small.len());
    let mut escaped = false;
    for c in small.trim().chars() {
        if c == ' ' && !escaped && out.ends_with([',', '=']) && !out.ends_with("\\,") {
            continue;
        }
        if matches!(c, ',' | '=') && !escaped {
            out.truncate(out.trim_end_matches(' ').len());
        }
        escaped = c == '\\' && !escaped;
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(otherwise: Option<Role>) -> GroupRoles {
        let by_group = vec![
            ("cn=ops,ou=groups,dc=example,dc=com".to_owned(), Role::Operator),
            ("CN=Admins, OU=Groups, DC=Example, DC=Com".to_owned(), Role::Admin),
            ("cn=gods,dc=example".to_owned(), Role::Owner),
        ];
        GroupRoles { by_group, otherwise }
    }

    fn of(otherwise: Option<Role>, groups: &[&str]) -> Option<VouchedRole> {
        roles(otherwise).of(&groups.iter().map(|&group| group.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_highest_group_counts_and_none_makes_an_owner() {
        let (ops, admins) = ("cn=ops,ou=groups,dc=example,dc=com", "cn=admins,ou=groups,dc=example,dc=com");
        assert_eq!(of(None, &[ops]), Some(VouchedRole::Always(Role::Operator)));
        assert_eq!(of(None, &[ops, admins]), Some(VouchedRole::Always(Role::Admin)));
        assert_eq!(of(None, &["cn=gods,dc=example"]), Some(VouchedRole::Always(Role::Admin)));
    }

    #[test]
    fn who_is_in_no_group_is_let_in_only_where_that_is_said() {
        for groups in
            [&[][..], &["cn=others,dc=example"], &["cn=ops,ou=groups,dc=example,dc=com,dc=evil"], &["ops"]]
        {
            assert_eq!(of(None, groups), None, "{groups:?}");
            assert_eq!(of(Some(Role::User), groups), Some(VouchedRole::Always(Role::User)));
        }
        let none = GroupRoles { by_group: Vec::new(), otherwise: Some(Role::User) };
        assert_eq!(none.of(&[]), Some(VouchedRole::AtFirst(Role::User)));
    }

    #[test]
    fn spellings_of_one_name_are_one() {
        assert!(same_name("cn = Ops , dc=Example", "CN=ops,DC=example"));
        assert!(same_name("cn=a b,dc=x", "CN=A B, DC=X"));
        assert!(!same_name("cn=a\\, b,dc=x", "cn=a\\,b,dc=x"));
        assert!(!same_name("cn=ab,dc=x", "cn=a b,dc=x"));
    }
}
