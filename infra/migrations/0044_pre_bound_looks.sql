-- Runs before the code that needs it. The lines of the access log that are there, and those of the next months, become one
-- partition of the log: a bound that is proven beforehand spares a look through them while nobody may write.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '60s';

-- Four months ahead: a migration that was killed here, and is left for weeks, refuses no line.
DO $do$
BEGIN
  EXECUTE format('ALTER TABLE %I.access_log ADD CONSTRAINT access_log_bound CHECK (looked_at < %L) NOT VALID', current_schema(),
                 (SELECT date_trunc('month', greatest(now(), max(looked_at)) AT TIME ZONE 'UTC') + interval '4 months'
                    FROM access_log) AT TIME ZONE 'UTC');
END $do$;
