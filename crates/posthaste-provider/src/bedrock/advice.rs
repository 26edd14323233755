//! What an operator can do about an error.

use posthaste_core::AuthForm;

use super::{
    region::region_of,
    trouble::{self, Trouble},
};
use crate::AnswerHead;

pub(super) fn advise(answer: &AnswerHead<'_>) -> Option<String> {
    let name = &answer.account.name;
    let region = region_of(answer.account).unwrap_or("the region");
    let model = answer.model;
    Some(match trouble::read(answer)? {
        Trouble::Throttled => format!(
            "the quota of `{model}` in {region} is used up for now: ask for a higher one in AWS's Service Quotas, or add \
             an account in another region"
        ),
        Trouble::DayUsedUp => format!(
            "today's tokens of `{model}` are used up: ask for a higher quota in AWS's Service Quotas, or add another account"
        ),
        Trouble::KeysRefused => refused_keys(answer, name),
        Trouble::ApiKeyRefused => format!(
            "the API key is not accepted in {region}: short-term keys end after 12 hours at most and belong to one region. \
             Enter another: posthaste accounts update {name} --api-key -"
        ),
        Trouble::ClockOff => CLOCK.to_owned(),
        Trouble::WrongRegion => format!(
            "requests are signed for {region}, which is not the endpoint's region: posthaste accounts update {name} --region \
             REGION"
        ),
        Trouble::NotAllowed => format!(
            "the identity may not invoke `{model}` in {region}: allow bedrock:InvokeModel and \
             bedrock:InvokeModelWithResponseStream for it and its inference profile in IAM, and check the model's access in \
             the Bedrock console"
        ),
        Trouble::UseCaseMissing => format!(
            "`{model}` is opened only after its use case form was sent: fill it in in the Bedrock console, then wait 15 \
             minutes"
        ),
        Trouble::AccountBlocked => {
            "AWS has not released this AWS account for Bedrock: its support has to".to_owned()
        }
        Trouble::NeedsProfile => format!(
            "`{model}` answers only as an inference profile: map to its name behind a geography, such as --map \
             'CLIENT-NAME=us.{model}', or to the profile's ARN"
        ),
        Trouble::UnknownModel => format!(
            "there is no `{model}` in {region}: give a model id or an inference profile of that region, and map clients' \
             names to it with --map"
        ),
        Trouble::QuotaUsedUp
        | Trouble::NotReady
        | Trouble::Overloaded
        | Trouble::BadRequest
        | Trouble::ModelFailed
        | Trouble::Failed
        | Trouble::NotTheApi => return None,
    })
}

fn refused_keys(answer: &AnswerHead<'_>, name: &str) -> String {
    match answer.account.auth {
        AuthForm::AwsChain => {
            "AWS does not accept the machine's keys: check them with `aws sts get-caller-identity`, and log in again where they \
             are temporary"
                .to_owned()
        }
        AuthForm::AwsKeys => format!(
            "AWS does not accept the access key: check that it is active, that id and secret belong together, and for \
             temporary ones that the session token is theirs and has not ended; then posthaste accounts update {name} \
             --aws-access-key-id ID --aws-secret-access-key -"
        ),
        _ => format!("the key is not accepted: posthaste accounts update {name} --api-key -"),
    }
}

/// Also the reason that an account's rest tells.
pub(super) const CLOCK: &str =
    "this machine's clock and AWS's are more than five minutes apart: set it (NTP)";
