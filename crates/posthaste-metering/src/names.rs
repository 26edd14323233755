//! Whose models names are, and what other names stand for.

use std::collections::{BTreeMap, HashMap};

use posthaste_core::{ModelName, ModelPattern};
use serde::{Deserialize, Serialize};

use crate::{PriceBookError, quick::QuickHash};

/// A vendor, told by the names of its models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    /// Its price list.
    pub provider: String,
    /// What its models are called.
    #[serde(default)]
    pub names: Vec<ModelPattern>,
    /// The presets whose accounts sell its models, where the adapter alone does not tell.
    #[serde(default)]
    pub presets: Vec<String>,
}

/// What an alias stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) model: ModelName,
    /// Whether lists of models name the alias: an operator's own is meant for clients, the program's are other spellings.
    pub(crate) listed: bool,
}

/// The vendors, of which the first that fits counts, and the aliases.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    vendors: Vec<Vendor>,
    /// Which of the vendors sells by a preset: the first that names it.
    by_preset: HashMap<String, usize, QuickHash>,
    aliases: BTreeMap<ModelName, Meaning>,
}

impl Names {
    /// The vendor whose models have such names.
    pub(crate) fn owner(&self, model: &str) -> Option<&str> {
        let owns = |vendor: &&Vendor| vendor.names.iter().any(|pattern| pattern.matches(model));
        self.vendors.iter().find(owns).map(|vendor| vendor.provider.as_str())
    }

    /// The vendor whose models the accounts of a preset sell.
    pub(crate) fn sold_by(&self, preset: &str) -> Option<&str> {
        self.by_preset.get(preset).map(|&vendor| self.vendors[vendor].provider.as_str())
    }

    pub(crate) fn meaning(&self, name: &str) -> Option<&ModelName> {
        self.aliases.get(name).map(|meaning| &meaning.model)
    }

    pub(crate) fn aliases(&self) -> impl Iterator<Item = (&ModelName, &Meaning)> {
        self.aliases.iter()
    }

    /// These names with a file's over them. A name for which the file has a price is no alias any longer.
    ///
    /// # Errors
    /// When aliases stand for each other.
    pub(crate) fn overlaid(
        &self,
        mut vendors: Vec<Vendor>,
        aliases: BTreeMap<ModelName, ModelName>,
        listed: bool,
        priced: impl Fn(&str) -> bool,
    ) -> Result<Self, PriceBookError> {
        vendors.extend(self.vendors.iter().cloned());
        let mut all = self.aliases.clone();
        all.retain(|alias, _| !priced(alias.as_str()));
        all.extend(aliases.into_iter().map(|(alias, model)| (alias, Meaning { model, listed })));
        let ends = all.keys().map(|alias| end_of(alias, &all)).collect::<Result<Vec<_>, _>>()?;
        for (meaning, end) in all.values_mut().zip(ends) {
            meaning.model = end;
        }
        let mut by_preset = HashMap::default();
        for (index, vendor) in vendors.iter().enumerate() {
            for preset in &vendor.presets {
                by_preset.entry(preset.clone()).or_insert(index);
            }
        }
        Ok(Self { vendors, by_preset, aliases: all })
    }
}

/// The model at the end of a chain of aliases.
fn end_of(alias: &ModelName, all: &BTreeMap<ModelName, Meaning>) -> Result<ModelName, PriceBookError> {
    let mut name = alias;
    for _ in 0..=all.len() {
        match all.get(name.as_str()) {
            Some(meaning) => name = &meaning.model,
            None => return Ok(name.clone()),
        }
    }
    Err(PriceBookError::AliasLoop { alias: alias.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> ModelName {
        ModelName::parse(name).unwrap()
    }

    fn aliases(pairs: &[(&str, &str)]) -> BTreeMap<ModelName, ModelName> {
        pairs.iter().map(|(alias, model)| (name(alias), name(model))).collect()
    }

    fn over(base: &Names, pairs: &[(&str, &str)]) -> Result<Names, PriceBookError> {
        base.overlaid(Vec::new(), aliases(pairs), true, |_| false)
    }

    #[test]
    fn an_alias_of_an_alias_stands_for_the_model_at_the_end() {
        let base = over(&Names::default(), &[("small.1", "small-1")]).unwrap();
        let names = over(&base, &[("fast", "small.1")]).unwrap();
        assert_eq!(names.meaning("fast"), Some(&name("small-1")));
        assert_eq!(names.meaning("small-1"), None);
    }

    #[test]
    fn aliases_that_stand_for_each_other_are_refused() {
        for loops in [&[("a", "a")][..], &[("a", "b"), ("b", "a")], &[("x", "a"), ("a", "b"), ("b", "a")]] {
            let error = over(&Names::default(), loops).unwrap_err();
            assert!(matches!(error, PriceBookError::AliasLoop { .. }), "{error}");
        }
    }

    #[test]
    fn a_later_file_may_change_an_alias_or_make_a_model_of_it() {
        let base = over(&Names::default(), &[("fast", "small"), ("large", "big")]).unwrap();
        let names = base.overlaid(Vec::new(), aliases(&[("fast", "tiny")]), true, |name| name == "large");
        let names = names.unwrap();
        assert_eq!((names.meaning("fast"), names.meaning("large")), (Some(&name("tiny")), None));
    }

    #[test]
    fn the_first_vendor_that_fits_owns_a_name_and_a_files_come_first() {
        let vendor = |provider: &str, pattern: &str| Vendor {
            provider: provider.into(),
            names: vec![ModelPattern::new(pattern)],
            presets: vec![format!("{provider}-plan")],
        };
        let none = BTreeMap::new;
        let base =
            Names::default().overlaid(vec![vendor("openai", "gpt-*")], none(), false, |_| false).unwrap();
        let names = base.overlaid(vec![vendor("mine", "gpt-mine-*")], none(), true, |_| false).unwrap();
        assert_eq!(names.owner("gpt-mine-1"), Some("mine"));
        assert_eq!(names.owner("gpt-5"), Some("openai"));
        assert_eq!(names.owner("other"), None);
        assert_eq!((names.sold_by("mine-plan"), names.sold_by("mine")), (Some("mine"), None));
    }
}
