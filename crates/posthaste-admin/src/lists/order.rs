//! Sorting so that pages fit together: whatever is equal stands in the order of names, and equal names in that of identities.

use std::cmp::Ordering;

use uuid::Uuid;

use super::SortOrder;

/// What rows are sorted by: nothing comes first, then numbers by size, then texts as people sort them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SortValue {
    Nothing,
    Number(i128),
    Text(String),
}

impl SortValue {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_lowercase())
    }

    pub(super) fn number(number: impl Into<i128>) -> Self {
        Self::Number(number.into())
    }

    pub(super) fn moment(moment: Option<posthaste_core::Timestamp>) -> Self {
        moment.map_or(Self::Nothing, |moment| Self::Number(moment.as_micros().into()))
    }
}

/// A row with what it is sorted by.
pub(super) struct Sorted<T> {
    pub(super) value: SortValue,
    pub(super) name: String,
    pub(super) id: Uuid,
    pub(super) row: T,
}

pub(super) fn sort<T>(rows: &mut [Sorted<T>], order: SortOrder) {
    rows.sort_unstable_by(|left, right| {
        let by_value = left.value.cmp(&right.value);
        let by_value = if order == SortOrder::Desc { by_value.reverse() } else { by_value };
        let by_name = || match (order, &left.value) {
            // By name itself, which may differ in letters' case alone.
            (SortOrder::Desc, SortValue::Text(_)) if by_value == Ordering::Equal => {
                right.name.cmp(&left.name)
            }
            _ => left.name.cmp(&right.name),
        };
        by_value.then_with(by_name).then_with(|| left.id.cmp(&right.id))
    });
}

/// Whether a text that was searched for, in small letters, is in one of these.
pub(super) fn has<'a>(needle: &str, texts: impl IntoIterator<Item = &'a str>) -> bool {
    texts.into_iter().any(|text| text.to_lowercase().contains(needle))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: SortValue, name: &str, id: u128) -> Sorted<()> {
        Sorted { value, name: name.to_owned(), id: Uuid::from_u128(id), row: () }
    }

    fn ids(order: SortOrder) -> Vec<u128> {
        let mut rows = vec![
            row(SortValue::number(5), "b", 1),
            row(SortValue::number(5), "a", 2),
            row(SortValue::Nothing, "z", 3),
            row(SortValue::number(7), "c", 4),
            row(SortValue::number(5), "a", 0),
        ];
        sort(&mut rows, order);
        rows.iter().map(|row| row.id.as_u128()).collect()
    }

    #[test]
    fn equal_values_stand_in_the_order_of_names_either_way() {
        assert_eq!(ids(SortOrder::Asc), [3, 0, 2, 1, 4]);
        assert_eq!(ids(SortOrder::Desc), [4, 0, 2, 1, 3]);
    }

    #[test]
    fn texts_are_found_in_whatever_case() {
        assert!(has("ber", ["x", "ÜBER"]) && !has("ber", ["x"]) && has("", ["x"]));
    }
}
