//! Asks one question, whole and streamed.
//!
//! ```text
//! cargo run -p posthaste-example-contract-test                                    # at a relay of its own
//! cargo run -p posthaste-example-contract-test -- http://127.0.0.1:3001/api cr_…  # at another
//! ```

mod own_relay;

use std::{
    env,
    io::{self, Write},
};

use anyhow::bail;
use posthaste_example_contract_test::Assistant;

use self::own_relay::OwnRelay;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let given: Vec<String> = env::args().skip(1).collect();
    match given.as_slice() {
        [] => {
            let relay = OwnRelay::start().await?;
            let asked = ask(&relay.base, &relay.key).await;
            relay.stop().await?;
            asked
        }
        [base, key] => ask(base, key).await,
        _ => bail!("give a base URL and a key, or nothing"),
    }
}

async fn ask(base: &str, key: &str) -> anyhow::Result<()> {
    let assistant = Assistant::new(base, key, "claude-sonnet-5")?;
    let whole = assistant.ask("What is a contract?").await?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}\n({} tokens)\n", whole.text, whole.output_tokens)?;
    let mut pieces = 0;
    let streamed = assistant.listen("What is a contract?", |_| pieces += 1).await?;
    writeln!(out, "{}\n({} tokens in {pieces} pieces)", streamed.text, streamed.output_tokens)?;
    Ok(())
}
