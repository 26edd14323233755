//! Finding out the project that an account of Code Assist is charged to.
//!
//! `loadCodeAssist` tells it for those who have a tier. Others are given their default tier by `onboardUser`, which takes a
//! while. Source: <https://github.com/google-gemini/gemini-cli> (`packages/core/src/code_assist/{setup,server,types}.ts`),
//! checked 2026-08-21; no recording exists.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use posthaste_core::{Account, Credential, Dialect, Payload};
use posthaste_wire::read_error;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    PrepareError, address_of,
    auth::{write_content_headers, write_credential},
    shape::JSON,
};

/// A search under way: pure, whoever does the I/O hands it the answers.
#[derive(Debug)]
pub struct ProjectSearch<'a> {
    account: &'a Account,
    credential: Option<&'a Credential>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// `loadCodeAssist` was asked.
    Loading,
    /// `onboardUser` or its operation was asked; so many more times it will be.
    Onboarding { questions_left: u8 },
}

/// What comes next.
#[derive(Debug)]
pub enum ProjectStep {
    /// Ask this, after a pause, through the account's own egress, and hand the answer to [`ProjectSearch::next`].
    Ask {
        /// How long to wait before.
        after: Duration,
        /// The request.
        request: Box<Request<Payload>>,
    },
    /// The project.
    Found(String),
}

/// Why no project was found.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The question cannot be written.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The token was refused: another one may do.
    #[error("Code Assist does not accept the account's token")]
    Unauthorised,
    /// Code Assist does not serve this account as it is.
    #[error("Code Assist refuses the account: {why}; {advice}")]
    Refused {
        /// What Google says.
        why: String,
        /// What an operator can do.
        advice: String,
    },
    /// Trouble that may pass.
    #[error("the account's project at Code Assist could not be found out: {0}")]
    Failing(String),
}

impl<'a> ProjectSearch<'a> {
    /// Begins a search.
    ///
    /// # Errors
    /// When the account's address or credential cannot be written into a request.
    pub fn begin(
        account: &'a Account,
        credential: Option<&'a Credential>,
    ) -> Result<(Self, ProjectStep), ProjectError> {
        let search = Self { account, credential, stage: Stage::Loading };
        let step = search.ask(":loadCodeAssist", Some(&json!({ "metadata": metadata() })), Duration::ZERO)?;
        Ok((search, step))
    }

    /// Takes an answer.
    ///
    /// # Errors
    /// When it tells that there will be no project, or is none that can be read.
    pub fn next(&mut self, status: StatusCode, body: &[u8]) -> Result<ProjectStep, ProjectError> {
        if !status.is_success() {
            return Err(refused(status, body));
        }
        match self.stage {
            Stage::Loading => self.loaded(read(body)?),
            Stage::Onboarding { questions_left } => self.onboarded(read(body)?, questions_left),
        }
    }

    fn loaded(&mut self, told: Loaded) -> Result<ProjectStep, ProjectError> {
        if told.current_tier.is_some() {
            let project = told.project.as_ref().and_then(Project::id);
            return project.map(ProjectStep::Found).ok_or_else(|| ineligible(&told));
        }
        let tier = told.allowed_tiers.iter().find(|tier| tier.is_default);
        let Some(tier) = tier.filter(|tier| !tier.needs_own_project) else { return Err(ineligible(&told)) };
        self.stage = Stage::Onboarding { questions_left: MOST_QUESTIONS };
        // A project must not be named: those that need their own were sent away.
        let body = json!({ "metadata": metadata(), "tierId": tier.id });
        self.ask(":onboardUser", Some(&body), Duration::ZERO)
    }

    fn onboarded(&mut self, told: Operation, questions_left: u8) -> Result<ProjectStep, ProjectError> {
        if let Some(error) = told.error {
            let advice = ADVICE_SET.to_owned();
            return Err(ProjectError::Refused { why: error.message, advice });
        }
        if told.done {
            let project = told.response.and_then(|response| response.project);
            let id = project.as_ref().and_then(Project::id);
            return id.map(ProjectStep::Found).ok_or_else(|| ProjectError::Refused {
                why: "it gives it no project".to_owned(),
                advice: ADVICE_SET.to_owned(),
            });
        }
        // The name is the server's word and becomes a path.
        let name = told
            .name
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte)));
        let Some(name) = name.filter(|name| questions_left > 0 && !name.contains("..")) else {
            return Err(ProjectError::Failing("it is still being set up".to_owned()));
        };
        self.stage = Stage::Onboarding { questions_left: questions_left - 1 };
        self.ask(&["/", &name].concat(), None, BETWEEN_QUESTIONS)
    }

    fn ask(&self, path: &str, body: Option<&Value>, after: Duration) -> Result<ProjectStep, ProjectError> {
        let base_url = address_of(self.account, self.credential, Dialect::GeminiGenerate);
        let address = [base_url, "/v1internal", path].concat();
        let mut headers = HeaderMap::new();
        write_content_headers(JSON, &mut headers);
        write_credential(self.account, self.credential, &mut headers)?;
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let mut request = Request::builder()
            .method(method)
            .uri(address)
            .body(Payload::from(body))
            .map_err(|source| PrepareError::Address { account: self.account.name.clone(), source })?;
        *request.headers_mut() = headers;
        Ok(ProjectStep::Ask { after, request: Box::new(request) })
    }
}

/// Says nothing of who asks; `GEMINI` names the product that the account is to be used with.
fn metadata() -> Value {
    json!({ "ideType": "IDE_UNSPECIFIED", "platform": "PLATFORM_UNSPECIFIED", "pluginType": "GEMINI" })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ProjectError> {
    serde_json::from_slice(body)
        .map_err(|error| ProjectError::Failing(format!("its answer cannot be read: {error}")))
}

fn refused(status: StatusCode, body: &[u8]) -> ProjectError {
    let error = read_error(Dialect::GeminiGenerate, body);
    let why = error.as_ref().map_or_else(|| format!("status {status}"), |error| shortened(&error.message));
    match status {
        StatusCode::UNAUTHORIZED => ProjectError::Unauthorised,
        StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN if error.is_some() => {
            let link = error.and_then(|error| error.details.link);
            let advice = link.map_or_else(|| ADVICE_SET.to_owned(), |link| visit(&link));
            ProjectError::Refused { why, advice }
        }
        _ => ProjectError::Failing(why),
    }
}

/// Nobody's tier is left, or one that needs a project of one's own.
fn ineligible(told: &Loaded) -> ProjectError {
    let reasons: Vec<_> =
        told.ineligible_tiers.iter().map(|tier| &*tier.reason).filter(|reason| !reason.is_empty()).collect();
    let why = if reasons.is_empty() {
        "its tier needs a Google Cloud project of its own".to_owned()
    } else {
        shortened(&reasons.join("; "))
    };
    let link = told.ineligible_tiers.iter().find_map(|tier| tier.validation_url.as_deref());
    ProjectError::Refused { why, advice: link.map_or_else(|| ADVICE_SET.to_owned(), visit) }
}

fn visit(link: &str) -> String {
    format!("open {} in a browser, signed in as the account's owner", shortened(link))
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MOST_CHARS).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Loaded {
    current_tier: Option<Value>,
    #[serde(default)]
    allowed_tiers: Vec<Tier>,
    #[serde(default)]
    ineligible_tiers: Vec<Ineligible>,
    #[serde(rename = "cloudaicompanionProject")]
    project: Option<Project>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tier {
    id: String,
    #[serde(default)]
    is_default: bool,
    #[serde(default, rename = "userDefinedCloudaicompanionProject")]
    needs_own_project: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ineligible {
    #[serde(default, rename = "reasonMessage")]
    reason: String,
    validation_url: Option<String>,
}

/// A long-running operation (<https://google.aip.dev/151>).
#[derive(Deserialize)]
struct Operation {
    name: Option<String>,
    #[serde(default)]
    done: bool,
    response: Option<Onboarded>,
    error: Option<OperationError>,
}

#[derive(Deserialize)]
struct OperationError {
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Onboarded {
    #[serde(rename = "cloudaicompanionProject")]
    project: Option<Project>,
}

/// A text where it was there before, an object where it was made.
#[derive(Deserialize)]
#[serde(untagged)]
enum Project {
    Id(String),
    Made { id: String },
}

impl Project {
    fn id(&self) -> Option<String> {
        let (Self::Id(id) | Self::Made { id }) = self;
        Some(id.clone()).filter(|id| !id.is_empty())
    }
}

const ADVICE_SET: &str = "give the account a Google Cloud project in which Gemini for Google Cloud is switched on: posthaste accounts update NAME --project PROJECT";
/// As often as its own client asks.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(5);
const MOST_QUESTIONS: u8 = 6;
const MOST_CHARS: usize = 300;

#[cfg(test)]
mod tests {
    use posthaste_core::{AccessToken, AuthForm, ProviderKind, Secret, TokenFacts};

    use super::*;
    use crate::testing::account;

    fn google() -> Account {
        let mut account = account(ProviderKind::Gemini, "gemini");
        account.auth = AuthForm::OAuth;
        account.base_url = "https://generativelanguage.googleapis.com".to_owned();
        account
    }

    fn token() -> Credential {
        let facts = TokenFacts::default();
        Credential::Token(AccessToken { secret: Secret::new("dummy"), expires_at: None, facts })
    }

    /// A step in one line.
    fn told(step: &ProjectStep) -> String {
        match step {
            ProjectStep::Found(project) => format!("found {project}"),
            ProjectStep::Ask { after, request } => {
                assert_eq!(request.headers()["authorization"], "Bearer dummy");
                assert!(request.headers()["authorization"].is_sensitive());
                let body = String::from_utf8(request.body().to_bytes().to_vec()).unwrap();
                format!("{} s, {} {} {body}", after.as_secs(), request.method(), request.uri())
            }
        }
    }

    fn search(answers: &[(u16, &str)]) -> Result<Vec<String>, ProjectError> {
        let (account, token) = (google(), token());
        let (mut search, first) = ProjectSearch::begin(&account, Some(&token))?;
        let mut steps = vec![told(&first)];
        for (status, body) in answers {
            steps.push(told(&search.next(StatusCode::from_u16(*status).unwrap(), body.as_bytes())?));
        }
        Ok(steps)
    }

    const LOAD: &str = r#"0 s, POST https://cloudcode-pa.googleapis.com/v1internal:loadCodeAssist {"metadata":{"ideType":"IDE_UNSPECIFIED","platform":"PLATFORM_UNSPECIFIED","pluginType":"GEMINI"}}"#;

    #[test]
    fn who_has_a_tier_has_a_project() {
        let steps = search(&[(200, r#"{"currentTier":{"id":"free-tier"},"cloudaicompanionProject":"p-1"}"#)]);
        assert_eq!(steps.unwrap(), [LOAD, "found p-1"]);
    }

    #[test]
    fn others_are_given_their_default_tier() {
        let steps = search(&[
            (
                200,
                r#"{"allowedTiers":[{"id":"standard-tier","userDefinedCloudaicompanionProject":true},{"id":"free-tier","isDefault":true}]}"#,
            ),
            (200, r#"{"name":"operations/op-1","done":false}"#),
            (200, r#"{"name":"operations/op-1"}"#),
            (200, r#"{"done":true,"response":{"cloudaicompanionProject":{"id":"p-2","name":"p-2"}}}"#),
        ])
        .unwrap();
        assert_eq!(steps[0], LOAD);
        assert_eq!(
            steps[1],
            r#"0 s, POST https://cloudcode-pa.googleapis.com/v1internal:onboardUser {"metadata":{"ideType":"IDE_UNSPECIFIED","platform":"PLATFORM_UNSPECIFIED","pluginType":"GEMINI"},"tierId":"free-tier"}"#
        );
        assert_eq!(steps[2], "5 s, GET https://cloudcode-pa.googleapis.com/v1internal/operations/op-1 ");
        assert_eq!(steps[3], steps[2]);
        assert_eq!(steps[4], "found p-2");
    }

    #[test]
    fn an_onboarding_that_does_not_end_is_given_up() {
        let waiting = (200, r#"{"name":"operations/op-1"}"#);
        let load = (200, r#"{"allowedTiers":[{"id":"free-tier","isDefault":true}]}"#);
        let answers: Vec<_> = std::iter::once(load).chain(std::iter::repeat_n(waiting, 7)).collect();
        assert!(matches!(search(&answers), Err(ProjectError::Failing(_))));
        let elsewhere = (200, r#"{"name":"../x?y"}"#);
        assert!(matches!(search(&[load, elsewhere]), Err(ProjectError::Failing(_))));
    }

    #[rstest::rstest]
    #[case(200, r#"{"currentTier":{"id":"standard-tier"}}"#, "its tier needs", "--project")]
    #[case(200, r#"{"allowedTiers":[{"id":"standard-tier","isDefault":true,"userDefinedCloudaicompanionProject":true}]}"#, "its tier needs", "--project")]
    #[case(
        200,
        r#"{"ineligibleTiers":[{"reasonCode":"UNSUPPORTED_LOCATION","reasonMessage":"not in your country"}]}"#,
        "not in your country",
        "--project"
    )]
    #[case(
        200,
        r#"{"ineligibleTiers":[{"reasonCode":"VALIDATION_REQUIRED","reasonMessage":"verify","validationUrl":"https://accounts.google.com/v"}]}"#,
        "verify",
        "open https://accounts.google.com/v in a browser"
    )]
    #[case(
        403,
        r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"verify your account","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"VALIDATION_REQUIRED","domain":"cloudcode-pa.googleapis.com","metadata":{"validation_url":"https://accounts.google.com/v"}}]}}"#,
        "verify your account",
        "open https://accounts.google.com/v in a browser"
    )]
    fn a_refusal_says_why_and_what_to_do(
        #[case] status: u16,
        #[case] body: &str,
        #[case] because: &str,
        #[case] todo: &str,
    ) {
        let error = search(&[(status, body)]).unwrap_err();
        let ProjectError::Refused { why, advice } = &error else { panic!("{error:?}") };
        assert!(why.contains(because) && advice.contains(todo), "{error}");
    }

    #[test]
    fn trouble_is_told_apart_from_refusals() {
        let unauthorised = r#"{"error":{"code":401,"status":"UNAUTHENTICATED","message":"m"}}"#;
        assert!(matches!(search(&[(401, unauthorised)]), Err(ProjectError::Unauthorised)));
        for (status, body) in [(503, ""), (429, "{}"), (404, "<html>"), (200, "{oops"), (403, "<html>")] {
            assert!(matches!(search(&[(status, body)]), Err(ProjectError::Failing(_))), "{status} {body}");
        }
    }
}
