-- Runs before the code that needs it. Sources whose messages could not be read, one after the other: their opening
-- orders wait until an operator has looked. Work, not evidence: the audit chain says who looked.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE source_hold (
  hold_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic      text COLLATE "C" NOT NULL,
  source     text NOT NULL, -- as its messages name it; empty: they named none
  unreadable integer NOT NULL,
  held_at    timestamptz NOT NULL,
  ended_at   timestamptz,
  ended_by   text, -- the operator who looked
  remark     text,
  CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX source_hold_standing ON source_hold (topic, source) WHERE ended_at IS NULL;
