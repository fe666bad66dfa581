-- Runs before the code that needs it. Functions that run as the tables' owner name what they touch: a temporary table
-- of the caller is never taken for one of ours. Each function here and each later one has the search path
-- pg_catalog, this schema, pg_temp, and names its tables with their schema; a test holds them to it. `@schema@` stands
-- for the schema as SQL writes it, `@name@` for its name as a text.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

DO $do$
BEGIN
  EXECUTE replace(replace($sql$

-- Refuses a change of history, whoever asks. Erasure is the one exception: it runs as the tables' owner inside
-- `erase_person` and the `purge_…` functions, which alone set the mark.
CREATE OR REPLACE FUNCTION @schema@.refuse_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
  IF TG_OP <> 'TRUNCATE'
     AND current_setting('sigill.erasing', true) = 'on'
     AND current_user = (SELECT pg_catalog.pg_get_userbyid(relowner) FROM pg_catalog.pg_class WHERE oid = TG_RELID) THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION '% of % is refused: its rows are history', lower(TG_OP), TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE FUNCTION @schema@.demand_second_operator() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
  IF NEW.approved
     AND NEW.operator = (SELECT p.operator FROM @schema@.proposal p WHERE p.proposal_id = NEW.proposal_id) THEN
    RAISE EXCEPTION 'a proposal is approved by a second operator' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;

-- The moment that keeping is counted from: the caller's, but never later than the server's, so that nobody ends the
-- keeping of anything by saying that it is another year.
CREATE OR REPLACE FUNCTION @schema@.counted_from(at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE
SET search_path = pg_catalog, @schema@, pg_temp AS $$
  SELECT least(at, clock_timestamp())
$$;

-- Removes all that says who a person is, and leaves what proves that things were done. Returns the places of the
-- audit entries whose personal part went: the caller writes them into the chain. A person who is not known to be dead
-- and whom a measure protects or lets somebody see is refused.
CREATE OR REPLACE FUNCTION @schema@.erase_person(erased bigint, at timestamptz) RETURNS TABLE (chain text, pos bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
  gone bigint[];
  held text[];
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(@name@ || ':person:' || erased, 0));
  SELECT array_agg(DISTINCT ids.id) INTO gone
    FROM (SELECT erased AS id UNION SELECT m.person_id FROM @schema@.person_merge m WHERE m.into_id = erased) ids;
  IF NOT EXISTS (SELECT FROM @schema@.person_version v WHERE v.person_id = ANY (gone) AND v.died_on IS NOT NULL)
     AND EXISTS (
       SELECT FROM @schema@.measure m
         JOIN @schema@.measure_version v ON v.measure_id = m.measure_id
        WHERE m.person_id = ANY (gone)
          AND (v.valid_to IS NULL OR v.valid_to > clock_timestamp())
          AND v.version = (SELECT max(n.version) FROM @schema@.measure_version n WHERE n.measure_id = v.measure_id)
          AND NOT coalesce(
                (SELECT p.birth_latest + make_interval(years => v.ends_at_age) < clock_timestamp() - interval '1 day'
                   FROM @schema@.person_version p
                  WHERE p.person_id = m.person_id
                  ORDER BY p.sequence DESC LIMIT 1), false)) THEN
    RAISE EXCEPTION 'a living person with a measure in force is not erased' USING ERRCODE = 'insufficient_privilege';
  END IF;
  SELECT coalesce(array_agg(DISTINCT i.key), '{}') INTO held
    FROM @schema@.person_identity i WHERE i.person_id = ANY (gone);
  INSERT INTO @schema@.person_erasure (person_id, keys, known_from) VALUES (erased, held, at);

  PERFORM set_config('sigill.erasing', 'on', true);
  UPDATE @schema@.signed_order s SET original = NULL, payload = NULL WHERE s.person_id = ANY (gone);
  UPDATE @schema@.order_outcome o SET receipt = NULL
    FROM @schema@.signed_order s WHERE s.registration = o.registration AND s.person_id = ANY (gone);
  UPDATE @schema@.dead_letter d SET value = NULL, headers = '[]'
   WHERE d.key = ANY (SELECT convert_to(k, 'UTF8') FROM unnest(held) k);
  DELETE FROM @schema@.pending_order p WHERE p.person_id = ANY (gone);
  DELETE FROM @schema@.timer t WHERE t.person_id = ANY (gone);
  DELETE FROM @schema@.task t WHERE t.person_id = ANY (gone);
  DELETE FROM @schema@.outbox b WHERE b.aggregateid = ANY (held) AND b.published_at IS NOT NULL;
  DELETE FROM @schema@.custody c WHERE c.child_id = ANY (gone);
  DELETE FROM @schema@.person_name n WHERE n.person_id = ANY (gone);
  DELETE FROM @schema@.person_version v WHERE v.person_id = ANY (gone);
  DELETE FROM @schema@.person_identity i WHERE i.person_id = ANY (gone);
  RETURN QUERY
    DELETE FROM @schema@.audit_personal a WHERE a.person_id = ANY (gone) RETURNING a.chain, a.position;
  PERFORM set_config('sigill.erasing', 'off', true);
END $$;

-- Ends the keeping of access log rows older than `before`, which is five years ago at the latest.
CREATE OR REPLACE FUNCTION @schema@.purge_access_log(before timestamptz, at timestamptz) RETURNS TABLE (look_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
  IF before > @schema@.counted_from(at) - interval '5 years' THEN
    RAISE EXCEPTION 'the access log is kept for five years' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM set_config('sigill.erasing', 'on', true);
  RETURN QUERY DELETE FROM @schema@.access_log l WHERE l.looked_at < before RETURNING l.look_id;
  PERFORM set_config('sigill.erasing', 'off', true);
END $$;

-- Empties dead letters older than `before` that are dealt with; the row, its place and its reason stay.
CREATE OR REPLACE FUNCTION @schema@.purge_dead_letters(before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
  emptied bigint;
BEGIN
  PERFORM set_config('sigill.erasing', 'on', true);
  UPDATE @schema@.dead_letter d SET value = NULL, headers = '[]'
   WHERE d.known_from < @schema@.counted_from(before) AND d.value IS NOT NULL
     AND EXISTS (SELECT FROM @schema@.dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id);
  GET DIAGNOSTICS emptied = ROW_COUNT;
  PERFORM set_config('sigill.erasing', 'off', true);
  RETURN emptied;
END $$;

-- Orders that came before `before`, wait for nothing, and that no measure rests on which was in force since then.
-- A measure that ends with an age has ended when everybody born as late as its patient may be has reached it.
CREATE OR REPLACE FUNCTION @schema@.lapsed_orders(before timestamptz, after bigint, most integer)
RETURNS TABLE (registration bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, @schema@, pg_temp AS $$
  SELECT s.registration
    FROM @schema@.signed_order s
   WHERE s.received_at < before AND s.original IS NOT NULL AND s.registration > after
     AND NOT EXISTS (SELECT FROM @schema@.pending_order p WHERE p.registration = s.registration)
     AND NOT EXISTS (
       SELECT FROM @schema@.measure_version v
        WHERE v.orders @> ARRAY[s.order_id]
          AND (v.valid_to IS NULL OR v.valid_to >= before)
          AND NOT coalesce(
                (SELECT p.birth_latest + make_interval(years => v.ends_at_age) < before - interval '1 day'
                   FROM @schema@.person_version p
                  WHERE p.person_id = s.person_id
                  ORDER BY p.sequence DESC LIMIT 1), false)
          AND v.version = (SELECT max(newest.version) FROM @schema@.measure_version newest
                            WHERE newest.measure_id = v.measure_id))
   ORDER BY s.registration
   LIMIT most
$$;

-- Empties lapsed orders and the receipts that repeat what stood in them, a year ago at the latest; a row's
-- digests, outcomes and places stay, and the audit chain with them.
CREATE OR REPLACE FUNCTION @schema@.purge_evidence(before timestamptz, at timestamptz, after bigint, most integer)
RETURNS TABLE (registration bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
  gone bigint[];
BEGIN
  IF before > @schema@.counted_from(at) - interval '1 year' THEN
    RAISE EXCEPTION 'signed orders are kept for a year at least' USING ERRCODE = 'insufficient_privilege';
  END IF;
  SELECT coalesce(array_agg(l.registration), '{}') INTO gone FROM @schema@.lapsed_orders(before, after, most) l;
  PERFORM set_config('sigill.erasing', 'on', true);
  UPDATE @schema@.order_outcome o SET receipt = NULL WHERE o.registration = ANY (gone);
  RETURN QUERY
    UPDATE @schema@.signed_order s SET original = NULL, payload = NULL
     WHERE s.registration = ANY (gone) RETURNING s.registration;
  PERFORM set_config('sigill.erasing', 'off', true);
END $$;

-- Writes looks, in the order given, and one entry with their digests at the end of a chain, as workers/store/audit.py
-- links entries. `digests` are made by the caller from the salts; nothing here could be left out of the chain.
CREATE OR REPLACE FUNCTION @schema@.log_looks(at timestamptz, to_chain text, actors text[], units text[],
  persons bigint[], reasons text[], shown_texts text[], salts bytea[], digests bytea[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
  body text;
  line text;
  last record;
BEGIN
  WITH written AS (
    INSERT INTO @schema@.access_log (looked_at, actor, actor_unit, person_id, reason, shown, salt, digest)
    SELECT at, n.actor, n.actor_unit, n.person_id, n.reason, n.shown, n.salt, n.digest
      FROM unnest(actors, units, persons, reasons, shown_texts, salts, digests)
           WITH ORDINALITY AS n (actor, actor_unit, person_id, reason, shown, salt, digest, place)
     ORDER BY n.place
    RETURNING look_id
  ), placed AS (
    SELECT w.look_id, row_number() OVER (ORDER BY w.look_id) AS place FROM written w
  )
  SELECT '{"looks":[' || string_agg('[' || p.look_id || ',"' || encode(d.digest, 'hex') || '"]', ',' ORDER BY p.place)
         || ']}' INTO body
    FROM placed p JOIN unnest(digests) WITH ORDINALITY AS d (digest, place) USING (place);

  PERFORM pg_advisory_xact_lock(hashtextextended(@name@ || ':chain:' || to_chain, 0));
  SELECT a.position, a.row_hash INTO last
    FROM @schema@.audit_entry a WHERE a.chain = to_chain ORDER BY a.position DESC LIMIT 1;
  IF NOT FOUND THEN
    SELECT 0::bigint AS position, decode(repeat('00', 32), 'hex') AS row_hash INTO last;
  END IF;
  line := '{"action":"looked","actor":"access-log","at":"'
          || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00","body":' || body
          || ',"chain":' || to_json(to_chain)::text || ',"personal":null}';
  INSERT INTO @schema@.audit_entry (chain, position, recorded_at, actor, action, body, prev_hash, row_hash)
  VALUES (to_chain, last.position + 1, at, 'access-log', 'looked', body, last.row_hash,
          sha256(last.row_hash || convert_to(line, 'UTF8')));
END $$;

-- Makes the partitions ahead of the highest id; returns how many. With events in the rest PostgreSQL reads that whole,
-- under a lock that nobody passes: with many there none is made, and what comes goes there too, until it was let go.
-- Runs as the owner: the relay's role may not create tables. The sizes are the owner's to choose, not the relay's.
CREATE OR REPLACE FUNCTION @schema@.extend_outbox(size bigint DEFAULT 1000000, most_in_rest bigint DEFAULT 268435456)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  top   bigint := coalesce((SELECT max(b.id) FROM @schema@.outbox b), 0);
  first bigint;
  part  text;
  made  integer := 0;
BEGIN
  IF NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
    size := 1000000;
    most_in_rest := 268435456;
  END IF;
  IF NOT pg_try_advisory_xact_lock(hashtextextended(@name@ || ':extend_outbox', 0))
     OR pg_relation_size('@schema@.outbox_rest') > most_in_rest THEN
    RETURN 0;
  END IF;
  FOR ahead IN 0..2 LOOP
    first := (top / size + ahead) * size;
    part := format('%I.%I', @name@, format('outbox_p%s', first));
    IF to_regclass(part) IS NULL
       AND NOT EXISTS (SELECT FROM @schema@.outbox_rest r WHERE r.id >= first AND r.id < first + size) THEN
      EXECUTE format('CREATE TABLE %s PARTITION OF @schema@.outbox FOR VALUES FROM (%s) TO (%s) '
                     'WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000)',
                     part, first, first + size);
      made := made + 1;
    END IF;
  END LOOP;
  RETURN made;
END $$;

-- Lets go of what is published and older than `keep_from`, which is an hour ago at the latest: a whole partition where
-- nothing else is in it, else at most ten thousand rows of each. Returns the number of rows that went. Ids follow time,
-- so that the first row says whether there is anything old, and nothing is read behind the first that is new. Tables
-- are dropped last, since that takes a lock that nobody passes, and each is looked through once more under that lock:
-- an event may have been committed since. Runs as the owner: the relay's role may not drop tables.
CREATE OR REPLACE FUNCTION @schema@.rotate_outbox(keep_from timestamptz, size bigint DEFAULT 1000000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  top     bigint := coalesce((SELECT max(b.id) FROM @schema@.outbox b), 0);
  name    text;
  part    text;
  behind  boolean;
  oldest  timestamptz;
  newer   bigint;
  waiting boolean;
  over    text[] := '{}';
  gone    bigint := 0;
  here    bigint;
BEGIN
  keep_from := least(keep_from, clock_timestamp() - interval '1 hour');
  IF NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
    size := 1000000;
  END IF;
  IF NOT pg_try_advisory_xact_lock(hashtextextended(@name@ || ':rotate_outbox', 0)) THEN
    RETURN 0;
  END IF;
  FOR name IN SELECT c.relname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = '@schema@.outbox'::regclass ORDER BY c.relname LOOP
    part := format('%I.%I', @name@, name);
    behind := name <> 'outbox_rest' AND (top / size) * size > split_part(name, '_p', 2)::bigint;
    EXECUTE format('SELECT created_at FROM %s ORDER BY id LIMIT 1', part) INTO oldest;
    IF oldest IS NULL THEN
      IF behind THEN over := over || part; END IF;
      CONTINUE;
    END IF;
    CONTINUE WHEN oldest >= keep_from;
    EXECUTE format('SELECT id FROM %s WHERE created_at >= $1 ORDER BY id LIMIT 1', part) INTO newer USING keep_from;
    IF behind AND newer IS NULL THEN
      EXECUTE format('SELECT coalesce(bool_or(published_at IS NULL OR published_at >= $1), false) FROM %s', part)
         INTO waiting USING keep_from;
      IF NOT waiting THEN
        over := over || part;
        CONTINUE;
      END IF;
    END IF;
    EXECUTE format('DELETE FROM %s WHERE id IN (SELECT id FROM %s WHERE id < coalesce($2, 9223372036854775807) '
                   'AND published_at < $1 ORDER BY id LIMIT 10000)', part, part) USING keep_from, newer;
    GET DIAGNOSTICS here = ROW_COUNT;
    gone := gone + here;
  END LOOP;
  PERFORM @schema@.extend_outbox(size); -- for a relay of before, which asks for nothing else
  FOREACH part IN ARRAY over LOOP
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', part);
    EXECUTE format('SELECT count(*), coalesce(bool_or(published_at IS NULL OR published_at >= $1), false) FROM %s', part)
       INTO here, waiting USING keep_from;
    CONTINUE WHEN waiting;
    EXECUTE format('DROP TABLE %s', part);
    gone := gone + here;
  END LOOP;
  RETURN gone;
END $$;

-- PostgreSQL lets everybody run a new function; infra/roles.sql says who needs which
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA @schema@ FROM PUBLIC;
  $sql$, '@schema@', quote_ident(current_schema())), '@name@', quote_literal(current_schema()));
END $do$;
