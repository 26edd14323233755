//! The outcomes of one client's dialect.

use posthaste_core::Dialect;

use crate::outcome::Outcome;

/// The outcomes of one client's dialect, by groups of features.
pub(crate) struct Table {
    /// The client's dialect.
    pub(crate) client: Dialect,
    /// The upstreams' dialects: one column each.
    pub(crate) others: Vec<Dialect>,
    pub(crate) groups: Vec<Group>,
}

/// Features that belong together.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) rows: Vec<Row>,
}

/// One feature's outcomes, in the order of the table's columns.
pub(crate) struct Row {
    pub(crate) feature: &'static str,
    pub(crate) cells: Vec<Outcome>,
}

impl Table {
    /// A table of everything that `outcome` finds.
    pub(crate) fn build<F>(
        client: Dialect,
        groups: &[(&'static str, &[F])],
        name: impl Fn(&F) -> &'static str,
        outcome: impl Fn(&F, Dialect) -> Outcome,
    ) -> Self {
        let others: Vec<_> = Dialect::ALL.into_iter().filter(|other| *other != client).collect();
        let row = |feature: &F| Row {
            feature: name(feature),
            cells: others.iter().map(|other| outcome(feature, *other)).collect(),
        };
        let groups = groups
            .iter()
            .map(|(name, features)| Group { name, rows: features.iter().map(row).collect() })
            .collect();
        Self { client, groups, others }
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.groups.iter().flat_map(|group| &group.rows)
    }
}

impl Row {
    /// Whether no column has the feature.
    pub(crate) fn is_absent(&self) -> bool {
        self.cells.iter().all(|cell| *cell == Outcome::Absent)
    }
}
