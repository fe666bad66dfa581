-- Runs before the code that needs it. When a session began by the issuer's own clock: a logout is held against that, so that it
-- ends what it speaks of however far that clock is off from ours.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE console_session ADD COLUMN issued_at timestamptz; -- null: begun before, or no issuer's
