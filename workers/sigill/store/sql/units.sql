-- Units as the directory told of them, and the successors that two operators named.

-- name: latest
-- The highest sequence told of each unit.
SELECT asked.unit, (SELECT max(v.sequence) FROM unit_version v WHERE v.unit = asked.unit) AS sequence
  FROM unnest($1::text[]) AS asked (unit);

-- name: add_versions
-- What the directory told.
INSERT INTO unit_version (unit, sequence, changed_at, known_from, name, region, care_provider, parent, clinic,
                          valid_from, valid_through, succeeded_by)
SELECT unit, sequence, changed_at, $12, name, region, care_provider, parent, clinic, valid_from, valid_through,
       succeeded_by
  FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
              $9::date[], $10::date[], $11::text[])
    AS told (unit, sequence, changed_at, name, region, care_provider, parent, clinic, valid_from, valid_through,
             succeeded_by);

-- name: add_regions
-- The region of each unit, where it is new or another than before.
INSERT INTO unit (unit, region, known_from)
SELECT told.unit, told.region, $3
  FROM unnest($1::text[], $2::text[]) AS told (unit, region)
 WHERE told.region IS DISTINCT FROM (SELECT u.region FROM unit u WHERE u.unit = told.unit
                                      ORDER BY u.unit_row DESC LIMIT 1)
 ORDER BY told.unit;

-- name: load
-- Each unit of $1 with those that succeeded it, one after the other, and those it lies under, as known at $2 (null: now).
WITH RECURSIVE line (unit) AS (
  SELECT unnest($1::text[]) COLLATE "C"
   UNION
  SELECT next.unit
    FROM line
   CROSS JOIN LATERAL (
     SELECT (SELECT v.parent FROM unit_version v
              WHERE v.unit = line.unit AND ($2::timestamptz IS NULL OR v.known_from <= $2)
              ORDER BY v.sequence DESC LIMIT 1) AS parent,
            coalesce(
       (SELECT v.succeeded_by FROM unit_version v
         WHERE v.unit = line.unit AND ($2::timestamptz IS NULL OR v.known_from <= $2)
         ORDER BY v.sequence DESC LIMIT 1),
       (SELECT n.successor FROM unit_successor n
         WHERE n.unit = line.unit AND ($2::timestamptz IS NULL OR n.known_from <= $2)
         ORDER BY n.unit_successor_id DESC LIMIT 1)) AS successor) AS found
   CROSS JOIN LATERAL (VALUES (found.successor), (found.parent)) AS next (unit)
   WHERE next.unit IS NOT NULL
)
SELECT line.unit, v.name, coalesce(v.region, r.region) AS region, v.care_provider, v.parent, v.clinic, v.valid_from,
       v.valid_through, v.succeeded_by, n.successor
  FROM line
  LEFT JOIN LATERAL (SELECT u.region FROM unit u
                      WHERE u.unit = line.unit AND ($2::timestamptz IS NULL OR u.known_from <= $2)
                      ORDER BY u.unit_row DESC LIMIT 1) AS r ON true
  LEFT JOIN LATERAL (SELECT v.* FROM unit_version v
                      WHERE v.unit = line.unit AND ($2::timestamptz IS NULL OR v.known_from <= $2)
                      ORDER BY v.sequence DESC LIMIT 1) AS v ON true
  LEFT JOIN LATERAL (SELECT n.successor FROM unit_successor n
                      WHERE n.unit = line.unit AND ($2::timestamptz IS NULL OR n.known_from <= $2)
                      ORDER BY n.unit_successor_id DESC LIMIT 1) AS n ON true
 WHERE v.unit IS NOT NULL OR r.region IS NOT NULL
 ORDER BY line.unit;

-- name: names
-- The name of each unit of $1 that the directory has told of.
SELECT DISTINCT ON (v.unit) v.unit, v.name
  FROM unit_version v
 WHERE v.unit = ANY ($1::text[])
 ORDER BY v.unit, v.sequence DESC;

-- name: names_since
-- The newest name of each unit of which something became known since $1 (null: ever).
SELECT DISTINCT ON (v.unit) v.unit, v.name
  FROM unit_version v
 WHERE v.unit IN (SELECT n.unit FROM unit_version n WHERE $1::timestamptz IS NULL OR n.known_from >= $1)
 ORDER BY v.unit, v.sequence DESC;

-- name: page
-- Units whose name or id contains $1 (null: any), by name, after the place of $2 and $3; at most $4. $5: closed before
-- that day and without a successor only.
SELECT newest.*, n.successor
  FROM (SELECT DISTINCT ON (v.unit) v.* FROM unit_version v ORDER BY v.unit, v.sequence DESC) AS newest
  LEFT JOIN LATERAL (SELECT n.successor FROM unit_successor n WHERE n.unit = newest.unit
                      ORDER BY n.unit_successor_id DESC LIMIT 1) AS n ON true
 WHERE ($1::text IS NULL OR position(lower($1) IN lower(newest.name)) > 0 OR position(lower($1) IN lower(newest.unit)) > 0)
   AND ($2::text IS NULL OR (newest.name, newest.unit) > ($2, $3::text))
   AND ($5::date IS NULL OR (newest.valid_through < $5 AND newest.succeeded_by IS NULL AND n.successor IS NULL))
 ORDER BY newest.name, newest.unit
 LIMIT $4;

-- name: history
-- Every version of a unit, the newest first.
SELECT v.*, NULL::text AS successor FROM unit_version v WHERE v.unit = $1 ORDER BY v.sequence DESC;

-- name: name_successor
-- The successor of a closed unit, as an approved proposal has it.
INSERT INTO unit_successor (unit, successor, proposal_id, known_from) VALUES ($1, $2, $3, $4);

-- part: with_earlier
-- `before`: the units of $1, and those whose line of successors may lead to one of them.
WITH RECURSIVE before (unit) AS (
  SELECT unnest($1::text[]) COLLATE "C"
   UNION
  SELECT earlier.unit
    FROM before
   CROSS JOIN LATERAL (SELECT v.unit FROM unit_version v WHERE v.succeeded_by = before.unit
                        UNION
                       SELECT n.unit FROM unit_successor n WHERE n.successor = before.unit) AS earlier
)

-- name: earlier
-- The units of $1, and those whose line of successors may lead to one of them.
{with_earlier}
SELECT unit FROM before;

-- name: waiting_for
-- Who has an order that waits for one of $2, about a measure that one of the units of $1 imposed, or one whose line of
-- successors leads through it.
{with_earlier}
SELECT DISTINCT p.person_id
  FROM pending_order p
 WHERE p.codes && $2::text[]
   AND EXISTS (SELECT FROM measure m WHERE m.person_id = p.person_id AND m.unit IN (SELECT unit FROM before))
 ORDER BY p.person_id;
