-- Runs before the code that needs it. A console's session knows which login it came from, so that the issuer can be
-- asked about it again, and can end it.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE console_session
  ADD COLUMN issuer       text,
  ADD COLUMN subject      text,
  ADD COLUMN acr          text,
  ADD COLUMN sid          text, -- the issuer's own name of the session
  ADD COLUMN tokens       bytea, -- what the issuer is asked with, sealed under the browser's token
  ADD COLUMN confirmed_at timestamptz NOT NULL DEFAULT '-infinity',
  ADD COLUMN asked_at     timestamptz NOT NULL DEFAULT '-infinity';
CREATE INDEX console_session_subject ON console_session (issuer, subject);
