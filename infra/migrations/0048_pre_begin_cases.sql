-- Runs before the code that needs it. A case may begin with an order that is no request to release: the resident's own seal,
-- about which the resident calls. What was written down about a case is kept until it is closed, and as long as its form.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

DO $do$
BEGIN
  EXECUTE replace($sql$
-- An entry is about an order that was proven; `request` names it, whether it asks for a release or not.
CREATE FUNCTION @schema@.check_case_order() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM @schema@.signed_order s WHERE s.order_id = NEW.request AND s.proven)
     AND NOT EXISTS (SELECT FROM @schema@.release_request r WHERE r.order_id = NEW.request) THEN
    RAISE EXCEPTION 'a case begins with an order' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION @schema@.check_case_order FROM PUBLIC;

-- Orders that came before `before`, wait for nothing, and that no measure rests on which was in force since then.
-- A measure that ends with an age has ended when everybody born as late as its patient may be has reached it.
-- An order with which a case began is kept while the case is open, and as long again after the last that was written there.
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
     AND NOT (s.proven AND EXISTS (
       SELECT FROM @schema@.case_entry c WHERE c.request = s.order_id AND c.known_from >= before))
     AND NOT (s.proven
       AND EXISTS (SELECT FROM @schema@.case_entry c WHERE c.request = s.order_id)
       AND NOT EXISTS (
         SELECT FROM @schema@.case_entry c
          WHERE c.request = s.order_id AND c.kind = 'closed'
            AND NOT EXISTS (SELECT FROM @schema@.case_entry w
                             WHERE w.request = c.request AND w.kind = 'withdrawn' AND w.about = c.entry_id)))
   ORDER BY s.registration
   LIMIT most
$$;
$sql$, '@schema@', quote_ident(current_schema()));
END $do$;
CREATE TRIGGER begins BEFORE INSERT ON case_entry FOR EACH ROW EXECUTE FUNCTION check_case_order();
ALTER TABLE case_entry DROP CONSTRAINT case_entry_request_fkey;
