//! Pages of a list, and the order that it is in: both live in the address.

use crate::fields::Fields;

/// Where one can go from a page of a list.
pub(crate) struct Paging {
    pub(crate) total: usize,
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

impl Paging {
    pub(crate) fn new(path: &str, query: &Fields, total: usize, page: usize, size: usize) -> Self {
        let pages = total.div_ceil(size.max(1)).max(1);
        let to = |page: usize| format!("{path}{}", query.clone().set("page", page.to_string()).to_query());
        let first = ((page - 1) * size + 1).min(total);
        Self {
            total,
            first,
            last: (page * size).min(total),
            before: (page > 1).then(|| to((page - 1).min(pages))),
            after: (page < pages).then(|| to(page + 1)),
        }
    }
}

/// How a list is sorted, and what leads to another order.
pub(crate) struct Sorted {
    path: String,
    query: Fields,
    by: String,
    is_down: bool,
}

impl Sorted {
    pub(crate) fn new(path: &str, query: &Fields, usual: &str) -> Self {
        let by = query.text("sort").unwrap_or(usual).to_owned();
        Self { path: path.to_owned(), by, is_down: query.is("order", "desc"), query: query.clone() }
    }

    /// The address with the list sorted by this: the other way round where it is already.
    pub(crate) fn to(&self, by: &str) -> String {
        let is_text = matches!(by, "name" | "owner" | "state" | "provider" | "preset" | "priority");
        let down = if self.by == by { !self.is_down } else { !is_text };
        let order = if down { "desc" } else { "asc" };
        let query = self.query.clone().set("page", "").set("sort", by).set("order", order);
        format!("{}{}", self.path, query.to_query())
    }

    /// As `aria-sort` says it.
    pub(crate) fn word(&self, by: &str) -> &'static str {
        match (self.by == by, self.is_down) {
            (false, _) => "none",
            (true, false) => "ascending",
            (true, true) => "descending",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_lead_to_their_neighbours() {
        let query = Fields::read(b"search=x&page=2");
        let paging = Paging::new("/keys", &query, 101, 2, 50);
        assert_eq!((paging.first, paging.last), (51, 100));
        assert_eq!(paging.before.as_deref(), Some("/keys?search=x&page=1"));
        assert_eq!(paging.after.as_deref(), Some("/keys?search=x&page=3"));
        let empty = Paging::new("/keys", &Fields::default(), 0, 1, 50);
        assert_eq!((empty.first, empty.last, empty.before, empty.after), (0, 0, None, None));
        assert_eq!(
            Paging::new("/keys", &Fields::default(), 10, 9, 50).before.as_deref(),
            Some("/keys?page=1")
        );
    }

    #[test]
    fn a_column_turns_round_when_it_is_asked_for_again() {
        let sorted = Sorted::new("/keys", &Fields::read(b"sort=cost&order=desc&page=4"), "name");
        assert_eq!(sorted.to("cost"), "/keys?sort=cost&order=asc");
        assert_eq!(sorted.to("name"), "/keys?sort=name&order=asc");
        assert_eq!(sorted.to("tokens"), "/keys?sort=tokens&order=desc");
        assert_eq!((sorted.word("cost"), sorted.word("name")), ("descending", "none"));
    }
}
