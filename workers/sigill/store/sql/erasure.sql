-- What ends being kept.

-- name: erase
-- Removes all that says who a person is; returns the audit entries that lost their personal part.
SELECT chain, pos FROM erase_person($1, $2) ORDER BY chain, pos;

-- name: orders_of
-- The signed orders that are emptied with a person, and those that began a case in which the texts about the person are.
WITH gone AS (SELECT $1::bigint AS id UNION SELECT m.person_id FROM person_merge m WHERE m.into_id = $1)
SELECT s.registration FROM signed_order s
 WHERE s.original IS NOT NULL AND s.person_id IN (SELECT id FROM gone)
UNION
SELECT s.registration FROM case_entry c JOIN signed_order s ON s.order_id = c.request AND s.proven
 WHERE s.original IS NOT NULL AND c.asker IN (SELECT id FROM gone)
   AND num_nonnulls(c.name, c.reference, c.remark) > 0
 ORDER BY registration;

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

-- name: lapsed_timers
-- How many timers were over before $1 and may go.
SELECT count(*) FROM lapsed_timers($1, 9223372036854775807);

-- name: purge_timers
-- Destroys a page of them.
SELECT purge_timers($1, $2);

-- name: lapsed_tasks
-- How many tasks were over before $1 and may go.
SELECT count(*) FROM lapsed_tasks($1, 9223372036854775807);

-- name: purge_tasks
-- Destroys a page of them.
SELECT purge_tasks($1, $2);

-- name: settled_dead_letters
-- How many dead letters that are dealt with and older than $1 still hold their bytes.
SELECT count(*) FROM dead_letter d
 WHERE d.known_from < $1 AND d.value IS NOT NULL
   AND EXISTS (SELECT FROM dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id);
