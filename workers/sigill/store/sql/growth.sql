-- How many partitions topics have, and what waits since they have more.

-- name: sizes
-- How many partitions of each topic the group has seen; before that was kept, as many as it was ever given.
SELECT topic, max(partitions) AS partitions
  FROM (SELECT topic, partitions FROM topic_size WHERE consumer_group = $1
         UNION ALL
        SELECT o.topic, max(o.partition) + 1 FROM consumer_offset o
         WHERE o.consumer_group = $1
           AND NOT EXISTS (SELECT FROM topic_size s WHERE s.consumer_group = $1 AND s.topic = o.topic)
         GROUP BY o.topic) AS seen
 GROUP BY topic;

-- name: grow
-- Keeps a topic's number of partitions where it is another than before; returns a row to whoever was first to do so.
INSERT INTO topic_size AS seen (consumer_group, topic, partitions) VALUES ($1, $2, $3)
ON CONFLICT (consumer_group, topic) DO UPDATE SET partitions = excluded.partitions
 WHERE seen.partitions <> excluded.partitions
RETURNING partitions;

-- name: wait
-- Has partitions wait behind others.
INSERT INTO partition_wait (consumer_group, topic, partition, from_offset, behind, until_offset, noticed_at)
SELECT $1, $2, partition, from_offset, behind, until_offset, $7
  FROM unnest($3::integer[], $4::bigint[], $5::integer[], $6::bigint[])
         AS told (partition, from_offset, behind, until_offset)
ON CONFLICT DO NOTHING;

-- name: waits
-- What waits in a group ($1 null: in any).
SELECT consumer_group, topic, partition, from_offset, behind, until_offset, noticed_at, passed_since
  FROM partition_wait WHERE consumer_group = $1 OR $1 IS NULL
 ORDER BY consumer_group, topic, partition, behind;

-- name: reached
-- Ends the waits behind a partition that has been read up to an offset.
DELETE FROM partition_wait WHERE consumer_group = $1 AND topic = $2 AND behind = $3 AND until_offset <= $4
RETURNING partition;

-- name: pass
-- Lets what may pass go by a partition that is set aside, until it has been read after all.
UPDATE partition_wait SET passed_since = $4
 WHERE consumer_group = $1 AND topic = $2 AND behind = $3 AND passed_since IS NULL;

-- name: passing
-- The waits of the partitions $3 of a topic, and for them, that are passed; none ends before this transaction does.
SELECT consumer_group, topic, partition, from_offset, behind, until_offset, noticed_at, passed_since
  FROM partition_wait
 WHERE consumer_group = $1 AND topic = $2 AND passed_since IS NOT NULL
   AND (partition = ANY ($3::integer[]) OR behind = ANY ($3))
 ORDER BY partition, behind
   FOR SHARE;

-- name: waiting_people
-- The patients of orders of some partitions that wait for a code.
SELECT DISTINCT p.person_id
  FROM pending_order p JOIN signed_order s USING (registration)
 WHERE p.codes @> ARRAY[$3::text] AND p.person_id IS NOT NULL
   AND s.topic = $1 AND s.partition = ANY ($2::integer[])
 ORDER BY 1;

-- name: shorten
-- A partition whose log is another one has no more to be read than that holds.
UPDATE partition_wait
   SET from_offset  = CASE WHEN partition = $3 THEN least(from_offset, $4) ELSE from_offset END,
       until_offset = CASE WHEN behind = $3 THEN least(until_offset, $4) ELSE until_offset END
 WHERE consumer_group = $1 AND topic = $2 AND (partition = $3 OR behind = $3);
