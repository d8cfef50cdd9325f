-- When the balance from before a `buy` was asked for and told, in steady seconds. Of older ones nobody knows: a balance
-- that may be too old is no evidence.
ALTER TABLE orders ADD COLUMN balance_asked REAL NOT NULL DEFAULT -9e999;
ALTER TABLE orders ADD COLUMN balance_told  REAL NOT NULL DEFAULT 9e999;
UPDATE orders SET balance_before = NULL WHERE state IN ('buying', 'unknown');
-- The operator said which purchase it is, and typed its number.
ALTER TABLE orders ADD COLUMN by_hand INTEGER NOT NULL DEFAULT 0;
