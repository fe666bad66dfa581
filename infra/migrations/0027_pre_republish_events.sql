-- Runs before the code that needs it. Operators have events published again that a topic lost: as they were published,
-- with a header that says so. They cannot write an event, and so cannot change one on its way.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

DO $do$
BEGIN
  EXECUTE replace($sql$

-- Adds copies of published events, in their order and behind all that waits; returns how many. A copy has the event's id,
-- body and headers, and `ce_republished`. What is under way, or is a copy itself, is left out. So is, whoever asks, what must
-- never go out twice: a state that a newer one has overtaken, which on a compacted topic would be the patient's last word,
-- and a notice on a channel on which nothing tells a repeat (one that is suppressed, or to operators, reaches nobody there).
-- Hold the patients' locks: a state that is written meanwhile is not seen. Runs as the owner: no event is an operator's to
-- write.
CREATE FUNCTION @schema@.republish_events(wanted bigint[], at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
  added integer;
BEGIN
  WITH chosen AS (
    SELECT o.* FROM @schema@.outbox o
     WHERE o.id = ANY (wanted) AND o.published_at IS NOT NULL
       AND NOT jsonb_path_exists(o.headers, '$[*] ? (@[0] == "ce_republished")')
  ), newest AS (
    SELECT max(o.id) AS id FROM @schema@.outbox o
     WHERE o.aggregatetype = 'access.state.v1'
       AND o.aggregateid IN (SELECT c.aggregateid FROM chosen c WHERE c.aggregatetype = 'access.state.v1')
       AND NOT jsonb_path_exists(o.headers, '$[*] ? (@[0] == "ce_republished")')
     GROUP BY o.aggregateid
  )
  INSERT INTO @schema@.outbox (event_id, aggregatetype, aggregateid, type, payload, headers, shard, created_at)
  SELECT c.event_id, c.aggregatetype, c.aggregateid, c.type, c.payload,
         c.headers || jsonb_build_array(jsonb_build_array('ce_republished',
             to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))),
         c.shard, at
    FROM chosen c
   WHERE CASE c.aggregatetype
           WHEN 'access.state.v1' THEN c.id IN (SELECT n.id FROM newest n)
           WHEN 'access.notifications.v1' THEN
             (SELECT coalesce(told.notice ->> 'channel' NOT IN ('letter', 'phone', 'sms', 'in_person'), true)
                     OR told.notice ->> 'suppressed' IS NOT NULL OR told.notice -> 'recipient' ->> 'kind' = 'operators'
                FROM (SELECT convert_from(c.payload, 'UTF8')::jsonb AS notice) AS told)
           ELSE true END
   ORDER BY c.id;
  GET DIAGNOSTICS added = ROW_COUNT;
  RETURN added;
END $$;

REVOKE EXECUTE ON FUNCTION @schema@.republish_events FROM PUBLIC;

  $sql$, '@schema@', quote_ident(current_schema()));
END $do$;
