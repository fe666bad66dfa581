-- What was claimed on arrival, and the offsets that go with it.

-- name: claim
-- Claims, inserted in one order for everybody; of two writers the first wins and the other gets no row. The numbers
-- are drawn in the order given, so that registrations of one batch follow its arrival.
WITH drawn AS MATERIALIZED (
  SELECT claim, digest, nextval('registration') AS registration
    FROM (SELECT * FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS new (claim, digest, place)
           ORDER BY place) AS new
)
INSERT INTO inbox (claim, digest, registration, claimed_at)
SELECT claim, digest, registration, $3 FROM drawn ORDER BY claim
ON CONFLICT DO NOTHING
RETURNING claim, registration;

-- name: claim_under
-- Claims under registrations that are drawn already.
INSERT INTO inbox (claim, digest, registration, claimed_at)
SELECT claim, digest, registration, $4
  FROM (SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS new (claim, digest, registration)
         ORDER BY claim) AS new
ON CONFLICT DO NOTHING
RETURNING claim;

-- name: claimed
-- Who has the claims.
SELECT claim, digest, registration FROM inbox WHERE claim = ANY ($1::bytea[]);

-- name: first_answers
-- The first receipt of each registered order.
SELECT o.registration, o.outcome, o.receipt
  FROM order_outcome o
 WHERE o.registration = ANY ($1::bigint[]) AND o.version = 1;

-- name: assign
-- A new generation for each partition: whoever had it before can write no more.
INSERT INTO consumer_offset AS mine (consumer_group, topic, partition, generation, assigned_at)
SELECT $1, $2, partition, 1, $4 FROM (SELECT unnest($3::integer[]) AS partition ORDER BY 1) AS wanted
ON CONFLICT (consumer_group, topic, partition)
   DO UPDATE SET generation = mine.generation + 1, assigned_at = excluded.assigned_at
RETURNING partition, generation, next_offset;

-- name: advance
-- Moves offsets forward where the generation is still the writer's; rows are locked in one order for everybody. Returns
-- the offset that was found. With an offset goes by what the log is known again, where the writer says it.
WITH held AS MATERIALIZED (
  SELECT o.partition, o.next_offset AS found, told.next_offset, told.stamped, told.marks, told.topic_id,
         told.leader_epoch
    FROM consumer_offset o
    JOIN unnest($3::integer[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[], $8::uuid[], $9::integer[])
           AS told (partition, generation, next_offset, stamped, marks, topic_id, leader_epoch)
      ON told.partition = o.partition AND told.generation = o.generation
   WHERE o.consumer_group = $1 AND o.topic = $2
   ORDER BY o.partition
     FOR UPDATE OF o
)
UPDATE consumer_offset o
   SET next_offset = greatest(o.next_offset, held.next_offset),
       stamped = coalesce(held.stamped, o.stamped),
       marks = coalesce(held.marks, o.marks),
       topic_id = coalesce(held.topic_id, o.topic_id),
       leader_epoch = coalesce(held.leader_epoch, o.leader_epoch)
  FROM held
 WHERE o.consumer_group = $1 AND o.topic = $2 AND o.partition = held.partition
RETURNING o.partition, held.found;

-- name: move
-- Sets partitions to be read from another offset ($4 null: from the beginning), and raises their generation: whoever
-- reads them now joins again. What the log was known by is forgotten.
UPDATE consumer_offset
   SET next_offset = $4, generation = generation + 1, stamped = NULL, marks = NULL, topic_id = NULL, leader_epoch = NULL
 WHERE consumer_group = $1 AND topic = $2 AND partition = ANY ($3::integer[])
RETURNING partition, generation;

-- name: recognise
-- What a partition is now, where it was found to be the same.
UPDATE consumer_offset o SET topic_id = told.topic_id, leader_epoch = told.leader_epoch
  FROM unnest($3::integer[], $4::bigint[], $5::uuid[], $6::integer[])
         AS told (partition, generation, topic_id, leader_epoch)
 WHERE o.consumer_group = $1 AND o.topic = $2 AND o.partition = told.partition AND o.generation = told.generation;

-- name: positions
-- How far each partition of a group was read, and what its log is known by.
SELECT topic, partition, generation, next_offset, stamped, marks, topic_id, leader_epoch
  FROM consumer_offset WHERE consumer_group = $1 ORDER BY topic, partition;

-- name: stored
-- Stored offsets of a group.
SELECT topic, partition, generation, next_offset, assigned_at
  FROM consumer_offset WHERE consumer_group = $1 ORDER BY topic, partition;
