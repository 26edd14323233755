//! Ids for calls that come without one.

use std::collections::{HashMap, VecDeque};

use crate::json::Str;

/// Begins the ids that a request's reader makes; its writer leaves them out again.
pub(super) const UNNAMED: &str = "unnamed_call_";

/// Gives each call an id, and finds the call of each result: by id where there is one, else by name and order.
#[derive(Debug)]
pub(super) struct Ids {
    /// Whether calls without an id get one.
    named: bool,
    made: usize,
    /// Ids of calls that wait for a result, by the function's name.
    open: HashMap<String, VecDeque<String>>,
}

impl Ids {
    /// For the history in a request.
    pub(super) fn of_request() -> Self {
        Self { named: true, made: 0, open: HashMap::new() }
    }

    /// For an answer, whose calls stay without one here: the relay makes ids that no other answer has.
    pub(super) fn of_answer() -> Self {
        Self { named: false, ..Self::of_request() }
    }

    /// The id of a call.
    pub(super) fn call(&mut self, given: Option<Str<'_>>, name: &str) -> String {
        let id = match given.filter(|id| !id.is_empty()) {
            Some(id) => id.into_string(),
            None if !self.named => return String::new(),
            None => {
                self.made += 1;
                format!("{UNNAMED}{}", self.made - 1)
            }
        };
        match self.open.get_mut(name) {
            Some(open) => open.push_back(id.clone()),
            None => {
                self.open.insert(name.to_owned(), VecDeque::from([id.clone()]));
            }
        }
        id
    }

    /// The id of the call that a result belongs to; its own, or its function's name, where there is no such call.
    pub(super) fn result(&mut self, given: Option<Str<'_>>, name: &str) -> String {
        let given = given.filter(|id| !id.is_empty()).map(Str::into_string);
        let found = self.open.get_mut(name).and_then(|open| {
            let position = match &given {
                None => Some(0),
                // A client that makes ids of its own for results.
                Some(id) => open
                    .iter()
                    .position(|open| open == id)
                    .or_else(|| open.iter().position(|open| open.starts_with(UNNAMED))),
            };
            position.and_then(|position| open.remove(position))
        });
        found.or(given).unwrap_or_else(|| name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn given(id: &'static str) -> Option<Str<'static>> {
        Some(Str(Cow::Borrowed(id)))
    }

    #[test]
    fn results_without_ids_find_their_calls_by_name_and_order() {
        let mut ids = Ids::of_request();
        let calls = [ids.call(None, "f"), ids.call(None, "g"), ids.call(given(""), "f")];
        assert_eq!(calls, ["unnamed_call_0", "unnamed_call_1", "unnamed_call_2"]);
        let results =
            [ids.result(None, "g"), ids.result(None, "f"), ids.result(None, "f"), ids.result(None, "f")];
        assert_eq!(results, ["unnamed_call_1", "unnamed_call_0", "unnamed_call_2", "f"]);
    }

    #[test]
    fn ids_on_either_side_are_kept_where_they_match() {
        let mut ids = Ids::of_request();
        assert_eq!(ids.call(given("a"), "f"), "a");
        assert_eq!(ids.call(given("b"), "f"), "b");
        assert_eq!(ids.call(None, "g"), "unnamed_call_0");
        assert_eq!(ids.result(given("b"), "f"), "b");
        assert_eq!(ids.result(None, "f"), "a");
        assert_eq!(ids.result(given("own"), "g"), "unnamed_call_0");
        assert_eq!(ids.result(given("lost"), "h"), "lost");
    }

    #[test]
    fn calls_of_answers_stay_without() {
        let mut ids = Ids::of_answer();
        assert_eq!([ids.call(None, "f"), ids.call(given("a"), "f")], ["", "a"]);
    }
}
