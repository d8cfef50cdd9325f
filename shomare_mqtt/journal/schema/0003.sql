-- When the balance from before a `buy` was asked for and told, in steady seconds; of older orders nobody knows.
ALTER TABLE orders ADD COLUMN balance_asked REAL;
ALTER TABLE orders ADD COLUMN balance_told  REAL;
