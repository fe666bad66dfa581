-- Runs before the code that needs it. The diary lists what came in and what was decided on a day: both tables grow in order of
-- time, so that a few pages of these indexes find a day.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

CREATE INDEX signed_order_received ON signed_order USING brin (received_at) WITH (pages_per_range = 16);
CREATE INDEX order_outcome_judged ON order_outcome USING brin (judged_at) WITH (pages_per_range = 16);
