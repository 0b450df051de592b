-- Events and their deliveries; `record.rs` says how their numbers hang together.
CREATE TABLE event (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    came_processed INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;

CREATE TABLE delivery (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    tag TEXT NOT NULL,
    destination TEXT NOT NULL,
    state INTEGER NOT NULL, -- 0 pending, 1 delivered, 2 dead, 3 dry run, 4 skipped
    attempts INTEGER NOT NULL,
    due INTEGER NOT NULL,
    expires INTEGER,
    class INTEGER,
    note TEXT,
    payload BLOB NOT NULL
) STRICT;

CREATE INDEX pending ON delivery (destination, due) WHERE state = 0;

-- How many deliveries there are of each kind, so that nobody has to count them.
CREATE TABLE tally (
    destination TEXT NOT NULL,
    state INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (destination, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE failed_request (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    client TEXT NOT NULL,
    fault TEXT NOT NULL,
    message BLOB NOT NULL
) STRICT;

-- One row: the last commit, and up to which event all are processed.
CREATE TABLE progress (
    commits INTEGER NOT NULL,
    watermark INTEGER NOT NULL
) STRICT;
INSERT INTO progress VALUES (0, 0);

PRAGMA user_version = 1;
