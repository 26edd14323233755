//! Asking before something is changed.

use std::io::{self, IsTerminal, Write};

use super::{Failure, output::tell};

/// Shows what is to be done and asks whether it shall be; no is the default.
///
/// # Errors
/// When nobody is there to be asked.
pub(super) fn confirmed(shown: &str, what: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format!("this would {what}, and nobody is there to be asked"))
            .hint("say --yes when it is meant"));
    }
    asked(shown, what)
}

/// Shows what is to be done and asks, without a look at who is there.
pub(super) fn asked(shown: &str, what: &str) -> Result<bool, Failure> {
    tell(shown);
    let mut err = io::stderr().lock();
    // With standard error closed there is nobody to tell.
    let _ = write!(err, "{what}? [y/N] ").and_then(|()| err.flush());
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::failed("the answer cannot be read").caused_by(error.to_string()))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
