-- Runs before the code that needs it. The store can be held against the audit chain: each row of history gets a seal (a
-- salt, so that its digest tells nothing once the row is erased), and each statement that writes such rows an entry
-- with their digests, whoever ran it. A later migration that makes a history table, or changes the columns of one,
-- calls keep_history for it; a test says so.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '60s';

-- The columns that the digests of a table's rows are made of. A changed table has a new shape; old entries keep theirs.
CREATE TABLE history_shape (
  table_name text COLLATE "C" NOT NULL,
  shape      integer NOT NULL,
  key        text NOT NULL,   -- SQL: what names a row, never anything personal
  kept       text NOT NULL,   -- SQL: the columns that stay for ever, or as long as their row
  contents   text,            -- SQL: those that are emptied when their keeping ends
  PRIMARY KEY (table_name, shape)
);

DO $do$
BEGIN
  EXECUTE replace(replace($sql$

-- Appends an entry of the database's own to one of sixteen chains, whichever nobody holds, as workers/store/audit.py
-- links entries. Runs as the owner: nobody else may write to these chains.
CREATE FUNCTION @schema@.append_rows(what text, rows text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
  mine  text := nullif(current_setting('sigill.rows_chain', true), '');
  began integer := pg_backend_pid() % 16;
  body  text;
  line  text;
  at    timestamptz := now();
  last  record;
BEGIN
  IF mine IS NULL THEN
    FOR n IN 0..15 LOOP
      mine := 'rows-' || ((began + n) % 16);
      EXIT WHEN pg_try_advisory_xact_lock(hashtextextended(@name@ || ':chain:' || mine, 0));
    END LOOP;
    PERFORM set_config('sigill.rows_chain', mine, true);
  ELSIF mine !~ '^rows-([0-9]|1[0-5])$' THEN
    RAISE EXCEPTION 'sigill.rows_chain is not for callers to set' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended(@name@ || ':chain:' || mine, 0));
  SELECT a.position, a.row_hash INTO last
    FROM @schema@.audit_entry a WHERE a.chain = mine ORDER BY a.position DESC LIMIT 1;
  IF NOT FOUND THEN
    SELECT 0::bigint AS position, decode(repeat('00', 32), 'hex') AS row_hash INTO last;
  END IF;
  body := '{"by":' || to_json(coalesce(current_setting('application_name', true), ''))::text || ',"rows":[' || rows || ']}';
  line := '{"action":' || to_json(what)::text || ',"actor":' || to_json(session_user::text)::text || ',"at":"'
          || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00","body":' || body
          || ',"chain":' || to_json(mine)::text || ',"personal":null}';
  INSERT INTO @schema@.audit_entry (chain, position, recorded_at, actor, action, body, prev_hash, row_hash)
  VALUES (mine, last.position + 1, at, session_user, what, body, last.row_hash,
          sha256(last.row_hash || convert_to(line, 'UTF8')));
END $$;

CREATE FUNCTION @schema@.refuse_rows_chain() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
  IF pg_has_role(current_user, (SELECT c.relowner FROM pg_catalog.pg_class c WHERE c.oid = TG_RELID), 'MEMBER') THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the chains of rows are the database''s own' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER rows_chain BEFORE INSERT ON @schema@.audit_entry
  FOR EACH ROW WHEN (NEW.chain LIKE 'rows-%') EXECUTE FUNCTION @schema@.refuse_rows_chain();

-- Makes a table one whose rows are held against the chain. `key` is SQL that names a row without telling of anybody;
-- `emptied` are the columns whose contents end being kept before the row does. Called by migrations only.
CREATE FUNCTION @schema@.keep_history(tab text, key text, emptied text[] DEFAULT '{}') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
  mine     regclass := format('@schema@.%I', tab)::regclass;
  kept     text;
  contents text;
  next     integer;
  pair     text;
  settings text := $x$SET search_path = pg_catalog, @schema@, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO, MDY' SET bytea_output = 'hex'$x$;
BEGIN
  EXECUTE format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS seal uuid', mine);
  EXECUTE format('ALTER TABLE %s ALTER COLUMN seal SET DEFAULT gen_random_uuid()', mine);
  IF cardinality(emptied) > 0 THEN
    EXECUTE format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS content_seal uuid', mine);
    EXECUTE format('ALTER TABLE %s ALTER COLUMN content_seal SET DEFAULT gen_random_uuid()', mine);
  END IF;
  SELECT string_agg(format(CASE WHEN a.atttypid = 'bytea'::regtype THEN 'sha256(%I)' ELSE '%I' END, a.attname), ', '
                    ORDER BY a.attnum)
         FILTER (WHERE a.attname <> ALL (emptied)),
         string_agg(format(CASE WHEN a.atttypid = 'bytea'::regtype THEN 'sha256(%I)' ELSE '%I' END, a.attname), ', '
                    ORDER BY a.attnum)
         FILTER (WHERE a.attname = ANY (emptied))
    INTO kept, contents
    FROM pg_catalog.pg_attribute a
   WHERE a.attrelid = mine AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT IN ('seal', 'content_seal');
  SELECT coalesce(max(s.shape), 0) + 1 INTO next FROM @schema@.history_shape s WHERE s.table_name = tab;
  INSERT INTO @schema@.history_shape VALUES (tab, next, key, kept, contents);

  pair := format($x$'[' || to_json((%s)::text)::text || ',"' || left(encode(sha256(convert_to(ROW(seal, %s)::text, 'UTF8')), 'hex'), 32) || '"'$x$, key, kept);
  IF contents IS NOT NULL THEN
    pair := pair || format($x$ || coalesce(',"' || left(encode(sha256(convert_to(ROW(content_seal, %s)::text, 'UTF8')), 'hex'), 32) || '"', '')$x$,
                           contents);
  END IF;
  pair := pair || $x$ || ']'$x$;
  EXECUTE format($x$
    CREATE OR REPLACE FUNCTION @schema@.%I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER %s AS $f$
    DECLARE
      listed text;
    BEGIN
      IF TG_OP = 'DELETE' THEN
        SELECT string_agg('[' || to_json((%s)::text)::text || ']', ',') INTO listed FROM before_it;
        IF listed IS NOT NULL THEN PERFORM @schema@.append_rows('ended:%s', listed); END IF;
        RETURN NULL;
      END IF;
      SELECT string_agg(%s, ',') INTO listed FROM after_it;
      IF listed IS NULL THEN RETURN NULL; END IF;
      IF TG_OP = 'INSERT' THEN
        PERFORM @schema@.append_rows('rows:%s:%s', listed);
      ELSIF current_setting('sigill.sealing', true) = 'on' THEN
        PERFORM @schema@.append_rows('baseline:%s:%s', listed);
      ELSE
        SELECT string_agg('[' || to_json((%s)::text)::text || ']', ',') INTO listed FROM after_it;
        PERFORM @schema@.append_rows('emptied:%s', listed);
      END IF;
      RETURN NULL;
    END $f$ $x$, 'seal_' || tab, settings, key, tab, pair, tab, next, tab, next, key, tab);
  EXECUTE format('REVOKE EXECUTE ON FUNCTION @schema@.%I FROM PUBLIC', 'seal_' || tab);
  IF next = 1 THEN
    EXECUTE format('CREATE TRIGGER sealed_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS after_it '
                   'FOR EACH STATEMENT EXECUTE FUNCTION @schema@.%I()', mine, 'seal_' || tab);
    EXECUTE format('CREATE TRIGGER sealed_update AFTER UPDATE ON %s REFERENCING NEW TABLE AS after_it '
                   'FOR EACH STATEMENT EXECUTE FUNCTION @schema@.%I()', mine, 'seal_' || tab);
    EXECUTE format('CREATE TRIGGER sealed_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS before_it '
                   'FOR EACH STATEMENT EXECUTE FUNCTION @schema@.%I()', mine, 'seal_' || tab);
  END IF;
END $$;

-- Seals the rows of a stretch of blocks that are older than their table's seals; returns how many. Each batch is an
-- entry of its own, called a baseline: it says what stood there then, not that nobody had changed it before.
CREATE FUNCTION @schema@.seal_baseline(tab text, first_block bigint, last_block bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
  filled text := '';
  done   bigint;
BEGIN
  IF NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
    RAISE EXCEPTION 'only the owner seals a baseline' USING ERRCODE = 'insufficient_privilege';
  END IF;
  SELECT CASE WHEN s.contents IS NULL THEN ''
              ELSE format(', content_seal = CASE WHEN num_nonnulls(%s) > 0 THEN gen_random_uuid() END',
                          CASE tab WHEN 'dead_letter' THEN 'value' ELSE s.contents END) END
    INTO filled
    FROM @schema@.history_shape s WHERE s.table_name = tab ORDER BY s.shape DESC LIMIT 1;
  PERFORM set_config('sigill.erasing', 'on', true);
  PERFORM set_config('sigill.sealing', 'on', true);
  EXECUTE format('UPDATE @schema@.%I SET seal = gen_random_uuid() %s WHERE ctid >= %L AND ctid < %L AND seal IS NULL',
                 tab, filled, format('(%s,0)', first_block), format('(%s,0)', last_block));
  GET DIAGNOSTICS done = ROW_COUNT;
  PERFORM set_config('sigill.sealing', 'off', true);
  PERFORM set_config('sigill.erasing', 'off', true);
  RETURN done;
END $$;

-- What is wrong between a table and the chain: a row and one of these. `changed`: not as it was written. `removed`: it
-- was written, and nothing ended its keeping. `inserted`: no entry tells of it, or one that no process of ours made.
-- `unsealed`: older than the seals, and in no baseline. `by`: the login of the entry, where one tells of it.
CREATE FUNCTION @schema@.history_faults(tab text)
RETURNS TABLE (row_key text, kind text, by text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, @schema@, pg_temp
SET timezone = 'UTC' SET datestyle = 'ISO, MDY' SET bytea_output = 'hex' SET work_mem = '128MB' AS $$
DECLARE
  one     record;
  actual  text;
  parts   text[] := '{}';
BEGIN
  FOR one IN SELECT * FROM @schema@.history_shape s WHERE s.table_name = tab ORDER BY s.shape LOOP
    parts := parts || format(
      $x$SELECT (%s)::text AS key, %s AS shape, seal IS NOT NULL AS sealed,
                left(encode(sha256(convert_to(ROW(seal, %s)::text, 'UTF8')), 'hex'), 32) AS digest, %s AS content
           FROM @schema@.%I$x$,
      one.key, one.shape, one.kept,
      CASE WHEN one.contents IS NULL THEN 'NULL::text'
           ELSE format($x$CASE WHEN content_seal IS NOT NULL THEN
                          left(encode(sha256(convert_to(ROW(content_seal, %s)::text, 'UTF8')), 'hex'), 32) END$x$, one.contents) END,
      tab);
  END LOOP;
  actual := array_to_string(parts, ' UNION ALL ');
  RETURN QUERY EXECUTE format($x$
    WITH entry AS MATERIALIZED (
      SELECT split_part(a.action, ':', 1) AS what, nullif(split_part(a.action, ':', 3), '')::integer AS shape,
             a.actor, a.body::jsonb AS body, coalesce(a.body::jsonb->>'by', '') LIKE 'sigill %%' AS ours
        FROM @schema@.audit_entry a
       WHERE a.chain LIKE 'rows-%%' AND split_part(a.action, ':', 2) = %L
    ), listed AS (
      SELECT r.value->>0 AS key, e.shape, r.value->>1 AS digest, r.value->>2 AS content, e.ours, e.actor
        FROM entry e, jsonb_array_elements(e.body->'rows') r WHERE e.what IN ('rows', 'baseline')
    ), ended AS (
      SELECT DISTINCT r.value->>0 AS key FROM entry e, jsonb_array_elements(e.body->'rows') r
       WHERE e.what = 'ended' AND e.ours
         AND EXISTS (SELECT FROM @schema@.person_erasure p
                      WHERE p.person_id::text = split_part(r.value->>0, '/', 1)
                         OR p.person_id IN (SELECT m.into_id FROM @schema@.person_merge m
                                             WHERE m.person_id::text = split_part(r.value->>0, '/', 1)))
    ), emptied AS (
      SELECT DISTINCT r.value->>0 AS key FROM entry e, jsonb_array_elements(e.body->'rows') r
       WHERE e.what = 'emptied' AND e.ours
    ), actual AS (%s), newest AS (
      SELECT DISTINCT ON (a.key) a.key, a.sealed FROM actual a ORDER BY a.key
    )
    SELECT n.key, CASE WHEN n.sealed THEN 'inserted' ELSE 'unsealed' END, NULL::text
      FROM newest n WHERE NOT EXISTS (SELECT FROM listed l WHERE l.key = n.key)
    UNION ALL
    SELECT l.key, 'removed', NULL FROM listed l
     WHERE NOT EXISTS (SELECT FROM newest n WHERE n.key = l.key) AND NOT EXISTS (SELECT FROM ended e WHERE e.key = l.key)
    UNION ALL
    SELECT l.key, 'inserted', l.actor FROM listed l WHERE NOT l.ours AND EXISTS (SELECT FROM newest n WHERE n.key = l.key)
    UNION ALL
    SELECT n.key, 'inserted', NULL FROM newest n JOIN ended e ON e.key = n.key
    UNION ALL
    SELECT l.key, 'changed', NULL
      FROM listed l JOIN actual a ON a.key = l.key AND a.shape = l.shape
      LEFT JOIN emptied e ON e.key = l.key
     WHERE l.ours AND (a.digest <> l.digest
            OR (l.content IS NOT NULL AND l.content IS DISTINCT FROM a.content AND (e.key IS NULL OR a.content IS NOT NULL)))
     ORDER BY 1, 2
  $x$, tab, actual);
END $$;

REVOKE EXECUTE ON FUNCTION @schema@.append_rows, @schema@.keep_history, @schema@.seal_baseline, @schema@.history_faults,
                           @schema@.refuse_rows_chain FROM PUBLIC;

-- Emptying ends the seal of what is emptied: nothing is left to make its digest from again.
CREATE FUNCTION @schema@.unseal_contents() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
  NEW.content_seal := NULL;
  RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION @schema@.unseal_contents FROM PUBLIC;

  $sql$, '@schema@', quote_ident(current_schema())), '@name@', quote_literal(current_schema()));
END $do$;

SELECT keep_history('person', 'person_id');
SELECT keep_history('person_identity', 'person_id || ''/'' || key || ''/'' || remap');
SELECT keep_history('person_version', 'person_id || ''/'' || sequence');
SELECT keep_history('custody', 'child_id || ''/'' || sequence || ''/'' || ordinal');
SELECT keep_history('person_name', 'person_id || ''/'' || sequence');
SELECT keep_history('person_merge', 'merge_id');
SELECT keep_history('staff_version', 'hsa_id || ''/'' || sequence');
SELECT keep_history('staff_assignment', 'hsa_id || ''/'' || sequence || ''/'' || ordinal');
SELECT keep_history('unit', 'unit_row');
SELECT keep_history('unit_version', 'unit || ''/'' || sequence');
SELECT keep_history('unit_successor', 'unit_successor_id');
SELECT keep_history('inbox', 'encode(claim, ''hex'')');
SELECT keep_history('signed_order', 'registration', '{original,payload}');
SELECT keep_history('order_outcome', 'registration || ''/'' || version', '{receipt}');
SELECT keep_history('measure', 'measure_id');
SELECT keep_history('measure_version', 'measure_id || ''/'' || version');
SELECT keep_history('release_request', 'order_id');
SELECT keep_history('release_answer', 'answer_id');
SELECT keep_history('release_event', 'event_row');
SELECT keep_history('dead_letter', 'dead_letter_id', '{value,headers}');
SELECT keep_history('dead_letter_action', 'action_id');
SELECT keep_history('proposal', 'proposal_id');
SELECT keep_history('proposal_verdict', 'proposal_id');
SELECT keep_history('person_erasure', 'person_id');

CREATE TRIGGER unseal BEFORE UPDATE ON signed_order FOR EACH ROW
  WHEN (NEW.original IS NULL AND OLD.original IS NOT NULL) EXECUTE FUNCTION unseal_contents();
CREATE TRIGGER unseal BEFORE UPDATE ON order_outcome FOR EACH ROW
  WHEN (NEW.receipt IS NULL AND OLD.receipt IS NOT NULL) EXECUTE FUNCTION unseal_contents();
CREATE TRIGGER unseal BEFORE UPDATE ON dead_letter FOR EACH ROW
  WHEN (NEW.value IS NULL AND OLD.value IS NOT NULL) EXECUTE FUNCTION unseal_contents();
CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON history_shape
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
