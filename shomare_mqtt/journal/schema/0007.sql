-- What is over, as the figures have it: one small row for each order, so that years of them are counted without being
-- read. `seconds` are whole ones, from `created_at` to the `received_at` of the first SMS.
CREATE TABLE figures (
    made        REAL NOT NULL,
    seq         INTEGER NOT NULL,    -- the order's
    country     TEXT NOT NULL,
    operator    TEXT NOT NULL,
    application TEXT NOT NULL,
    outcome     TEXT NOT NULL,       -- received, unused, failed
    refunded    INTEGER NOT NULL,
    cost        TEXT,
    seconds     REAL,
    PRIMARY KEY (made, seq)
) WITHOUT ROWID;
INSERT INTO figures
SELECT made, seq, country, operator, application,
       CASE WHEN state = 'failed' THEN state WHEN first IS NOT NULL THEN 'received' ELSE 'unused' END,
       coalesce(refunded, 0), coalesce(charged, price), round(86400 * (julianday(first) - julianday(created_at)))
FROM (SELECT *, (SELECT received_at FROM sms WHERE order_id = orders.id ORDER BY seq LIMIT 1) AS first FROM orders)
WHERE closed_at IS NOT NULL AND (state != 'cancelled' OR purchase IS NOT NULL);
