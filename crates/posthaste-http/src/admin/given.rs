//! Inputs by the names under which they came, so that an error names one as whoever asked wrote it.
//!
//! Services know an input by one name. A request may use another one for it: many of the predecessor's are taken too, and a part
//! of a record may lie within another part.

use bytes::Bytes;
use serde_json::Value;

/// What a request brought.
#[derive(Default)]
pub(super) struct Given {
    pub(super) query: Option<String>,
    pub(super) body: Bytes,
}

impl Given {
    /// The name under which the input that services call `field` came: with points between where it lies within others. What did
    /// not come at all keeps the services' name.
    pub(super) fn name_of(&self, field: &str) -> String {
        let names = self.names();
        let (head, rest) = match field.split_once('.') {
            Some((head, rest)) => (head, Some(rest)),
            None => (field, None),
        };
        let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
        let is_top = |name: &&String| !name.contains('.');
        let fits: [&dyn Fn(&str) -> bool; 3] =
            [&|name| name == head, &|name| in_snake_case(name) == in_snake_case(head), &|name| {
                OTHERS.iter().any(|(known, other)| *known == head && *other == name)
            }];
        let found = fits.iter().find_map(|fits| {
            let fitting: Vec<_> = names.iter().filter(|name| fits(&last(name))).collect();
            // Deep within, only where no other could be meant.
            match (fitting.iter().find(|name| is_top(name)), &fitting[..]) {
                (Some(top), _) => Some((*top).clone()),
                (None, [only]) => Some((*only).clone()),
                (None, _) => None,
            }
        });
        match (found, rest) {
            (None, _) => field.to_owned(),
            (Some(name), None) => name,
            (Some(name), Some(rest)) => format!("{name}.{rest}"),
        }
    }

    fn names(&self) -> Vec<String> {
        let query = self.query.as_deref().unwrap_or_default();
        let query: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
        let mut names: Vec<_> = query.into_iter().map(|(name, _)| name).collect();
        if let Ok(body) = serde_json::from_slice::<Value>(&self.body) {
            collect(&body, "", &mut names);
        }
        names
    }
}

/// The names within objects, those of the outer ones in front. What stands in lists is named by the list.
fn collect(value: &Value, within: &str, names: &mut Vec<String>) {
    let Value::Object(fields) = value else { return };
    for (name, value) in fields {
        let name = if within.is_empty() { name.clone() } else { format!("{within}.{name}") };
        names.push(name.clone());
        collect(value, &name, names);
    }
}

fn in_snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// What services call an input, and another name that the inputs' types take for it (their `alias`).
const OTHERS: [(&str, &str); 9] = [
    ("state", "status"),
    ("provider", "platform"),
    ("pool", "groupId"),
    ("pool", "group"),
    ("range", "timeRange"),
    ("range", "costTimeRange"),
    ("owner", "user"),
    ("name", "username"),
    ("username", "name"),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given(query: &str, body: &Value) -> Given {
        Given { query: Some(query.to_owned()), body: Bytes::from(body.to_string()) }
    }

    #[test]
    fn an_input_is_called_as_it_came() {
        for (query, body, field, wanted) in [
            ("", json!({ "siteName": "" }), "site_name", "siteName"),
            ("", json!({ "site_name": "" }), "site_name", "site_name"),
            ("status=odd", json!(null), "state", "status"),
            ("state=odd&status=x", json!(null), "state", "state"),
            ("", json!({ "policy": { "owner": "x" } }), "owner", "policy.owner"),
            ("", json!({ "owner": "x", "policy": { "owner": "x" } }), "owner", "owner"),
            ("", json!({ "a": { "name": 1 }, "b": { "name": 2 } }), "name", "name"),
            ("", json!({ "with": { "name": 1 } }), "with.name", "with.name"),
            ("", json!({ "limits": [{ "name": 1 }] }), "name", "name"),
            ("", json!({}), "password", "password"),
            ("", json!(null), "if-match", "if-match"),
        ] {
            assert_eq!(given(query, &body).name_of(field), wanted, "{query} {body}");
        }
        assert_eq!(Given { query: None, body: Bytes::from_static(b"{") }.name_of("body"), "body");
    }
}
