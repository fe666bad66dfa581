-- What ends being kept.

-- name: erase
-- Removes all that says who a person is; returns the audit entries that lost their personal part.
SELECT chain, pos FROM erase_person($1, $2) ORDER BY chain, pos;

-- name: keys
-- The keys of an erased person.
SELECT keys FROM person_erasure WHERE person_id = $1;

-- name: lapsed
-- Persons with orders who died before $1 and have nothing to do any more, a page by id.
SELECT s.person_id
  FROM (SELECT DISTINCT person_id FROM signed_order WHERE person_id > $2) AS s
 CROSS JOIN LATERAL (SELECT v.died_on FROM person_version v WHERE v.person_id = s.person_id
                      ORDER BY v.sequence DESC LIMIT 1) AS v
 WHERE v.died_on < $1
   AND NOT EXISTS (SELECT FROM pending_order p WHERE p.person_id = s.person_id)
   AND NOT EXISTS (SELECT FROM task t WHERE t.person_id = s.person_id AND t.state = 'open')
 ORDER BY s.person_id
 LIMIT $3;

-- name: purge_dead_letters
-- Empties dead letters that are dealt with and older than $1.
SELECT purge_dead_letters($1);
