-- Of a `buy` with alternatives: when the first pair was written down, in steady seconds, where `made` is another's moment;
-- and what was tried in vain: JSON.
ALTER TABLE orders ADD COLUMN began REAL;
ALTER TABLE orders ADD COLUMN tries TEXT;
