-- Runs before the code that needs it. Operators have events published again that a topic lost: as they were published,
-- with a header that says so. They cannot write an event, and so cannot change one on its way.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

DO $do$
BEGIN
  EXECUTE replace($sql$

-- Adds copies of published events, in their order and behind all that waits; returns how many. A copy has the event's id,
-- body and headers, and `ce_republished`. What is under way, or is a copy itself, is left out. Runs as the owner: no event
-- is an operator's to write.
CREATE FUNCTION @schema@.republish_events(wanted bigint[], at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
  added integer;
BEGIN
  INSERT INTO @schema@.outbox (event_id, aggregatetype, aggregateid, type, payload, headers, shard, created_at)
  SELECT o.event_id, o.aggregatetype, o.aggregateid, o.type, o.payload,
         o.headers || jsonb_build_array(jsonb_build_array('ce_republished',
             to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))),
         o.shard, at
    FROM @schema@.outbox o
   WHERE o.id = ANY (wanted) AND o.published_at IS NOT NULL
     AND NOT jsonb_path_exists(o.headers, '$[*] ? (@[0] == "ce_republished")')
   ORDER BY o.id;
  GET DIAGNOSTICS added = ROW_COUNT;
  RETURN added;
END $$;

REVOKE EXECUTE ON FUNCTION @schema@.republish_events FROM PUBLIC;

  $sql$, '@schema@', quote_ident(current_schema()));
END $do$;
