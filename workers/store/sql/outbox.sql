-- Events to publish, in order of id; read without a position.

-- name: unpublished
-- What is still to be published of the shards, lowest id first. Asked shard by shard, since the index has each in its
-- order: asked for all at once, a plan may walk through all that has been published.
SELECT waiting.*
  FROM unnest($1::smallint[]) AS asked (shard)
 CROSS JOIN LATERAL (SELECT o.id, o.event_id, o.aggregatetype, o.aggregateid, o.type, o.payload, o.headers, o.shard,
                            o.created_at
                       FROM outbox o
                      WHERE o.published_at IS NULL AND o.shard = asked.shard
                      ORDER BY o.id
                      LIMIT $2) AS waiting
 ORDER BY waiting.id
 LIMIT $2;

-- name: mark
-- Published now; a row that another relay has marked already keeps its time. The ids lie between $3 and $4: a kept plan
-- finds their partitions by that, and not by the array.
UPDATE outbox SET published_at = $2
 WHERE id = ANY ($1::bigint[]) AND id BETWEEN $3 AND $4 AND published_at IS NULL;

-- name: again
-- The newest event of a topic for each of the keys, from id $3 on, is to be published once more, where it has been.
UPDATE outbox SET published_at = NULL
 WHERE published_at IS NOT NULL
   AND id IN (SELECT max(id) FROM outbox
               WHERE aggregatetype = $1 AND aggregateid = ANY ($2::text[]) AND id >= $3 GROUP BY aggregateid)
RETURNING aggregateid;

-- name: stats
-- How many wait, and since when.
SELECT count(*) AS pending, min(created_at) AS oldest FROM outbox WHERE published_at IS NULL;

-- name: extend
-- Makes partitions ahead.
SELECT extend_outbox();

-- name: rotate
-- Lets go of rows published before $1.
SELECT rotate_outbox($1);

-- name: published_before
-- How many events were published before $1 and are still there.
SELECT count(*) FROM outbox WHERE published_at < $1;

-- name: try_lock
-- One of the locks of a name's family, held by the session; false when somebody else has it.
SELECT pg_try_advisory_lock(hashtextextended(current_schema() || ':' || $1::text, 0));

-- name: unlock
-- Gives one of them back.
SELECT pg_advisory_unlock(hashtextextended(current_schema() || ':' || $1::text, 0));

-- name: count_locked
-- How many of the named locks are held by any session.
SELECT count(*)
  FROM (SELECT hashtextextended(current_schema() || ':' || name, 0) AS key FROM unnest($1::text[]) AS name) AS asked
  JOIN pg_locks l ON l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.classid::bigint = (asked.key >> 32) & 4294967295 AND l.objid::bigint = asked.key & 4294967295;
