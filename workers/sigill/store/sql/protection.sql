-- Who is protected, and what the register has imposed on them. A set at a time, by the few whom the register marks.

-- name: candidates
-- Persons after $1, at most $2, for whom a state rule may want something that is not there at $3: a marked one whom a
-- wanted measure ($4 county, $5 region, $6 kind, $7 youngest birth date left out) is missing for; with $8 also the
-- children of marked guardians who were born after $9, and the patients of open requests in these regions, of which the
-- rules may settle some (X-05); and marked ones born after $9 whose county was never told. The
-- rules decide about each; nobody is left out here for whom they may want something. Grants are those that a mark ends.
WITH wanted AS MATERIALIZED (
  SELECT * FROM unnest($4::text[], $5::text[], $6::text[], $7::date[]) AS w (county, region, kind, born_after)
), marked AS MATERIALIZED (
  SELECT p.person_id, p.birth_latest, p.died_on,
         (SELECT k.county FROM person_version k
           WHERE k.person_id = p.person_id AND k.county IS NOT NULL ORDER BY k.sequence DESC LIMIT 1) AS county
    FROM person_version p
   WHERE p.protected AND p.sequence >= 0
     AND NOT EXISTS (SELECT FROM person_version n WHERE n.person_id = p.person_id AND n.sequence > p.sequence)
), open AS (
  SELECT m.person_id
    FROM marked m
   WHERE m.died_on IS NULL
     AND EXISTS (
       SELECT FROM wanted w
        WHERE w.county = m.county AND m.birth_latest > w.born_after
          AND NOT EXISTS (
            SELECT FROM measure s
             CROSS JOIN LATERAL (SELECT * FROM measure_version v WHERE v.measure_id = s.measure_id
                                  ORDER BY v.version DESC LIMIT 1) AS v
             WHERE s.person_id = m.person_id AND s.initiative = 'register' AND s.region = w.region
               AND s.kind = w.kind AND v.valid_from <= $3 AND (v.valid_to IS NULL OR v.valid_to > $3)))
  UNION
  SELECT person_id FROM marked WHERE county IS NULL AND died_on IS NULL AND birth_latest > $9
  UNION
  SELECT c.child_id
    FROM marked m
    JOIN custody c ON c.guardian_id = m.person_id
    JOIN person_version p ON p.person_id = c.child_id AND p.sequence = c.sequence
   WHERE $8 AND p.birth_latest > $9
     AND NOT EXISTS (SELECT FROM person_version n WHERE n.person_id = p.person_id AND n.sequence > p.sequence)
  UNION
  SELECT g.person_id
    FROM (SELECT m.person_id AS marked, g.* FROM marked m JOIN measure g ON g.person_id = m.person_id
          UNION ALL
          SELECT m.person_id, g.* FROM marked m JOIN measure g ON g.guardians @> ARRAY[m.person_id]) AS g
   CROSS JOIN LATERAL (SELECT * FROM measure_version v WHERE v.measure_id = g.measure_id
                        ORDER BY v.version DESC LIMIT 1) AS v
   WHERE g.kind = 'guardian_grant' AND (v.valid_to IS NULL OR v.valid_to > $3)
  UNION
  SELECT unnest(r.person_id || ARRAY(SELECT x.into_id FROM person_merge x WHERE x.person_id = r.person_id))
    FROM release_request r
   WHERE $8 AND r.region = ANY ($5::text[])
     AND NOT EXISTS (SELECT FROM release_event e WHERE e.request = r.order_id AND e.event = 'closed')
)
SELECT person_id FROM open WHERE person_id > $1 ORDER BY person_id LIMIT $2;

-- name: marked
-- Those of the persons whom the register protects by its newest word.
SELECT p.person_id
  FROM person_version p
 WHERE p.person_id = ANY ($1::bigint[]) AND p.protected AND p.sequence >= 0
   AND NOT EXISTS (SELECT FROM person_version n WHERE n.person_id = p.person_id AND n.sequence > p.sequence);

-- name: births
-- The birth dates of the living residents of counties $1 who may be born after $2, of persons after $3 through $4.
SELECT DISTINCT p.birth_earliest, p.birth_latest
  FROM person_version p
 WHERE p.person_id > $3 AND p.person_id <= $4
   AND p.county = ANY ($1::text[]) AND p.birth_latest > $2 AND p.died_on IS NULL AND p.sequence >= 0;

-- name: highest
-- The newest person's number.
SELECT coalesce(max(person_id), 0) FROM person_version;

-- name: set_birthdays
-- The next birthday timer of every living resident of counties $1, by birth date: from $2 through $3 falls due at $4,
-- of kind $5, in region $6; of persons after $7 through $8. One that is set or has fired is left alone.
INSERT INTO timer AS known (person_id, due_at, kind, region)
SELECT p.person_id, b.due_at, b.kind, $6
  FROM unnest($2::date[], $3::date[], $4::timestamptz[], $5::text[]) AS b (earliest, latest, due_at, kind)
  JOIN person_version p ON p.birth_earliest = b.earliest AND p.birth_latest = b.latest
 WHERE p.person_id > $7 AND p.person_id <= $8
   AND p.county = ANY ($1::text[]) AND p.died_on IS NULL AND p.sequence >= 0
   AND NOT EXISTS (SELECT FROM person_version n WHERE n.person_id = p.person_id AND n.sequence > p.sequence)
ON CONFLICT (person_id, kind, due_at, measure_id, order_id, region)
   DO UPDATE SET state = 'set', fired_at = NULL WHERE known.state = 'cancelled';

-- name: forget
-- Evaluations of a time after $1, as if they had not been: for a clock that goes back.
DELETE FROM standing_evaluation WHERE at > $1;

-- name: claim
-- An evaluation for this transaction alone, new or begun before; one of a later time than $2 begins anew. No row: another
-- worker holds it, or it is finished.
INSERT INTO standing_evaluation AS known (cause, at) VALUES ($1, $2)
ON CONFLICT (cause) DO UPDATE
   SET at = excluded.at, last_person = 0, counts = '{}', finished_at = NULL
 WHERE known.at > excluded.at;

-- name: claimed
-- The evaluation of a cause, held until the transaction ends.
SELECT at, last_person, counts FROM standing_evaluation
 WHERE cause = $1 AND finished_at IS NULL FOR UPDATE SKIP LOCKED;

-- name: go_on
-- How far it is now.
UPDATE standing_evaluation SET last_person = $2, counts = $3, finished_at = $4 WHERE cause = $1;

-- name: evaluated
-- What has been evaluated until a moment, and whether it is finished.
SELECT cause, at, finished_at IS NOT NULL AS finished FROM standing_evaluation WHERE at <= $1;
