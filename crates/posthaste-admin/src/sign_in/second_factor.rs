//! Second factors.

use posthaste_core::{SecondFactor, Secret, Timestamp, User};
use posthaste_vault::{CodeSecret, NewToken, hash_token, user_second_factor_place};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{KnownPerson, SignInService, actor};
use crate::{Admin, AdminError, NotKnown, change, input::Disclosed};

/// A second factor that waits for the first code of the person's device.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NewFactor {
    /// What the device shares from now on, as base32, to be typed.
    pub secret: Disclosed,
    /// The same as `otpauth://` URL, to be shown as a picture.
    pub url: Disclosed,
}

/// A second factor that is in force.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EnrolledFactor {
    /// Codes for the day on which the device is lost, each good once. They are shown now and never again.
    pub recovery_codes: Vec<Disclosed>,
}

impl SignInService<'_> {
    /// Makes a secret for a person's device. Nothing is in force before
    /// [`enrol_second_factor`](Self::enrol_second_factor), which gets the secret again: it is kept nowhere in between.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new_second_factor(self, person: &KnownPerson) -> Result<NewFactor, AdminError> {
        let secret = CodeSecret::generate()?;
        let url = secret.url(ISSUER, &person.user.name)?;
        let secret = Disclosed::new(secret.base32().clone());
        Ok(NewFactor { secret, url: Disclosed::new(url) })
    }

    /// Puts a second factor in force once the device shows the right code, in the place of an earlier one.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a wrong code or a broken secret.
    pub async fn enrol_second_factor(
        self,
        person: &KnownPerson,
        secret: &Disclosed,
        code: &Disclosed,
    ) -> Result<EnrolledFactor, AdminError> {
        let now = self.now();
        let shared = CodeSecret::from_base32(secret.secret().clone());
        let wrong = |what: &str| AdminError::invalid("code", what);
        let step = shared
            .step_of(code.secret().expose(), now)
            .map_err(|_| AdminError::invalid("secret", "is not what was given out; begin again"))?
            .ok_or_else(|| wrong("is not what the device shows now; is its clock right?"))?;
        let made: Vec<NewToken> =
            (0..RECOVERY_CODES).map(|_| NewToken::recovery_code()).collect::<Result<_, _>>()?;
        let place = user_second_factor_place(person.user.id);
        let factor = SecondFactor {
            secret: self.admin.parts().vault.seal(&place, shared.base32())?,
            last_step: step,
            recovery: made.iter().map(|code| code.hash).collect(),
        };
        change::apply(&self.users(), person.user.id.uuid(), |user: &mut User| {
            user.second_factor = Some(factor.clone());
            user.updated_at = now;
            Ok(())
        })
        .await?;
        self.note(&actor(&person.user, person.session.address), "user.second_factor", None).await;
        let recovery_codes = made.into_iter().map(|code| Disclosed::new(code.secret)).collect();
        Ok(EnrolledFactor { recovery_codes })
    }
}

/// Takes a code, or a recovery code, which nobody can use again.
pub(super) async fn take_code(
    admin: &Admin,
    user: User,
    code: &Secret,
    now: Timestamp,
) -> Result<User, AdminError> {
    let Some(factor) = &user.second_factor else { return Ok(user) };
    let wrong = || AdminError::Unauthenticated { what: NotKnown::NameOrPassword, missing: None };
    let place = user_second_factor_place(user.id);
    let shared = CodeSecret::from_base32(admin.parts().vault.unseal(&place, &factor.secret)?);
    let step = shared.step_of(code.expose(), now)?;
    let hash = hash_token(code.expose().trim());
    // Decided on the record as it is when it is written, so that of two who come with one code one is let in.
    change::apply(&admin.user_records(), user.id.uuid(), |user: &mut User| {
        let factor = user.second_factor.as_mut().ok_or_else(wrong)?;
        match step {
            Some(step) if step > factor.last_step => factor.last_step = step,
            _ => {
                let known = factor.recovery.iter().position(|kept| *kept == hash).ok_or_else(wrong)?;
                factor.recovery.swap_remove(known);
            }
        }
        Ok(())
    })
    .await
}

/// Whose codes they are, as devices show it.
const ISSUER: &str = "Posthaste";

const RECOVERY_CODES: usize = 10;
