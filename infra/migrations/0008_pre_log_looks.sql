-- Runs before the code that needs it. Looks are logged in one round trip: before an answer leaves, its line is durable.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '60s';

-- Writes looks, in the order given, and one entry with their digests at the end of a chain, as workers/store/audit.py
-- links entries. `digests` are made by the caller from the salts; nothing here could be left out of the chain.
CREATE FUNCTION log_looks(at timestamptz, to_chain text, actors text[], units text[], persons bigint[], reasons text[],
                          shown_texts text[], salts bytea[], digests bytea[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  body text;
  line text;
  last record;
BEGIN
  WITH written AS (
    INSERT INTO access_log (looked_at, actor, actor_unit, person_id, reason, shown, salt, digest)
    SELECT at, n.actor, n.actor_unit, n.person_id, n.reason, n.shown, n.salt, n.digest
      FROM unnest(actors, units, persons, reasons, shown_texts, salts, digests)
           WITH ORDINALITY AS n (actor, actor_unit, person_id, reason, shown, salt, digest, place)
     ORDER BY n.place
    RETURNING look_id
  ), placed AS (
    SELECT w.look_id, row_number() OVER (ORDER BY w.look_id) AS place FROM written w
  )
  SELECT '{"looks":[' || string_agg('[' || p.look_id || ',"' || encode(d.digest, 'hex') || '"]', ',' ORDER BY p.place)
         || ']}' INTO body
    FROM placed p JOIN unnest(digests) WITH ORDINALITY AS d (digest, place) USING (place);

  PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || ':chain:' || to_chain, 0));
  SELECT a.position, a.row_hash INTO last FROM audit_entry a WHERE a.chain = to_chain ORDER BY a.position DESC LIMIT 1;
  IF NOT FOUND THEN
    SELECT 0::bigint AS position, decode(repeat('00', 32), 'hex') AS row_hash INTO last;
  END IF;
  line := '{"action":"looked","actor":"access-log","at":"'
          || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00","body":' || body
          || ',"chain":' || to_json(to_chain)::text || ',"personal":null}';
  INSERT INTO audit_entry (chain, position, recorded_at, actor, action, body, prev_hash, row_hash)
  VALUES (to_chain, last.position + 1, at, 'access-log', 'looked', body, last.row_hash,
          sha256(last.row_hash || convert_to(line, 'UTF8')));
END $$;
