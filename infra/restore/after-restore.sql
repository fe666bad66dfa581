-- The workers do this by themselves at their start, when the cluster or the timeline is another one than was met last.
-- To be run by hand, by the owner of the tables, only where the database does not tell (a managed one may not):
--   psql -v ON_ERROR_STOP=1 -v schema=sigill -f after-restore.sql
--
-- Numbers that were given out after the point have been seen outside: state versions by Journalen, registration
-- numbers in letters. The sequences skip far ahead, so that none is ever given to something else. Running it again
-- only skips further.

SET search_path TO :"schema";
BEGIN;
-- state versions and outbox ids: readers of access.state.v1 keep the highest version. A million times the seconds since
-- 2025 is more than any database before can have come to
SELECT setval(pg_get_serial_sequence('outbox', 'id'),
              greatest(nextval(pg_get_serial_sequence('outbox', 'id')) + 100000000,
                       (extract(epoch FROM clock_timestamp() - timestamptz '2025-01-01 00:00:00+00') * 1000000)::bigint));
-- registration numbers (diarienummer), which stand in receipts and letters
SELECT setval('registration', nextval('registration') + 1000000);
-- surrogates of persons, which stand in the audit log of systems that read it
SELECT setval(pg_get_serial_sequence('person', 'person_id'),
              nextval(pg_get_serial_sequence('person', 'person_id')) + 1000000);
-- whoever still believes to hold a partition is refused: its generation is below the one that the next owner takes
UPDATE consumer_offset SET generation = generation + 1000000;
COMMIT;
