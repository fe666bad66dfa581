-- All that policy needs about a set of patients, as known at $2 (null: now).

-- name: custody
-- The custody of the patients by version, in the register's order. Who was named before being told apart from somebody
-- is not known until the child's record is told again.
SELECT c.child_id, c.sequence,
       CASE WHEN NOT EXISTS (SELECT FROM person_separation s
                              WHERE s.person_id = c.guardian_id AND s.one AND s.known_from > v.known_from
                                AND ($2::timestamptz IS NULL OR s.known_from <= $2))
            THEN c.guardian_id END AS guardian_id,
       c.from_date, c.to_date
  FROM custody c
  JOIN person_version v ON v.person_id = c.child_id AND v.sequence = c.sequence
 WHERE c.child_id = ANY ($1::bigint[]) AND ($2::timestamptz IS NULL OR v.known_from <= $2)
 ORDER BY c.child_id, c.sequence, c.ordinal;

-- name: versions
-- What the register said of each person, by sequence.
SELECT v.person_id, v.sequence, v.valid_from, v.birth_earliest, v.birth_latest, v.died_on, v.emigrated_on, v.id_type,
       v.number, v.county, v.protected, v.has_e_id, v.identity_uncertain
  FROM person_version v
 WHERE v.person_id = ANY ($1::bigint[]) AND ($2::timestamptz IS NULL OR v.known_from <= $2)
 ORDER BY v.person_id, v.sequence;

-- name: identities
-- Every number of the persons with its key, newest first, as known then.
SELECT i.person_id, i.id_type, i.number, i.key
  FROM person_identity i
 WHERE i.person_id = ANY ($1::bigint[]) AND ($2::timestamptz IS NULL OR i.known_from <= $2)
   AND NOT EXISTS (SELECT FROM person_identity n
                    WHERE n.number = i.number AND n.id_type = i.id_type AND n.remap > i.remap
                      AND ($2::timestamptz IS NULL OR n.known_from <= $2))
 ORDER BY i.person_id, i.known_from DESC, i.number;

-- name: orders
-- The proven orders of the patients in their newest outcome.
SELECT s.person_id, s.order_id, s.region, s.form, s.urgent, s.channel, s.follows_up, o.outcome, o.codes, o.measures
  FROM order_reference s
 CROSS JOIN LATERAL (SELECT o.outcome, o.codes, o.measures FROM order_outcome o
                      WHERE o.registration = s.registration ORDER BY o.version DESC LIMIT 1) AS o
 WHERE s.proven AND (s.person_id = ANY ($1::bigint[]))
 ORDER BY s.registration;

-- name: orders_named
-- Of the proven orders of the patients those that are, or follow up, one of the orders in $2 (in small letters), in their newest
-- outcome.
SELECT s.person_id, s.order_id, s.region, s.form, s.urgent, s.channel, s.follows_up, o.outcome, o.codes, o.measures
  FROM (SELECT n.registration FROM order_reference n WHERE n.proven AND n.order_id = ANY ($2::uuid[])
        UNION
        SELECT f.registration FROM order_reference f
         WHERE f.proven AND f.follows_up IS NOT NULL AND lower(f.follows_up) = ANY ($2::uuid[]::text[])) AS named
  JOIN order_reference s ON s.registration = named.registration
 CROSS JOIN LATERAL (SELECT o.outcome, o.codes, o.measures FROM order_outcome o
                      WHERE o.registration = s.registration ORDER BY o.version DESC LIMIT 1) AS o
 WHERE s.person_id = ANY ($1::bigint[])
 ORDER BY s.registration;

-- name: requests
-- The patients' requests to release.
SELECT r.*, closed.opinion AS closed, replied.event IS NOT NULL AS replied
  FROM release_request r
  LEFT JOIN LATERAL (SELECT e.opinion FROM release_event e WHERE e.request = r.order_id AND e.event = 'closed'
                      ORDER BY e.event_row DESC LIMIT 1) AS closed ON true
  LEFT JOIN LATERAL (SELECT e.event FROM release_event e WHERE e.request = r.order_id AND e.event = 'replied'
                      LIMIT 1) AS replied ON true
 WHERE r.person_id = ANY ($1::bigint[])
 ORDER BY r.known_from, r.order_id;

-- name: answers
-- Each unit's newest answer to the requests, in the order given.
SELECT a.* FROM (SELECT DISTINCT ON (a.request, a.unit) a.request, a.unit, a.opinion, a.order_id, a.given_at, a.opens_from,
                          a.answer_id
                   FROM release_answer a
                  WHERE a.request = ANY ($1::uuid[])
                  ORDER BY a.request, a.unit, a.answer_id DESC) AS a
 ORDER BY a.request, a.answer_id;
