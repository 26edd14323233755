//! JSON Schemas of tools and answers, written so that a provider's reader takes them.
//!
//! Vendors take different subsets of JSON Schema and refuse, or quietly misread, the rest. Lowering goes two steps:
//! [`expand`] writes references out and merges `allOf`, then [`fit`] says what is left in the profile's own words. Both work
//! by position: a property that is called `const` is data, and so is what stands under `enum` or `default`.
//!
//! Promises: what a profile takes comes back borrowed; lowering twice is lowering once; the order of keys and the spelling of
//! numbers stay; no schema, however made, costs more than a small multiple of its own size.
//!
//! A rewriting that says the same (`const` as `enum` of one, a reference written out) is no loss; nor is a keyword that says
//! nothing about values (`$schema`, `$id`, `$comment`).

use std::borrow::Cow;

use posthaste_core::Dialect;

use crate::{
    ir::Json,
    loss::{Loss, Losses},
};

mod check;
mod expand;
mod fit;
mod merge;
mod pointer;
mod tree;
mod types;

#[cfg(test)]
mod tests;

use tree::{Schema, Value};

/// What a provider's schema reader takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SchemaProfile {
    /// All of JSON Schema: Anthropic, Converse, and Chat and Responses where `strict` is off.
    Full,
    /// OpenAI's `strict: true`.
    OpenAiStrict,
    /// Gemini's `parameters` and `responseSchema`: a subset of OpenAPI 3.0.
    GeminiSchema,
    /// Gemini's `parametersJsonSchema` and `responseJsonSchema`.
    GeminiJsonSchema,
    /// Qwen, GLM and old servers: no references, one type a schema.
    Plain,
}

impl SchemaProfile {
    /// Whether references to definitions may stay.
    fn keeps_definitions(self) -> bool {
        matches!(self, Self::OpenAiStrict | Self::GeminiJsonSchema)
    }
}

/// Lowers a schema to a profile; `field` is where it stands in the request, such as `tools.parameters`.
///
/// The result is always a schema that the profile takes, with one exception: where the root is no object,
/// [`SchemaProfile::OpenAiStrict`] leaves it one that OpenAI refuses, since any other would be another answer. Ask
/// [`strictable`] first, and send `strict: false` where it says no.
pub(crate) fn lower<'a>(
    schema: &'a Json,
    profile: SchemaProfile,
    field: &'static str,
    losses: &mut Losses,
) -> Cow<'a, Json> {
    lowered(schema, &mut Pass::new(schema, profile, field, losses))
}

/// Whether strict mode can say what a schema says.
///
/// Optional properties that become nullable and keywords that are left out because they only describe (`default`) do not
/// count against it. Open objects, values of any type, a root that is no object and refused keywords do.
pub(crate) fn strictable(schema: &Json) -> bool {
    let mut losses = Losses::default();
    let mut pass = Pass::new(schema, SchemaProfile::OpenAiStrict, "", &mut losses);
    lowered(schema, &mut pass);
    pass.faithful
}

/// A schema in strict mode's words, where these say exactly the same: nothing is left out, no property becomes nullable.
pub(crate) fn strict_as_it_is(schema: &Json) -> Option<Cow<'_, Json>> {
    let mut losses = Losses::default();
    let mut pass = Pass::new(schema, SchemaProfile::OpenAiStrict, "", &mut losses);
    let lowered = lowered(schema, &mut pass);
    (pass.faithful && losses.into_vec().is_empty()).then_some(lowered)
}

/// Whether answers of a dialect fit their schema without being asked to: OpenAI's alone have a word for it.
pub(crate) const fn always_fits(dialect: Dialect) -> bool {
    match dialect {
        Dialect::AnthropicMessages | Dialect::GeminiGenerate | Dialect::BedrockConverse => true,
        Dialect::OpenAiChat | Dialect::OpenAiResponses => false,
    }
}

/// What is said where OpenAI is not strict about a schema that the client's own vendor would have kept to.
pub(crate) const NOT_ENFORCED: &str =
    "not enforced, since the upstream cannot be strict about this schema as it is";

fn lowered<'a>(schema: &'a Json, pass: &mut Pass<'_>) -> Cow<'a, Json> {
    if pass.profile == SchemaProfile::Full || check::is_plain(schema.as_str(), pass.profile) {
        return Cow::Borrowed(schema);
    }
    match through_tree(schema, pass) {
        Some(lowered) => Cow::Owned(lowered),
        None => Cow::Borrowed(schema),
    }
}

/// The lowered schema; `None` where it is the one that came.
fn through_tree(schema: &Json, pass: &mut Pass<'_>) -> Option<Json> {
    let Ok((root, malformed)) = Schema::read(schema.as_str()) else {
        pass.broken("", "cannot be read, written as an open object");
        return Some(write(&cut(pass.profile)));
    };
    if malformed {
        pass.broken("", "written without malformed parts");
    }
    let expanded = expand::expand(&root, pass);
    let mut fitted = fit::fit(expanded, pass);
    prune(&mut fitted, 0, pass);
    (fitted != root || malformed).then(|| write(&fitted))
}

fn write(schema: &Schema<'_>) -> Json {
    let text = serde_json::to_string(schema).expect("a schema that was read can be written");
    Json::parse(&text).expect("what was written is JSON")
}

/// Cuts what lies too deep for the readers of others, and for a second lowering.
fn prune(schema: &mut Schema<'_>, level: usize, pass: &mut Pass<'_>) {
    let Schema::Object(object) = schema else { return };
    if level >= MOST_LEVELS {
        let cut = cut(pass.profile);
        if *schema != cut {
            pass.broken("", "cut where it nests too deeply");
            *schema = cut;
        }
        return;
    }
    for value in object.values_mut() {
        match value {
            Value::Schema(schema) => prune(schema, level + 1, pass),
            Value::Named(named) => named.values_mut().for_each(|schema| prune(schema, level + 1, pass)),
            Value::List(schemas) => schemas.iter_mut().for_each(|schema| prune(schema, level + 1, pass)),
            Value::Data(_) => {}
        }
    }
}

/// Each level is up to two of JSON, of which serde_json reads 128.
const MOST_LEVELS: usize = 48;

fn cut<'a>(profile: SchemaProfile) -> Schema<'a> {
    match profile {
        SchemaProfile::OpenAiStrict => fit::closed_object(),
        _ => expand::open_object(),
    }
}

/// One lowering: what for, and what it lost.
struct Pass<'l> {
    profile: SchemaProfile,
    field: &'static str,
    losses: &'l mut Losses,
    /// Bytes that writing out and merging may still cost.
    budget: usize,
    /// Whether the result still says what the schema said.
    faithful: bool,
}

impl<'l> Pass<'l> {
    fn new(schema: &Json, profile: SchemaProfile, field: &'static str, losses: &'l mut Losses) -> Self {
        let budget = LEAST_BUDGET.max(schema.as_str().len().saturating_mul(GROWTH));
        Self { profile, field, losses, budget, faithful: true }
    }

    /// Takes a cost from the budget. Once it does not suffice, nothing is left.
    fn pay(&mut self, cost: usize) -> bool {
        let paid = self.budget.checked_sub(cost);
        self.budget = paid.unwrap_or(0);
        paid.is_some()
    }

    fn dropped(&mut self, keyword: &str) {
        let field = self.path(keyword);
        self.losses.add(Loss::dropped(field));
    }

    fn degraded(&mut self, keyword: &str, how: &'static str) {
        let field = self.path(keyword);
        self.losses.add(Loss::degraded(field, how));
    }

    /// A loss after which the schema says something else.
    fn broken(&mut self, keyword: &str, how: &'static str) {
        self.unfaithful();
        self.degraded(keyword, how);
    }

    fn unfaithful(&mut self) {
        self.faithful = false;
    }

    /// Keywords come from the client, who may call them anything.
    fn path(&self, keyword: &str) -> String {
        let field = self.field;
        match keyword {
            "" => field.to_owned(),
            long if long.len() > LONGEST_KEYWORD => format!("{field}.*"),
            keyword => format!("{field}.{keyword}"),
        }
    }
}

const LEAST_BUDGET: usize = 256 * 1024;

/// How many times its own size a large schema may cost.
const GROWTH: usize = 4;

const LONGEST_KEYWORD: usize = 48;
