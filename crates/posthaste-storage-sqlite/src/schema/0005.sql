-- Whose a client key was, and the provider beside the account, so that sums can be told apart by both. Nobody is told for
-- what is from before: an empty identity in roll-ups. Every account of a roll-up has rows, which name its provider.
ALTER TABLE attempt ADD COLUMN owner BLOB;

ALTER TABLE rollup RENAME TO rollup_before;

CREATE TABLE rollup (
    period           TEXT    NOT NULL,
    start            INTEGER NOT NULL,
    key_id           BLOB    NOT NULL,
    account_id       BLOB    NOT NULL,
    model            TEXT    NOT NULL,
    owner            BLOB    NOT NULL,
    provider         TEXT    NOT NULL,
    attempts         INTEGER NOT NULL,
    completed        INTEGER NOT NULL,
    estimated        INTEGER NOT NULL,
    unpriced         INTEGER NOT NULL,
    input            INTEGER NOT NULL,
    output           INTEGER NOT NULL,
    cache_read       INTEGER NOT NULL,
    cache_write_5m   INTEGER NOT NULL,
    cache_write_1h   INTEGER NOT NULL,
    reasoning        INTEGER NOT NULL,
    web_searches     INTEGER NOT NULL,
    cost_nanos       INTEGER NOT NULL,
    billed_nanos     INTEGER NOT NULL,
    input_audio      INTEGER NOT NULL,
    cache_read_audio INTEGER NOT NULL,
    output_audio     INTEGER NOT NULL,
    input_image      INTEGER NOT NULL,
    output_image     INTEGER NOT NULL,
    PRIMARY KEY (period, start, key_id, account_id, model, owner, provider)
) STRICT, WITHOUT ROWID;

WITH account AS MATERIALIZED (
    SELECT account_id, max(provider) AS provider FROM attempt GROUP BY account_id
)
INSERT INTO rollup
SELECT
    before.period, before.start, before.key_id, before.account_id, before.model, x'', account.provider, before.attempts,
    before.completed, before.estimated, before.unpriced, before.input, before.output, before.cache_read,
    before.cache_write_5m, before.cache_write_1h, before.reasoning, before.web_searches, before.cost_nanos,
    before.billed_nanos, before.input_audio, before.cache_read_audio, before.output_audio, before.input_image,
    before.output_image
FROM rollup_before AS before LEFT JOIN account USING (account_id);

DROP TABLE rollup_before;
