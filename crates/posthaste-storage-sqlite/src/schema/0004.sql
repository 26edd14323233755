-- Records of requests, each as JSON; `bodies` is sealed. Identities grow with time, hence the order of the table.
CREATE TABLE request (
    id     BLOB NOT NULL PRIMARY KEY,
    key_id BLOB NOT NULL,
    record TEXT NOT NULL,
    bodies TEXT
) STRICT;

CREATE INDEX request_of_key ON request (key_id, id);
