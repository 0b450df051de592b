-- Events and their deliveries; `record.rs` says how their numbers hang together.
CREATE TABLE event (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    sum INTEGER NOT NULL, -- of all that stays as it is; see sum.rs
    data BLOB NOT NULL
) STRICT;

CREATE TABLE delivery (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    tag TEXT NOT NULL,
    destination TEXT NOT NULL,
    state INTEGER NOT NULL, -- 0 pending, 1 delivered, 2 dead, 3 dry run, 4 skipped
    attempts INTEGER NOT NULL,
    due INTEGER NOT NULL, -- of a settled one: when that was
    expires INTEGER,
    class INTEGER,
    note TEXT,
    sum INTEGER NOT NULL,
    payload BLOB NOT NULL
) STRICT;

-- Settled deliveries leave it by themselves.
CREATE INDEX pending ON delivery (destination, due) WHERE state = 0;

-- All that people ask of dead letters, in the order of pages; few rows are ever in it.
CREATE INDEX dead ON delivery (number, due, class, id, tag, destination) WHERE state = 2;

-- Processed events of which nothing was made, as far as the watermark has not passed them. Those
-- of which something was made have a delivery under their number.
CREATE TABLE empty (event INTEGER PRIMARY KEY) STRICT;

-- The books: how many deliveries there are of each kind, so that nobody has to count them, and
-- how many are forgotten.
CREATE TABLE tally (
    tag TEXT NOT NULL,
    destination TEXT NOT NULL,
    pending INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    dry_run INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    forgotten INTEGER NOT NULL,
    PRIMARY KEY (tag, destination)
) STRICT, WITHOUT ROWID;

-- The books, in events: of those that a tag was handed it made nothing (filtered) or something
-- (fired); of the latter, how many are forgotten. `since` is the first that it was handed.
CREATE TABLE tag (
    name TEXT PRIMARY KEY,
    since INTEGER,
    handed INTEGER NOT NULL,
    filtered INTEGER NOT NULL,
    fired INTEGER NOT NULL,
    forgotten INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE failed_request (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    client TEXT NOT NULL,
    fault TEXT NOT NULL,
    message BLOB NOT NULL
) STRICT;

-- Appends that may come again, oldest first.
CREATE TABLE seen (
    number INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    at INTEGER NOT NULL
) STRICT;

-- The first event of each minute in which there was one: where to start looking for a time. Times
-- of arrival are not in order (a failed request that is replayed arrived long ago), these are.
CREATE TABLE minute (
    at INTEGER PRIMARY KEY,
    event INTEGER NOT NULL
) STRICT;

-- One row: the last commit, the last event, up to which event all are processed, and how many
-- events are forgotten. A commit of new events alone leaves it as it is: the last event is the one
-- here or the last in `event`.
CREATE TABLE progress (
    commits INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    watermark INTEGER NOT NULL,
    forgotten INTEGER NOT NULL
) STRICT;
INSERT INTO progress VALUES (0, 0, 0, 0);

PRAGMA user_version = 2;
