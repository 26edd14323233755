//! Files of earlier schemas: opened, brought up to date, with all that was in them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::{path::Path, sync::Barrier, thread, time::Duration};

use posthaste_core::{
    AttemptOutcome, AttemptRow, FaultKind, Geography, LossList, ProviderKind, RequestId, RequestRecord,
    Sealed, ServiceTier, Terms, Timestamp, Usage, UserId,
};
use posthaste_storage::{
    Dimension, KeptRequest, RecordKind, RollupPeriod, RollupRow, UsageQuery,
    contract::{requests::record_of_now, row},
};
use posthaste_storage_sqlite::SqliteStores;
use rusqlite::{Connection, ToSql, params, params_from_iter};
use uuid::Uuid;

#[tokio::test]
async fn rows_from_before_losses_were_told_have_lost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let old = row_of_schema_1();
    make_schema_1(&path, &old);

    let opened = SqliteStores::open(&path).unwrap();
    let ledger = opened.stores().ledger;
    assert_eq!(ledger.attempts(old.request_id).await.unwrap(), std::slice::from_ref(&old));
    ledger.append(std::slice::from_ref(&old)).await.unwrap();
    assert_eq!(ledger.count().await.unwrap(), 1, "a row from before is booked already");

    let new = AttemptRow {
        request_losses: LossList::of([("seed", "dropped, no counterpart")]),
        answer_losses: LossList::of([("content.annotations", "dropped, no counterpart")]),
        ..row()
    };
    ledger.append(std::slice::from_ref(&new)).await.unwrap();
    opened.close().await.unwrap();
    let again = SqliteStores::open(&path).unwrap().stores().ledger;
    assert_eq!(again.attempts(new.request_id).await.unwrap(), [new]);
    assert_eq!(again.attempts(old.request_id).await.unwrap(), [old]);
    assert_eq!(again.count().await.unwrap(), 2);
}

#[tokio::test]
async fn rollups_from_before_owners_and_providers_were_told_keep_their_sums() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let old = AttemptRow { provider: ProviderKind::Bedrock, ..row_of_schema_1() };
    make_schema_1(&path, &old);
    let file = Connection::open(&path).unwrap();
    let rollup = "INSERT INTO rollup VALUES ('day', ?1, ?2, ?3, 'gpt-5', 7, 6, 5, 4, 11, 12, 13, 14, 15, 16, 17, 1800)";
    let start = RollupPeriod::Day.start_of(old.started_at);
    file.execute(rollup, params![start.as_micros(), old.key_id.uuid(), old.account_id.uuid()]).unwrap();
    drop(file);

    let ledger = SqliteStores::open(&path).unwrap().stores().ledger;
    let told = ledger.usage(&UsageQuery::all(RollupPeriod::Day)).await.unwrap();
    let [RollupRow { key, sums }] = told.as_slice() else { panic!("one roll-up is one roll-up: {told:?}") };
    assert_eq!((key.start, key.key_id, key.account_id), (start, old.key_id, old.account_id));
    assert_eq!((key.owner, key.provider, key.model.as_str()), (None, ProviderKind::Bedrock, "gpt-5"));
    assert_eq!((sums.attempts, sums.completed, sums.estimated, sums.unpriced), (7, 6, 5, 4));
    assert_eq!((sums.usage.input, sums.usage.web_searches), (11, 17));
    assert_eq!((sums.cost.as_nanos(), sums.billed.as_nanos()), (1_800, 1_800));

    ledger
        .append(&[AttemptRow { request_id: row().request_id, model: key.model.clone(), ..old }])
        .await
        .unwrap();
    let sums = ledger.sums(&UsageQuery::all(RollupPeriod::Day), &[Dimension::Provider]).await.unwrap();
    assert_eq!((sums.len(), sums[0].sums.attempts), (1, 8), "what comes now is added to it");
}

#[tokio::test]
async fn records_of_requests_from_before_they_were_bytes_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    make_schema_1(&path, &row_of_schema_1());
    let (plain, captured) = (record_of_now(), record_of_now());
    let file = Connection::open(&path).unwrap();
    for (from, step) in (1..).zip([
        include_str!("../src/schema/0002.sql"),
        include_str!("../src/schema/0003.sql"),
        include_str!("../src/schema/0004.sql"),
        include_str!("../src/schema/0005.sql"),
    ]) {
        file.execute_batch(step).unwrap();
        file.pragma_update(None, "user_version", from + 1).unwrap();
    }
    for (record, bodies) in [(&plain, None), (&captured, Some("c2VhbGVk"))] {
        let json = serde_json::to_string(record).unwrap();
        let values = params![record.id.uuid(), record.key_id.uuid(), json, bodies];
        file.execute("INSERT INTO request VALUES (?1, ?2, ?3, ?4)", values).unwrap();
    }
    drop(file);

    let requests = SqliteStores::open(&path).unwrap().stores().requests;
    let kept = |record: &RequestRecord, bodies: Option<&str>| KeptRequest {
        record: record.clone(),
        bodies: bodies.map(Sealed::from_text),
    };
    assert_eq!(requests.find(plain.id).await.unwrap(), Some(kept(&plain, None)));
    assert_eq!(requests.find(captured.id).await.unwrap(), Some(kept(&captured, Some("c2VhbGVk"))));
    assert_eq!(requests.latest(Some(plain.key_id), 10).await.unwrap(), std::slice::from_ref(&plain));

    let new = RequestRecord { key_id: plain.key_id, ..record_of_now() };
    let again = RequestRecord { status: Some(503), ..plain };
    let keep = Duration::from_secs(3_600);
    requests.put(&[kept(&new, None), kept(&again, None)], keep).await.unwrap();
    assert_eq!(requests.latest(Some(new.key_id), 10).await.unwrap(), [new.clone(), again.clone()]);
    assert_eq!(requests.latest(None, 10).await.unwrap(), [new, captured, again]);
    assert_eq!(requests.trim(Timestamp::EPOCH, 1).await.unwrap(), 2, "the old ones count");
}

#[tokio::test]
async fn rows_that_had_columns_become_bytes_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let mut rows: Vec<_> = (0..50).map(|_| full_row()).collect();
    make_schema_9(&path, &rows);
    let record = Uuid::now_v7();
    let file = Connection::open(&path).unwrap();
    let insert = "INSERT INTO record VALUES ('account', ?1, 3, 'name', '{}')";
    file.execute(insert, [record]).unwrap();
    drop(file);

    let opened = SqliteStores::open(&path).unwrap();
    let found = opened.stores().config.get(RecordKind::Account, record).await.unwrap().unwrap();
    assert!(found.intact && found.version == 3, "{found:?}");
    let ledger = opened.stores().ledger;
    rows.sort_by_key(|row| row.request_id.uuid());
    assert_eq!(ledger.rows_after(None, 100).await.unwrap(), rows);
    assert_eq!(ledger.recent(Some(rows[0].key_id), 1).await.unwrap(), [rows[0].clone()]);
    ledger.append(&rows).await.unwrap();
    assert_eq!(ledger.count().await.unwrap(), 50, "they are booked already");
    opened.close().await.unwrap();
    let left = "SELECT count(*) FROM sqlite_schema WHERE name = 'attempt_unread'";
    let left: i64 = Connection::open(&path).unwrap().query_row(left, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_left_and_keeps_nobody_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let rows: Vec<_> = (0..3).map(|_| full_row()).collect();
    make_schema_9(&path, &rows);
    let file = Connection::open(&path).unwrap();
    let bad = rows[1].request_id;
    file.execute("UPDATE attempt SET phase = 'dreaming' WHERE request_id = ?1", [bad.uuid()]).unwrap();
    drop(file);

    let opened = SqliteStores::open(&path).unwrap();
    let ledger = opened.stores().ledger;
    assert_eq!(ledger.attempts(bad).await.unwrap(), []);
    assert_eq!(ledger.attempts(rows[0].request_id).await.unwrap(), [rows[0].clone()]);
    assert_eq!(ledger.count().await.unwrap(), 2);
    opened.close().await.unwrap();
    let left = "SELECT request_id, output FROM attempt_unread";
    let left = Connection::open(&path).unwrap().query_row(left, [], |row| {
        Ok((RequestId::from_uuid(row.get(0)?), row.get::<_, i64>(1)?.cast_unsigned()))
    });
    assert_eq!(left.unwrap(), (bad, rows[1].usage.output));
}

#[test]
fn of_two_that_open_an_earlier_file_one_brings_it_up_to_date() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("posthaste.db");
        make_schema_1(&path, &row_of_schema_1());
        let together = Barrier::new(2);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    together.wait();
                    SqliteStores::open(&path).unwrap()
                });
            }
        });
        let version = "SELECT user_version FROM pragma_user_version";
        let version: i64 = Connection::open(&path).unwrap().query_row(version, [], |row| row.get(0)).unwrap();
        assert_eq!(version, 10);
    }
}

/// A row with something in each field.
fn full_row() -> AttemptRow {
    let row = row();
    let terms = Terms { tier: ServiceTier::Flex, fast: true, geography: Geography::Us };
    AttemptRow {
        outcome: AttemptOutcome::Failed(FaultKind::ALL[0]),
        status: Some(529),
        first_content_us: Some(1_234),
        streamed: true,
        owner: Some(UserId::generate()),
        request_losses: LossList::of([("seed", "dropped, no counterpart")]),
        answer_losses: LossList::of([("content.annotations", "dropped, no counterpart")]),
        usage: Usage { terms, ..row.usage },
        ..row
    }
}

/// A row that knows none of what later schemas brought: it is billed at cost.
fn row_of_schema_1() -> AttemptRow {
    let mut row = row();
    row.billed = row.cost;
    row.owner = None;
    row.usage = Usage {
        input_audio: 0,
        cache_read_audio: 0,
        output_audio: 0,
        input_image: 0,
        output_image: 0,
        ..row.usage
    };
    row
}

/// Makes a file as the last release did that had a column for each field, with rows that are booked.
fn make_schema_9(path: &Path, rows: &[AttemptRow]) {
    make_schema_1(path, &row_of_schema_1());
    let file = Connection::open(path).unwrap();
    for (from, step) in (1..).zip([
        include_str!("../src/schema/0002.sql"),
        include_str!("../src/schema/0003.sql"),
        include_str!("../src/schema/0004.sql"),
        include_str!("../src/schema/0005.sql"),
        include_str!("../src/schema/0006.sql"),
        include_str!("../src/schema/0007.sql"),
        include_str!("../src/schema/0008.sql"),
        include_str!("../src/schema/0009.sql"),
    ]) {
        file.execute_batch(step).unwrap();
        file.pragma_update(None, "user_version", from + 1).unwrap();
    }
    file.execute("DELETE FROM attempt", []).unwrap();
    for row in rows {
        insert_in_columns(&file, row);
    }
    file.execute("UPDATE ledger SET booked = (SELECT count(*) FROM attempt)", []).unwrap();
}

fn insert_in_columns(file: &Connection, row: &AttemptRow) {
    let count = |count: u64| Box::new(count.cast_signed()) as Box<dyn ToSql>;
    let text = |text: &str| Box::new(text.to_owned()) as Box<dyn ToSql>;
    let usage = &row.usage;
    let columns: [(&str, Box<dyn ToSql>); 40] = [
        ("request_id", Box::new(row.request_id.uuid())),
        ("attempt", Box::new(row.attempt)),
        ("started_at", Box::new(row.started_at.as_micros())),
        ("key_id", Box::new(row.key_id.uuid())),
        ("account_id", Box::new(row.account_id.uuid())),
        ("provider", text(row.provider.as_str())),
        ("operation", text(row.operation.as_str())),
        ("client_dialect", text(row.client_dialect.as_str())),
        ("upstream_dialect", text(row.upstream_dialect.as_str())),
        ("streamed", Box::new(row.streamed)),
        ("model", text(row.model.as_str())),
        ("upstream_model", text(row.upstream_model.as_str())),
        ("outcome", text(row.outcome.as_str())),
        ("fault", Box::new(row.outcome.fault().map(FaultKind::as_str))),
        ("phase", text(row.phase.as_str())),
        ("status", Box::new(row.status)),
        ("first_content_us", Box::new(row.first_content_us.map(u64::cast_signed))),
        ("duration_us", count(row.duration_us)),
        ("input", count(usage.input)),
        ("output", count(usage.output)),
        ("cache_read", count(usage.cache_read)),
        ("cache_write_5m", count(usage.cache_write_5m)),
        ("cache_write_1h", count(usage.cache_write_1h)),
        ("reasoning", count(usage.reasoning)),
        ("web_searches", count(usage.web_searches)),
        ("input_audio", count(usage.input_audio)),
        ("cache_read_audio", count(usage.cache_read_audio)),
        ("output_audio", count(usage.output_audio)),
        ("input_image", count(usage.input_image)),
        ("output_image", count(usage.output_image)),
        ("usage_source", text(row.usage_source.as_str())),
        ("cost_nanos", Box::new(row.cost.as_nanos())),
        ("billed_nanos", Box::new(row.billed.as_nanos())),
        ("cost_basis", text(row.cost_basis.as_str())),
        ("request_losses", text(row.request_losses.as_str())),
        ("answer_losses", text(row.answer_losses.as_str())),
        ("tier", text(usage.terms.tier.as_str())),
        ("fast", Box::new(usage.terms.fast)),
        ("geography", text(usage.terms.geography.as_str())),
        ("owner", Box::new(row.owner.map(UserId::uuid))),
    ];
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    let insert = format!("INSERT INTO attempt ({}) VALUES ({})", names.join(", "), ["?"; 40].join(", "));
    file.execute(&insert, params_from_iter(columns.iter().map(|(_, value)| value))).unwrap();
}

/// Makes a file as the first schema's release did, with one row that is booked.
fn make_schema_1(path: &Path, row: &AttemptRow) {
    let file = Connection::open(path).unwrap();
    file.pragma_update(None, "journal_mode", "WAL").unwrap();
    file.execute_batch(include_str!("../src/schema/0001.sql")).unwrap();
    file.pragma_update(None, "user_version", 1).unwrap();
    file.pragma_update(None, "application_id", 0x506f_7374).unwrap();
    let values = params![
        row.request_id.uuid(),
        row.attempt,
        row.started_at.as_micros(),
        row.key_id.uuid(),
        row.account_id.uuid(),
        row.provider.as_str(),
        row.operation.as_str(),
        row.client_dialect.as_str(),
        row.upstream_dialect.as_str(),
        row.streamed,
        row.model.as_str(),
        row.upstream_model.as_str(),
        row.outcome.as_str(),
        None::<&str>,
        row.phase.as_str(),
        row.status,
        row.first_content_us.map(u64::cast_signed),
        row.duration_us.cast_signed(),
        row.usage.input.cast_signed(),
        row.usage.output.cast_signed(),
        row.usage.cache_read.cast_signed(),
        row.usage.cache_write_5m.cast_signed(),
        row.usage.cache_write_1h.cast_signed(),
        row.usage.reasoning.cast_signed(),
        row.usage.web_searches.cast_signed(),
        row.usage_source.as_str(),
        row.cost.as_nanos(),
        row.cost_basis.as_str(),
    ];
    let places = ["?"; 28].join(", ");
    file.execute(&format!("INSERT INTO attempt VALUES ({places})"), values).unwrap();
    file.execute("UPDATE ledger SET booked = 1", []).unwrap();
}
