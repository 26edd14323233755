//! Attributes, in the words of OpenTelemetry's conventions
//! (<https://opentelemetry.io/docs/specs/semconv/gen-ai/>, read 2026-11-28).

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use posthaste_core::{AttemptOutcome, AttemptRow, Operation, ProviderKind};

use crate::ServiceFacts;

/// A list of attributes that grows.
#[derive(Default)]
pub(crate) struct Attributes(pub(crate) Vec<KeyValue>);

impl Attributes {
    pub(crate) fn text(mut self, key: &str, value: impl Into<String>) -> Self {
        self.push(key, Value::StringValue(value.into()));
        self
    }

    pub(crate) fn number(mut self, key: &str, value: impl TryInto<i64>) -> Self {
        self.push(key, Value::IntValue(value.try_into().unwrap_or(i64::MAX)));
        self
    }

    pub(crate) fn truth(mut self, key: &str, value: bool) -> Self {
        self.push(key, Value::BoolValue(value));
        self
    }

    /// Only where there are some.
    pub(crate) fn texts(mut self, key: &str, values: &[String]) -> Self {
        if !values.is_empty() {
            let text = |value: &String| AnyValue { value: Some(Value::StringValue(value.clone())) };
            self.push(key, Value::ArrayValue(ArrayValue { values: values.iter().map(text).collect() }));
        }
        self
    }

    /// Only where there is one.
    pub(crate) fn some_text(self, key: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.text(key, value),
            None => self,
        }
    }

    /// Only where there is one.
    pub(crate) fn some_number(self, key: &str, value: Option<impl TryInto<i64>>) -> Self {
        match value {
            Some(value) => self.number(key, value),
            None => self,
        }
    }

    fn push(&mut self, key: &str, value: Value) {
        self.0.push(KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        });
    }
}

/// Who tells.
pub(crate) fn resource(service: &ServiceFacts, instance: Option<&str>) -> Resource {
    let attributes = Attributes::default()
        .text("service.name", &service.name)
        .text("service.version", &service.version)
        .some_text("service.instance.id", instance)
        .text("host.name", &service.host);
    Resource { attributes: attributes.0, ..Resource::default() }
}

/// The part of the program that tells: all of it.
pub(crate) fn scope(service: &ServiceFacts) -> InstrumentationScope {
    InstrumentationScope {
        name: "posthaste".to_owned(),
        version: service.version.clone(),
        ..InstrumentationScope::default()
    }
}

/// `gen_ai.operation.name`; where the conventions have no word, the relay's own.
pub(crate) const fn operation(operation: Operation) -> &'static str {
    match operation {
        Operation::Embeddings | Operation::BatchEmbeddings => "embeddings",
        Operation::Completions => "text_completion",
        other => other.as_str(),
    }
}

/// `gen_ai.provider.name`; where the conventions have no word, the relay's own.
pub(crate) const fn provider(provider: ProviderKind) -> &'static str {
    match provider {
        ProviderKind::OpenAi => "openai",
        ProviderKind::AzureOpenAi => "azure.ai.openai",
        ProviderKind::Gemini => "gcp.gemini",
        ProviderKind::Bedrock => "aws.bedrock",
        other => other.as_str(),
    }
}

/// `error.type` of an attempt; `None` for one that did not fail, and for one that the client gave up.
pub(crate) fn error_type(row: &AttemptRow) -> Option<&'static str> {
    match row.outcome {
        AttemptOutcome::Complete | AttemptOutcome::Cancelled => None,
        AttemptOutcome::ClientFault => Some("client_fault"),
        AttemptOutcome::Failed(kind) => Some(kind.as_str()),
        AttemptOutcome::Cut => Some("cut"),
    }
}

/// The conventions that the names are of.
pub(crate) const SCHEMA: &str = "https://opentelemetry.io/schemas/1.37.0";
