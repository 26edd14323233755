//! Lists: searched, sorted and given out page by page.

use std::cmp::Ordering;

use posthaste_admin::AdminError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::input::invalid;

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ListQuery {
    /// Which page, from 1 on.
    page: Option<usize>,
    /// How many a page has; 50 unless told, 500 at most.
    page_size: Option<usize>,
    /// Only what has this text in one of its fields, in whatever case.
    search: Option<String>,
    /// By which field they are sorted; the name unless told.
    sort_by: Option<String>,
    /// `asc` or `desc`.
    sort_order: Option<Order>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Order {
    #[default]
    Asc,
    Desc,
}

/// A part of a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<T> {
    /// The rows.
    items: Vec<T>,
    /// How many rows there are on all pages.
    total: usize,
    /// Which page this is, from 1 on.
    page: usize,
    /// How many rows a page has.
    page_size: usize,
}

/// The part of `rows` that is wanted. The rows come in their usual order.
pub(super) fn page<T: Serialize>(rows: Vec<T>, query: &ListQuery) -> Result<Page<T>, AdminError> {
    let page = query.page.unwrap_or(1);
    let page_size = query.page_size.unwrap_or(USUAL);
    if page == 0 {
        return Err(invalid("page", "is 0; pages are counted from 1 on"));
    }
    if !(1..=MOST).contains(&page_size) {
        return Err(invalid("pageSize", format!("is {page_size}, not from 1 to {MOST}")));
    }
    let mut rows = rows;
    if query.search.is_some() || query.sort_by.is_some() {
        rows = arranged(rows, query)?;
    } else if query.sort_order == Some(Order::Desc) {
        rows.reverse();
    }
    let total = rows.len();
    let items = rows.into_iter().skip((page - 1).saturating_mul(page_size)).take(page_size).collect();
    Ok(Page { items, total, page, page_size })
}

fn arranged<T: Serialize>(rows: Vec<T>, query: &ListQuery) -> Result<Vec<T>, AdminError> {
    let needle = query.search.as_deref().unwrap_or_default().to_lowercase();
    let seen = rows.into_iter().map(|row| (serde_json::to_value(&row).unwrap_or(Value::Null), row));
    let mut seen: Vec<(Value, T)> = seen.collect();
    if let (Some(field), Some((first, _))) = (&query.sort_by, seen.first()) {
        let known: Vec<&str> =
            first.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        if !known.contains(&field.as_str()) {
            let message = format!("is no field of these; it is one of: {}", known.join(", "));
            return Err(invalid("sortBy", message));
        }
    }
    seen.retain(|(value, _)| has(value, &needle));
    if let Some(field) = &query.sort_by {
        seen.sort_by(|(left, _), (right, _)| compare(&left[field], &right[field]));
    }
    if query.sort_order == Some(Order::Desc) {
        seen.reverse();
    }
    Ok(seen.into_iter().map(|(_, row)| row).collect())
}

/// Whether a text is in one of the value's texts, at whatever depth.
fn has(value: &Value, needle: &str) -> bool {
    match value {
        Value::String(text) => text.to_lowercase().contains(needle),
        Value::Array(values) => values.iter().any(|value| has(value, needle)),
        Value::Object(fields) => fields.values().any(|value| has(value, needle)),
        _ => needle.is_empty(),
    }
}

/// Nothing comes first, then numbers by size, then texts as people sort them.
fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Value::String(left), Value::String(right)) => left.to_lowercase().cmp(&right.to_lowercase()),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Array(left), Value::Array(right)) => left.len().cmp(&right.len()),
        (left, right) => rank(left).cmp(&rank(right)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

const USUAL: usize = 50;
const MOST: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, PartialEq, Debug, Clone)]
    struct Row {
        name: &'static str,
        used: Option<u32>,
        tags: Vec<&'static str>,
    }

    fn rows() -> Vec<Row> {
        vec![
            Row { name: "b", used: Some(10), tags: vec!["Red"] },
            Row { name: "A", used: None, tags: vec![] },
            Row { name: "c", used: Some(9), tags: vec!["blue"] },
        ]
    }

    fn names(query: ListQuery) -> (Vec<&'static str>, usize) {
        let page = page(rows(), &query).unwrap();
        (page.items.iter().map(|row| row.name).collect(), page.total)
    }

    fn query(text: &str) -> ListQuery {
        serde_urlencoded::from_str(text).unwrap()
    }

    #[test]
    fn a_list_is_searched_sorted_and_cut() {
        assert_eq!(names(query("")), (vec!["b", "A", "c"], 3));
        assert_eq!(names(query("sortBy=name")), (vec!["A", "b", "c"], 3));
        assert_eq!(names(query("sortBy=used&sortOrder=desc")), (vec!["b", "c", "A"], 3));
        assert_eq!(names(query("search=RED")), (vec!["b"], 1));
        assert_eq!(names(query("pageSize=2&page=2")), (vec!["c"], 3));
        assert_eq!(names(query("page=9")), (vec![], 3));
    }

    #[test]
    fn what_cannot_be_asked_is_refused_by_name() {
        for (text, field) in [
            ("page=0", "page"),
            ("pageSize=0", "pageSize"),
            ("pageSize=501", "pageSize"),
            ("sortBy=x", "sortBy"),
        ] {
            let error = page(rows(), &query(text)).unwrap_err();
            assert!(
                matches!(error, AdminError::Invalid { field: found, .. } if found == field),
                "{text}: {error}"
            );
        }
        assert!(serde_urlencoded::from_str::<ListQuery>("pagesize=1").is_err());
    }
}
