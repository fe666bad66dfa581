-- Counting residents by what access depends on, for rehearsals and for the reach of a change of rules.

-- name: settings
-- A count over everybody may use more memory and longer than a worker's statement.
SET LOCAL work_mem = '256MB';
SET LOCAL statement_timeout = 0;
SET LOCAL jit = off;
SET LOCAL max_parallel_workers_per_gather = 2;

-- name: singular
-- Patients who are looked at one by one: those with measures, of two surrogates, told apart from somebody, or with somebody around them of whom
-- the register says something new, or a death, from $1 on.
WITH moved AS MATERIALIZED (
  SELECT person_id FROM person_version
   WHERE valid_from > $1 OR died_on > ($1::timestamptz AT TIME ZONE 'Europe/Stockholm')::date
  UNION SELECT person_id FROM person_merge
  UNION SELECT into_id FROM person_merge
  UNION SELECT person_id FROM person_separation
  UNION SELECT other_id FROM person_separation
), found AS (
  SELECT person_id FROM measure
  UNION SELECT person_id FROM moved
  UNION SELECT c.child_id FROM custody c JOIN moved m ON m.person_id = c.guardian_id
  UNION SELECT child_id FROM custody
         WHERE from_date > ($1::timestamptz AT TIME ZONE 'Europe/Stockholm')::date
            OR to_date > ($1::timestamptz AT TIME ZONE 'Europe/Stockholm')::date
)
SELECT person_id FROM found ORDER BY person_id;

-- name: groups
-- The living residents born in any of the periods from $4 through $5, by all that access depends on; those of $1 left
-- out. Counties $2 belong to regions $3 (others: ''); $8: only those counties. Custody as it stands on $6. With $7,
-- births of the same whole years of age on that day are one group, 29 February apart. Guardians are four flags each:
-- e-ID, protected, reserve number, dead. Everything of a person is looked up by key, so that only those born in the
-- periods cost anything.
WITH placed AS (
  SELECT coalesce(r.region, '') AS region, p.birth_earliest, p.birth_latest, p.id_type, p.protected, p.has_e_id,
         coalesce((SELECT string_agg(kin.flags, ',' ORDER BY kin.flags)
                     FROM (SELECT DISTINCT c.guardian_id FROM custody c
                            WHERE c.child_id = p.person_id AND c.sequence = p.sequence AND c.guardian_id IS NOT NULL
                              AND (c.from_date IS NULL OR c.from_date <= $6)
                              AND (c.to_date IS NULL OR c.to_date > $6)) AS c
                    CROSS JOIN LATERAL (
                           SELECT (g.has_e_id::int || '' || g.protected::int || (g.id_type = 3)::int
                                   || (g.died_on IS NOT NULL)::int) AS flags
                             FROM person_version g
                            WHERE g.person_id = c.guardian_id
                            ORDER BY g.sequence DESC LIMIT 1) AS kin), '') AS guardians,
         CASE WHEN $7::date IS NULL THEN p.birth_earliest - date '1800-01-01'
              ELSE 2 * extract(year FROM age($7, p.birth_earliest))::int
                   + (to_char(p.birth_earliest, 'MMDD') = '0229')::int END AS born_after,
         CASE WHEN $7::date IS NULL THEN p.birth_latest - date '1800-01-01'
              ELSE 2 * extract(year FROM age($7, p.birth_latest))::int
                   + (to_char(p.birth_latest, 'MMDD') = '0229')::int END AS born_before
    FROM person_version p
    LEFT JOIN unnest($2::text[], $3::text[]) AS r (county, region) ON r.county = p.county
   WHERE p.sequence >= 0 AND p.died_on IS NULL
     AND ($8::text[] IS NULL OR p.county = ANY ($8))
     AND p.birth_latest >= (SELECT min(first) FROM unnest($4::date[]) AS born (first))
     AND p.birth_earliest <= (SELECT max(last) FROM unnest($5::date[]) AS born (last))
     AND EXISTS (SELECT FROM unnest($4::date[], $5::date[]) AS born (first, last)
                  WHERE p.birth_earliest <= born.last AND p.birth_latest >= born.first)
     AND p.sequence = (SELECT max(newest.sequence) FROM person_version newest WHERE newest.person_id = p.person_id)
     AND NOT EXISTS (SELECT FROM unnest($1::bigint[]) AS left_out (person_id) WHERE left_out.person_id = p.person_id)
)
SELECT region, min(birth_earliest) AS birth_earliest, min(birth_latest) AS birth_latest, id_type, protected, has_e_id,
       guardians, count(*) AS residents
  FROM placed
 GROUP BY region, born_after, born_before, id_type, protected, has_e_id, guardians;

-- name: grown
-- The living residents born before $4, whose guardians no longer count, by whole years of age on $5; else as above.
SELECT coalesce(r.region, '') AS region, min(p.birth_earliest) AS birth_earliest, min(p.birth_latest) AS birth_latest,
       p.id_type, p.protected, p.has_e_id, '' AS guardians, count(*) AS residents
  FROM person_version p
  LEFT JOIN unnest($2::text[], $3::text[]) AS r (county, region) ON r.county = p.county
 WHERE p.sequence >= 0 AND p.died_on IS NULL AND p.birth_latest < $4
   AND ($6::text[] IS NULL OR p.county = ANY ($6))
   AND NOT EXISTS (SELECT FROM person_version later
                    WHERE later.person_id = p.person_id AND later.sequence > p.sequence)
   AND NOT EXISTS (SELECT FROM unnest($1::bigint[]) AS left_out (person_id) WHERE left_out.person_id = p.person_id)
 GROUP BY coalesce(r.region, ''), extract(year FROM age($5::date, p.birth_latest)), p.id_type, p.protected, p.has_e_id;
