-- Runs before the code that needs it. Who has taken a task, so that two operators do not key in the same; and the index by
-- which a phone order's page finds the staff of a unit.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE task ADD COLUMN claimed_by text, ADD COLUMN claimed_at timestamptz; -- null: nobody has
CREATE INDEX staff_assignment_unit ON staff_assignment (unit);
