-- Runs before the code that needs it. What a login may write, where a right on a table says too little: nobody but intake
-- opens anything without an order that waits, and nobody but the workers says what has happened.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

DO $do$
BEGIN
  EXECUTE replace($sql$

-- Refuses a version that lets somebody see more, by anybody but intake: unless a proven order of that patient waits,
-- which is judged anew, or what is left of a grant goes on for fewer. What shuts is never refused.
CREATE FUNCTION @schema@.guard_measures() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
  grants text[] := ARRAY['guardian_grant', 'minor_grant', 'representative_grant'];
  wrong  uuid;
BEGIN
  IF to_regrole('sigill_intake') IS NULL OR pg_has_role(current_user, 'sigill_intake', 'MEMBER')
     OR pg_has_role(current_user, (SELECT c.relowner FROM pg_catalog.pg_class c WHERE c.oid = TG_RELID), 'MEMBER') THEN
    RETURN NULL;
  END IF;
  SELECT a.measure_id INTO wrong
    FROM added a
    JOIN @schema@.measure m ON m.measure_id = a.measure_id
    LEFT JOIN @schema@.measure_version p ON p.measure_id = a.measure_id AND p.version = a.version - 1
   CROSS JOIN LATERAL (
     SELECT a.released OR (p.measure_id IS NOT NULL AND (
              a.valid_from > p.valid_from
              OR coalesce(a.valid_to, 'infinity') < coalesce(p.valid_to, 'infinity')
              OR a.ends_at_age IS DISTINCT FROM p.ends_at_age)) AS ends) how
   WHERE (m.kind = ANY (grants)) <> how.ends
     AND NOT EXISTS (
       SELECT FROM @schema@.pending_order w
         JOIN @schema@.signed_order s ON s.registration = w.registration AND s.proven
        WHERE w.person_id = m.person_id
           OR w.person_id IN (SELECT g.person_id FROM @schema@.person_merge g WHERE g.into_id = m.person_id
                              UNION SELECT g.into_id FROM @schema@.person_merge g WHERE g.person_id = m.person_id))
     AND NOT (m.kind = ANY (grants) AND EXISTS (
       SELECT FROM @schema@.measure g JOIN @schema@.measure_version v ON v.measure_id = g.measure_id
        WHERE g.person_id = m.person_id AND g.kind = m.kind AND g.region = m.region AND g.measure_id <> m.measure_id
          AND v.orders = a.orders AND (g.guardians IS NULL OR g.guardians @> m.guardians)))
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'measure % would open something without an order that waits', wrong
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NULL;
END $$;

-- What somebody who is no worker may put on its way: the tombstone of an erased person's state, and heads of the chain.
CREATE FUNCTION @schema@.guard_events() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
  IF (NEW.aggregatetype = 'access.state.v1' AND NEW.payload IS NULL) OR NEW.aggregatetype = 'access.audit-heads.v1'
     OR pg_has_role(current_user, (SELECT c.relowner FROM pg_catalog.pg_class c WHERE c.oid = TG_RELID), 'MEMBER') THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'an event of % is a worker''s to write', NEW.aggregatetype USING ERRCODE = 'insufficient_privilege';
END $$;

REVOKE EXECUTE ON FUNCTION @schema@.guard_measures, @schema@.guard_events FROM PUBLIC;

  $sql$, '@schema@', quote_ident(current_schema()));
END $do$;

CREATE TRIGGER guard AFTER INSERT ON measure_version REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION guard_measures();
CREATE TRIGGER guard BEFORE INSERT ON outbox FOR EACH ROW
  WHEN (CASE WHEN to_regrole('sigill_intake') IS NULL THEN false
             ELSE NOT (pg_has_role(current_user, 'sigill_intake', 'MEMBER')
                       OR pg_has_role(current_user, 'sigill_register', 'MEMBER')
                       OR pg_has_role(current_user, 'sigill_transitions', 'MEMBER')) END)
  EXECUTE FUNCTION guard_events();
