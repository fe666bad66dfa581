-- Runs before the code that needs it. The day before which a request to release, or a unit's yes to it, opens nothing: what all
-- have agreed on opens on the last of these days.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE release_request ADD COLUMN opens_from timestamptz; -- null: it named no day
ALTER TABLE release_answer ADD COLUMN opens_from timestamptz;

-- The columns are history like the others: the chain seals them from here on.
SELECT keep_history('release_request', 'order_id');
SELECT keep_history('release_answer', 'answer_id');
