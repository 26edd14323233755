-- Persons' sessions, by the hash of their token.
CREATE TABLE session (
    token    BLOB    NOT NULL PRIMARY KEY,
    user     BLOB    NOT NULL,
    until    INTEGER NOT NULL,
    began_at INTEGER NOT NULL,
    body     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX session_of_user ON session (user, began_at);

CREATE INDEX session_until ON session (until);

-- What happened, entry by entry, in journals of their own.
CREATE TABLE journal (
    name   TEXT    NOT NULL,
    number INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    text   TEXT    NOT NULL,
    PRIMARY KEY (name, number)
) STRICT, WITHOUT ROWID;
