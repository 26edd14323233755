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
    /// Calls that wait for a result, by the function's name.
    open: HashMap<String, Open>,
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
            Some(open) => open.push(&id),
            None => self.open.entry(name.to_owned()).or_default().push(&id),
        }
        id
    }

    /// The id of the call that a result belongs to; its own, or its function's name, where there is no such call.
    pub(super) fn result(&mut self, given: Option<Str<'_>>, name: &str) -> String {
        let given = given.filter(|id| !id.is_empty()).map(Str::into_string);
        let found = self.open.get_mut(name).and_then(|open| match &given {
            None => open.first(),
            // A client that makes ids of its own for results.
            Some(id) => open.of_id(id).or_else(|| open.unnamed()),
        });
        found.or(given).unwrap_or_else(|| name.to_owned())
    }
}

/// The open calls of one function: each way to find one is a queue of its own, since a history may hold thousands.
#[derive(Debug, Default)]
struct Open {
    /// The calls in their order; those that have their result are empty.
    calls: Vec<Option<String>>,
    /// No call before this one is open.
    first: usize,
    by_id: HashMap<String, VecDeque<usize>>,
    unnamed: VecDeque<usize>,
}

impl Open {
    fn push(&mut self, id: &str) {
        let place = self.calls.len();
        self.calls.push(Some(id.to_owned()));
        self.by_id.entry(id.to_owned()).or_default().push_back(place);
        if id.starts_with(UNNAMED) {
            self.unnamed.push_back(place);
        }
    }

    fn first(&mut self) -> Option<String> {
        let open = self.calls.get_mut(self.first..)?;
        open.iter_mut().find_map(|call| {
            self.first += 1;
            call.take()
        })
    }

    fn of_id(&mut self, id: &str) -> Option<String> {
        take(&mut self.calls, self.by_id.get_mut(id)?)
    }

    fn unnamed(&mut self) -> Option<String> {
        take(&mut self.calls, &mut self.unnamed)
    }
}

/// The first call of a queue that is still open.
fn take(calls: &mut [Option<String>], places: &mut VecDeque<usize>) -> Option<String> {
    while let Some(place) = places.pop_front() {
        if let Some(id) = calls[place].take() {
            return Some(id);
        }
    }
    None
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
    fn a_call_has_one_result_however_it_is_found() {
        let mut ids = Ids::of_request();
        for id in [given("a"), None, given("a"), given("b"), None] {
            ids.call(id, "f");
        }
        let results = [given("b"), None, given("own"), given("a"), given("a"), None, None];
        let results = results.map(|id| ids.result(id, "f"));
        assert_eq!(results, ["b", "a", "unnamed_call_0", "a", "unnamed_call_1", "f", "f"]);
    }

    #[test]
    fn calls_of_answers_stay_without() {
        let mut ids = Ids::of_answer();
        assert_eq!([ids.call(None, "f"), ids.call(given("a"), "f")], ["", "a"]);
    }
}
