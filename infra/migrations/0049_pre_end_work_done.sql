-- Runs before the code that needs it. What is over of timers and tasks has an end of keeping, a year after it at the
-- earliest. Neither is history that the chain holds: what a timer or a task led to is.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

DO $do$
BEGIN
  EXECUTE replace(replace($sql$

-- Timers that fired or were called off before `before`. That one fired keeps it from firing twice when it is set again, as
-- each new version of a measure sets its timers: those of a measure stay until it has ended for as long, those of an order until it
-- waits for nothing. The others are only ever set for days to come.
CREATE FUNCTION @schema@.lapsed_timers(before timestamptz, most bigint) RETURNS TABLE (timer_id bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, @schema@, pg_temp AS $$
  SELECT t.timer_id
    FROM @schema@.timer t
   WHERE t.state <> 'set' AND t.due_at < before AND coalesce(t.fired_at, t.due_at) < before
     AND (t.measure_id IS NULL
          OR (SELECT v.valid_to < before FROM @schema@.measure_version v
               WHERE v.measure_id = t.measure_id ORDER BY v.version DESC LIMIT 1))
     AND NOT EXISTS (SELECT FROM @schema@.pending_order p JOIN @schema@.signed_order s USING (registration)
                      WHERE s.order_id = t.order_id)
     AND NOT EXISTS (SELECT FROM @schema@.release_request r
                      WHERE r.order_id = t.order_id
                        AND NOT EXISTS (SELECT FROM @schema@.release_event e
                                         WHERE e.request = r.order_id AND e.event = 'closed'))
   LIMIT most
$$;

-- Tasks that were ticked off, or needed nobody any more, before `before`; none of whose order still waits.
CREATE FUNCTION @schema@.lapsed_tasks(before timestamptz, most bigint) RETURNS TABLE (task_id bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, @schema@, pg_temp AS $$
  SELECT t.task_id
    FROM @schema@.task t
   WHERE t.state <> 'open' AND t.ended_at < before
     AND NOT EXISTS (SELECT FROM @schema@.pending_order p JOIN @schema@.signed_order s USING (registration)
                      WHERE s.order_id = t.order_id)
   LIMIT most
$$;

-- Destroys at most ten thousand of either; returns how many went. Run as the owner: operators may not delete.
CREATE FUNCTION @schema@.purge_timers(before timestamptz, at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
  gone bigint;
BEGIN
  IF before > @schema@.counted_from(at) - interval '1 year' THEN
    RAISE EXCEPTION 'timers are kept for a year at least' USING ERRCODE = 'insufficient_privilege';
  END IF;
  DELETE FROM @schema@.timer t
   WHERE t.state <> 'set' AND t.timer_id IN (SELECT l.timer_id FROM @schema@.lapsed_timers(before, 10000) l);
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $$;

CREATE FUNCTION @schema@.purge_tasks(before timestamptz, at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
  gone bigint;
BEGIN
  IF before > @schema@.counted_from(at) - interval '1 year' THEN
    RAISE EXCEPTION 'tasks are kept for a year at least' USING ERRCODE = 'insufficient_privilege';
  END IF;
  DELETE FROM @schema@.task t
   WHERE t.state <> 'open' AND t.task_id IN (SELECT l.task_id FROM @schema@.lapsed_tasks(before, 10000) l);
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $$;

REVOKE EXECUTE ON FUNCTION @schema@.lapsed_timers, @schema@.lapsed_tasks, @schema@.purge_timers, @schema@.purge_tasks FROM PUBLIC;
  $sql$, '@schema@', quote_ident(current_schema())), '@name@', quote_literal(current_schema()));
END $do$;
