-- Runs before the code that needs it. What ends being kept, by the server's own clock.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '60s';

-- The moment that keeping is counted from: the caller's, but never later than the server's, so that nobody ends the
-- keeping of anything by saying that it is another year.
CREATE FUNCTION counted_from(at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT least(at, clock_timestamp())
$$;

-- Ends the keeping of access log rows older than `before`, which is five years ago at the latest.
CREATE OR REPLACE FUNCTION purge_access_log(before timestamptz, at timestamptz) RETURNS TABLE (look_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF before > counted_from(at) - interval '5 years' THEN
    RAISE EXCEPTION 'the access log is kept for five years' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM set_config('sigill.erasing', 'on', true);
  RETURN QUERY DELETE FROM access_log l WHERE l.looked_at < before RETURNING l.look_id;
  PERFORM set_config('sigill.erasing', 'off', true);
END $$;

-- Orders that came before `before`, wait for nothing, and that no measure rests on which was in force since then.
-- A measure that ends with an age has ended when everybody born as late as its patient may be has reached it.
CREATE FUNCTION lapsed_orders(before timestamptz, after bigint, most integer) RETURNS TABLE (registration bigint)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
  SELECT s.registration
    FROM signed_order s
   WHERE s.received_at < before AND s.original IS NOT NULL AND s.registration > after
     AND NOT EXISTS (SELECT FROM pending_order p WHERE p.registration = s.registration)
     AND NOT EXISTS (
       SELECT FROM measure_version v
        WHERE v.orders @> ARRAY[s.order_id]
          AND (v.valid_to IS NULL OR v.valid_to >= before)
          AND NOT coalesce(
                (SELECT p.birth_latest + make_interval(years => v.ends_at_age) < before - interval '1 day'
                   FROM person_version p
                  WHERE p.person_id = s.person_id
                  ORDER BY p.sequence DESC LIMIT 1), false)
          AND v.version = (SELECT max(newest.version) FROM measure_version newest
                            WHERE newest.measure_id = v.measure_id))
   ORDER BY s.registration
   LIMIT most
$$;

-- Empties lapsed orders and the receipts that repeat what stood in them, a year ago at the latest; a row's
-- digests, outcomes and places stay, and the audit chain with them.
CREATE FUNCTION purge_evidence(before timestamptz, at timestamptz, after bigint, most integer)
RETURNS TABLE (registration bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  gone bigint[];
BEGIN
  IF before > counted_from(at) - interval '1 year' THEN
    RAISE EXCEPTION 'signed orders are kept for a year at least' USING ERRCODE = 'insufficient_privilege';
  END IF;
  SELECT coalesce(array_agg(l.registration), '{}') INTO gone FROM lapsed_orders(before, after, most) l;
  PERFORM set_config('sigill.erasing', 'on', true);
  UPDATE order_outcome o SET receipt = NULL WHERE o.registration = ANY (gone);
  RETURN QUERY
    UPDATE signed_order s SET original = NULL, payload = NULL
     WHERE s.registration = ANY (gone) RETURNING s.registration;
  PERFORM set_config('sigill.erasing', 'off', true);
END $$;

REVOKE EXECUTE ON FUNCTION purge_access_log, purge_evidence FROM PUBLIC;
