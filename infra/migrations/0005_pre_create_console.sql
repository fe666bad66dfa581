-- Runs before the code that needs it. The operators' console: its sessions, and the indexes of its lists.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '300s';

-- Who is logged in to the console. Work, not evidence: a row goes when its session ends. The token itself is only
-- in the browser; here stands its SHA-256.
CREATE TABLE console_session (
  token_hash bytea PRIMARY KEY,
  operator   text NOT NULL,
  hsa_id     text COLLATE "C",
  unit       text COLLATE "C",
  roles      text[] NOT NULL,
  csrf       text NOT NULL,
  opened     jsonb NOT NULL DEFAULT '{}', -- what this session may show unmasked, until when, and for what reason
  began_at   timestamptz NOT NULL,
  seen_at    timestamptz NOT NULL,
  ends_at    timestamptz NOT NULL
);
CREATE INDEX console_session_ends ON console_session (ends_at);

-- Orders by their newest outcome, newest first, without walking through the others.
CREATE INDEX order_outcome_of_kind ON order_outcome (outcome, registration DESC, version DESC);

-- The events of a moment: rows lie in order of time, so a block range index finds them and costs writers nothing.
CREATE INDEX outbox_created ON outbox USING brin (created_at) WITH (pages_per_range = 16);

-- Tasks by kind, earliest deadline first.
CREATE INDEX task_kind ON task (kind, due_at, task_id) WHERE state = 'open';
CREATE INDEX task_target ON task (target, opened_at) WHERE state = 'open' AND target IS NOT NULL;

-- Waiting orders, earliest deadline first.
CREATE INDEX pending_order_until ON pending_order (until, registration);
