-- Runs before the code that needs it. Who did what, who looked at whom, and how a person is erased.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '60s';

-- Hash chains: row_hash = SHA-256(prev_hash || RFC 8785 form of the row). No personal field stands here; their
-- salted digest does, so that the chain still verifies after the person is erased.
CREATE TABLE audit_entry (
  chain           text COLLATE "C" NOT NULL,
  position        bigint NOT NULL CHECK (position >= 1),
  recorded_at     timestamptz NOT NULL,
  actor           text NOT NULL,
  action          text COLLATE "C" NOT NULL,
  body            text NOT NULL, -- the RFC 8785 form itself, so that not one byte can differ
  personal_digest bytea,
  prev_hash       bytea NOT NULL,
  row_hash        bytea NOT NULL,
  PRIMARY KEY (chain, position)
);
CREATE INDEX audit_entry_time ON audit_entry (recorded_at);

-- The personal part of an entry: removed, salt and all, when its person is erased.
CREATE TABLE audit_personal (
  chain     text COLLATE "C" NOT NULL,
  position  bigint NOT NULL,
  person_id bigint NOT NULL,
  salt      bytea NOT NULL,
  detail    text NOT NULL, -- RFC 8785
  PRIMARY KEY (chain, position),
  FOREIGN KEY (chain, position) REFERENCES audit_entry
);
CREATE INDEX audit_personal_person ON audit_personal (person_id);

-- Who looked at whom (HSLF-FS 2016:40, 4 kap. 9 §): own table, own readers, kept five years at least.
CREATE TABLE access_log (
  look_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  looked_at  timestamptz NOT NULL,
  actor      text NOT NULL, -- operator or client
  actor_unit text,
  person_id  bigint NOT NULL,
  reason     text NOT NULL,
  shown      text NOT NULL, -- what was shown or done
  salt       bytea NOT NULL,
  digest     bytea NOT NULL -- SHA-256(salt || RFC 8785 form); an audit entry holds the digests of each batch
);
CREATE INDEX access_log_person ON access_log (person_id, looked_at);
CREATE INDEX access_log_actor ON access_log (actor, looked_at);
CREATE INDEX access_log_time ON access_log (looked_at);

-- Who was erased, when. The keys are what tombstones are written under.
CREATE TABLE person_erasure (
  person_id  bigint PRIMARY KEY REFERENCES person,
  keys       text[] NOT NULL,
  known_from timestamptz NOT NULL
);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['audit_entry', 'audit_personal', 'access_log', 'person_erasure'] LOOP
    EXECUTE format('CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
  END LOOP;
END $$;

-- Removes all that says who a person is, and leaves what proves that things were done. Returns the places of the
-- audit entries whose personal part went: the caller writes them into the chain.
CREATE FUNCTION erase_person(erased bigint, at timestamptz) RETURNS TABLE (chain text, pos bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  gone bigint[];
  held text[];
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || ':person:' || erased, 0));
  SELECT array_agg(DISTINCT id) INTO gone
    FROM (SELECT erased AS id UNION SELECT m.person_id FROM person_merge m WHERE m.into_id = erased) ids;
  SELECT coalesce(array_agg(DISTINCT i.key), '{}') INTO held FROM person_identity i WHERE i.person_id = ANY (gone);
  INSERT INTO person_erasure (person_id, keys, known_from) VALUES (erased, held, at);

  PERFORM set_config('sigill.erasing', 'on', true);
  UPDATE signed_order SET original = NULL, payload = NULL WHERE person_id = ANY (gone);
  UPDATE order_outcome o SET receipt = NULL
    FROM signed_order s WHERE s.registration = o.registration AND s.person_id = ANY (gone);
  UPDATE dead_letter SET value = NULL, headers = '[]' WHERE key = ANY (SELECT convert_to(k, 'UTF8') FROM unnest(held) k);
  DELETE FROM pending_order WHERE person_id = ANY (gone);
  DELETE FROM timer WHERE person_id = ANY (gone);
  DELETE FROM task WHERE person_id = ANY (gone);
  DELETE FROM outbox WHERE aggregateid = ANY (held) AND published_at IS NOT NULL;
  DELETE FROM custody WHERE child_id = ANY (gone);
  DELETE FROM person_name WHERE person_id = ANY (gone);
  DELETE FROM person_version WHERE person_id = ANY (gone);
  DELETE FROM person_identity WHERE person_id = ANY (gone);
  RETURN QUERY
    DELETE FROM audit_personal a WHERE a.person_id = ANY (gone) RETURNING a.chain, a.position;
  PERFORM set_config('sigill.erasing', 'off', true);
END $$;

-- Ends the keeping of access log rows older than `before` (never less than five years ago, by `at`).
CREATE FUNCTION purge_access_log(before timestamptz, at timestamptz) RETURNS TABLE (look_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF before > at - interval '5 years' THEN
    RAISE EXCEPTION 'the access log is kept for five years' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM set_config('sigill.erasing', 'on', true);
  RETURN QUERY DELETE FROM access_log l WHERE l.looked_at < before RETURNING l.look_id;
  PERFORM set_config('sigill.erasing', 'off', true);
END $$;

-- Empties dead letters older than `before`; the row, its place and its reason stay.
CREATE FUNCTION purge_dead_letters(before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  emptied bigint;
BEGIN
  PERFORM set_config('sigill.erasing', 'on', true);
  UPDATE dead_letter d SET value = NULL, headers = '[]'
   WHERE d.known_from < before AND d.value IS NOT NULL
     AND EXISTS (SELECT FROM dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id);
  GET DIAGNOSTICS emptied = ROW_COUNT;
  PERFORM set_config('sigill.erasing', 'off', true);
  RETURN emptied;
END $$;

REVOKE EXECUTE ON FUNCTION erase_person, purge_access_log, purge_dead_letters, rotate_outbox FROM PUBLIC;
