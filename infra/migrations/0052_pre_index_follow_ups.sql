-- Runs before the code that needs it. What an order judges by is found by its name, however many orders its patient has: the
-- earlier ones that follow up a call are looked for by the call. Each form is read once while the index is built, a quarter of a
-- minute a million orders; orders are read meanwhile, and wait to be written.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '300s';

CREATE INDEX signed_order_follow_up ON signed_order (lower(payload ->> 'follows_up'))
 WHERE proven AND payload ->> 'follows_up' IS NOT NULL;
