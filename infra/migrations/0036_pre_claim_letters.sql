-- Runs before the code that needs it. Who has taken a dead letter, so that two operators do not call the same vendor. Work, not
-- evidence: the row goes when the letter is given back.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE dead_letter_claim (
  dead_letter_id bigint PRIMARY KEY REFERENCES dead_letter,
  operator       text NOT NULL,
  claimed_at     timestamptz NOT NULL
);
