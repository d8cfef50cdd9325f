-- What the answer to a `buy` held that may be the purchase's id, and what is known of it by now: JSON.
ALTER TABLE orders ADD COLUMN ids           TEXT;
-- Where the balance from before a `buy` was read: one read elsewhere tells nothing of it.
ALTER TABLE orders ADD COLUMN balance_place TEXT;
