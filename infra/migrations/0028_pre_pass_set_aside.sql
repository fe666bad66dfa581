-- Runs before the code that needs it. Since when protective orders pass although the partition that theirs waits for has
-- not been read, since that one was set aside.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE partition_wait ADD COLUMN passed_since timestamptz; -- null: all of its records wait
