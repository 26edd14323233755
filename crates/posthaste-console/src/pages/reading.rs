//! What several forms and filters have in common: limits, spans and moments as people type them.

use posthaste_admin::{AdminError, parse_length, parse_limit};
use posthaste_core::{Limit, Timestamp};

use crate::{fields::Fields, show::written};

pub(super) fn invalid(field: &'static str, message: impl Into<String>) -> AdminError {
    AdminError::Invalid { field, message: message.into() }
}

/// The limits of the field `limits`, one a line.
pub(super) fn limits(form: &Fields) -> Result<Vec<Limit>, AdminError> {
    let lines = form.value("limits").lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| parse_limit(line).map_err(|message| invalid("limits", message))).collect()
}

/// A span such as `500ms` or `30s`, in milliseconds; `None` where nothing is given.
pub(super) fn millis(form: &Fields, field: &'static str) -> Result<Option<u64>, AdminError> {
    let Some(text) = form.text(field) else { return Ok(None) };
    if let Some(Ok(millis)) = text.strip_suffix("ms").map(str::parse) {
        return Ok(Some(millis));
    }
    let seconds = parse_length(text).map_err(|message| invalid(field, message))?;
    Ok(Some(seconds.saturating_mul(1_000)))
}

/// A span such as `1h`, in seconds; `None` where nothing is given.
pub(super) fn seconds(form: &Fields, field: &'static str) -> Result<Option<u64>, AdminError> {
    let read = |text| parse_length(text).map_err(|message| invalid(field, message));
    form.text(field).map(read).transpose()
}

/// A moment, or the start of a day (UTC). One without a zone is in UTC: so fields for moments send it where no script runs. What
/// is neither counts as nothing, so that an old bookmark still leads somewhere.
pub(super) fn moment(query: &Fields, field: &str) -> Option<Timestamp> {
    let text = query.text(field)?;
    let text = match text.len() {
        DAY => format!("{text}T00:00:00Z"),
        MINUTE => format!("{text}:00Z"),
        SECOND => format!("{text}Z"),
        _ => text.to_owned(),
    };
    text.parse().ok()
}

/// A moment, or the end of a day (UTC), for the last one of a range.
pub(super) fn end(query: &Fields, field: &str) -> Option<Timestamp> {
    let at = moment(query, field)?;
    let is_day = query.text(field).is_some_and(|text| text.len() == DAY);
    Some(if is_day { at.plus(super::spans::DAY) } else { at })
}

/// A moment as a field for one has it, in UTC; seconds are shown where there are any.
pub(super) fn field_text(at: Timestamp) -> String {
    let text = written(at, "%Y-%m-%dT%H:%M:%S");
    text.strip_suffix(":00").map_or_else(|| text.clone(), str::to_owned)
}

/// How long `2027-01-31` is.
const DAY: usize = 10;
/// How long `2027-01-31T10:00` is.
const MINUTE: usize = 16;
/// How long `2027-01-31T10:00:00` is.
const SECOND: usize = 19;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_moments_are_read_as_people_write_them() {
        let form = Fields::read(
            b"a=500ms&b=30s&c=soon&day=2027-01-31&at=2027-01-31T10:00:00Z&limits=concurrency%3D4%0A",
        );
        assert_eq!(millis(&form, "a").unwrap(), Some(500));
        assert_eq!((millis(&form, "b").unwrap(), seconds(&form, "b").unwrap()), (Some(30_000), Some(30)));
        assert!(millis(&form, "c").is_err() && seconds(&form, "c").is_err());
        assert_eq!(millis(&form, "none").unwrap(), None);
        assert_eq!(moment(&form, "day").map(|at| at.to_string()).as_deref(), Some("2027-01-31T00:00:00Z"));
        assert_eq!(end(&form, "day").map(|at| at.to_string()).as_deref(), Some("2027-02-01T00:00:00Z"));
        assert_eq!((end(&form, "at"), end(&form, "c")), (moment(&form, "at"), None));
        assert!(moment(&form, "at").is_some() && moment(&form, "c").is_none());
        let typed = Fields::read(b"a=2027-01-31T10:00&b=2027-01-31T10:00:07&c=2027-01-31T10:00:00.000Z");
        let read = ["a", "b", "c"].map(|name| field_text(moment(&typed, name).unwrap()));
        assert_eq!(read, ["2027-01-31T10:00", "2027-01-31T10:00:07", "2027-01-31T10:00"]);
        assert_eq!(limits(&form).unwrap().len(), 1);
    }
}
