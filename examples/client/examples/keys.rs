//! Makes a client key, switches it off as it was read, and tells what keys used.
//!
//! ```text
//! POSTHASTE_URL=http://127.0.0.1:3001 POSTHASTE_TOKEN=pht_… cargo run -p posthaste-example-client --example keys
//! ```

#![expect(clippy::print_stdout, reason = "it is a program for people")]
#![expect(clippy::disallowed_methods, reason = "a program of its own reads its own environment")]

use std::{env, error::Error};

use posthaste_example_client::{Client, KeyChange, NewKey};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::new(&env::var("POSTHASTE_URL")?, &env::var("POSTHASTE_TOKEN")?)?;
    let made = client.create_key(&NewKey { name: "example".to_owned(), limits: Vec::new() }).await?;
    println!("made {}", made.view.name);
    let read = client.key(&made.view.id).await?;
    let change = KeyChange { enabled: Some(false), ..KeyChange::default() };
    let changed = client.update_key(&read.value.id, &change, &read.version).await?;
    println!("{} is {}", changed.value.name, changed.value.state.status);
    for row in client.usage(&["key"]).await?.rows {
        let name = row.key.and_then(|key| key.name).unwrap_or_else(|| "somebody gone".to_owned());
        println!("{name}: {} attempts, ${}", row.totals.attempts, row.totals.cost);
    }
    Ok(())
}
