//! Who knocks, apart from the key: from where, and with which program.

use std::{borrow::Cow, net::IpAddr};

use posthaste_core::{ClientPattern, Fault, FaultKind, KeyPolicy, Origin};

/// What a request tells of its sender beside the client key.
#[derive(Clone, Copy, Debug)]
pub struct Visitor<'a> {
    /// The address that it comes from, or why that cannot be told.
    pub address: Result<IpAddr, &'static str>,
    /// The program that it says it is.
    pub user_agent: Option<&'a str>,
}

impl Visitor<'_> {
    /// Somebody of whom nothing is known; keys that ask for more than a secret do not open for them.
    pub const UNKNOWN: Self = Self { address: Err("the relay was not told"), user_agent: None };
}

/// Refuses a visitor whom the key's policy does not let in.
pub(crate) fn check_visitor(policy: &KeyPolicy, visitor: &Visitor<'_>) -> Result<(), Fault> {
    check_address(policy, visitor)?;
    check_client(policy, visitor)
}

fn check_address(policy: &KeyPolicy, visitor: &Visitor<'_>) -> Result<(), Fault> {
    if policy.networks.is_empty() {
        return Ok(());
    }
    let address = visitor.address.map_err(|why| {
        denied(format!(
            "this client key opens for some networks only, and where this request comes from is not known: {why}; ask the relay's operator"
        ))
    })?;
    if policy.networks.iter().any(|network| network.contains(address)) {
        return Ok(());
    }
    let address = address.to_canonical();
    Err(denied(format!(
        "this client key opens for some networks only, and {address} is in none of them: ask the relay's operator"
    )))
}

fn check_client(policy: &KeyPolicy, visitor: &Visitor<'_>) -> Result<(), Fault> {
    let fits = |user_agent| policy.clients.iter().any(|client| client.matches(user_agent));
    if policy.clients.is_empty() || visitor.user_agent.is_some_and(fits) {
        return Ok(());
    }
    let clients: Vec<_> = policy.clients.iter().map(ClientPattern::as_str).collect();
    let declared = match visitor.user_agent {
        Some(user_agent) => Cow::from(format!("this one calls itself `{}`", shown(user_agent))),
        None => Cow::from("this one does not say what it is (`user-agent`)"),
    };
    Err(denied(format!("this client key is for these clients only: {}; {declared}", clients.join(", "))))
}

/// A client's own text, as far as an error should repeat it.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MOST_SHOWN_CHARS).collect()
}

fn denied(message: String) -> Fault {
    Fault::new(FaultKind::PermissionDenied, Origin::Client, message)
}

const MOST_SHOWN_CHARS: usize = 80;

#[cfg(test)]
mod tests {
    use posthaste_core::Network;

    use super::*;

    fn from(address: &str) -> Visitor<'static> {
        Visitor { address: Ok(address.parse().unwrap()), ..Visitor::UNKNOWN }
    }

    fn calling_itself(user_agent: &str) -> Visitor<'_> {
        Visitor { user_agent: Some(user_agent), ..Visitor::UNKNOWN }
    }

    #[test]
    fn a_key_without_rules_opens_for_anybody() {
        check_visitor(&KeyPolicy::default(), &Visitor::UNKNOWN).unwrap();
    }

    #[test]
    fn a_key_of_networks_opens_inside_them_alone() {
        let networks = ["192.0.2.0/24", "2001:db8::/32"].map(|text| Network::parse(text).unwrap());
        let policy = KeyPolicy { networks: networks.to_vec(), ..KeyPolicy::default() };
        for inside in ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7"] {
            check_visitor(&policy, &from(inside)).unwrap();
        }
        let fault = check_visitor(&policy, &from("::ffff:203.0.113.9")).unwrap_err();
        assert_eq!(fault.kind, FaultKind::PermissionDenied);
        assert!(fault.message.contains(" 203.0.113.9 is in none"), "{fault}");
        let fault = check_visitor(&policy, &Visitor::UNKNOWN).unwrap_err();
        assert!(fault.message.contains("the relay was not told"), "{fault}");
    }

    #[test]
    fn a_key_of_clients_opens_for_those_that_say_they_are_one() {
        let clients = vec![ClientPattern::new("claude-code"), ClientPattern::new("my-agent/*")];
        let policy = KeyPolicy { clients, ..KeyPolicy::default() };
        check_visitor(&policy, &calling_itself("claude-cli/2.1 (external, cli)")).unwrap();
        check_visitor(&policy, &calling_itself("my-agent/7")).unwrap();
        let fault = check_visitor(&policy, &calling_itself("curl/8\u{7}")).unwrap_err();
        assert_eq!(
            fault.message,
            "this client key is for these clients only: claude-code, my-agent/*; this one calls itself `curl/8`"
        );
        let fault = check_visitor(&policy, &Visitor::UNKNOWN).unwrap_err();
        assert!(fault.message.contains("does not say what it is"), "{fault}");
    }
}
