-- Runs before the code that needs it. The forms that a session of the console has sent, so that a second click writes nothing
-- twice; and what was typed into a form that came when its session was over, sealed, until its sender has logged in again.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE console_form (
  session_hash bytea NOT NULL REFERENCES console_session ON DELETE CASCADE,
  form_hash bytea NOT NULL, -- of the form as it was shown, with what was typed into it
  sent_at timestamptz NOT NULL,
  answer text, -- the path that the sender was led to; null: it is being carried out
  PRIMARY KEY (session_hash, form_hash)
);

CREATE TABLE console_kept_form (
  token_hash bytea PRIMARY KEY, -- of a token that only the sender's browser has
  sealed bytea NOT NULL, -- opened by that token alone
  ends_at timestamptz NOT NULL
);
CREATE INDEX console_kept_form_ends ON console_kept_form (ends_at);
