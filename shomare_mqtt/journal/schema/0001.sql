-- Times are ISO 8601 UTC text; `made`, `deadline`, `closed`, `received` are steady seconds. Money is decimal text.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE orders (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    id               TEXT NOT NULL UNIQUE,
    state            TEXT NOT NULL,
    country          TEXT NOT NULL,
    operator         TEXT NOT NULL,
    application      TEXT NOT NULL,
    country_name     TEXT,
    operator_name    TEXT,
    application_name TEXT,
    key              TEXT,            -- the sender's transaction, as JSON
    purchase         TEXT,
    phone            TEXT,
    price            TEXT,
    refunded         INTEGER,
    charged          TEXT,
    error            TEXT,            -- JSON
    created_at       TEXT NOT NULL,
    updated_at       TEXT NOT NULL,
    expires_at       TEXT,
    closed_at        TEXT,
    made             REAL NOT NULL,
    deadline         REAL,
    closed           REAL,
    balance_before   TEXT,
    moves_before     INTEGER NOT NULL DEFAULT 0,
    quiet_before     INTEGER NOT NULL DEFAULT 1,
    settled          INTEGER NOT NULL DEFAULT 1,
    command          INTEGER          -- the row of the buy
);
CREATE INDEX orders_open ON orders (state) WHERE closed_at IS NULL;
CREATE INDEX orders_purchase ON orders (purchase) WHERE purchase IS NOT NULL;
CREATE INDEX orders_made ON orders (made);
CREATE INDEX orders_created ON orders (created_at);

CREATE TABLE sms (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    order_id    TEXT NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    code        TEXT,
    text        TEXT,
    sender      TEXT,
    received_at TEXT NOT NULL,
    provider_id TEXT
);
CREATE INDEX sms_order ON sms (order_id);

CREATE TABLE outbox (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL,
    topic       TEXT NOT NULL,
    absolute    INTEGER NOT NULL,
    payload     BLOB NOT NULL,
    correlation BLOB,
    posted      REAL NOT NULL,
    aside       INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE commands (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    topic       TEXT NOT NULL,
    payload     BLOB,                 -- NULL once it was answered
    reply_topic TEXT,
    correlation BLOB,
    expiry      REAL,
    command     TEXT NOT NULL,
    content     TEXT NOT NULL,        -- a digest of what is asked for
    session     TEXT NOT NULL,
    packet_id   INTEGER NOT NULL,
    digest      TEXT NOT NULL,        -- of topic and payload, to know a redelivery by
    key         TEXT,                 -- the transaction as JSON, while a repeat gets the stored answer
    first       INTEGER,              -- the row that this one repeats
    answer      BLOB,
    order_id    TEXT,
    done        INTEGER NOT NULL DEFAULT 0,
    received_at TEXT NOT NULL,
    received    REAL NOT NULL
);
CREATE INDEX commands_pending ON commands (seq) WHERE done = 0;
CREATE INDEX commands_key ON commands (command, key) WHERE key IS NOT NULL;
CREATE INDEX commands_delivery ON commands (session, packet_id);
CREATE INDEX commands_received ON commands (received);

CREATE TABLE catalogs (
    kind       TEXT PRIMARY KEY,
    entries    BLOB NOT NULL,
    updated_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE retained (
    topic TEXT PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE plugin_calls (
    id       TEXT PRIMARY KEY,
    plugin   TEXT NOT NULL,
    hook     TEXT NOT NULL,
    order_id TEXT NOT NULL,
    sms_id   TEXT,
    created  REAL NOT NULL,
    attempts INTEGER NOT NULL
) WITHOUT ROWID;
