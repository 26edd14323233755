//! What differs between two price books.

use std::collections::BTreeMap;

use crate::{ModelPrice, Multipliers, PriceBook, Prices, Sheet, TokenPrice};

/// What another book would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Rows that are only in the later book.
    pub added: Vec<ModelPrice>,
    /// Rows that are not the same in both.
    pub changed: Vec<Change>,
    /// Rows that are only in the earlier book.
    pub gone: Vec<ModelPrice>,
    /// How many rows are the same in both.
    pub same: usize,
}

/// A row that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// As it was.
    pub before: ModelPrice,
    /// As it is.
    pub after: ModelPrice,
    /// The amounts that differ. Empty where only sizes, names or dates do.
    pub amounts: Vec<ChangedAmount>,
}

/// An amount that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedAmount {
    /// Which, such as `input`, `batch cache_read` or `output over 200000`; `us` and `fast` are factors in thousandths, all
    /// others billionths of a dollar for a million tokens (`web_search_per_1k`: for a thousand searches).
    pub what: String,
    /// What it was.
    pub before: Option<u64>,
    /// What it is.
    pub after: Option<u64>,
}

impl Change {
    /// Whether an amount is a thousand times what it was or more, a thousandth or less, or nothing: as a slip of the decimal
    /// point or of the unit makes it.
    pub fn is_leap(&self) -> bool {
        self.amounts.iter().any(ChangedAmount::is_leap)
    }
}

impl ChangedAmount {
    fn is_leap(&self) -> bool {
        let (Some(before), Some(after)) = (self.before, self.after) else { return false };
        let (low, high) = (before.min(after), before.max(after));
        high > 0 && (after == 0 || (low > 0 && high / low >= LEAP))
    }
}

impl Differences {
    /// What is not the same in `after` as in `before`, by list, model and sheet.
    pub fn between(before: &PriceBook, after: &PriceBook) -> Self {
        let mut differences = Self::default();
        let mut earlier = by_name(before);
        for (name, row) in by_name(after) {
            match earlier.remove(&name) {
                None => differences.added.push(row.clone()),
                Some(was) if was == row => differences.same += 1,
                Some(was) => differences.changed.push(Change {
                    before: was.clone(),
                    after: row.clone(),
                    amounts: amounts(was, row),
                }),
            }
        }
        differences.gone = earlier.into_values().cloned().collect();
        differences
    }
}

type Name<'a> = (&'a str, &'a str, Option<&'a str>);

fn by_name(book: &PriceBook) -> BTreeMap<Name<'_>, &ModelPrice> {
    book.rows().map(|row| ((&*row.provider, row.model.as_str(), row.route.as_deref()), row)).collect()
}

fn amounts(before: &ModelPrice, after: &ModelPrice) -> Vec<ChangedAmount> {
    let mut told: BTreeMap<String, (Option<u64>, Option<u64>)> = BTreeMap::new();
    for (what, amount) in lines(before) {
        told.entry(what).or_default().0 = Some(amount);
    }
    for (what, amount) in lines(after) {
        told.entry(what).or_default().1 = Some(amount);
    }
    let differ = told.into_iter().filter(|(_, (before, after))| before != after);
    differ.map(|(what, (before, after))| ChangedAmount { what, before, after }).collect()
}

/// All amounts of a row, each under a name of its own.
fn lines(row: &ModelPrice) -> Vec<(String, u64)> {
    let mut lines = Vec::new();
    let tiers = &row.tiers;
    let sheets = [
        ("", Some(&row.standard)),
        ("batch ", tiers.batch.as_deref()),
        ("flex ", tiers.flex.as_deref()),
        ("priority ", tiers.priority.as_deref()),
        ("ultrafast ", tiers.ultrafast.as_deref()),
        ("balanced ", tiers.balanced.as_deref()),
    ];
    for (tier, Sheet { price, above }) in sheets.into_iter().filter_map(|(tier, sheet)| Some((tier, sheet?)))
    {
        lines.extend(classes(price).map(|(class, price)| (format!("{tier}{class}"), price)));
        for step in above {
            let over = step.input_tokens_over;
            lines.extend(
                classes(&step.price).map(|(class, price)| (format!("{tier}{class} over {over}"), price)),
            );
        }
    }
    let Multipliers { us, fast } = row.multipliers_per_mille;
    let factors = [("us", us), ("fast", fast)];
    lines
        .extend(factors.into_iter().filter_map(|(name, factor)| Some((name.to_owned(), u64::from(factor?)))));
    lines.extend(
        row.web_search_per_1k.map(|price| ("web_search_per_1k".to_owned(), price.nanos_per_million())),
    );
    lines
}

fn classes(prices: &Prices) -> impl Iterator<Item = (&'static str, u64)> {
    let Prices {
        input,
        output,
        cache_read,
        cache_write,
        cache_write_1h,
        output_reasoning,
        input_audio,
        cache_read_audio,
        output_audio,
        input_image,
        output_image,
    } = *prices;
    let named = [
        ("input", input),
        ("output", output),
        ("cache_read", cache_read),
        ("cache_write", cache_write),
        ("cache_write_1h", cache_write_1h),
        ("output_reasoning", output_reasoning),
        ("input_audio", input_audio),
        ("cache_read_audio", cache_read_audio),
        ("output_audio", output_audio),
        ("input_image", input_image),
        ("output_image", output_image),
    ];
    named.into_iter().filter_map(|(class, price)| Some((class, price.map(TokenPrice::nanos_per_million)?)))
}

/// No vendor changes a price by as much; a price for a thousand tokens in the place of one for a million does.
const LEAP: u64 = 1_000;

#[cfg(test)]
mod tests {
    use posthaste_core::Timestamp;

    use super::*;
    use crate::PriceList;

    fn over(json: &str) -> PriceBook {
        let list = PriceList::read(json, Timestamp::EPOCH).unwrap().list;
        PriceBook::builtin().with_list(&list).unwrap()
    }

    fn haiku(input: &str) -> PriceBook {
        over(&format!(
            r#"{{"claude-haiku-4-5":{{"litellm_provider":"anthropic","mode":"chat","input_cost_per_token":{input},
            "output_cost_per_token":5e-6}},
            "claude-of-tomorrow":{{"litellm_provider":"anthropic","mode":"chat","input_cost_per_token":1e-6}}}}"#
        ))
    }

    fn change(before: &PriceBook, after: &PriceBook) -> Change {
        Differences::between(before, after).changed.pop().unwrap()
    }

    #[test]
    fn every_amount_that_differs_is_told_by_its_name() {
        let differences = Differences::between(&PriceBook::builtin(), &haiku("2e-6"));
        assert_eq!(differences.added.len(), 1);
        assert_eq!((differences.changed.len(), differences.gone.len()), (1, 0));
        assert_eq!(differences.same, PriceBook::builtin().rows().count() - 1);
        let told: Vec<_> = differences.changed[0].amounts.iter().map(|amount| &*amount.what).collect();
        assert_eq!(
            told,
            [
                "batch cache_read",
                "batch cache_write",
                "batch input",
                "batch output",
                "cache_read",
                "cache_write",
                "cache_write_1h",
                "input"
            ]
        );
        let input = differences.changed[0].amounts.last().unwrap();
        assert_eq!((input.before, input.after), (Some(1_000_000_000), Some(2_000_000_000)));
        assert!(!differences.changed[0].is_leap());
        let back = Differences::between(&haiku("2e-6"), &PriceBook::builtin());
        assert_eq!(back.gone[0].model.as_str(), "claude-of-tomorrow");
    }

    #[test]
    fn a_thousandfold_price_a_thousandth_and_nothing_are_leaps() {
        let before = haiku("3e-7");
        for (input, leap) in [
            ("3e-4", true),
            ("2.99e-4", false),
            ("3e-10", true),
            ("3.1e-10", false),
            ("0", true),
            ("3e-7", false),
        ] {
            let after = haiku(input);
            let found = Differences::between(&before, &after).changed.first().is_some_and(Change::is_leap);
            assert_eq!(found, leap, "{input}");
        }
        // What was free and costs something now is no slip.
        assert!(!change(&haiku("0"), &before).is_leap());
    }
}
