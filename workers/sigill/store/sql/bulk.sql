-- Loading a population register by COPY: a chunk of lines is staged in the session and written in one transaction.

-- name: stage
-- The session's own tables; each transaction begins with them empty. The surrogate is drawn as a line comes in.
CREATE TEMP TABLE told (
  line               integer NOT NULL,
  person_id          bigint NOT NULL DEFAULT nextval('person_person_id_seq'),
  fresh              boolean NOT NULL DEFAULT true,
  id_type            smallint NOT NULL,
  number             text COLLATE "C" NOT NULL,
  key                text NOT NULL,
  sequence           bigint NOT NULL,
  changed_at         timestamptz NOT NULL,
  birth_earliest     date NOT NULL,
  birth_latest       date NOT NULL,
  county             text,
  protected          boolean NOT NULL,
  has_e_id           boolean NOT NULL,
  identity_uncertain boolean NOT NULL,
  died_on            date,
  emigrated_on       date,
  given              text,
  family             text,
  timer_kind         text,
  timer_due          timestamptz,
  timer_region       text
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE told_custody (
  line        integer NOT NULL,
  ordinal     smallint NOT NULL,
  id_type     smallint,
  number      text COLLATE "C",
  from_date   date,
  to_date     date,
  guardian_id bigint
) ON COMMIT DELETE ROWS;

-- name: begin_load
-- A load of this file, begun now or some time before.
WITH begun AS (
  INSERT INTO population_load (fingerprint, chunk_lines, started_at) VALUES ($1, $2, $3)
  ON CONFLICT (fingerprint) DO NOTHING
  RETURNING load_id, chunk_lines, started_at, finished_at
)
SELECT * FROM begun
UNION ALL
SELECT load_id, chunk_lines, started_at, finished_at FROM population_load WHERE fingerprint = $1
LIMIT 1;

-- name: done_chunks
-- The chunks of a load that are in the store.
SELECT chunk, digest, lines, loaded, known, refused, partly FROM population_load_chunk WHERE load_id = $1 ORDER BY chunk;

-- name: claim_chunk
-- Takes a chunk for this transaction; of two loads of the same file one gets a row, the other waits and gets none.
INSERT INTO population_load_chunk (load_id, chunk, digest, lines, loaded, known, refused, partly, loaded_at)
VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8)
ON CONFLICT DO NOTHING
RETURNING chunk;

-- name: count_known
-- Says how many lines of a chunk were left as they were.
UPDATE population_load_chunk SET loaded = loaded - $3, known = $3 WHERE load_id = $1 AND chunk = $2;

-- name: add_refusals
-- Lines that were refused or read in part.
INSERT INTO population_load_refusal (load_id, line, faults, taken)
SELECT $1, line, string_to_array(faults, ' '), taken
  FROM unnest($2::bigint[], $3::text[], $4::boolean[]) AS refused (line, faults, taken);

-- name: refusals
-- The first lines of a load that were refused or read in part.
SELECT line, faults, taken FROM population_load_refusal WHERE load_id = $1 ORDER BY line LIMIT $2;

-- name: end_load
-- Every chunk is in the store.
UPDATE population_load SET finished_at = $2 WHERE load_id = $1 AND finished_at IS NULL;

-- name: add_identities
-- Maps the numbers that nobody has yet.
INSERT INTO person_identity (person_id, known_from, id_type, number, key)
SELECT person_id, $1, id_type, number, key FROM told
ON CONFLICT DO NOTHING;

-- name: find_known
-- Numbers that an order, a custody or the register had named before keep their person.
UPDATE told SET person_id = owner.person_id, fresh = false
  FROM (SELECT DISTINCT ON (i.number, i.id_type) i.number, i.id_type, i.person_id
          FROM told t JOIN person_identity i ON i.number = t.number AND i.id_type = t.id_type
         ORDER BY i.number, i.id_type, i.remap DESC) AS owner
 WHERE owner.number = told.number AND owner.id_type = told.id_type AND owner.person_id <> told.person_id;

-- name: leave_told
-- Persons of whom the register has told already are the register worker's: a change of them has consequences.
DELETE FROM told
 WHERE NOT fresh
   AND EXISTS (SELECT FROM person_version v WHERE v.person_id = told.person_id AND v.sequence >= 0);

-- name: add_persons
-- Surrogates.
INSERT INTO person (person_id, known_from) SELECT person_id, $1 FROM told WHERE fresh;

-- name: add_versions
-- What the register says of each; a change never takes effect later than it is known.
INSERT INTO person_version (person_id, sequence, valid_from, known_from, birth_earliest, birth_latest, died_on,
                            emigrated_on, id_type, number, county, protected, has_e_id, identity_uncertain)
SELECT person_id, sequence, least(changed_at, $1), $1, birth_earliest, birth_latest, died_on, emigrated_on, id_type,
       number, county, protected, has_e_id, identity_uncertain
  FROM told;

-- name: add_names
-- Names, for letters.
INSERT INTO person_name (person_id, sequence, given, family)
SELECT person_id, sequence, given, family FROM told WHERE given IS NOT NULL;

-- name: find_guardians
-- Whose the guardians' numbers are, each looked up once, in the order in which they lie.
UPDATE told_custody SET guardian_id = owner.person_id
  FROM (SELECT c.number, c.id_type,
               (SELECT i.person_id FROM person_identity i
                 WHERE i.number = c.number AND i.id_type = c.id_type
                 ORDER BY i.remap DESC LIMIT 1) AS person_id
          FROM (SELECT DISTINCT number, id_type FROM told_custody
                 WHERE number IS NOT NULL AND guardian_id IS NULL ORDER BY number, id_type) AS c) AS owner
 WHERE owner.number = told_custody.number AND owner.id_type = told_custody.id_type
   AND owner.person_id IS NOT NULL;

-- name: unknown_guardians
-- Guardians whom nobody has named yet.
SELECT DISTINCT c.number, c.id_type
  FROM told_custody c
  JOIN told t USING (line)
 WHERE c.number IS NOT NULL AND c.guardian_id IS NULL;

-- name: add_custody
-- Custody, in the register's order.
INSERT INTO custody (child_id, sequence, guardian_id, from_date, to_date, ordinal)
SELECT t.person_id, t.sequence, c.guardian_id, c.from_date, c.to_date, c.ordinal
  FROM told_custody c
  JOIN told t USING (line);

-- name: add_timers
-- The next birthday of each child.
INSERT INTO timer AS known (person_id, due_at, kind, region)
SELECT person_id, timer_due, timer_kind, timer_region FROM told WHERE timer_kind IS NOT NULL
ON CONFLICT (person_id, kind, due_at, measure_id, order_id, region)
   DO UPDATE SET state = 'set', fired_at = NULL WHERE known.state = 'cancelled';

-- name: owners_of_lines
-- Whose some lines are; those that were left are missing.
SELECT line, person_id, sequence FROM told WHERE line = ANY ($1::integer[]);

-- name: followed
-- Persons told of since $1 whose registration has consequences: those with an order that waits for it, and in the
-- counties of $2, or in one that is not told, those born after $3 who are protected or have a protected guardian, and no
-- measure of it yet.
WITH hidden AS MATERIALIZED (
  SELECT person_id FROM person_version WHERE protected AND sequence >= 0
), near AS (
  SELECT person_id FROM hidden
  UNION
  SELECT c.child_id FROM custody c JOIN hidden h ON h.person_id = c.guardian_id
)
SELECT v.person_id
  FROM near
  JOIN person_version v USING (person_id)
 WHERE v.known_from >= $1 AND v.sequence >= 0 AND (v.county IS NULL OR v.county = ANY ($2::text[]))
   AND v.birth_latest > $3
   AND NOT EXISTS (SELECT FROM measure m WHERE m.person_id = v.person_id AND m.initiative = 'register')
UNION
SELECT v.person_id
  FROM pending_order p
  JOIN person_version v USING (person_id)
 WHERE v.known_from >= $1 AND v.sequence >= 0
 ORDER BY 1;

-- name: analyze
-- So that plans know how many there are now.
ANALYZE person, person_identity, person_version, custody, person_name, timer;
