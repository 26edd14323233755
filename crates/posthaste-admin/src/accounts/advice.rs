//! What a failed test means and what to do about it.

use http::header;
use posthaste_core::{
    Account, CooldownReason, ModelName, ProxyProblem, TimeoutGuard, Timestamp, TransportError, Verdict,
};
use posthaste_provider::{AnswerHead, provider, rule_of};

use super::test::Answer;

/// What went wrong, and what to do about it.
pub(super) struct Finding {
    /// A stable name for programs.
    pub(super) state: &'static str,
    /// For people.
    pub(super) problem: String,
    /// What to do.
    pub(super) advice: Option<String>,
}

/// When no answer came.
pub(super) fn for_transport(account: &Account, error: &TransportError) -> Finding {
    let name = &account.name;
    let advice = match error {
        TransportError::Refused { .. } => format!(
            "if this private address is meant: posthaste accounts update {name} --allow-private"
        ),
        TransportError::Connect { .. } => format!(
            "nothing answers at {}: check host and port, name resolution, the certificate, and whether a proxy or \
             firewall is in the way",
            account.base_url
        ),
        TransportError::Proxy { problem, .. } => for_proxy(account, *problem),
        TransportError::Timeout { .. } => {
            "the provider is slow or something swallows the connection: try again, then check the base URL".to_owned()
        }
        TransportError::Stale(_) | TransportError::Broken(_) => {
            "the connection broke: try again; if it stays so, check that the base URL's scheme (http or https) and \
             port belong together"
                .to_owned()
        }
    };
    Finding { state: transport_state(error), problem: with_causes(error), advice: Some(advice) }
}

const fn transport_state(error: &TransportError) -> &'static str {
    match error {
        TransportError::Refused { .. } => "address_refused",
        TransportError::Connect { .. } => "no_connection",
        TransportError::Proxy { problem: ProxyProblem::Unreachable, .. } => "proxy_down",
        TransportError::Proxy { problem: ProxyProblem::Login, .. } => "proxy_login",
        TransportError::Proxy { problem: ProxyProblem::Target, .. } => "proxy_target",
        TransportError::Proxy { problem: ProxyProblem::Protocol, .. } => "proxy_protocol",
        TransportError::Timeout { guard: TimeoutGuard::Connect, .. } => "no_connection",
        TransportError::Timeout { .. } => "timed_out",
        TransportError::Stale(_) | TransportError::Broken(_) => "broken_off",
    }
}

fn for_proxy(account: &Account, problem: ProxyProblem) -> String {
    let name = &account.name;
    match problem {
        ProxyProblem::Unreachable => {
            "check the proxy's host and port, that it runs, and its certificate if it is an https proxy"
                .to_owned()
        }
        ProxyProblem::Login => format!(
            "check the proxy's user and password, then posthaste accounts update {name} --proxy - with the whole URL, \
             such as http://user:password@host:port"
        ),
        ProxyProblem::Target => format!(
            "the proxy itself answers: check its rules and its own way to {}; with socks5 the name is resolved here, with \
             socks5h by the proxy",
            account.base_url
        ),
        ProxyProblem::Protocol => format!(
            "something else answers at the proxy's port: check the port and the URL's scheme (http, https, socks5 or \
             socks5h), then posthaste accounts update {name} --proxy URL"
        ),
    }
}

/// When an answer came that is an error, or none of the API.
pub(super) fn for_answer(account: &Account, model: &ModelName, answer: &Answer, now: Timestamp) -> Finding {
    let adapter = provider(account.provider);
    let said = answer.error();
    let status = answer.head.status;
    let problem = match &said {
        Some(error) => format!("{status}: {}: {}", error.kind, error.message),
        None if answer.is_cut() => format!("{status}, and the answer broke off"),
        None => format!("{status}, and the body is no answer of the API"),
    };
    let head = AnswerHead {
        account,
        model,
        dialect: answer.dialect,
        status,
        headers: &answer.head.headers,
        error: said.as_ref(),
        now,
    };
    let verdict = adapter.judge(&head);
    let of_vendor = rule_of(&head).filter(|rule| !rule.advice.is_empty());
    let (state, advice) = match &verdict {
        _ if status.is_redirection() => ("redirected", redirected(answer)),
        _ if answer.is_cut() && said.is_none() => ("broken_off", "try again".to_owned()),
        _ if said.is_none() && of_vendor.is_none() && !status.is_server_error() => {
            ("not_the_api", not_the_api(account))
        }
        Verdict::Reauthenticate => ("wrong_key", refused_key(account)),
        Verdict::NextCandidate { cooldown: Some(cooldown) } => {
            (cooldown_state(cooldown.reason), rest(account, cooldown.reason))
        }
        Verdict::ClientFault | Verdict::NotServed if status.as_u16() == 404 => (
            "unknown_model",
            format!(
                "the provider does not know the model `{model}`: name one that it has with --model, and map clients' names \
                 to it with --map"
            ),
        ),
        Verdict::ClientFault | Verdict::NotServed => (
            "request_refused",
            format!(
                "the provider does not take this request for the model `{model}`: try another one with --model"
            ),
        ),
        Verdict::NextCandidate { cooldown: None } | Verdict::Retry { .. } | Verdict::Deliver => {
            ("failing", "try again".to_owned())
        }
    };
    // The vendor's own rows know best, then its adapter.
    let own = of_vendor.map(|rule| rule.advice.to_owned()).or_else(|| adapter.advise(&head));
    Finding { state: adapter.trouble(&head).unwrap_or(state), problem, advice: Some(own.unwrap_or(advice)) }
}

const fn cooldown_state(reason: CooldownReason) -> &'static str {
    match reason {
        CooldownReason::RateLimited => "rate_limited",
        CooldownReason::Overloaded => "overloaded",
        CooldownReason::QuotaExhausted => "quota_exhausted",
        CooldownReason::Unauthorised => "wrong_key",
        CooldownReason::Forbidden => "forbidden",
        CooldownReason::Failing => "failing",
    }
}

fn rest(account: &Account, reason: CooldownReason) -> String {
    match reason {
        CooldownReason::RateLimited => {
            "the account is rate-limited now; the key itself is in order. Try again later".to_owned()
        }
        CooldownReason::Overloaded => "the provider has too much to do now; try again later".to_owned(),
        CooldownReason::QuotaExhausted => {
            "the balance or the plan's window is used up: top it up at the provider, or wait for the reset".to_owned()
        }
        CooldownReason::Unauthorised => refused_key(account),
        CooldownReason::Forbidden => {
            "the key is known but may not do this: check the account's permissions, region and model access at the \
             provider"
                .to_owned()
        }
        CooldownReason::Failing => {
            "the provider failed, or something else answers in its place: try again, then check the base URL".to_owned()
        }
    }
}

fn refused_key(account: &Account) -> String {
    format!(
        "the key is not accepted: check that it belongs to {}, then posthaste accounts update {} --api-key -; some \
         services want it as a bearer token (--auth bearer) or as x-api-key (--auth x-api-key)",
        account.base_url, account.name
    )
}

fn redirected(answer: &Answer) -> String {
    let target = answer.head.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    format!(
        "the address sends elsewhere ({}): set the base URL to the API's own",
        target.unwrap_or("not said")
    )
}

fn not_the_api(account: &Account) -> String {
    format!(
        "{} is probably not the API's address: the base URL is what stands before /v1/messages in the provider's \
         documentation",
        account.base_url
    )
}

fn with_causes(error: &TransportError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
