-- What ends being kept.

-- name: erase
-- Removes all that says who a person is; returns the audit entries that lost their personal part.
SELECT chain, pos FROM erase_person($1, $2) ORDER BY chain, pos;

-- name: keys
-- The keys of an erased person.
SELECT keys FROM person_erasure WHERE person_id = $1;

-- name: lapsed
-- Persons who died before $1 and have nothing to do any more, a page by id.
SELECT v.person_id
  FROM (SELECT DISTINCT ON (person_id) person_id, died_on FROM person_version
         WHERE person_id > $2 ORDER BY person_id, sequence DESC) AS v
 WHERE v.died_on < $1
   AND NOT EXISTS (SELECT FROM person_erasure e WHERE e.person_id = v.person_id)
   AND NOT EXISTS (SELECT FROM pending_order p WHERE p.person_id = v.person_id)
   AND NOT EXISTS (SELECT FROM task t WHERE t.person_id = v.person_id AND t.state = 'open')
 ORDER BY v.person_id
 LIMIT $3;

-- name: purge_dead_letters
-- Empties dead letters that are dealt with and older than $1.
SELECT purge_dead_letters($1);

-- name: lapsed_orders
-- Signed orders whose keeping has ended, a page by registration.
SELECT registration FROM lapsed_orders($1, $2, $3);

-- name: purge_evidence
-- Empties a page of them, with their receipts.
SELECT registration FROM purge_evidence($1, $2, $3, $4) ORDER BY registration;

-- name: settled_dead_letters
-- How many dead letters that are dealt with and older than $1 still hold their bytes.
SELECT count(*) FROM dead_letter d
 WHERE d.known_from < $1 AND d.value IS NOT NULL
   AND EXISTS (SELECT FROM dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id);
