-- Runs before the code that needs it. What the register's login may read of orders to release, for two persons who turn out not
-- to be one: whom each named.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

-- The numbers that releases, requests to release and the answers to them name. Null: the form is gone.
CREATE VIEW release_named WITH (security_barrier) AS
SELECT order_id, (payload ->> 'follows_up')::uuid AS follows_up, payload -> 'patient' AS patient,
       payload -> 'guardians' AS guardians
  FROM signed_order
 WHERE proven AND form IN ('release_journal_seal', 'release_login_lock', 'release_guardian_block', 'release_child_seal',
                           'release_guardian_restriction', 'request_release', 'unit_opinion');
