//! What is left on an account, where its vendor tells that to whoever has its key.
//!
//! `DeepSeek` <https://api-docs.deepseek.com/api/get-user-balance>, Moonshot <https://platform.kimi.ai/docs/api/balance>, `OpenRouter`
//! <https://openrouter.ai/docs/api/api-reference/api-keys/get-current-key>; and the two questions about billing that relays of the
//! one-api family answer for a token <https://docs.newapi.pro/en/api/get-account-billing-panel/>. All checked 2026-11-27.

use bytes::Bytes;
use http::{Method, Request, header};
use posthaste_core::{Account, AuthForm, Credential, Payload};
use serde::Deserialize;

use crate::{PrepareError, auth::write_credential};

/// What is left on an account, in one currency. Amounts are billionths of the currency's unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// `USD`, `CNY`, or what else the vendor says.
    pub currency: String,
    /// What is left; `None` where nothing bounds it.
    pub left: Option<i64>,
    /// What there was to be used in all, where the vendor tells.
    pub limit: Option<i64>,
    /// What has been used of that, where the vendor tells.
    pub used: Option<i64>,
}

/// How a vendor is asked, and how its answers are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BalanceForm {
    /// `DeepSeek`'s.
    DeepSeek,
    /// Moonshot's: dollars abroad, yuan in China.
    Moonshot,
    /// `OpenRouter`'s: of the key, not of whoever it belongs to, since that one needs a key of another kind.
    OpenRouter,
    /// That of relays of the one-api family, which look like `OpenAI`'s old billing pages.
    Billing,
}

/// Why answers tell no balance.
#[derive(Debug, thiserror::Error)]
#[error("the answer is not what {form:?} documents: {what}")]
pub struct BalanceError {
    form: BalanceForm,
    what: String,
}

impl BalanceForm {
    /// How an account's vendor is asked; `None` where it does not tell.
    pub fn of(account: &Account) -> Option<Self> {
        match account.preset.0.as_str() {
            "deepseek" => Some(Self::DeepSeek),
            "moonshot" => Some(Self::Moonshot),
            "openrouter" => Some(Self::OpenRouter),
            "openai-compatible" | "anthropic-compatible" => Some(Self::Billing),
            _ => None,
        }
    }

    /// The questions. Their answers go to [`read`](Self::read) in the same order.
    ///
    /// # Errors
    /// When the credential cannot be presented.
    pub fn questions(
        self,
        account: &Account,
        credential: Option<&Credential>,
    ) -> Result<Vec<Request<Payload>>, PrepareError> {
        let urls = self.paths().iter().map(|path| format!("{}{path}", self.base(account)));
        // A key goes as a bearer token to all of these, also where the API itself takes it otherwise.
        let bearer = match account.auth {
            AuthForm::XApiKey | AuthForm::XGoogApiKey | AuthForm::ApiKey => AuthForm::Bearer,
            other => other,
        };
        let account = Account { auth: bearer, ..account.clone() };
        let question = |url: String| {
            let unusable = |source| PrepareError::Address { account: account.name.clone(), source };
            let built = Request::builder().method(Method::GET).uri(url);
            let mut request = built.body(Payload::from(Bytes::new())).map_err(unusable)?;
            let headers = request.headers_mut();
            headers.insert(header::ACCEPT, header::HeaderValue::from_static("application/json"));
            headers.insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static("identity"));
            write_credential(&account, credential, headers)?;
            Ok(request)
        };
        urls.map(question).collect()
    }

    /// Reads the answers.
    ///
    /// # Errors
    /// When they are not as documented.
    pub fn read(self, account: &Account, answers: &[Bytes]) -> Result<Vec<Balance>, BalanceError> {
        match (self, answers) {
            (Self::DeepSeek, [answer]) => self.deepseek(answer),
            (Self::Moonshot, [answer]) => {
                let Moonshot { data } = self.json(answer)?;
                // It does not say which: <https://platform.kimi.ai/docs/api/balance>, and the page of the same name at `.cn`.
                let in_china = self.base(account).split('/').nth(2).is_some_and(|host| host.ends_with(".cn"));
                let currency = if in_china { "CNY" } else { "USD" }.to_owned();
                let left = Some(self.billionths(data.available_balance)?);
                Ok(vec![Balance { currency, left, limit: None, used: None }])
            }
            (Self::OpenRouter, [answer]) => {
                let OpenRouter { data } = self.json(answer)?;
                Ok(vec![Balance {
                    currency: "USD".to_owned(),
                    left: data.limit_remaining.map(|left| self.billionths(left)).transpose()?,
                    limit: data.limit.map(|limit| self.billionths(limit)).transpose()?,
                    used: Some(self.billionths(data.usage)?),
                }])
            }
            (Self::Billing, [subscription, usage]) => {
                let subscription: Subscription = self.json(subscription)?;
                let usage: BilledUsage = self.json(usage)?;
                let limit = self.billionths(subscription.hard_limit_usd)?;
                // Hundredths of a dollar.
                let used = self.billionths(usage.total_usage / 100.0)?;
                let unbounded = subscription.hard_limit_usd >= UNBOUNDED;
                Ok(vec![Balance {
                    currency: "USD".to_owned(),
                    left: (!unbounded).then(|| limit.saturating_sub(used)),
                    limit: (!unbounded).then_some(limit),
                    used: Some(used),
                }])
            }
            _ => Err(self.error("not as many answers as questions".to_owned())),
        }
    }

    fn deepseek(self, answer: &Bytes) -> Result<Vec<Balance>, BalanceError> {
        let DeepSeek { balance_infos } = self.json(answer)?;
        let read = |info: DeepSeekInfo| {
            let total: f64 = info
                .total_balance
                .parse()
                .map_err(|_| self.error("`total_balance` is no number".to_owned()))?;
            Ok(Balance {
                currency: info.currency.chars().take(8).collect(),
                left: Some(self.billionths(total)?),
                limit: None,
                used: None,
            })
        };
        balance_infos.into_iter().map(read).collect()
    }

    const fn paths(self) -> &'static [&'static str] {
        match self {
            Self::DeepSeek => &["/user/balance"],
            Self::Moonshot => &["/v1/users/me/balance"],
            Self::OpenRouter => &["/key"],
            Self::Billing => &["/v1/dashboard/billing/subscription", "/v1/dashboard/billing/usage"],
        }
    }

    /// What the paths stand behind: the account's address without what its dialect adds.
    fn base(self, account: &Account) -> &str {
        let base = account.base_url.trim_end_matches('/');
        if self == Self::OpenRouter {
            return base;
        }
        let base = base.strip_suffix("/v1").unwrap_or(base);
        base.strip_suffix("/anthropic").unwrap_or(base)
    }

    fn json<'de, T: Deserialize<'de>>(self, answer: &'de Bytes) -> Result<T, BalanceError> {
        serde_json::from_slice(answer).map_err(|error| self.error(error.to_string()))
    }

    /// Vendors tell amounts as numbers with a point; none is so large that the ninth place behind it is lost.
    fn billionths(self, amount: f64) -> Result<i64, BalanceError> {
        if !amount.is_finite() || amount.abs() > LARGEST {
            return Err(self.error(format!("{amount} is no balance")));
        }
        #[expect(clippy::cast_possible_truncation, reason = "LARGEST is far below what fits")]
        Ok((amount * 1e9).round() as i64)
    }

    fn error(self, what: String) -> BalanceError {
        BalanceError { form: self, what }
    }
}

#[derive(Deserialize)]
struct DeepSeek {
    balance_infos: Vec<DeepSeekInfo>,
}

#[derive(Deserialize)]
struct DeepSeekInfo {
    currency: String,
    total_balance: String,
}

#[derive(Deserialize)]
struct Moonshot {
    data: MoonshotData,
}

#[derive(Deserialize)]
struct MoonshotData {
    available_balance: f64,
}

#[derive(Deserialize)]
struct OpenRouter {
    data: OpenRouterKey,
}

#[derive(Deserialize)]
struct OpenRouterKey {
    limit: Option<f64>,
    limit_remaining: Option<f64>,
    #[serde(default)]
    usage: f64,
}

#[derive(Deserialize)]
struct Subscription {
    hard_limit_usd: f64,
}

#[derive(Deserialize)]
struct BilledUsage {
    total_usage: f64,
}

/// What such relays say of tokens without a limit.
const UNBOUNDED: f64 = 100_000_000.0;

/// Beyond any balance; in billionths it still fits.
const LARGEST: f64 = 1e9;

#[cfg(test)]
mod tests {
    use posthaste_core::{ProviderKind, Secret};
    use rstest::rstest;

    use super::*;
    use crate::testing::account;

    fn at(preset: &str, base_url: &str) -> Account {
        Account { base_url: base_url.to_owned(), ..account(ProviderKind::OpenAiCompatible, preset) }
    }

    #[rstest]
    #[case("deepseek", "https://api.deepseek.com", &["https://api.deepseek.com/user/balance"])]
    #[case("deepseek", "https://api.deepseek.com/anthropic/", &["https://api.deepseek.com/user/balance"])]
    #[case("moonshot", "https://api.moonshot.cn/v1", &["https://api.moonshot.cn/v1/users/me/balance"])]
    #[case("openrouter", "https://openrouter.ai/api/v1", &["https://openrouter.ai/api/v1/key"])]
    #[case("openai-compatible", "https://relay.example.com/v1", &[
        "https://relay.example.com/v1/dashboard/billing/subscription",
        "https://relay.example.com/v1/dashboard/billing/usage",
    ])]
    fn questions_go_to_the_documented_places(
        #[case] preset: &str,
        #[case] base_url: &str,
        #[case] urls: &[&str],
    ) {
        let account = at(preset, base_url);
        let key = Credential::Key(Secret::new("dummy"));
        let questions = BalanceForm::of(&account).unwrap().questions(&account, Some(&key)).unwrap();
        let asked: Vec<_> = questions.iter().map(|question| question.uri().to_string()).collect();
        assert_eq!(asked, urls);
        for question in &questions {
            let header = &question.headers()[header::AUTHORIZATION];
            assert!(header == "Bearer dummy" && header.is_sensitive());
            assert_eq!(question.method(), Method::GET);
        }
    }

    fn read(preset: &str, base_url: &str, answers: &[&'static str]) -> Result<Vec<Balance>, BalanceError> {
        let account = at(preset, base_url);
        let answers: Vec<_> = answers.iter().map(|answer| Bytes::from_static(answer.as_bytes())).collect();
        BalanceForm::of(&account).unwrap().read(&account, &answers)
    }

    fn one(currency: &str, left: Option<i64>, limit: Option<i64>, used: Option<i64>) -> Vec<Balance> {
        vec![Balance { currency: currency.to_owned(), left, limit, used }]
    }

    #[test]
    fn answers_are_read_as_documented() {
        let deepseek = r#"{"is_available":true,"balance_infos":[{"currency":"CNY","total_balance":"110.00",
            "granted_balance":"10.00","topped_up_balance":"100.00"},{"currency":"USD","total_balance":"0.07"}]}"#;
        let both = [one("CNY", Some(110_000_000_000), None, None), one("USD", Some(70_000_000), None, None)];
        assert_eq!(read("deepseek", "https://api.deepseek.com", &[deepseek]).unwrap(), both.concat());
        let moonshot = r#"{"code":0,"data":{"available_balance":49.58894,"voucher_balance":46.58893,
            "cash_balance":3.00001},"scode":"0x0","status":true}"#;
        let cn = read("moonshot", "https://api.moonshot.cn/v1", &[moonshot]).unwrap();
        assert_eq!(cn, one("CNY", Some(49_588_940_000), None, None));
        assert_eq!(read("moonshot", "https://api.moonshot.ai/v1", &[moonshot]).unwrap()[0].currency, "USD");
        let open = |limit, remaining| {
            format!(r#"{{"data":{{"label":"k","usage":1.5,"limit":{limit},"limit_remaining":{remaining}}}}}"#)
        };
        let bounded: &'static str = open("10", "8.5").leak();
        let unbounded: &'static str = open("null", "null").leak();
        let (left, limit, used) = (Some(8_500_000_000), Some(10_000_000_000), Some(1_500_000_000));
        assert_eq!(read("openrouter", "https://o/v1", &[bounded]).unwrap(), one("USD", left, limit, used));
        assert_eq!(read("openrouter", "https://o/v1", &[unbounded]).unwrap(), one("USD", None, None, used));
        let subscription = r#"{"object":"billing_subscription","hard_limit_usd":20.5,"access_until":0}"#;
        let usage = r#"{"object":"list","total_usage":125}"#;
        let told = read("openai-compatible", "https://r/v1", &[subscription, usage]).unwrap();
        assert_eq!(told, one("USD", Some(19_250_000_000), Some(20_500_000_000), Some(1_250_000_000)));
        let boundless = r#"{"hard_limit_usd":100000000}"#;
        let told = read("anthropic-compatible", "https://r", &[boundless, usage]).unwrap();
        assert_eq!(told, one("USD", None, None, Some(1_250_000_000)));
    }

    #[rstest]
    #[case("deepseek", &["<html>"])]
    #[case("deepseek", &[r#"{"balance_infos":[{"currency":"USD","total_balance":"much"}]}"#])]
    #[case("deepseek", &[r#"{"balance_infos":[{"currency":"USD","total_balance":"NaN"}]}"#])]
    #[case("moonshot", &[r#"{"data":{"available_balance":1e300}}"#])]
    #[case("openrouter", &["{}"])]
    #[case("openai-compatible", &[r#"{"hard_limit_usd":1}"#])]
    fn what_is_not_documented_is_refused(#[case] preset: &str, #[case] answers: &[&'static str]) {
        read(preset, "https://a/v1", answers).unwrap_err();
    }

    #[test]
    fn most_vendors_do_not_tell() {
        for preset in ["anthropic", "openai", "gemini", "bedrock", "sandbox"] {
            assert_eq!(BalanceForm::of(&at(preset, "https://a")), None);
        }
    }
}
