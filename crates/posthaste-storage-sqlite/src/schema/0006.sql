-- Records as bytes (`posthaste_storage::pack_request`). Those that are here stay JSON, which is still read. There is no index
-- over client keys any longer: it grew with every request, and only an operator's list of one key's requests asked it.
CREATE TABLE request_as_bytes (
    id     BLOB NOT NULL PRIMARY KEY,
    key_id BLOB NOT NULL,
    record BLOB NOT NULL,
    bodies TEXT
) STRICT;

INSERT INTO request_as_bytes
SELECT id, key_id, CAST(record AS BLOB), bodies FROM request ORDER BY id;

DROP TABLE request;

ALTER TABLE request_as_bytes RENAME TO request;
