-- What went wrong at accounts, each as JSON. Numbers grow, so that of each account the latest are found.
CREATE TABLE account_error (
    number  INTEGER PRIMARY KEY,
    account BLOB    NOT NULL,
    at      INTEGER NOT NULL,
    body    TEXT    NOT NULL
) STRICT;

CREATE INDEX account_error_of_account ON account_error (account, number);

CREATE INDEX account_error_at ON account_error (at);
