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
