-- Staff, assignments and the regions of units.

-- name: latest
-- The highest sequence told of each staff member; locks them against another writer.
SELECT asked.hsa_id,
       (SELECT max(s.sequence) FROM staff_version s WHERE s.hsa_id = asked.hsa_id) AS sequence
  FROM unnest($1::text[]) AS asked (hsa_id);

-- name: lock
-- Serialises staff members and units until the transaction ends, in one order for everybody.
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ':' || name, 0))
  FROM (SELECT DISTINCT unnest($1::text[]) AS name ORDER BY 1) AS sorted;

-- name: add_versions
-- What the directory told.
INSERT INTO staff_version (hsa_id, sequence, changed_at, known_from)
SELECT hsa_id, sequence, changed_at, $4
  FROM unnest($1::text[], $2::bigint[], $3::timestamptz[]) AS told (hsa_id, sequence, changed_at);

-- name: add_assignments
-- Assignments of those versions.
INSERT INTO staff_assignment (hsa_id, sequence, ordinal, unit, region, roles, from_date, through)
SELECT hsa_id, sequence, ordinal, unit, region, string_to_array(roles, ','), from_date, through
  FROM unnest($1::text[], $2::bigint[], $3::smallint[], $4::text[], $5::text[], $6::text[], $7::date[], $8::date[])
    AS told (hsa_id, sequence, ordinal, unit, region, roles, from_date, through);

-- name: add_units
-- Units whose region is new or another than before; where the directory tells of the unit itself, that holds.
INSERT INTO unit (unit, region, known_from)
SELECT told.unit, told.region, $3
  FROM unnest($1::text[], $2::text[]) AS told (unit, region)
 WHERE told.region IS DISTINCT FROM (SELECT u.region FROM unit u WHERE u.unit = told.unit
                                      ORDER BY u.unit_row DESC LIMIT 1)
   AND (SELECT v.region FROM unit_version v WHERE v.unit = told.unit ORDER BY v.sequence DESC LIMIT 1) IS NULL
 ORDER BY told.unit;

-- name: load
-- The assignments of each staff member in the newest version known at $2 (null: now), no assignment included.
SELECT newest.hsa_id, a.unit, a.region, a.roles, a.from_date, a.through
  FROM (SELECT DISTINCT ON (s.hsa_id) s.hsa_id, s.sequence FROM staff_version s
         WHERE s.hsa_id = ANY ($1::text[]) AND ($2::timestamptz IS NULL OR s.known_from <= $2)
         ORDER BY s.hsa_id, s.sequence DESC) AS newest
  LEFT JOIN staff_assignment a ON a.hsa_id = newest.hsa_id AND a.sequence = newest.sequence
 ORDER BY newest.hsa_id, a.ordinal;

-- name: units
-- The region of each unit in $1.
SELECT DISTINCT ON (u.unit) u.unit, u.region
  FROM unit u
 WHERE u.unit = ANY ($1::text[]) AND ($2::timestamptz IS NULL OR u.known_from <= $2)
 ORDER BY u.unit, u.unit_row DESC;

-- name: all_units
-- The region of every unit.
SELECT DISTINCT ON (u.unit) u.unit, u.region
  FROM unit u
 WHERE $1::timestamptz IS NULL OR u.known_from <= $1
 ORDER BY u.unit, u.unit_row DESC;

-- name: at_unit
-- Staff with one of the roles of $2 at a unit on a day, by their newest versions; at most $4.
SELECT a.hsa_id, a.roles
  FROM staff_assignment a
 WHERE a.unit = $1 AND a.roles && $2::text[]
   AND (a.from_date IS NULL OR a.from_date <= $3) AND (a.through IS NULL OR a.through >= $3)
   AND a.sequence = (SELECT max(s.sequence) FROM staff_version s WHERE s.hsa_id = a.hsa_id)
 ORDER BY a.hsa_id, a.ordinal
 LIMIT $4;
