//! `posthaste pricing recompute`

use std::time::Duration;

use clap::Args;
use posthaste_admin::{Command as Work, RecomputeInput, RecomputeView, Reply};
use posthaste_core::{Clock, SystemClock, Timestamp};

use crate::{
    Config,
    cli::{
        Failure, Output,
        ask::confirmed,
        data::Bar,
        input,
        output::list,
        session::{Session, unexpected},
    },
};

#[derive(Args, Debug)]
pub(in crate::cli) struct Recompute {
    /// From this date (its start, UTC) or moment on: 2027-01-31, 2027-01-31T18:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = input::moment)]
    from: Timestamp,
    /// Up to the end of this date (UTC), or up to this moment [default: now]
    #[arg(long, value_name = "WHEN", value_parser = end)]
    to: Option<Timestamp>,
    /// Only of this model, as clients named it or as the upstream was asked for it
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Only attempts that had no price
    #[arg(long)]
    only_unpriced: bool,
    /// Only tell what would change
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Do it without asking
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(recompute: Recompute, config: &Config, out: &Output) -> Result<(), Failure> {
    let Recompute { from, to, model, only_unpriced, dry_run, yes } = recompute;
    let until = to.unwrap_or_else(|| SystemClock.now());
    let input = RecomputeInput { from, until, model, only_unpriced, dry_run: true, after: None };
    let mut session = Session::open(config, &Work::RecomputeCosts(input.clone())).await?;
    let done = go(&mut session, input, (dry_run, yes), out).await;
    let closed = session.close().await;
    done?;
    closed
}

async fn go(
    session: &mut Session,
    input: RecomputeInput,
    (dry_run, yes): (bool, bool),
    out: &Output,
) -> Result<(), Failure> {
    let seen = all(session, &input, out).await?;
    if dry_run || seen.changed == 0 {
        return out.show(&seen, || text(&seen, "would change"));
    }
    if !yes && !confirmed(&text(&seen, "would change"), "write these costs into the books")? {
        return Err(Failure::failed("nothing was changed"));
    }
    let done = all(session, &RecomputeInput { dry_run: false, ..input }, out).await;
    let done =
        done.map_err(|failure| failure.hint("what was done stays done; the same command does the rest"))?;
    out.show(&done, || text(&done, "changed"))
}

/// All parts, one after another.
async fn all(session: &mut Session, input: &RecomputeInput, out: &Output) -> Result<RecomputeView, Failure> {
    let bar = Bar::new(out.is_json());
    let what = if input.dry_run { "looking" } else { "writing" };
    let seconds = |moment: Timestamp| moment.since(input.from).as_secs();
    let (mut whole, mut input) = (RecomputeView::default(), input.clone());
    loop {
        let told = match session.call(Work::RecomputeCosts(input.clone())).await? {
            Reply::Recomputed(told) => told,
            _ => return Err(unexpected()),
        };
        input.after = told.next;
        whole.merge(told);
        let reached = whole.reached.unwrap_or(input.from);
        let whole_span = seconds(input.until).max(1);
        bar.tell(what, seconds(reached).min(whole_span) * 100 / whole_span, 100);
        if input.after.is_none() {
            return Ok(whole);
        }
    }
}

fn text(view: &RecomputeView, verb: &str) -> String {
    let both = |before: String, after: String| format!("{before} -> {after}");
    let mut rows = vec![
        ("rows looked at", view.looked_at.to_string()),
        (verb, view.changed.to_string()),
        ("their cost", both(view.before.cost.to_string(), view.after.cost.to_string())),
        ("billed", both(view.before.billed.to_string(), view.after.billed.to_string())),
        ("without a price", both(view.before.unpriced.to_string(), view.after.unpriced.to_string())),
    ];
    if view.unpriced > 0 {
        rows.push(("no price still", view.unpriced.to_string()));
    }
    if view.left_out > 0 {
        rows.push(("account or key gone, left as they are", view.left_out.to_string()));
    }
    format!(
        "{}\n\nMultipliers of accounts, client keys and providers count as they are now. What limits and budgets have \
         counted does not change.",
        list(&rows)
    )
}

/// A date counts whole.
fn end(text: &str) -> Result<Timestamp, String> {
    let moment = input::moment(text)?;
    let is_date = text.len() == "2027-01-31".len();
    Ok(if is_date { moment.plus(Duration::from_secs(86_400)) } else { moment })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_date_counts_whole() {
        assert_eq!(end("2027-01-31").unwrap().to_string(), "2027-02-01T00:00:00Z");
        assert_eq!(end("2027-01-31T18:00:00Z").unwrap().to_string(), "2027-01-31T18:00:00Z");
        assert!(end("yesterday").is_err());
    }
}
