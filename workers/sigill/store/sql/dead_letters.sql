-- Messages that could not be read.

-- name: append
-- Messages as they came, in the order given.
INSERT INTO dead_letter (topic, partition, record_offset, stamped_at, consumer_group, key, value, headers, reason,
                         known_from)
SELECT topic, partition, record_offset, stamped_at, consumer_group, key, value, headers, reason, $10
  FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::timestamptz[], $5::text[], $6::bytea[], $7::bytea[],
              $8::jsonb[], $9::text[])
       WITH ORDINALITY AS new (topic, partition, record_offset, stamped_at, consumer_group, key, value, headers,
                               reason, place)
 ORDER BY place
RETURNING dead_letter_id;

-- name: open_keys
-- Those of the keys under which a message of a topic lies that nobody has dealt with.
SELECT DISTINCT d.key
  FROM dead_letter d
 WHERE d.key = ANY ($1::bytea[]) AND d.topic = $2
   AND NOT EXISTS (SELECT FROM dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id);

-- name: page
-- A page of dead letters, newest first; $1 null: of every topic; $2: also those that are dealt with.
SELECT d.*, a.action, a.operator, a.approver, a.reason AS action_reason, a.known_from AS acted_at
  FROM dead_letter d
  LEFT JOIN LATERAL (SELECT * FROM dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id
                      ORDER BY a.action_id DESC LIMIT 1) AS a ON true
 WHERE ($1::text IS NULL OR d.topic = $1) AND ($2 OR a.action IS NULL)
   AND ($3::bigint IS NULL OR d.dead_letter_id < $3)
 ORDER BY d.dead_letter_id DESC
 LIMIT $4;

-- name: by_ids
-- Dead letters with what was done last.
SELECT d.*, a.action, a.operator, a.approver, a.reason AS action_reason, a.known_from AS acted_at
  FROM dead_letter d
  LEFT JOIN LATERAL (SELECT * FROM dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id
                      ORDER BY a.action_id DESC LIMIT 1) AS a ON true
 WHERE d.dead_letter_id = ANY ($1::bigint[])
 ORDER BY d.dead_letter_id;

-- name: act
-- What was done with dead letters.
INSERT INTO dead_letter_action (dead_letter_id, action, operator, approver, reason, known_from)
SELECT unnest($1::bigint[]), $2, $3, $4, $5, $6;

-- name: counts
-- How many nobody has dealt with, by topic and reason, and since when.
SELECT d.topic, d.reason, count(*) AS letters, min(d.known_from) AS oldest
  FROM dead_letter d
 WHERE NOT EXISTS (SELECT FROM dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id)
 GROUP BY d.topic, d.reason ORDER BY d.topic, d.reason;

-- name: causes
-- How many nobody has dealt with, by topic, reason and the source that the sender named, the most first.
SELECT d.topic, d.reason, s.source, count(*) AS letters, min(d.known_from) AS oldest, max(d.known_from) AS newest,
       left(md5(s.source), 8) AS mark
  FROM dead_letter d
 CROSS JOIN LATERAL (SELECT (SELECT h ->> 1 FROM jsonb_array_elements(d.headers) AS h
                              WHERE h ->> 0 = 'ce_source' LIMIT 1) AS source) AS s
 WHERE NOT EXISTS (SELECT FROM dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id)
 GROUP BY d.topic, d.reason, s.source ORDER BY count(*) DESC, d.topic, d.reason, s.source NULLS LAST
 LIMIT $1;

-- name: claims
-- Who has taken which of these letters.
SELECT dead_letter_id, operator FROM dead_letter_claim WHERE dead_letter_id = ANY ($1::bigint[]);

-- name: claim
-- Take open letters that nobody has; $4: those of others too.
INSERT INTO dead_letter_claim AS c (dead_letter_id, operator, claimed_at)
SELECT d.dead_letter_id, $2, $3
  FROM dead_letter d
 WHERE d.dead_letter_id = ANY ($1::bigint[])
   AND NOT EXISTS (SELECT FROM dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id)
 ORDER BY d.dead_letter_id
    ON CONFLICT (dead_letter_id) DO UPDATE SET operator = EXCLUDED.operator, claimed_at = EXCLUDED.claimed_at
 WHERE $4 AND c.operator <> EXCLUDED.operator
RETURNING dead_letter_id;

-- name: unclaim
-- Give back what the operator has taken.
DELETE FROM dead_letter_claim WHERE dead_letter_id = ANY ($1::bigint[]) AND operator = $2 RETURNING dead_letter_id;

-- name: letter_sequences
-- Keys under which messages lie that nobody has dealt with, the oldest first; letters without a key each alone.
-- $4, $5: those alone in which a letter has this reason and this source's mark, as `causes` gives it ('': names none).
SELECT d.topic, d.key, count(*) AS letters, min(d.known_from) AS oldest, max(d.known_from) AS newest,
       array_agg(d.dead_letter_id ORDER BY d.dead_letter_id) AS ids
  FROM dead_letter d
 WHERE NOT EXISTS (SELECT FROM dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id)
   AND ($3::text IS NULL OR d.topic = $3)
 GROUP BY d.topic, d.key, CASE WHEN d.key IS NULL THEN d.dead_letter_id END
HAVING ($4::text IS NULL AND $5::text IS NULL)
    OR bool_or(($4::text IS NULL OR d.reason = $4) AND ($5::text IS NULL OR $5 = coalesce(
         (SELECT left(md5(h ->> 1), 8) FROM jsonb_array_elements(d.headers) AS h
           WHERE h ->> 0 = 'ce_source' LIMIT 1), '')))
 ORDER BY min(d.dead_letter_id)
 LIMIT $1 OFFSET $2;

-- name: count_letters
-- How many letters nobody has dealt with, and in how many sequences; of a topic, a reason and a source's mark.
SELECT count(*) AS letters,
       count(DISTINCT (d.topic, d.key, CASE WHEN d.key IS NULL THEN d.dead_letter_id END)) AS sequences
  FROM dead_letter d
 WHERE NOT EXISTS (SELECT FROM dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id)
   AND ($1::text IS NULL OR d.topic = $1) AND ($2::text IS NULL OR d.reason = $2)
   AND ($3::text IS NULL OR $3 = coalesce(
         (SELECT left(md5(h ->> 1), 8) FROM jsonb_array_elements(d.headers) AS h
           WHERE h ->> 0 = 'ce_source' LIMIT 1), ''));

-- name: open_before
-- Letters under the same topics and keys that are open and older than the given ones, which they are not among.
SELECT DISTINCT b.dead_letter_id
  FROM dead_letter d
  JOIN dead_letter b ON b.topic = d.topic AND b.key = d.key AND b.dead_letter_id < d.dead_letter_id
 WHERE d.dead_letter_id = ANY ($1::bigint[]) AND b.dead_letter_id <> ALL ($1::bigint[])
   AND NOT EXISTS (SELECT FROM dead_letter_action a WHERE a.dead_letter_id = b.dead_letter_id)
 ORDER BY 1;

-- name: serialise_letters
-- One operator at a time deals with these letters.
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ':dead-letter:' || id, 0))
  FROM (SELECT unnest($1::bigint[]) AS id ORDER BY 1) AS sorted;

-- name: mark_replayed
-- What the brokers have acknowledged, and nobody had dealt with.
INSERT INTO dead_letter_action (dead_letter_id, action, operator, known_from)
SELECT d.dead_letter_id, 'replayed', $2, $3
  FROM dead_letter d
 WHERE d.dead_letter_id = ANY ($1::bigint[])
   AND NOT EXISTS (SELECT FROM dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id);

-- name: newest_letters
-- The newest dead letter of each topic, dealt with or not.
SELECT DISTINCT ON (topic) topic, reason, known_from FROM dead_letter ORDER BY topic, dead_letter_id DESC;
