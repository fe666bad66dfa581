-- Measures that were made outside Sigill, and how far each source of them is read.

-- name: latest
-- The highest sequence told of each measure, and whose it was said to be then.
SELECT DISTINCT ON (v.source, v.reference) v.source, v.reference, v.sequence, v.person_id
  FROM unnest($1::text[], $2::text[]) AS asked (source, reference)
  JOIN elsewhere_measure v ON v.source = asked.source AND v.reference = asked.reference
 ORDER BY v.source, v.reference, v.sequence DESC;

-- name: add
-- What the source told.
INSERT INTO elsewhere_measure (source, reference, sequence, changed_at, known_from, person_id, kind, made_by, region,
                               care_provider, units, recorded_from, recorded_to, valid_from, valid_through, ended)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- name: read_up_to
-- A source has been read up to $2.
INSERT INTO elsewhere_source (source, read_up_to, known_from)
SELECT source, read_up_to, $3 FROM unnest($1::text[], $2::timestamptz[]) AS told (source, read_up_to)
    ON CONFLICT (source) DO UPDATE SET read_up_to = excluded.read_up_to, known_from = excluded.known_from
 WHERE elsewhere_source.read_up_to < excluded.read_up_to;

-- name: sources
-- How far each source has been read.
SELECT source, read_up_to FROM elsewhere_source;

-- name: measures
-- Every measure of the patients in its newest version, as known at $2 (null: now). What a source told of a person from whom
-- a patient has been told apart since counts for both, until the source tells it again.
WITH RECURSIVE apart AS (
  SELECT s.other_id AS whose, s.person_id, s.known_from AS until
    FROM person_separation s
   WHERE s.other_id = ANY ($1::bigint[]) AND s.one AND ($2::timestamptz IS NULL OR s.known_from <= $2)
  UNION
  SELECT a.whose, s.person_id, least(a.until, s.known_from)
    FROM apart a
    JOIN person_separation s ON s.other_id = a.person_id
   WHERE s.one AND ($2::timestamptz IS NULL OR s.known_from <= $2)
)
SELECT v.person_id AS whose, v.* FROM (SELECT DISTINCT ON (v.source, v.reference) v.*
                   FROM elsewhere_measure v
                  WHERE (v.source, v.reference) IN (SELECT o.source, o.reference FROM elsewhere_measure o
                                                     WHERE o.person_id = ANY ($1::bigint[]))
                    AND ($2::timestamptz IS NULL OR v.known_from <= $2)
                  ORDER BY v.source, v.reference, v.sequence DESC) AS v
 WHERE v.person_id = ANY ($1::bigint[])
UNION
SELECT a.whose, v.*
  FROM apart a
 -- looked up for each of the few who were told apart: no plan reads the whole table for them
 CROSS JOIN LATERAL (SELECT e.source, e.reference FROM elsewhere_measure e WHERE e.person_id = a.person_id OFFSET 0) AS o
 CROSS JOIN LATERAL (SELECT n.* FROM elsewhere_measure n
                      WHERE n.source = o.source AND n.reference = o.reference
                        AND ($2::timestamptz IS NULL OR n.known_from <= $2)
                      ORDER BY n.sequence DESC LIMIT 1) AS v
 WHERE v.person_id = a.person_id AND v.known_from < a.until
 ORDER BY source, reference;
