-- Takes away what only the release before used: the column `digest` of the access log (the chain has it), and the function
-- that ended lines one by one. The log is a partition a month, so that an end of keeping drops a table; what was there before is
-- one partition, attached without a look through it (0044, 0045 have proven its bound).
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '60s';

DO $do$
BEGIN
  EXECUTE replace(replace($sql$

-- Makes a table that lines of the access log may lie in, not yet a part of it. Of the indexes none is unique: nothing but the
-- identity gives numbers, and `sigill audit verify` finds one that is there twice. Many lines share an actor, and some a
-- patient or a moment: PostgreSQL keeps those once.
CREATE FUNCTION @schema@.make_access_log_part(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE TABLE @schema@.%I (LIKE @schema@.access_log INCLUDING STORAGE)', name);
  EXECUTE format('CREATE INDEX %I ON @schema@.%I (person_id)', name || '_person', name);
  EXECUTE format('CREATE INDEX %I ON @schema@.%I (actor)', name || '_actor', name);
  EXECUTE format('CREATE INDEX %I ON @schema@.%I (looked_at)', name || '_time', name);
  EXECUTE format('CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON @schema@.%I '
                 'FOR EACH STATEMENT EXECUTE FUNCTION @schema@.refuse_change()', name);
END $$;

-- Makes the partitions of this month and the three after it (UTC); returns how many lines lie in no month, that is in
-- `access_log_rest`: lines always find a place. A month is attached, not created in place, so that nobody who writes a line
-- waits; one that has lines in the rest is left there. Runs as the owner: who calls it may not create tables.
CREATE FUNCTION @schema@.extend_access_log(most_in_rest bigint DEFAULT 268435456) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp SET lock_timeout = '300ms'
SET timezone = 'UTC' AS $$
DECLARE
  first timestamptz;
  name  text;
BEGIN
  IF NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
    most_in_rest := 268435456;
  END IF;
  IF pg_try_advisory_xact_lock(hashtextextended(@name@ || ':extend_access_log', 0))
     AND pg_relation_size('@schema@.access_log_rest') <= most_in_rest THEN
    FOR ahead IN 0..3 LOOP
      first := date_trunc('month', clock_timestamp()) + make_interval(months => ahead);
      name := to_char(first, '"access_log_y"YYYY"m"MM');
      CONTINUE WHEN to_regclass(format('@schema@.%I', name)) IS NOT NULL;
      BEGIN
        PERFORM @schema@.make_access_log_part(name);
        EXECUTE format('ALTER TABLE @schema@.access_log ATTACH PARTITION @schema@.%I FOR VALUES FROM (%L) TO (%L)',
                       name, first, first + interval '1 month');
      EXCEPTION WHEN invalid_object_definition OR check_violation OR lock_not_available THEN
        NULL; -- within what was there before the months; or with lines in the rest; or somebody reads the rest: the next time
      END;
    END LOOP;
  END IF;
  RETURN (SELECT count(*) FROM @schema@.access_log_rest);
END $$;

  $sql$, '@schema@', quote_ident(current_schema())), '@name@', quote_literal(current_schema()));
END $do$;

DO $do$
DECLARE
  here  text := current_schema();
  bound text;
  next  bigint;
  empty boolean;
  held  record;
BEGIN
  EXECUTE format('LOCK TABLE %I.access_log IN ACCESS EXCLUSIVE MODE', here);
  bound := substring(
    (SELECT pg_get_constraintdef(c.oid) FROM pg_constraint c
      WHERE c.conrelid = format('%I.access_log', here)::regclass AND c.conname = 'access_log_bound') FROM '''([^'']+)''');
  empty := NOT EXISTS (SELECT FROM access_log);
  next := nextval(pg_get_serial_sequence(format('%I.access_log', here), 'look_id'));
  ALTER TABLE access_log RENAME TO access_log_before;
  ALTER TABLE access_log_before ALTER COLUMN look_id DROP IDENTITY;
  ALTER TABLE access_log_before DROP CONSTRAINT access_log_pkey;
  ALTER TABLE access_log_before DROP COLUMN digest;
  EXECUTE format(
    'CREATE TABLE access_log ('
    '  look_id    bigint GENERATED ALWAYS AS IDENTITY (START WITH %s),'
    '  looked_at  timestamptz NOT NULL,'
    '  person_id  bigint NOT NULL,'
    '  actor      text NOT NULL,' -- operator or client
    '  actor_unit text,'
    '  reason     text NOT NULL,'
    '  shown      text NOT NULL,' -- what was shown or done
    '  salt       bytea NOT NULL' -- of the digest that an audit entry holds of the line
    ') PARTITION BY RANGE (looked_at)', next);
  CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
  -- the rights at once, not with roles.sql after the last migration: no look is refused meanwhile
  FOR held IN
    SELECT g.privilege_type || coalesce(' (' || quote_ident(g.attname) || ')', '') AS what,
           CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END AS grantee
      FROM (SELECT e.grantee, e.privilege_type, NULL AS attname
              FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) e
             WHERE c.oid = 'access_log_before'::regclass AND e.grantee <> c.relowner
            UNION ALL
            SELECT e.grantee, e.privilege_type, a.attname
              FROM pg_attribute a CROSS JOIN LATERAL aclexplode(a.attacl) e
             WHERE a.attrelid = 'access_log_before'::regclass AND NOT a.attisdropped) g LOOP
    EXECUTE format('GRANT %s ON access_log TO %s', held.what, held.grantee);
  END LOOP;
  IF empty THEN
    DROP TABLE access_log_before;
  ELSE
    EXECUTE format('ALTER TABLE access_log ATTACH PARTITION access_log_before FOR VALUES FROM (MINVALUE) TO (%L)', bound);
  END IF;
  PERFORM make_access_log_part('access_log_rest');
  ALTER TABLE access_log ATTACH PARTITION access_log_rest DEFAULT;
  PERFORM extend_access_log();
END $do$;

DROP FUNCTION purge_access_log(timestamptz, timestamptz);

DO $do$
BEGIN
  EXECUTE replace(replace($sql$

-- Ends the keeping of the months of the access log that were over at `before`, which is five years ago at the latest; returns
-- the numbers of the lines that went, as spans of neighbours, both ends included. A month's partition is dropped; of the lines
-- in no month's the old ones are deleted. Where somebody reads the log, whoever writes a line waits for 0.3 s, and the month goes the next time.
CREATE FUNCTION @schema@.purge_access_log(before timestamptz, at timestamptz)
RETURNS TABLE (first_look bigint, last_look bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp SET lock_timeout = '300ms'
SET timezone = 'UTC' AS $$
DECLARE
  over  timestamptz := date_trunc('month', before);
  part  record;
  spans text := 'SELECT min(n.look_id), max(n.look_id) '
                'FROM (SELECT g.look_id, g.look_id - row_number() OVER (ORDER BY g.look_id) AS gap FROM %s g) n GROUP BY n.gap';
BEGIN
  IF before > @schema@.counted_from(at) - interval '5 years' THEN
    RAISE EXCEPTION 'the access log is kept for five years' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM set_config('sigill.erasing', 'on', true);
  FOR part IN SELECT format('%I.%I', @name@, c.relname) AS name,
                     substring(pg_get_expr(c.relpartbound, c.oid) FROM $r$TO \('([^']+)'\)$r$)::timestamptz AS until,
                     c.relname IN ('access_log_before', 'access_log_rest') AS of_no_month
                FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = '@schema@.access_log'::regclass ORDER BY c.relname LOOP
    BEGIN
      IF part.until <= over THEN
        EXECUTE format('LOCK TABLE @schema@.access_log, %s IN ACCESS EXCLUSIVE MODE', part.name);
        RETURN QUERY EXECUTE format(spans, part.name);
        EXECUTE format('DROP TABLE %s', part.name);
      ELSIF part.of_no_month THEN
        RETURN QUERY EXECUTE format('WITH gone AS (DELETE FROM %s l WHERE l.looked_at < $1 RETURNING l.look_id) ', part.name)
                             || format(spans, 'gone') USING over;
      END IF;
    EXCEPTION WHEN lock_not_available THEN
      NULL;
    END;
  END LOOP;
  PERFORM set_config('sigill.erasing', 'off', true);
END $$;

-- Writes looks, in the order given, and one entry with their digests (their first 128 bits) at the end of a chain, as
-- workers/store/audit.py links entries. `digests` are made by the caller from the salts; nothing here could be left out of the chain.
CREATE OR REPLACE FUNCTION @schema@.log_looks(at timestamptz, to_chain text, actors text[], units text[],
  persons bigint[], reasons text[], shown_texts text[], salts bytea[], digests bytea[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
  body text;
  line text;
  last record;
BEGIN
  WITH written AS (
    INSERT INTO @schema@.access_log (looked_at, actor, actor_unit, person_id, reason, shown, salt)
    SELECT at, n.actor, n.actor_unit, n.person_id, n.reason, n.shown, n.salt
      FROM unnest(actors, units, persons, reasons, shown_texts, salts)
           WITH ORDINALITY AS n (actor, actor_unit, person_id, reason, shown, salt, place)
     ORDER BY n.place
    RETURNING look_id
  ), placed AS (
    SELECT w.look_id, row_number() OVER (ORDER BY w.look_id) AS place FROM written w
  )
  SELECT '{"looks":[' || string_agg('[' || p.look_id || ',"' || left(encode(d.digest, 'hex'), 32) || '"]', ',' ORDER BY p.place)
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

REVOKE EXECUTE ON FUNCTION @schema@.make_access_log_part, @schema@.extend_access_log, @schema@.purge_access_log FROM PUBLIC;
  $sql$, '@schema@', quote_ident(current_schema())), '@name@', quote_literal(current_schema()));
END $do$;
