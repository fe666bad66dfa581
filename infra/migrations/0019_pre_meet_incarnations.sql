-- Runs before the code that needs it. The store knows which database it lives in: the cluster and the timeline of its log.
-- Another one means a fail-over or a restore, after which numbers that were given out may be unknown here.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE incarnation (
  incarnation_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  system_identifier bigint NOT NULL,
  timeline          bigint NOT NULL,
  position          pg_lsn NOT NULL, -- of the log, when it was met
  known_from        timestamptz NOT NULL
);

DO $do$
BEGIN
  EXECUTE replace(replace($sql$

-- Whether the database is another one than was met last; then the numbers that are seen outside skip ahead, once: state
-- versions and outbox ids to a million times the seconds since 2025, which no incarnation before can have come to, so that
-- whoever keeps the highest takes what is new. Whoever holds a partition is fenced. Runs as the owner.
CREATE FUNCTION @schema@.meet_incarnation() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp SET lock_timeout = '10s' AS $$
DECLARE
  cluster bigint := (pg_control_system()).system_identifier;
  line    bigint := ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint;
  last    record;
  known   boolean;
BEGIN
  SELECT i.system_identifier, i.timeline INTO last FROM @schema@.incarnation i ORDER BY i.incarnation_id DESC LIMIT 1;
  known := FOUND;
  IF known AND last.system_identifier = cluster AND last.timeline = line THEN
    RETURN false;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended(@name@ || ':incarnation', 0));
  SELECT i.system_identifier, i.timeline INTO last FROM @schema@.incarnation i ORDER BY i.incarnation_id DESC LIMIT 1;
  known := FOUND;
  IF known AND last.system_identifier = cluster AND last.timeline = line THEN
    RETURN false;
  END IF;
  INSERT INTO @schema@.incarnation (system_identifier, timeline, position, known_from)
       VALUES (cluster, line, pg_current_wal_lsn(), clock_timestamp());
  IF NOT known THEN
    RETURN false;
  END IF;
  PERFORM setval('@schema@.outbox_id_seq', greatest(nextval('@schema@.outbox_id_seq') + 100000000,
            (extract(epoch FROM clock_timestamp() - timestamptz '2025-01-01 00:00:00+00') * 1000000)::bigint));
  PERFORM setval('@schema@.registration', nextval('@schema@.registration') + 1000000);
  PERFORM setval('@schema@.person_person_id_seq', nextval('@schema@.person_person_id_seq') + 1000000);
  UPDATE @schema@.consumer_offset SET generation = generation + 1000000;
  RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION @schema@.meet_incarnation FROM PUBLIC;
  $sql$, '@schema@', quote_ident(current_schema())), '@name@', quote_literal(current_schema()));
END $do$;
