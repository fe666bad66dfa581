-- Looks are written in half the bytes. Who asked, and what was shown, are few texts that come again and again: a month keeps each of
-- them once, and a line has their numbers. Months written before stay as they are; the view `access_log` reads both, under the
-- names that the release before uses. Takes away what that release alone used: the right to write a line but by `log_looks`.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '60s';

DO $do$
DECLARE
  here text := current_schema();
  next bigint;
  held record;
  part record;
  none boolean;
BEGIN
  EXECUTE format('LOCK TABLE %I.access_log IN ACCESS EXCLUSIVE MODE', here);
  next := nextval(pg_get_serial_sequence(format('%I.access_log', here), 'look_id'));
  ALTER TABLE access_log RENAME TO access_log_whole;
  EXECUTE format(
    'CREATE TABLE access_log_line ('
    '  look_id   bigint GENERATED ALWAYS AS IDENTITY (START WITH %s),'
    '  looked_at timestamptz NOT NULL,'
    '  person_id bigint NOT NULL,'
    '  asker_id  bigint NOT NULL,'
    '  shown_id  bigint NOT NULL,'
    '  about     bigint,' -- the first person that `shown` tells of beside the patient; stands there as {}
    '  salt      uuid NOT NULL' -- of the digest that an audit entry holds of the line; 16 bytes, no UUID of any version
    ') PARTITION BY RANGE (looked_at)', next);

  -- Texts of a month (its first day, UTC), for the lines of that month alone: they go with it. Nothing makes them unique: of two
  -- who write a new one at the same moment neither waits for the other, and each keeps it once.
  CREATE TABLE access_log_asker (
    asker_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month      date NOT NULL,
    actor      text NOT NULL, -- operator or client
    actor_unit text,
    reason     text NOT NULL
  );
  CREATE INDEX access_log_asker_text ON access_log_asker
    (month, hashtextextended(actor || chr(31) || coalesce(actor_unit, '') || chr(31) || reason, 0));
  CREATE INDEX access_log_asker_actor ON access_log_asker (actor);
  CREATE TABLE access_log_shown (
    shown_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month    date NOT NULL,
    shown    text NOT NULL -- what was shown or done
  );
  CREATE INDEX access_log_shown_text ON access_log_shown (month, hashtextextended(shown, 0));

  CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log_asker
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log_shown
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

  CREATE VIEW access_log AS
    SELECT w.look_id, w.looked_at, w.actor, w.actor_unit, w.person_id, w.reason, w.shown, w.salt FROM access_log_whole w
    UNION ALL
    SELECT l.look_id, l.looked_at, a.actor, a.actor_unit, l.person_id, a.reason,
           CASE WHEN l.about IS NULL THEN s.shown ELSE replace(s.shown, '{}', l.about::text) END, uuid_send(l.salt)
      FROM access_log_line l
           LEFT JOIN access_log_asker a ON a.asker_id = l.asker_id
           LEFT JOIN access_log_shown s ON s.shown_id = l.shown_id;

  -- the rights at once, not with roles.sql after the last migration: nobody who reads the log is refused meanwhile
  FOR held IN
    SELECT DISTINCT e.grantee::regrole::text AS grantee, bool_or(e.privilege_type = 'SELECT') AS reads
      FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) e
     WHERE c.oid = 'access_log_whole'::regclass AND e.grantee NOT IN (0, c.relowner) GROUP BY e.grantee LOOP
    EXECUTE format('REVOKE ALL ON access_log_whole FROM %s', held.grantee);
    EXECUTE format('REVOKE ALL (look_id) ON access_log_whole FROM %s', held.grantee);
    IF held.reads THEN
      EXECUTE format('GRANT SELECT ON access_log, access_log_whole, access_log_line, access_log_asker, access_log_shown TO %s',
                     held.grantee);
    END IF;
  END LOOP;
  FOR part IN SELECT i.inhrelid::regclass AS name FROM pg_inherits i WHERE i.inhparent = 'access_log_whole'::regclass LOOP
    EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s)', part.name) INTO none;
    IF none THEN
      EXECUTE format('DROP TABLE %s', part.name);
    END IF;
  END LOOP;
END $do$;

DO $do$
BEGIN
  EXECUTE replace(replace($sql$

CREATE OR REPLACE FUNCTION @schema@.make_access_log_part(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE TABLE @schema@.%I (LIKE @schema@.access_log_line INCLUDING STORAGE)', name);
  EXECUTE format('CREATE INDEX %I ON @schema@.%I (person_id)', name || '_person', name);
  EXECUTE format('CREATE INDEX %I ON @schema@.%I (asker_id)', name || '_asker', name);
  EXECUTE format('CREATE INDEX %I ON @schema@.%I (looked_at)', name || '_time', name);
  EXECUTE format('CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON @schema@.%I '
                 'FOR EACH STATEMENT EXECUTE FUNCTION @schema@.refuse_change()', name);
END $$;

-- Makes the partitions of this month and the three after it (UTC); returns how many lines lie in no month, that is in
-- `access_log_line_rest`: lines always find a place. A month is attached, not created in place, so that nobody who writes a line
-- waits; one that has lines in the rest is left there. Runs as the owner: who calls it may not create tables.
CREATE OR REPLACE FUNCTION @schema@.extend_access_log(most_in_rest bigint DEFAULT 268435456) RETURNS bigint
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
     AND pg_relation_size('@schema@.access_log_line_rest') <= most_in_rest THEN
    FOR ahead IN 0..3 LOOP
      first := date_trunc('month', clock_timestamp()) + make_interval(months => ahead);
      name := to_char(first, '"access_log_line_y"YYYY"m"MM');
      CONTINUE WHEN to_regclass(format('@schema@.%I', name)) IS NOT NULL;
      BEGIN
        PERFORM @schema@.make_access_log_part(name);
        EXECUTE format('ALTER TABLE @schema@.access_log_line ATTACH PARTITION @schema@.%I FOR VALUES FROM (%L) TO (%L)',
                       name, first, first + interval '1 month');
      EXCEPTION WHEN invalid_object_definition OR check_violation OR lock_not_available THEN
        NULL; -- with lines in the rest; or somebody reads the rest: the next time
      END;
    END LOOP;
  END IF;
  RETURN (SELECT count(*) FROM @schema@.access_log_line_rest);
END $$;

-- Ends the keeping of the months of the access log that were over at `before`, which is five years ago at the latest; returns
-- the numbers of the lines that went, as spans of neighbours, both ends included. A month's partition is dropped; of the lines
-- in no month's the old ones are deleted. The texts of a month go when no line of it is left. Where somebody reads the log,
-- whoever writes a line waits for 0.3 s, and the month goes the next time.
CREATE OR REPLACE FUNCTION @schema@.purge_access_log(before timestamptz, at timestamptz)
RETURNS TABLE (first_look bigint, last_look bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp SET lock_timeout = '300ms'
SET timezone = 'UTC' AS $$
DECLARE
  over  timestamptz := date_trunc('month', before);
  part  record;
  texts record;
  spans text := 'SELECT min(n.look_id), max(n.look_id) '
                'FROM (SELECT g.look_id, g.look_id - row_number() OVER (ORDER BY g.look_id) AS gap FROM %s g) n GROUP BY n.gap';
BEGIN
  IF before > @schema@.counted_from(at) - interval '5 years' THEN
    RAISE EXCEPTION 'the access log is kept for five years' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM set_config('sigill.erasing', 'on', true);
  FOR part IN SELECT format('%I.%I', @name@, c.relname) AS name, format('%I.%I', @name@, p.relname) AS of,
                     substring(pg_get_expr(c.relpartbound, c.oid) FROM $r$TO \('([^']+)'\)$r$)::timestamptz AS until,
                     c.relname IN ('access_log_before', 'access_log_rest', 'access_log_line_rest') AS of_no_month
                FROM pg_catalog.pg_inherits i
                     JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
               WHERE p.oid IN ('@schema@.access_log_whole'::regclass, '@schema@.access_log_line'::regclass)
               ORDER BY c.relname LOOP
    BEGIN
      IF part.until <= over THEN
        EXECUTE format('LOCK TABLE %s, %s IN ACCESS EXCLUSIVE MODE', part.of, part.name);
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
  FOR texts IN SELECT DISTINCT a.month FROM @schema@.access_log_asker a WHERE a.month < over::date LOOP
    IF NOT EXISTS (SELECT FROM @schema@.access_log_line l
                    WHERE l.looked_at >= texts.month AND l.looked_at < texts.month + interval '1 month') THEN
      DELETE FROM @schema@.access_log_asker a WHERE a.month = texts.month;
      DELETE FROM @schema@.access_log_shown s WHERE s.month = texts.month;
    END IF;
  END LOOP;
  PERFORM set_config('sigill.erasing', 'off', true);
END $$;

-- Writes looks, in the order given, and one entry with their digests (their first 128 bits) at the end of a chain, as
-- workers/store/audit.py links entries. `digests` are made by the caller from the salts; nothing here could be left out of the
-- chain. Runs as the owner: whoever writes lines may not read what others wrote, and the month's texts must be found.
CREATE OR REPLACE FUNCTION @schema@.log_looks(at timestamptz, to_chain text, actors text[], units text[],
  persons bigint[], reasons text[], shown_texts text[], salts bytea[], digests bytea[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
  of_month date := date_trunc('month', at AT TIME ZONE 'UTC')::date;
  a_person text := '\mperson ([1-9][0-9]{0,17})\M';
  abouts   bigint[];
  texts    text[];
  body     text;
  line     text;
  last     record;
BEGIN
  SELECT array_agg(t.about ORDER BY t.place),
         array_agg(CASE WHEN t.about IS NULL THEN t.shown ELSE regexp_replace(t.shown, a_person, 'person {}') END ORDER BY t.place)
    INTO abouts, texts
    FROM (SELECT n.shown, n.place,
                 CASE WHEN strpos(n.shown, '{}') = 0 THEN substring(n.shown FROM a_person)::bigint END AS about
            FROM unnest(shown_texts) WITH ORDINALITY AS n (shown, place)) t;

  INSERT INTO @schema@.access_log_asker (month, actor, actor_unit, reason)
  SELECT DISTINCT of_month, n.actor, n.actor_unit, n.reason
    FROM unnest(actors, units, reasons) AS n (actor, actor_unit, reason)
   WHERE NOT EXISTS (
     SELECT FROM @schema@.access_log_asker a
      WHERE a.month = of_month
        AND hashtextextended(a.actor || chr(31) || coalesce(a.actor_unit, '') || chr(31) || a.reason, 0)
            = hashtextextended(n.actor || chr(31) || coalesce(n.actor_unit, '') || chr(31) || n.reason, 0)
        AND a.actor = n.actor AND a.actor_unit IS NOT DISTINCT FROM n.actor_unit AND a.reason = n.reason);
  INSERT INTO @schema@.access_log_shown (month, shown)
  SELECT DISTINCT of_month, n.shown FROM unnest(texts) AS n (shown)
   WHERE NOT EXISTS (
     SELECT FROM @schema@.access_log_shown s
      WHERE s.month = of_month AND hashtextextended(s.shown, 0) = hashtextextended(n.shown, 0) AND s.shown = n.shown);

  WITH written AS (
    INSERT INTO @schema@.access_log_line (looked_at, person_id, asker_id, shown_id, about, salt)
    SELECT at, n.person_id,
           (SELECT min(a.asker_id) FROM @schema@.access_log_asker a
             WHERE a.month = of_month
               AND hashtextextended(a.actor || chr(31) || coalesce(a.actor_unit, '') || chr(31) || a.reason, 0)
                   = hashtextextended(n.actor || chr(31) || coalesce(n.actor_unit, '') || chr(31) || n.reason, 0)
               AND a.actor = n.actor AND a.actor_unit IS NOT DISTINCT FROM n.actor_unit AND a.reason = n.reason),
           (SELECT min(s.shown_id) FROM @schema@.access_log_shown s
             WHERE s.month = of_month AND hashtextextended(s.shown, 0) = hashtextextended(n.shown, 0) AND s.shown = n.shown),
           n.about, encode(n.salt, 'hex')::uuid
      FROM unnest(actors, units, persons, reasons, texts, abouts, salts)
           WITH ORDINALITY AS n (actor, actor_unit, person_id, reason, shown, about, salt, place)
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

-- `log_looks` runs as the owner from here on
REVOKE EXECUTE ON FUNCTION @schema@.log_looks FROM PUBLIC;
  $sql$, '@schema@', quote_ident(current_schema())), '@name@', quote_literal(current_schema()));

  PERFORM make_access_log_part('access_log_line_rest');
  ALTER TABLE access_log_line ATTACH PARTITION access_log_line_rest DEFAULT;
  PERFORM extend_access_log();
END $do$;
