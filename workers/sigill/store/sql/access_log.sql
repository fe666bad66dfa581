-- Who looked at whom.

-- name: append
-- Looks, in the order given, and their digests at the end of a chain: one round trip.
SELECT log_looks($1::timestamptz, $2::text, $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::bytea[],
                 $9::bytea[]);

-- name: of_person
-- The extract for a patient, in order of time; only looks from units of $4 and $5 (regions, units) where given.
SELECT look_id, looked_at, actor, actor_unit, person_id, reason, shown
  FROM access_log
 WHERE person_id = ANY ($1::bigint[])
   AND ($2::timestamptz IS NULL OR looked_at >= $2) AND ($3::timestamptz IS NULL OR looked_at < $3)
   AND ($5::text[] IS NULL OR actor_unit = ANY ($5))
   AND ($4::text[] IS NULL OR (SELECT u.region FROM unit u WHERE u.unit = actor_unit
                               ORDER BY u.known_from DESC LIMIT 1) = ANY ($4))
 ORDER BY looked_at, look_id;

-- name: of_actor
-- What somebody looked at, newest first; for sample checks. Only looks from units of $5 and $6 (regions, units) where given. Of each
-- form of the log the newest $4, so that neither is sorted whole.
SELECT n.look_id, n.looked_at, n.actor, n.actor_unit, n.person_id, n.reason, n.shown FROM (
(SELECT look_id, looked_at, actor, actor_unit, person_id, reason, shown
  FROM access_log_whole
 WHERE ($1::text IS NULL OR actor = $1)
   AND ($2::timestamptz IS NULL OR looked_at >= $2) AND ($3::timestamptz IS NULL OR looked_at < $3)
   AND ($6::text[] IS NULL OR actor_unit = ANY ($6))
   AND ($5::text[] IS NULL OR (SELECT u.region FROM unit u WHERE u.unit = actor_unit
                               ORDER BY u.known_from DESC LIMIT 1) = ANY ($5))
 ORDER BY looked_at DESC, look_id DESC
 LIMIT $4)
UNION ALL
(SELECT l.look_id, l.looked_at, a.actor, a.actor_unit, l.person_id, a.reason,
        CASE WHEN l.about IS NULL THEN s.shown ELSE replace(s.shown, '{}', l.about::text) END
  FROM access_log_line l
       LEFT JOIN access_log_asker a ON a.asker_id = l.asker_id
       LEFT JOIN access_log_shown s ON s.shown_id = l.shown_id
 WHERE ($1::text IS NULL OR l.asker_id = ANY (ARRAY(SELECT k.asker_id FROM access_log_asker k WHERE k.actor = $1)))
   AND ($2::timestamptz IS NULL OR l.looked_at >= $2) AND ($3::timestamptz IS NULL OR l.looked_at < $3)
   AND ($6::text[] IS NULL OR a.actor_unit = ANY ($6))
   AND ($5::text[] IS NULL OR (SELECT u.region FROM unit u WHERE u.unit = a.actor_unit
                               ORDER BY u.known_from DESC LIMIT 1) = ANY ($5))
 ORDER BY l.looked_at DESC, l.look_id DESC
 LIMIT $4)) n
 ORDER BY n.looked_at DESC, n.look_id DESC
 LIMIT $4;

-- name: reviewed
-- Who looked at whom in [$1, $2), each pair once; only looks by $3 where given, none by $8. Of each pair how many looks have no
-- proven order about the patient that arrived within $4 of them, and whether the patient was protected at one of them.
-- Only looks from units of $9 and $10 (regions, units) where given. What reviews themselves showed ($5) is left out; without $6 only pairs that one of the two singles out are there.
WITH same AS (
  SELECT DISTINCT ON (m.person_id) m.person_id, m.into_id
    FROM person_merge m
   WHERE NOT EXISTS (SELECT FROM person_merge later
                      WHERE later.into_id = m.person_id AND later.merge_id > m.merge_id)
   ORDER BY m.person_id, m.merge_id DESC
), looks AS (
  SELECT l.look_id, l.looked_at, l.actor, l.actor_unit, coalesce(s.into_id, l.person_id) AS person_id
    FROM access_log l LEFT JOIN same s USING (person_id)
   WHERE l.looked_at >= $1 AND l.looked_at < $2 AND ($3::text IS NULL OR l.actor = $3) AND l.shown <> $5 AND l.actor <> ALL ($8::text[])
   AND ($10::text[] IS NULL OR l.actor_unit = ANY ($10))
   AND ($9::text[] IS NULL OR (SELECT u.region FROM unit u WHERE u.unit = l.actor_unit
                               ORDER BY u.known_from DESC LIMIT 1) = ANY ($9))
), judged AS (
  SELECT k.*,
         NOT EXISTS (SELECT FROM signed_order o
                      WHERE o.proven
                        AND o.person_id = ANY (array_append(ARRAY(SELECT s.person_id FROM same s
                                                                   WHERE s.into_id = k.person_id), k.person_id))
                        AND o.received_at BETWEEN k.looked_at - $4::interval AND k.looked_at + $4::interval)
           AS without_order,
         coalesce((SELECT v.protected FROM person_version v
                    WHERE v.person_id = k.person_id AND v.valid_from <= k.looked_at
                    ORDER BY v.sequence DESC LIMIT 1), false) AS protected
    FROM looks k
)
SELECT actor, actor_unit, person_id, count(*) AS looks, min(looked_at) AS first, max(looked_at) AS last,
       count(*) FILTER (WHERE without_order) AS without_order, bool_or(protected) AS protected
  FROM judged
 GROUP BY actor, actor_unit, person_id
HAVING $6 OR bool_or(without_order) OR bool_or(protected)
 ORDER BY bool_or(protected) DESC, without_order DESC, actor, actor_unit, person_id
 LIMIT $7;

-- name: lines
-- Every look, in order of time. Each text by its number, not by a join of all lines: nothing is sorted. Null: a text is not there.
SELECT w.look_id, w.looked_at, w.actor, w.actor_unit, w.person_id, w.reason, w.shown, w.salt FROM access_log_whole w
UNION ALL
SELECT l.look_id, l.looked_at,
       (SELECT a.actor FROM access_log_asker a WHERE a.asker_id = l.asker_id),
       (SELECT a.actor_unit FROM access_log_asker a WHERE a.asker_id = l.asker_id),
       l.person_id,
       (SELECT a.reason FROM access_log_asker a WHERE a.asker_id = l.asker_id),
       (SELECT CASE WHEN l.about IS NULL THEN s.shown ELSE replace(s.shown, '{}', l.about::text) END
          FROM access_log_shown s WHERE s.shown_id = l.shown_id),
       uuid_send(l.salt)
  FROM access_log_line l
 ORDER BY looked_at;

-- name: dropped
-- The bounds of the partitions that this transaction's snapshot has and that were dropped since; null: no such bound.
SELECT substring(p.bound FROM $r$FROM \('([^']+)'\)$r$)::timestamptz AS first,
       substring(p.bound FROM $r$TO \('([^']+)'\)$r$)::timestamptz AS until
  FROM (SELECT c.oid, pg_get_expr(c.relpartbound, 0) AS bound
          FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent IN ('access_log_whole'::regclass, 'access_log_line'::regclass)) AS p
 WHERE pg_relation_size(p.oid) IS NULL;

-- name: told
-- Every entry of an audit chain that tells of looks, in order of time.
SELECT a.recorded_at, a.body FROM audit_entry a WHERE a.action = $1 ORDER BY a.recorded_at;

-- name: purge
-- Ends the keeping of the months that were over at $1; five years at least, by $2. Spans of numbers.
SELECT first_look, last_look FROM purge_access_log($1, $2) ORDER BY first_look;

-- name: count_before
-- How many looks are of months that were over at $1.
SELECT count(*) FROM access_log WHERE looked_at < date_trunc('month', $1::timestamptz AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';

-- name: extend
-- Makes the partitions of this month and of the next ones; how many lines lie in none.
SELECT extend_access_log();
