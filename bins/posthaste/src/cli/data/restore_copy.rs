//! `posthaste data restore --from-copy`

use std::{fs, path::Path};

use posthaste_spool::{ConfigCopy, bring_back, compare};
use serde_json::json;

use super::{Failure, Output};
use crate::{
    Config,
    cli::output::counted,
    config::StoreKind,
    wiring::{self, files},
};

/// Shows which records of the local copy the shared store lacks, and writes them with `apply`.
pub(super) async fn run(
    from: Option<&Path>,
    apply: bool,
    config: &Config,
    out: &Output,
) -> Result<(), Failure> {
    if config.data.store != StoreKind::Redis {
        return Err(Failure::usage("a copy is kept of records in Redis alone; name a back-up"));
    }
    let copy = load(from, config)?;
    // Not opened as a relay does: the store may have no keyring, or another one.
    let redis = wiring::connect_redis(config).await?;
    let store = redis.stores().config;
    let compared = compare(&*store, &copy).await.map_err(anyhow::Error::from)?;
    let missing = compared.missing.len();
    let told = |written: usize, refused: &[String]| {
        json!({
            "revision": copy.revision, "records": copy.records.len(), "missing": missing, "same": compared.same,
            "differing": compared.differing, "other_keyring": compared.other_keyring, "written": written,
            "refused": refused,
        })
    };
    let found = format!(
        "the copy of revision {} has {}: {missing} missing in Redis, {} the same, {} different, which stay as Redis has them",
        copy.revision,
        counted(copy.records.len() as u64, "record", "records"),
        compared.same,
        compared.differing,
    );
    if compared.other_keyring {
        redis.close().await;
        return Err(Failure::failed(
            "Redis has another keyring than the copy: their records do not open under one",
        )
        .caused_by(found)
        .hint("nothing was changed; to go back to the copy, stop every relay and empty Redis first"));
    }
    if !apply {
        redis.close().await;
        return out
            .show(&told(0, &[]), || format!("{found}\nnothing was changed; --apply writes what is missing"));
    }
    let brought = bring_back(&*store, &compared.missing).await;
    redis.close().await;
    let (written, refused) = brought.map_err(anyhow::Error::from)?;
    out.show(&told(written, &refused), || {
        let refused: String = refused.iter().map(|why| format!("\nnot written: {why}")).collect();
        format!("{found}\n{written} written{refused}")
    })
}

fn load(from: Option<&Path>, config: &Config) -> Result<ConfigCopy, Failure> {
    let master = files::master_key(config)?;
    let file = wiring::copy::file(&config.data.dir, &master)?;
    let path = from.map_or_else(|| file.path(), Path::to_owned);
    let missing = || Failure::not_found(format!("there is no copy at {}", path.display()));
    let text = fs::read_to_string(&path).map_err(|error| missing().caused_by(error.to_string()))?;
    let copy = file.parse(&text).map_err(anyhow::Error::from)?;
    if copy.books != config.data.redis_prefix {
        return Err(Failure::failed(format!("the copy is of the prefix `{}`", copy.books))
            .hint("nothing was changed; data.redis_prefix names another one"));
    }
    Ok(copy)
}
