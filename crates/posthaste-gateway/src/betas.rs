//! Beta features on their way from a header of Messages into a body of `InvokeModel`.

use posthaste_core::Packing;
use posthaste_translate::Loss;
use posthaste_wire::invoke_beta;

use crate::journey::{Journey, Upload};

/// The betas that a client asks for in its header, as the upstream is to get them in the body, and those that it would refuse.
///
/// A client that speaks `InvokeModel` itself gets what it asks for. Others mean Anthropic's API, where more of them are
/// known, and one that is not known makes Bedrock refuse the whole request.
pub(crate) fn for_invoke<'a>(
    journey: &Journey,
    upload: &'a Upload,
    translated: bool,
) -> (Vec<&'a str>, Vec<Loss>) {
    let header = upload.headers.get(HEADER).and_then(|betas| betas.to_str().ok());
    let asked = header
        .filter(|_| !translated)
        .into_iter()
        .flat_map(|betas| betas.split(','))
        .map(str::trim)
        .filter(|beta| !beta.is_empty());
    if journey.surface.packing == Packing::Invoke {
        return (asked.collect(), Vec::new());
    }
    let (mut taken, mut left_out) = (Vec::new(), Vec::new());
    for beta in asked {
        match invoke_beta(beta) {
            Some(name) => taken.push(name),
            None => left_out.push(Loss::dropped(format!("{HEADER}.{beta}"))),
        }
    }
    (taken, left_out)
}

const HEADER: &str = "anthropic-beta";
