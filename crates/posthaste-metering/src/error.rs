//! Why a price file is refused.

/// A price file that is not taken. The book in use stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum PriceBookError {
    /// The file is larger than any price list.
    #[error("the price file has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The most that is read.
        limit: usize,
    },
    /// The file is not JSON in the expected layout.
    #[error("the price file cannot be read")]
    Syntax(#[source] serde_json::Error),
    /// The file is written in a layout or unit that this release does not know.
    #[error("the price file's {field} is `{found}`, expected `{expected}`")]
    Layout {
        /// Which header field.
        field: &'static str,
        /// What it says.
        found: String,
        /// What this release reads.
        expected: String,
    },
    /// The file lists no model.
    #[error("the price file lists no model")]
    Empty,
    /// A vendor cannot be called so.
    #[error("the price file's vendor `{provider}`: {what}")]
    Vendor {
        /// What it is called.
        provider: String,
        /// What is wrong with that.
        what: String,
    },
    /// An alias would hide a model that the same file prices.
    #[error("the alias `{alias}` is a model of the same file, which nobody could ask for any more")]
    AliasOfModel {
        /// The alias.
        alias: String,
    },
    /// Aliases stand for each other.
    #[error("the alias `{alias}` leads to no model, but around in a circle")]
    AliasLoop {
        /// One of them.
        alias: String,
    },
    /// The model whose price counts for unknown ones has none itself.
    #[error("`{model}` is to tell the price of unknown models, but has none itself")]
    NoSuchExample {
        /// The model.
        model: String,
    },
    /// A price of the operator's own cannot be true.
    #[error("the price of `{name}`: {what}")]
    Own {
        /// List and model.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// A row cannot be true.
    #[error("the price file's row {row} (`{model}` at `{provider}`): {what}")]
    Row {
        /// The row's number, from 1.
        row: usize,
        /// The row's provider.
        provider: String,
        /// The row's model.
        model: String,
        /// What is wrong with it.
        what: String,
    },
}
