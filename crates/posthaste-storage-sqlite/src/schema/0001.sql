-- Configuration records. `lookup` is unique within a kind.
CREATE TABLE record (
    kind    TEXT    NOT NULL,
    id      BLOB    NOT NULL,
    version INTEGER NOT NULL,
    lookup  TEXT,
    body    TEXT    NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX record_lookup ON record (kind, lookup) WHERE lookup IS NOT NULL;

-- The change feed: where it stands, from where on it is whole, and the last write of each record.
CREATE TABLE feed (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    revision INTEGER NOT NULL,
    reach    INTEGER NOT NULL
) STRICT;

INSERT INTO feed (only, revision, reach) VALUES (1, 0, 0);

CREATE TABLE change (
    kind     TEXT    NOT NULL,
    id       BLOB    NOT NULL,
    revision INTEGER NOT NULL UNIQUE,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- Counters in windows. A total has no span: its start is the least number and its end is empty.
CREATE TABLE counter (
    half       TEXT    NOT NULL,
    owner      BLOB    NOT NULL,
    name       TEXT    NOT NULL,
    unit       TEXT    NOT NULL,
    span_start INTEGER NOT NULL,
    span_end   INTEGER,
    used       INTEGER NOT NULL,
    PRIMARY KEY (half, owner, name, unit, span_start)
) STRICT, WITHOUT ROWID;

-- Leases, and what each of them has reserved.
CREATE TABLE lease (
    half  TEXT    NOT NULL,
    owner BLOB    NOT NULL,
    id    BLOB    NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (half, owner, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE reserve (
    half       TEXT    NOT NULL,
    owner      BLOB    NOT NULL,
    lease      BLOB    NOT NULL,
    name       TEXT    NOT NULL,
    unit       TEXT    NOT NULL,
    span_start INTEGER NOT NULL,
    amount     INTEGER NOT NULL,
    PRIMARY KEY (half, owner, lease, name, unit, span_start),
    FOREIGN KEY (half, owner, lease) REFERENCES lease (half, owner, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- The books. Request identities grow with time, so that new rows land at the end of the table.
CREATE TABLE attempt (
    request_id       BLOB    NOT NULL,
    attempt          INTEGER NOT NULL,
    started_at       INTEGER NOT NULL,
    key_id           BLOB    NOT NULL,
    account_id       BLOB    NOT NULL,
    provider         TEXT    NOT NULL,
    operation        TEXT    NOT NULL,
    client_dialect   TEXT    NOT NULL,
    upstream_dialect TEXT    NOT NULL,
    streamed         INTEGER NOT NULL,
    model            TEXT    NOT NULL,
    upstream_model   TEXT    NOT NULL,
    outcome          TEXT    NOT NULL,
    fault            TEXT,
    phase            TEXT    NOT NULL,
    status           INTEGER,
    first_content_us INTEGER,
    duration_us      INTEGER NOT NULL,
    input            INTEGER NOT NULL,
    output           INTEGER NOT NULL,
    cache_read       INTEGER NOT NULL,
    cache_write_5m   INTEGER NOT NULL,
    cache_write_1h   INTEGER NOT NULL,
    reasoning        INTEGER NOT NULL,
    web_searches     INTEGER NOT NULL,
    usage_source     TEXT    NOT NULL,
    cost_nanos       INTEGER NOT NULL,
    cost_basis       TEXT    NOT NULL,
    PRIMARY KEY (request_id, attempt)
) STRICT, WITHOUT ROWID;

CREATE INDEX attempt_key ON attempt (key_id);

CREATE TABLE rollup (
    period         TEXT    NOT NULL,
    start          INTEGER NOT NULL,
    key_id         BLOB    NOT NULL,
    account_id     BLOB    NOT NULL,
    model          TEXT    NOT NULL,
    attempts       INTEGER NOT NULL,
    completed      INTEGER NOT NULL,
    estimated      INTEGER NOT NULL,
    unpriced       INTEGER NOT NULL,
    input          INTEGER NOT NULL,
    output         INTEGER NOT NULL,
    cache_read     INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    reasoning      INTEGER NOT NULL,
    web_searches   INTEGER NOT NULL,
    cost_nanos     INTEGER NOT NULL,
    PRIMARY KEY (period, start, key_id, account_id, model)
) STRICT, WITHOUT ROWID;

-- How many rows are booked: counting them would read them all.
CREATE TABLE ledger (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    booked INTEGER NOT NULL
) STRICT;

INSERT INTO ledger (only, booked) VALUES (1, 0);

-- Conversations' homes.
CREATE TABLE affinity (
    tenant       BLOB    NOT NULL,
    conversation BLOB    NOT NULL,
    account      BLOB    NOT NULL,
    until        INTEGER NOT NULL,
    PRIMARY KEY (tenant, conversation)
) STRICT, WITHOUT ROWID;

CREATE INDEX affinity_until ON affinity (until);

-- Locks draw their numbers from one row, so that a forgotten lock's numbers still grow.
CREATE TABLE fence (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    last INTEGER NOT NULL
) STRICT;

INSERT INTO fence (only, last) VALUES (1, 0);

CREATE TABLE lock (
    name   TEXT    PRIMARY KEY NOT NULL,
    holder BLOB    NOT NULL,
    fence  INTEGER NOT NULL,
    until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
