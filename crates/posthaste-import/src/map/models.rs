//! Model lists and maps.

use posthaste_core::{ModelMap, ModelName, ModelPattern, ModelRules};
use serde_json::Value;

use crate::found::Fields;

/// What `supportedModels` says: a list of names, or a map from clients' names to the upstream's; empty for all.
pub(super) fn supported(fields: &Fields) -> (ModelRules, ModelMap) {
    let mut rules = ModelRules::default();
    let mut map = ModelMap::default();
    match fields.json("supportedModels") {
        Some(Value::Object(pairs)) => {
            for (from, to) in &pairs {
                let Ok(name) = ModelName::parse(from) else { continue };
                rules.allow.push(ModelPattern::new(name.as_str()));
                if let Some(Ok(to)) = to.as_str().filter(|to| to != from).map(ModelName::parse) {
                    map.0.push((ModelPattern::new(name.as_str()), to));
                }
            }
        }
        _ => rules.allow = patterns(&fields.list("supportedModels")),
    }
    (rules, map)
}

/// Names as patterns that fit just them.
pub(super) fn patterns(names: &[String]) -> Vec<ModelPattern> {
    let mut patterns: Vec<ModelPattern> = Vec::new();
    for name in names.iter().filter_map(|name| ModelName::parse(name).ok()) {
        let pattern = ModelPattern::new(name.as_str());
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }
    patterns
}

/// A map that calls every model by one name.
pub(super) fn always(name: &str) -> ModelMap {
    ModelMap(ModelName::parse(name).map(|name| (ModelPattern::new("*"), name)).into_iter().collect())
}
