-- Runs before the code that needs it. What makes room for events ahead is asked every minute, and for itself: a midnight
-- brings millions within the hour. And what lets go of old ones no longer reads what is new, nor holds a lock while it
-- reads.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

-- Makes the partitions ahead of the highest id; returns how many. With events in the rest PostgreSQL reads that whole,
-- under a lock that nobody passes: with many there none is made, and what comes goes there too, until it was let go.
-- Runs as the owner: the relay's role may not create tables.
CREATE FUNCTION extend_outbox(size bigint DEFAULT 1000000, most_in_rest bigint DEFAULT 268435456) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
DECLARE
  top   bigint := coalesce((SELECT max(id) FROM outbox), 0);
  first bigint;
  part  text;
  made  integer := 0;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ':extend_outbox', 0))
     OR pg_relation_size('outbox_rest') > most_in_rest THEN
    RETURN 0;
  END IF;
  FOR ahead IN 0..2 LOOP
    first := (top / size + ahead) * size;
    part := format('outbox_p%s', first);
    IF to_regclass(part) IS NULL AND NOT EXISTS (SELECT FROM outbox_rest WHERE id >= first AND id < first + size) THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF outbox FOR VALUES FROM (%s) TO (%s) '
                     'WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000)',
                     part, first, first + size);
      made := made + 1;
    END IF;
  END LOOP;
  RETURN made;
END $$;
REVOKE EXECUTE ON FUNCTION extend_outbox FROM PUBLIC;

-- Lets go of what is published and older than `keep_from`: a whole partition where nothing else is in it, else at most
-- ten thousand rows of each. Returns the number of rows that went. Ids follow time, so that the first row says whether
-- there is anything old, and nothing is read behind the first that is new. Tables are dropped last, since that takes a
-- lock that nobody passes. Runs as the owner: the relay's role may not drop tables.
CREATE OR REPLACE FUNCTION rotate_outbox(keep_from timestamptz, size bigint DEFAULT 1000000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
DECLARE
  top     bigint := coalesce((SELECT max(id) FROM outbox), 0);
  part    text;
  behind  boolean;
  oldest  timestamptz;
  newer   bigint;
  waiting boolean;
  over    text[] := '{}';
  gone    bigint := 0;
  here    bigint;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ':rotate_outbox', 0)) THEN
    RETURN 0;
  END IF;
  FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = 'outbox'::regclass ORDER BY c.relname LOOP
    behind := part <> 'outbox_rest' AND (top / size) * size > split_part(part, '_p', 2)::bigint;
    EXECUTE format('SELECT created_at FROM %I ORDER BY id LIMIT 1', part) INTO oldest;
    IF oldest IS NULL THEN
      IF behind THEN over := over || part; END IF;
      CONTINUE;
    END IF;
    CONTINUE WHEN oldest >= keep_from;
    EXECUTE format('SELECT id FROM %I WHERE created_at >= $1 ORDER BY id LIMIT 1', part) INTO newer USING keep_from;
    IF behind AND newer IS NULL THEN
      EXECUTE format('SELECT count(*), coalesce(bool_or(published_at IS NULL OR published_at >= $1), false) FROM %I', part)
         INTO here, waiting USING keep_from;
      IF NOT waiting THEN
        over := over || part;
        gone := gone + here;
        CONTINUE;
      END IF;
    END IF;
    EXECUTE format('DELETE FROM %I WHERE id IN (SELECT id FROM %I WHERE id < coalesce($2, 9223372036854775807) '
                   'AND published_at < $1 ORDER BY id LIMIT 10000)', part, part) USING keep_from, newer;
    GET DIAGNOSTICS here = ROW_COUNT;
    gone := gone + here;
  END LOOP;
  PERFORM extend_outbox(size); -- for a relay of before, which asks for nothing else
  FOREACH part IN ARRAY over LOOP
    EXECUTE format('DROP TABLE %I', part);
  END LOOP;
  RETURN gone;
END $$;

-- a new database has its first partitions before its first event: nothing need ever lie in the rest
SELECT extend_outbox();
