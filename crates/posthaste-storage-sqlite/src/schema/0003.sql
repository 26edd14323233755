-- What is billed beside what it costs, and the classes and terms by which vendors price. Rows from before knew no
-- multipliers, so that they are billed at cost, and none of the classes.
ALTER TABLE attempt ADD COLUMN billed_nanos     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN input_audio      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN cache_read_audio INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN output_audio     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN input_image      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN output_image     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN tier             TEXT    NOT NULL DEFAULT 'standard';
ALTER TABLE attempt ADD COLUMN fast             INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN geography        TEXT    NOT NULL DEFAULT 'anywhere';
UPDATE attempt SET billed_nanos = cost_nanos;

ALTER TABLE rollup ADD COLUMN billed_nanos     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN input_audio      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN cache_read_audio INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN output_audio     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN input_image      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN output_image     INTEGER NOT NULL DEFAULT 0;
UPDATE rollup SET billed_nanos = cost_nanos;
