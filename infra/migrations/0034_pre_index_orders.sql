-- Runs before the code that needs it. By itself, since building an index on every order takes a while: orders are read
-- meanwhile, which they are not under the lock that 0030 takes.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

CREATE INDEX signed_order_number ON signed_order (registration_number) WHERE registration_number IS NOT NULL;
-- the console's and the archive's search by unit, newest first
CREATE INDEX signed_order_of_unit ON signed_order (unit, registration DESC);
DROP INDEX signed_order_unit;
