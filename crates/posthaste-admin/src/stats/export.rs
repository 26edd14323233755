//! Statistics as a table for spreadsheets.

use uuid::Uuid;

use super::{NamedId, StatsBy, StatsRow, StatsView};
use crate::{AdminError, table::Table};

/// What was told, as comma-separated values: a line for each part, with a column for each way in which parts are told apart and
/// one beside it for the identity, where there is one. Amounts of money are in dollars. Where nothing tells parts apart, the one
/// line has it all.
///
/// # Errors
/// [`AdminError::Invalid`] where parts were left out, which nobody would see in a table.
pub fn stats_table(told: &StatsView) -> Result<String, AdminError> {
    if told.left_out > 0 {
        let message =
            format!("leaves {} lines out; ask for a shorter time, or narrow it down", told.left_out);
        return Err(AdminError::invalid("since", message));
    }
    let names = told.by.iter().flat_map(|by| {
        let identity = match by {
            StatsBy::Key => Some("key_id"),
            StatsBy::Owner => Some("owner_id"),
            StatsBy::Team => Some("team_id"),
            StatsBy::Account => Some("account_id"),
            StatsBy::Hour | StatsBy::Day | StatsBy::Month | StatsBy::Model | StatsBy::Provider => None,
        };
        [Some(by.as_str()), identity].into_iter().flatten()
    });
    let mut table = Table::new(&names.chain(FIGURES).collect::<Vec<_>>())?;
    if told.by.is_empty() {
        table.row(&figures(&told.totals))?;
    }
    for row in &told.rows {
        let cells = told.by.iter().flat_map(|by| cells(*by, row));
        table.row(&cells.chain(figures(&row.totals)).collect::<Vec<_>>())?;
    }
    table.text()
}

fn cells(by: StatsBy, row: &StatsRow) -> Vec<String> {
    let named = |named: &Option<NamedId>| {
        let id = named.as_ref().map(|named| named.id);
        let name = named.as_ref().and_then(|named| named.name.clone());
        vec![name.unwrap_or_default(), id.as_ref().map(Uuid::to_string).unwrap_or_default()]
    };
    match by {
        StatsBy::Hour | StatsBy::Day | StatsBy::Month => {
            vec![row.start.map(|at| at.to_string()).unwrap_or_default()]
        }
        StatsBy::Key => named(&row.key),
        StatsBy::Owner => named(&row.owner),
        StatsBy::Team => named(&row.team),
        StatsBy::Account => named(&row.account),
        StatsBy::Model => vec![row.model.as_ref().map(ToString::to_string).unwrap_or_default()],
        StatsBy::Provider => {
            vec![row.provider.map(|provider| provider.as_str().to_owned()).unwrap_or_default()]
        }
    }
}

fn figures(totals: &crate::UsageTotals) -> [String; FIGURES.len()] {
    let usage = &totals.usage;
    let counts = [
        totals.attempts,
        totals.completed,
        totals.unpriced,
        usage.input,
        usage.cache_read,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.output,
        usage.reasoning,
    ];
    let [attempts, completed, unpriced, input, read, short, long, output, reasoning] =
        counts.map(|count| count.to_string());
    // Without the sign of a dollar, which keeps a spreadsheet from adding up.
    let [cost, billed] = [&totals.cost, &totals.billed].map(|amount| amount.replace('$', ""));
    [attempts, completed, unpriced, input, read, short, long, output, reasoning, cost, billed]
}

const FIGURES: [&str; 11] = [
    "attempts",
    "completed",
    "unpriced",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_usd",
    "billed_usd",
];

#[cfg(test)]
mod tests {
    use posthaste_core::{ModelName, NanoUsd, Usage};

    use super::*;
    use crate::UsageTotals;

    fn totals(nanos: i64) -> UsageTotals {
        let cost = NanoUsd::from_nanos(nanos);
        let usage = Usage { input: 1, cache_read: 2, cache_write_1h: 3, output: 4, ..Usage::default() };
        UsageTotals { attempts: 5, usage, cost_nano_usd: cost, cost: cost.to_string(), ..Default::default() }
    }

    fn told(by: &[StatsBy], rows: Vec<StatsRow>, left_out: usize) -> StatsView {
        StatsView { by: by.to_vec(), since: None, until: None, totals: totals(1_500_000_000), rows, left_out }
    }

    fn row(name: &str) -> StatsRow {
        StatsRow {
            start: Some("2026-11-01T00:00:00Z".parse().unwrap()),
            key: Some(NamedId { id: Uuid::from_u128(1), name: Some(name.to_owned()) }),
            owner: None,
            team: None,
            account: None,
            model: Some(ModelName::parse("m").unwrap()),
            provider: None,
            totals: totals(10_500_000),
        }
    }

    #[test]
    fn each_way_has_its_columns_and_no_name_is_a_formula() {
        let table = stats_table(&told(&[StatsBy::Day, StatsBy::Key], vec![row("=1+1")], 0)).unwrap();
        let lines: Vec<_> = table.lines().collect();
        assert!(lines[0].starts_with("day,key,key_id,attempts,completed,"), "{}", lines[0]);
        let id = "00000000-0000-0000-0000-000000000001";
        assert_eq!(lines[1], format!("2026-11-01T00:00:00Z,'=1+1,{id},5,0,0,1,2,0,3,4,0,0.0105,"));
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn nobody_is_an_empty_cell_and_the_whole_one_line() {
        let owners = stats_table(&told(&[StatsBy::Owner, StatsBy::Model], vec![row("x")], 0)).unwrap();
        assert!(owners.lines().nth(1).unwrap().starts_with(",,m,5,"), "{owners}");
        let whole = stats_table(&told(&[], Vec::new(), 0)).unwrap();
        assert_eq!(whole.lines().nth(1).unwrap(), "5,0,0,1,2,0,3,4,0,1.50,");
    }

    #[test]
    fn a_table_that_would_leave_something_out_is_none() {
        assert!(stats_table(&told(&[StatsBy::Key], vec![row("x")], 1)).is_err());
    }
}
