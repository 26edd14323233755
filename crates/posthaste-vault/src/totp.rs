//! Second factors: codes of six digits that change every 30 seconds (RFC 6238, as authenticator apps have it).

use posthaste_core::{Secret, Timestamp};
use totp_rs::{Builder, Totp};

use crate::{VaultError, random};

/// A shared secret for codes.
pub struct CodeSecret(Secret);

impl CodeSecret {
    /// Makes one of 160 random bits, as RFC 4226 §4 recommends.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> Result<Self, VaultError> {
        let bytes = random::key()?;
        Ok(Self(Secret::new(totp_rs::Secret::new(Box::from(&bytes[..SECRET_BYTES])).to_base32())))
    }

    /// Takes a secret that was kept.
    pub fn from_base32(secret: Secret) -> Self {
        Self(secret)
    }

    /// The secret as base32, to be sealed, or typed into an app.
    pub fn base32(&self) -> &Secret {
        &self.0
    }

    /// What an app reads from a picture: `otpauth://totp/…`
    /// (<https://github.com/google/google-authenticator/wiki/Key-Uri-Format>).
    ///
    /// # Errors
    /// [`VaultError::BrokenCode`] for a name with a colon, which parts the issuer from the name there, or a broken secret.
    pub fn url(&self, issuer: &str, name: &str) -> Result<Secret, VaultError> {
        let builder = Builder::new().with_issuer(Some(issuer.to_owned())).with_account_name(name.to_owned());
        self.totp(builder)?.to_url().map(Secret::new).map_err(|_| VaultError::BrokenCode)
    }

    /// The step whose code this is, if it is that of now or of the step before or after: clocks and people are late. A step
    /// must be taken once only.
    ///
    /// # Errors
    /// [`VaultError::BrokenCode`] for a broken secret.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Result<Option<u64>, VaultError> {
        let seconds = u64::try_from(now.as_secs()).unwrap_or(0);
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        Ok(self.totp(Builder::new())?.check(&code, seconds))
    }

    /// The code of a moment, as an app shows it.
    ///
    /// # Errors
    /// [`VaultError::BrokenCode`] for a broken secret.
    pub fn code(&self, now: Timestamp) -> Result<Secret, VaultError> {
        let seconds = u64::try_from(now.as_secs()).unwrap_or(0);
        Ok(Secret::new(self.totp(Builder::new())?.generate(seconds).to_string()))
    }

    fn totp(&self, builder: Builder) -> Result<Totp, VaultError> {
        let secret = totp_rs::Secret::try_from_base32(self.0.expose()).map_err(|_| VaultError::BrokenCode)?;
        builder.with_skew(1).with_secret(secret).build().map_err(|_| VaultError::BrokenCode)
    }
}

impl std::fmt::Debug for CodeSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodeSecret(…)")
    }
}

const SECRET_BYTES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the rows for SHA-1, cut to six digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = totp_rs::Secret::new(Box::from(&b"12345678901234567890"[..])).to_base32();
        let secret = CodeSecret::from_base32(Secret::new(secret));
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(secret.code(Timestamp::from_secs(seconds)).unwrap().expose(), code);
            let step = secret.step_of(code, Timestamp::from_secs(seconds)).unwrap();
            assert_eq!(step, Some(u64::try_from(seconds / 30).unwrap()));
        }
    }

    #[test]
    fn a_code_is_good_a_step_before_and_after_and_no_longer() {
        let secret = CodeSecret::generate().unwrap();
        let noon = Timestamp::from_secs(1_773_144_000);
        let code = secret.code(noon).unwrap();
        let spaced = format!("{} {}", &code.expose()[..3], &code.expose()[3..]);
        for (seconds, good) in [(-31, false), (-30, true), (0, true), (59, true), (60, false)] {
            let at = Timestamp::from_secs(noon.as_secs() + seconds);
            assert_eq!(secret.step_of(&spaced, at).unwrap().is_some(), good, "{seconds}");
        }
        assert_eq!(secret.step_of("", noon).unwrap(), None);
        assert_eq!(secret.step_of("abcdef", noon).unwrap(), None);
    }

    #[test]
    fn an_app_is_told_by_url() {
        let secret = CodeSecret::generate().unwrap();
        let url = secret.url("Posthaste", "ada").unwrap();
        let expected = format!("otpauth://totp/Posthaste:ada?secret={}", secret.base32().expose());
        assert!(url.expose().starts_with(&expected), "{}", url.expose());
        assert!(!format!("{secret:?}").contains(secret.base32().expose()));
        assert!(CodeSecret::from_base32(Secret::new("!")).url("Posthaste", "ada").is_err());
    }
}
