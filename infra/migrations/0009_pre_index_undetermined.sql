-- Runs before the code that needs it. Orders carried out although nobody could say whether the card was revoked: each
-- change of the lists looks for them, among a country's orders.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '300s';

CREATE INDEX signed_order_undetermined ON signed_order (registration)
 WHERE proven AND trust_report->'undetermined' = 'true'::jsonb;
