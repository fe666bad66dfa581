-- Events to publish, in order of id; read without a position.

-- name: unpublished
-- What is still to be published of the shards, lowest id first, of each shard at most $3 and of all $2; no more than the
-- first that brings their bodies to $5 bytes. A body of more than $4 bytes, and the ids $6, stay where they are. Asked
-- shard by shard, since the index has each in its order, and by rows, which the index of the ids cannot answer: for a
-- shard that is named, a plan walks along the ids, through all that has been published and through the other shards.
SELECT id, event_id, aggregatetype, aggregateid, type, payload, headers, shard, created_at
  FROM (SELECT waiting.*, sum(coalesce(octet_length(waiting.payload), 0)) OVER (ORDER BY waiting.id) AS bytes
          FROM unnest($1::smallint[]) AS asked (shard)
         CROSS JOIN LATERAL (SELECT o.id, o.event_id, o.aggregatetype, o.aggregateid, o.type, o.payload, o.headers,
                                    o.shard, o.created_at
                               FROM outbox o
                              WHERE o.published_at IS NULL
                                AND (o.shard, o.id) >= (asked.shard, 0::bigint)
                                AND (o.shard, o.id) < ((asked.shard + 1)::smallint, 0::bigint)
                                AND coalesce(octet_length(o.payload), 0) <= $4 AND o.id <> ALL ($6::bigint[])
                              ORDER BY o.shard, o.id
                              LIMIT $3) AS waiting) AS found
 WHERE bytes - coalesce(octet_length(payload), 0) < $5
 ORDER BY id
 LIMIT $2;

-- name: too_large
-- What has a body of more than $1 bytes and is not published, the oldest first.
SELECT id, event_id, aggregatetype, octet_length(payload) AS bytes
  FROM outbox WHERE published_at IS NULL AND octet_length(payload) > $1
 ORDER BY id LIMIT $2;

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

-- name: published
-- What was published of the topics $1, written from $2 to before $3, of the keys $4 (null: all), behind the id $5, in order.
-- No copies of events that were published again.
SELECT o.id, o.event_id, o.aggregatetype, o.aggregateid, o.type, o.payload, o.headers, o.shard, o.created_at
  FROM outbox o
 WHERE o.published_at IS NOT NULL AND o.aggregatetype = ANY ($1::text[])
   AND o.created_at >= $2 AND o.created_at < $3
   AND ($4::text[] IS NULL OR o.aggregateid = ANY ($4)) AND o.id > $5
   AND NOT jsonb_path_exists(o.headers, '$[*] ? (@[0] == "ce_republished")')
 ORDER BY o.id
 LIMIT $6;

-- name: newest
-- The newest event of a topic for each of the keys, copies left out: its id, and when it was written.
SELECT DISTINCT ON (aggregateid) aggregateid, id, created_at
  FROM outbox
 WHERE aggregatetype = $1 AND aggregateid = ANY ($2::text[])
   AND NOT jsonb_path_exists(headers, '$[*] ? (@[0] == "ce_republished")')
 ORDER BY aggregateid, id DESC;

-- name: republish
-- Adds copies of the published events $1, marked as published again at $2.
SELECT republish_events($1, $2);

-- name: oldest
-- When the oldest event that is still there was written.
SELECT min(created_at) FROM outbox;

-- name: stats
-- How many wait, since when, and how many of them have a body of more than $1 bytes.
SELECT count(*) AS pending, min(created_at) AS oldest, count(*) FILTER (WHERE octet_length(payload) > $1) AS too_large
  FROM outbox WHERE published_at IS NULL;

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
