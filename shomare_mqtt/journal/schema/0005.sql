-- Each start looks for what closed lately, which is not to go through the orders of years.
CREATE INDEX orders_closed ON orders (closed) WHERE closed IS NOT NULL;
