-- Runs before the code that needs it. What people write down about a request to release, which is a case: authorities asked and
-- what they said, replies, and who closed it. Rows are never changed; `withdrawn` says of another that it does not count.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE case_entry (
  entry_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  request    uuid NOT NULL REFERENCES release_request,
  person_id  bigint NOT NULL REFERENCES person, -- whom the request is about
  kind       text COLLATE "C" NOT NULL,
  about      bigint REFERENCES case_entry,      -- the entry that is answered or withdrawn
  code       text COLLATE "C",                  -- which authority, what it answered, which reply
  asker      bigint,                            -- who is replied to
  day        date NOT NULL,                     -- when it happened, by the Swedish calendar
  operator   text NOT NULL,
  known_from timestamptz NOT NULL,
  -- free text: emptied with the form of the request, or the person
  name       text,
  reference  text,
  remark     text
);
CREATE INDEX case_entry_request ON case_entry (request);
CREATE INDEX case_entry_person ON case_entry (person_id);
CREATE INDEX case_entry_asker ON case_entry (asker) WHERE asker IS NOT NULL;
CREATE INDEX case_entry_known ON case_entry USING brin (known_from) WITH (pages_per_range = 16);

-- requests that ended before anybody could close their case
INSERT INTO case_entry (request, person_id, kind, day, operator, known_from)
SELECT r.order_id, r.person_id, 'closed', (min(e.known_from) AT TIME ZONE 'Europe/Stockholm')::date, 'sigill', now()
  FROM release_request r JOIN release_event e ON e.request = r.order_id AND e.event = 'closed'
 GROUP BY r.order_id;

CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON case_entry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
SELECT keep_history('case_entry', 'entry_id', '{name,reference,remark}');
CREATE TRIGGER unseal BEFORE UPDATE ON case_entry FOR EACH ROW
  WHEN (num_nonnulls(NEW.name, NEW.reference, NEW.remark) = 0 AND num_nonnulls(OLD.name, OLD.reference, OLD.remark) > 0)
  EXECUTE FUNCTION unseal_contents();

DO $do$
BEGIN
  EXECUTE replace(replace($sql$
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
  UPDATE @schema@.case_entry c SET name = NULL, reference = NULL, remark = NULL
   WHERE (c.person_id = ANY (gone) OR c.asker = ANY (gone)) AND num_nonnulls(c.name, c.reference, c.remark) > 0;
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
  UPDATE @schema@.case_entry c SET name = NULL, reference = NULL, remark = NULL
    FROM @schema@.signed_order s
   WHERE s.registration = ANY (gone) AND s.proven AND c.request = s.order_id
     AND num_nonnulls(c.name, c.reference, c.remark) > 0;
  RETURN QUERY
    UPDATE @schema@.signed_order s SET original = NULL, payload = NULL
     WHERE s.registration = ANY (gone) RETURNING s.registration;
  PERFORM set_config('sigill.erasing', 'off', true);
END $$;
$sql$, '@schema@', quote_ident(current_schema())), '@name@', quote_literal(current_schema()));
END $do$;
