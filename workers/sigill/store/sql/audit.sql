-- Hash chains.

-- name: lock
-- Serialises the chains until the transaction ends, in one order for everybody.
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ':chain:' || chain, 0))
  FROM (SELECT DISTINCT unnest($1::text[]) AS chain ORDER BY 1) AS sorted;

-- name: heads_of
-- The last entry of each chain.
SELECT head.chain, head.position, head.row_hash
  FROM unnest($1::text[]) AS asked (chain)
 CROSS JOIN LATERAL (SELECT a.chain, a.position, a.row_hash FROM audit_entry a WHERE a.chain = asked.chain
                      ORDER BY a.position DESC LIMIT 1) AS head;

-- name: heads
-- The last entry of every chain; walks from chain to chain by the key, not through the rows.
WITH RECURSIVE walk (chain) AS (
  (SELECT chain FROM audit_entry ORDER BY chain LIMIT 1)
  UNION ALL
  SELECT (SELECT a.chain FROM audit_entry a WHERE a.chain > walk.chain ORDER BY a.chain LIMIT 1)
    FROM walk WHERE walk.chain IS NOT NULL
)
SELECT head.chain, head.position, head.row_hash
  FROM walk
 CROSS JOIN LATERAL (SELECT a.chain, a.position, a.row_hash FROM audit_entry a WHERE a.chain = walk.chain
                      ORDER BY a.position DESC LIMIT 1) AS head
 ORDER BY head.chain;

-- name: append
-- Entries with the hashes that link them.
INSERT INTO audit_entry (chain, position, recorded_at, actor, action, body, personal_digest, prev_hash, row_hash)
SELECT chain, position, $9, actor, action, body, personal_digest, prev_hash, row_hash
  FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bytea[], $8::bytea[])
    AS new (chain, position, actor, action, body, personal_digest, prev_hash, row_hash);

-- name: append_personal
-- The personal parts of entries.
INSERT INTO audit_personal (chain, position, person_id, salt, detail)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[]);

-- name: last_of_chain
-- The newest entry of a chain.
SELECT recorded_at, body FROM audit_entry WHERE chain = $1 ORDER BY position DESC LIMIT 1;

-- name: walk
-- A chain in order, with the personal parts that are still there; $1 null: every chain.
SELECT a.*, p.person_id, p.salt, p.detail
  FROM audit_entry a
  LEFT JOIN audit_personal p ON p.chain = a.chain AND p.position = a.position
 WHERE $1::text IS NULL OR a.chain = $1
 ORDER BY a.chain, a.position;

-- name: walk_on
-- What has come to each chain after a position, in order, without the personal parts. Chain by chain, so that what is
-- beyond the limit is not read.
SELECT a.*
  FROM unnest($1::text[], $2::bigint[]) AS known (chain, position)
 CROSS JOIN LATERAL (SELECT e.* FROM audit_entry e
                      WHERE e.chain = known.chain AND e.position > known.position
                      ORDER BY e.position
                      LIMIT $3) AS a
 ORDER BY a.chain, a.position
 LIMIT $3;

-- name: of_person
-- The entries about a person, in order of time.
SELECT a.chain, a.position, a.recorded_at, a.actor, a.action, a.body, p.detail, a.row_hash
  FROM audit_personal p
  JOIN audit_entry a ON a.chain = p.chain AND a.position = p.position
 WHERE p.person_id = ANY ($1::bigint[])
 ORDER BY a.recorded_at, a.chain, a.position;

-- name: of_action
-- Every entry of an action, in order.
SELECT a.chain, a.position, a.body FROM audit_entry a WHERE a.action = ANY ($1::text[]) ORDER BY a.chain, a.position;

-- name: take_your_time
-- Lets the statements of this transaction run as long as they need.
SELECT set_config('statement_timeout', '0', true);

-- name: sealed_tables
-- The tables whose rows are held against the chain.
SELECT DISTINCT table_name FROM history_shape ORDER BY table_name;

-- name: history_faults
-- What is wrong between a table and the chain.
SELECT row_key, kind, by FROM history_faults($1);

-- name: baselines
-- How many rows of each table are older than its seals, and when they were sealed.
SELECT split_part(a.action, ':', 2) AS table_name, sum(jsonb_array_length(a.body::jsonb->'rows'))::bigint AS rows,
       min(a.recorded_at) AS first, max(a.recorded_at) AS last
  FROM audit_entry a
 WHERE a.chain LIKE 'rows-%' AND a.action LIKE 'baseline:%'
 GROUP BY 1 ORDER BY 1;
