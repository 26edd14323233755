//! AWS Bedrock's Converse API (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>).
//!
//! Streams are read as frames named after `:event-type` or `:exception-type`; their framing on the wire is not this
//! module's. Shapes are those of botocore 1.44.5 (`bedrock-runtime`, 2023-09-30), checked 2026-11-23.

pub(crate) mod error;
pub(crate) mod fault;
pub(crate) mod models;
pub(crate) mod tap;
pub(crate) mod usage;
pub(crate) mod whole;
