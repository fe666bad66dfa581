-- Cases: what people wrote down about requests to release, and about orders with which they opened a case.

-- name: add
-- An entry.
INSERT INTO case_entry (request, person_id, kind, about, code, asker, day, operator, name, reference, remark, known_from)
VALUES ($1::uuid, $2::bigint, $3::text, $4::bigint, $5::text, $6::bigint, $7::date, $8::text, $9::text, $10::text, $11::text,
        $12::timestamptz)
RETURNING entry_id;

-- name: entries
-- Entries of cases, in the order written.
SELECT * FROM case_entry WHERE request = ANY ($1::uuid[]) ORDER BY entry_id;

-- part: case_key
-- What a case is known by, whether it began with a request, and when that ended.
s.order_id, began.person_id, s.registration, r.order_id IS NOT NULL AS asks,
       (SELECT min(e.known_from) FROM release_event e WHERE e.request = s.order_id AND e.event = 'closed') AS ended_at

-- part: begun_cases
-- Requests, and orders with which people opened a case.
  FROM (SELECT q.order_id, q.person_id FROM release_request q
         UNION
        SELECT o.request, o.person_id FROM case_entry o WHERE o.kind = 'opened') AS began
  JOIN signed_order s ON s.order_id = began.order_id AND s.proven
  LEFT JOIN release_request r ON r.order_id = began.order_id

-- part: nobody_has_closed
-- Nor is their patient erased; $1, $2: as `open` has them.
       NOT EXISTS (SELECT FROM case_entry c
                    WHERE c.request = s.order_id AND c.kind = 'closed'
                      AND NOT EXISTS (SELECT FROM case_entry w WHERE w.kind = 'withdrawn' AND w.about = c.entry_id
                                         AND w.request = c.request))
   AND NOT EXISTS (SELECT FROM person_erasure p WHERE p.person_id = began.person_id)
   AND ($1::text[] IS NULL OR coalesce(r.region, s.region) = ANY ($1))
   AND ($2::text[] IS NULL OR r.units && $2 OR s.unit = ANY ($2))

-- name: of_persons
-- The cases about persons, oldest first.
SELECT {case_key}
{begun_cases}
 WHERE began.person_id = ANY ($1::bigint[])
 ORDER BY s.registration;

-- name: by_registration
-- The case under a registration; $2: as if one were opened with the order, where none is.
SELECT {case_key}
  FROM signed_order s
  LEFT JOIN release_request r ON r.order_id = s.order_id
 CROSS JOIN LATERAL (SELECT coalesce(r.person_id, s.person_id) AS person_id) AS began
 WHERE s.registration = $1 AND s.proven AND began.person_id IS NOT NULL
   AND ($2 OR r.order_id IS NOT NULL
        OR EXISTS (SELECT FROM case_entry o WHERE o.request = s.order_id AND o.kind = 'opened'));

-- name: newest_entries
-- The newest entry of each case that began with one of the registrations, and whom the case is about.
SELECT s.registration, c.person_id, max(c.entry_id) AS entry_id
  FROM case_entry c JOIN signed_order s ON s.order_id = c.request AND s.proven
 WHERE s.registration = ANY ($1::bigint[])
 GROUP BY s.registration, c.person_id;

-- name: open
-- Cases that nobody has closed, oldest first, of the regions $1 and from or for the units $2; null: of all.
SELECT {case_key}
{begun_cases}
 WHERE {nobody_has_closed}
 ORDER BY s.registration
 LIMIT $3;

-- name: count_open
-- How many there are.
SELECT count(*)
{begun_cases}
 WHERE {nobody_has_closed};
