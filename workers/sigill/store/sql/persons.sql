-- Persons: numbers, versions, custody, names, merges. $n::bigint[] are surrogates.

-- name: resolve
-- Whose the numbers are now; old numbers included.
SELECT DISTINCT ON (i.number, i.id_type) i.number, i.id_type, i.person_id
  FROM unnest($1::text[], $2::smallint[]) AS asked (number, id_type)
  JOIN person_identity i USING (number, id_type)
 ORDER BY i.number, i.id_type, i.remap DESC;

-- name: resolve_keys
-- Whose the pseudonymous keys are now.
SELECT DISTINCT ON (i.key) i.key, i.person_id
  FROM person_identity i
 WHERE i.key = ANY ($1::text[])
 ORDER BY i.key, i.remap DESC;

-- name: add_identities
-- Maps numbers that nobody has yet to fresh surrogates; of two writers the first wins, the other gets no row.
INSERT INTO person_identity (person_id, known_from, id_type, number, key)
SELECT nextval('person_person_id_seq'), $4, id_type, number, key
  FROM (SELECT number, id_type, key FROM unnest($1::text[], $2::smallint[], $3::text[]) AS named (number, id_type, key)
         ORDER BY number, id_type) named
ON CONFLICT DO NOTHING
RETURNING person_id, number, id_type;

-- name: add_persons
-- Surrogates with their first version: named by somebody, not told by the register (sequence -1).
WITH named AS (
  SELECT * FROM unnest($1::bigint[], $2::text[], $3::smallint[], $4::date[], $5::date[])
    AS named (person_id, number, id_type, birth_earliest, birth_latest)
), new_person AS (
  INSERT INTO person (person_id, known_from) SELECT person_id, $6 FROM named
)
INSERT INTO person_version (person_id, sequence, valid_from, known_from, birth_earliest, birth_latest, id_type,
                            number, protected, has_e_id, identity_uncertain)
SELECT person_id, -1, $6, $6, birth_earliest, birth_latest, id_type, number, false, true, false FROM named;

-- name: add_separated
-- A surrogate ($1) that was taken for a person ($2, known by $3), and has the numbers $4, $5: until the register tells of
-- it, whatever was told last of the person, or under one of the numbers, holds in the way that shows less.
WITH new_person AS (
  INSERT INTO person (person_id, known_from) VALUES ($1, $8)
), told AS (
  (SELECT v.protected, v.has_e_id, v.died_on, v.identity_uncertain
     FROM person_version v
    WHERE v.person_id = $2 AND v.sequence >= 0
    ORDER BY v.sequence DESC LIMIT 1)
  UNION ALL
  (SELECT DISTINCT ON (v.person_id, v.id_type, v.number) v.protected, v.has_e_id, v.died_on, v.identity_uncertain
     FROM person_version v
     JOIN unnest($4::text[], $5::smallint[]) AS leaving (number, id_type) USING (number, id_type)
    WHERE v.person_id = ANY ($3::bigint[]) AND v.sequence >= 0
    ORDER BY v.person_id, v.id_type, v.number, v.sequence DESC)
  UNION ALL
  (SELECT DISTINCT ON (v.person_id) v.protected, v.has_e_id, v.died_on, v.identity_uncertain
     FROM person_version v
    WHERE v.person_id = ANY ($3::bigint[]) AND v.person_id <> $2 AND v.sequence >= 0
      AND EXISTS (SELECT FROM person_identity i
                    JOIN unnest($4::text[], $5::smallint[]) AS leaving (number, id_type) USING (number, id_type)
                   WHERE i.person_id = v.person_id)
    ORDER BY v.person_id, v.sequence DESC)
)
INSERT INTO person_version (person_id, sequence, valid_from, known_from, birth_earliest, birth_latest, died_on, id_type,
                            number, protected, has_e_id, identity_uncertain)
SELECT $1::bigint, -1, $8::timestamptz, $8, $6::date, $7::date, min(died_on), ($5::smallint[])[1], ($4::text[])[1],
       coalesce(bool_or(protected), false), coalesce(bool_and(has_e_id), true),
       coalesce(bool_or(identity_uncertain), false)
  FROM told;

-- name: lock
-- Serialises the persons until the transaction ends, in one order for everybody. The number comes from the events' own
-- sequence, and is drawn once the lock is held: it grows from one transaction about a person to the next.
SELECT person_id,
       CASE WHEN pg_advisory_xact_lock(hashtextextended(current_schema() || ':person:' || person_id, 0))::text IS NOT NULL
            THEN nextval(pg_get_serial_sequence('outbox', 'id')) END AS number
  FROM (SELECT DISTINCT unnest($1::bigint[]) AS person_id ORDER BY 1) AS sorted;

-- name: latest_sequence
-- The highest sequence that the register has told of each person.
SELECT asked.person_id, newest.sequence
  FROM unnest($1::bigint[]) AS asked (person_id)
 CROSS JOIN LATERAL (SELECT v.sequence FROM person_version v
                      WHERE v.person_id = asked.person_id AND v.sequence >= 0
                      ORDER BY v.sequence DESC LIMIT 1) AS newest;

-- name: newest
-- What the register said last of each person.
SELECT newest.*
  FROM unnest($1::bigint[]) AS asked (person_id)
 CROSS JOIN LATERAL (SELECT v.person_id, v.sequence, v.valid_from, v.birth_earliest, v.birth_latest, v.died_on,
                            v.emigrated_on, v.id_type, v.number, v.county, v.protected, v.has_e_id,
                            v.identity_uncertain
                       FROM person_version v
                      WHERE v.person_id = asked.person_id AND v.sequence >= 0
                      ORDER BY v.sequence DESC LIMIT 1) AS newest;

-- name: custody_of
-- The custody that goes with versions, in the register's order. Who was named before being told apart from somebody is
-- not known until the child's record is told again.
SELECT c.child_id,
       CASE WHEN NOT EXISTS (SELECT FROM person_separation s
                              WHERE s.person_id = c.guardian_id AND s.one AND s.known_from > v.known_from)
            THEN c.guardian_id END AS guardian_id,
       c.from_date, c.to_date
  FROM unnest($1::bigint[], $2::bigint[]) AS asked (child_id, sequence)
  JOIN custody c USING (child_id, sequence)
  JOIN person_version v ON v.person_id = c.child_id AND v.sequence = c.sequence
 ORDER BY c.child_id, c.ordinal;

-- name: add_versions
-- What the register told, one row a person and sequence.
INSERT INTO person_version (person_id, sequence, valid_from, known_from, birth_earliest, birth_latest, died_on,
                            emigrated_on, id_type, number, county, protected, has_e_id, identity_uncertain)
SELECT person_id, sequence, valid_from, $14, birth_earliest, birth_latest, died_on, emigrated_on, id_type, number,
       county, protected, has_e_id, identity_uncertain
  FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::date[], $5::date[], $6::date[], $7::date[],
              $8::smallint[], $9::text[], $10::text[], $11::boolean[], $12::boolean[], $13::boolean[])
    AS told (person_id, sequence, valid_from, birth_earliest, birth_latest, died_on, emigrated_on, id_type, number,
             county, protected, has_e_id, identity_uncertain);

-- name: add_custody
-- The custody of a child in one version, in the register's order.
INSERT INTO custody (child_id, sequence, guardian_id, from_date, to_date, ordinal)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::date[], $5::date[], $6::smallint[]);

-- name: add_names
-- Names, for letters.
INSERT INTO person_name (person_id, sequence, given, family)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]);

-- name: remap
-- Numbers that belong to somebody else than was thought, or to nobody yet.
INSERT INTO person_identity (person_id, known_from, id_type, remap, number, key)
SELECT told.person_id, $5, told.id_type,
       coalesce((SELECT max(i.remap) + 1 FROM person_identity i
                  WHERE i.number = told.number AND i.id_type = told.id_type), 0),
       told.number, told.key
  FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::text[]) AS told (person_id, id_type, number, key)
 ORDER BY told.number, told.id_type;

-- name: merge
-- Surrogates that turned out to be another person, and all that had been merged into them before.
INSERT INTO person_merge (person_id, into_id, known_from)
SELECT gone, into_id, $3::timestamptz FROM unnest($1::bigint[], $2::bigint[]) AS told (gone, into_id)
UNION
SELECT earlier.person_id, told.into_id, $3::timestamptz
  FROM unnest($1::bigint[], $2::bigint[]) AS told (gone, into_id)
  JOIN person_merge earlier ON earlier.into_id = told.gone AND earlier.person_id <> told.into_id;

-- name: merged
-- Which surrogates are one person with the asked ones, as known at $2 (null: now): of each the newest row, unless a
-- still newer one made it the person that others became part of.
SELECT DISTINCT ON (m.person_id) m.person_id, m.into_id
  FROM person_merge m
 WHERE m.person_id IN (SELECT p.person_id FROM person_merge p
                        WHERE p.into_id = ANY ($1::bigint[]) OR p.person_id = ANY ($1::bigint[]))
   AND ($2::timestamptz IS NULL OR m.known_from <= $2)
   AND NOT EXISTS (SELECT FROM person_merge later
                    WHERE later.into_id = m.person_id AND later.merge_id > m.merge_id
                      AND ($2::timestamptz IS NULL OR later.known_from <= $2))
 ORDER BY m.person_id, m.merge_id DESC;

-- name: new_person
-- A fresh surrogate.
SELECT nextval('person_person_id_seq');

-- name: taken_for
-- Since when the numbers ($1, $2) are known to be whose they are now.
SELECT DISTINCT ON (i.number, i.id_type) i.number, i.id_type, i.known_from
  FROM unnest($1::text[], $2::smallint[]) AS asked (number, id_type)
  JOIN person_identity i USING (number, id_type)
 ORDER BY i.number, i.id_type, i.remap DESC;

-- name: separate
-- Of each pair, told apart at a time of the register's: whoever the first is known by, and the other.
INSERT INTO person_separation (person_id, other_id, separated_at, known_from, one)
SELECT told.person_id, told.other_id, told.separated_at, $5::timestamptz, told.one
  FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::boolean[]) AS told (person_id, other_id, separated_at, one);

-- name: separations
-- Who was told apart from whom, when by the register's clock: all pairs of which one is asked about.
SELECT s.person_id, s.other_id, max(s.separated_at) AS separated_at
  FROM person_separation s
 WHERE s.person_id = ANY ($1::bigint[]) OR s.other_id = ANY ($1::bigint[])
 GROUP BY s.person_id, s.other_id;

-- name: move_waiting
-- Orders that wait about the persons ($1) and name a number ($2, $3) that is another person's ($4). A request to release
-- stays with what it asks about.
UPDATE pending_order p SET person_id = $4
 WHERE p.registration IN (SELECT w.registration FROM waiting_order w
                           WHERE w.waiting_person = ANY ($1::bigint[])
                             AND w.payload #>> '{patient,id_type}' = $2 AND w.payload #>> '{patient,id}' = $3
                             AND NOT EXISTS (SELECT FROM release_request r WHERE r.order_id = w.order_id));

-- name: names
-- Newest names.
SELECT DISTINCT ON (n.person_id) n.person_id, n.given, n.family
  FROM person_name n
 WHERE n.person_id = ANY ($1::bigint[])
 ORDER BY n.person_id, n.sequence DESC;

-- name: children_of
-- Children whose newest custody names the guardians, ended custody included.
SELECT c.guardian_id, c.child_id
  FROM custody c
 WHERE c.guardian_id = ANY ($1::bigint[])
   AND c.sequence = (SELECT max(v.sequence) FROM person_version v WHERE v.person_id = c.child_id)
 GROUP BY c.guardian_id, c.child_id
 ORDER BY c.guardian_id, c.child_id;

-- name: identities
-- Every number of the persons, newest first.
SELECT i.person_id, i.id_type, i.number, i.key
  FROM person_identity i
 WHERE i.person_id = ANY ($1::bigint[])
   AND i.remap = (SELECT max(n.remap) FROM person_identity n WHERE n.number = i.number AND n.id_type = i.id_type)
 ORDER BY i.person_id, i.known_from DESC, i.number;

-- name: counties
-- The county code of the persons, as the register told it last.
SELECT asked.person_id, newest.county
  FROM unnest($1::bigint[]) AS asked (person_id)
 CROSS JOIN LATERAL (SELECT v.county FROM person_version v
                      WHERE v.person_id = asked.person_id ORDER BY v.sequence DESC LIMIT 1) AS newest
 WHERE newest.county IS NOT NULL;
