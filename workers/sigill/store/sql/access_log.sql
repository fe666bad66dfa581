-- Who looked at whom.

-- name: append
-- Looks, in the order given, and their digests at the end of a chain: one round trip.
SELECT log_looks($1::timestamptz, $2::text, $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::bytea[],
                 $9::bytea[]);

-- name: of_person
-- The extract for a patient, in order of time.
SELECT look_id, looked_at, actor, actor_unit, person_id, reason, shown
  FROM access_log
 WHERE person_id = ANY ($1::bigint[])
   AND ($2::timestamptz IS NULL OR looked_at >= $2) AND ($3::timestamptz IS NULL OR looked_at < $3)
 ORDER BY looked_at, look_id;

-- name: of_actor
-- What somebody looked at, newest first; for sample checks.
SELECT look_id, looked_at, actor, actor_unit, person_id, reason, shown
  FROM access_log
 WHERE ($1::text IS NULL OR actor = $1)
   AND ($2::timestamptz IS NULL OR looked_at >= $2) AND ($3::timestamptz IS NULL OR looked_at < $3)
 ORDER BY looked_at DESC, look_id DESC
 LIMIT $4;

-- name: reviewed
-- Who looked at whom in [$1, $2), each pair once; only looks by $3 where given, none by $8. Of each pair how many looks have no
-- proven order about the patient that arrived within $4 of them, and whether the patient was protected at one of them.
-- What reviews themselves showed ($5) is left out; without $6 only pairs that one of the two singles out are there.
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

-- name: by_ids
-- Looks with their digests, by id.
SELECT look_id, looked_at, actor, actor_unit, person_id, reason, shown, salt, digest
  FROM access_log WHERE look_id = ANY ($1::bigint[]) ORDER BY look_id;

-- name: all_ids
-- The number of every look.
SELECT look_id FROM access_log;

-- name: purge
-- Ends the keeping of what is older than $1; five years at least, by $2.
SELECT look_id FROM purge_access_log($1, $2);

-- name: count_before
-- How many looks are older than $1.
SELECT count(*) FROM access_log WHERE looked_at < $1;
