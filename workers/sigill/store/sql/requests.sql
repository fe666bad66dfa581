-- Requests to release, and the ledger of what units answered.

-- name: open
-- New requests.
INSERT INTO release_request (order_id, person_id, region, initiative, measures, units, asked_by, inform_guardians,
                             inform_patient, inform_written, opened_at, known_from, opens_from)
SELECT order_id, person_id, region, initiative, string_to_array(measures, ',')::uuid[], string_to_array(units, ','),
       string_to_array(asked_by, ',')::bigint[], inform_guardians, inform_patient, inform_written,
       coalesce(opened_at, $12), $12, opens_from
  FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[],
              $9::boolean[], $10::boolean[], $11::timestamptz[], $13::timestamptz[])
    AS new (order_id, person_id, region, initiative, measures, units, asked_by, inform_guardians, inform_patient,
            inform_written, opened_at, opens_from);

-- name: answer
-- Answers, in the order given.
INSERT INTO release_answer (request, unit, opinion, order_id, given_at, known_from, opens_from)
SELECT request, unit, opinion, order_id, given_at, $6, opens_from
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[], $7::timestamptz[])
       WITH ORDINALITY AS new (request, unit, opinion, order_id, given_at, opens_from, place)
 ORDER BY place;

-- name: event
-- What became of requests.
INSERT INTO release_event (request, event, opinion, known_from)
SELECT request, event, opinion, $4 FROM unnest($1::uuid[], $2::text[], $3::text[]) AS new (request, event, opinion);

-- name: ledger
-- Every answer to a request, withdrawn ones too, in the order given.
SELECT request, unit, opinion, order_id, given_at, opens_from FROM release_answer
 WHERE request = ANY ($1::uuid[]) ORDER BY request, answer_id;

-- name: naming
-- Open requests about, or by, the persons ($1), or by a representative, whose order names one of the numbers ($2, $3).
SELECT r.order_id
  FROM release_request r
  JOIN waiting_order w ON w.order_id = r.order_id
 CROSS JOIN LATERAL (SELECT w.payload -> 'patient' AS who
                     UNION ALL
                     SELECT jsonb_array_elements(CASE jsonb_typeof(w.payload -> 'guardians')
                                                 WHEN 'array' THEN w.payload -> 'guardians' ELSE '[]' END)
                     UNION ALL
                     SELECT w.payload -> 'representative') AS named
  JOIN unnest($2::text[], $3::text[]) AS leaving (id_type, number)
    ON named.who ->> 'id_type' = leaving.id_type AND named.who ->> 'id' = leaving.number
 WHERE (r.person_id = ANY ($1::bigint[]) OR r.asked_by && $1::bigint[] OR r.initiative = 'representative')
   AND NOT EXISTS (SELECT FROM release_event e WHERE e.request = r.order_id AND e.event = 'closed')
 GROUP BY r.order_id;

-- name: asked_by
-- The patients about whom open requests are that open for the persons as guardians.
SELECT DISTINCT r.person_id
  FROM release_request r
 WHERE r.asked_by && $1::bigint[]
   AND NOT EXISTS (SELECT FROM release_event e WHERE e.request = r.order_id AND e.event = 'closed');

-- name: released_by
-- The numbers that releases, and the requests behind answers to them, name; a release whose form is gone names none.
SELECT o.order_id, o.patient::text, o.guardians::text, r.patient::text AS asked_of, r.guardians::text AS asked_by
  FROM release_named o
  LEFT JOIN release_named r ON r.order_id = o.follows_up
 WHERE o.order_id = ANY ($1::uuid[]);

-- name: open_requests
-- The patients of requests that no decision has closed, oldest first; $1 null: of every region.
SELECT r.order_id, r.person_id
  FROM release_request r
 WHERE ($1::text IS NULL OR r.region = $1)
   AND NOT EXISTS (SELECT FROM release_event e WHERE e.request = r.order_id AND e.event = 'closed')
 ORDER BY r.known_from, r.order_id
 LIMIT $2;
