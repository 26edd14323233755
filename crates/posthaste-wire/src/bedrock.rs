//! AWS Bedrock's Converse API (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>).

pub(crate) mod error;
pub(crate) mod fault;
pub(crate) mod models;
pub(crate) mod tap;
pub(crate) mod whole;
