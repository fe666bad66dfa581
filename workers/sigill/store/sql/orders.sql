-- Signed orders and their answers.

-- name: answer
-- The next version of each order's answer.
INSERT INTO order_outcome (registration, version, outcome, codes, measures, receipt, judged_at, known_from)
SELECT told.registration,
       1 + coalesce((SELECT max(o.version) FROM order_outcome o WHERE o.registration = told.registration), 0),
       told.outcome, string_to_array(told.codes, ','), string_to_array(told.measures, ',')::uuid[], told.receipt,
       told.judged_at, $7
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::timestamptz[])
    AS told (registration, outcome, codes, measures, receipt, judged_at);

-- name: keep_pending
-- Orders that wait, and for what.
INSERT INTO pending_order (registration, person_id, region, codes, until)
SELECT told.registration, s.person_id, s.region, string_to_array(told.codes, ','), told.until
  FROM unnest($1::bigint[], $2::text[], $3::timestamptz[]) AS told (registration, codes, until)
  JOIN signed_order s USING (registration)
ON CONFLICT (registration) DO UPDATE SET codes = excluded.codes, until = excluded.until;

-- name: end_pending
-- Orders that wait no longer.
DELETE FROM pending_order WHERE registration = ANY ($1::bigint[]);

-- name: waiting
-- Orders that wait, oldest first, with one of the codes ($1 null: any).
SELECT s.*, p.person_id AS waiting_person, p.codes, p.until, o.version, o.outcome
  FROM pending_order p
  JOIN signed_order s USING (registration)
 CROSS JOIN LATERAL (SELECT o.version, o.outcome FROM order_outcome o WHERE o.registration = p.registration
                      ORDER BY o.version DESC LIMIT 1) AS o
 WHERE ($1::text[] IS NULL OR p.codes && $1)
   AND p.registration > $2
 ORDER BY p.registration
 LIMIT $3;

-- name: waiting_of
-- The same, of the persons in $1 only: a statement of its own, so that a kept plan has their index.
-- Without the signed bytes: the register's and the transitions' login read no more of an order than this view shows.
SELECT *
  FROM waiting_order
 WHERE waiting_person = ANY ($1::bigint[])
   AND ($2::text[] IS NULL OR codes && $2)
   AND registration > $3
 ORDER BY registration
 LIMIT $4;

-- name: waiting_persons
-- Who of $1 has an order that waits for any of $2.
SELECT DISTINCT person_id FROM pending_order WHERE person_id = ANY ($1::bigint[]) AND codes && $2::text[];

-- name: carried_out_unproven
-- Protective orders carried out since $1 although nobody could say whether the card was revoked, and of which nobody
-- has been alerted by a task of kind $2; registered after $3.
SELECT s.*
  FROM signed_order s
 CROSS JOIN LATERAL (SELECT o.outcome, o.receipt FROM order_outcome o WHERE o.registration = s.registration
                      ORDER BY o.version DESC LIMIT 1) AS o
 WHERE s.received_at >= $1
   AND s.proven
   AND s.trust_report->'undetermined' = 'true'::jsonb
   AND s.registration > $3
   AND o.outcome IN ('executed', 'pending')
   AND o.receipt->'flagged' ? 'revocation_unknown'
   AND NOT EXISTS (SELECT FROM task t WHERE t.kind = $2 AND t.order_id = s.order_id)
 ORDER BY s.registration
 LIMIT $4;

-- name: registrations
-- The registration of proven orders.
SELECT order_id, registration FROM signed_order WHERE proven AND order_id = ANY ($1::uuid[]);

-- name: numbers
-- What is wanted to name orders by.
SELECT registration, registration_number FROM signed_order WHERE order_id = ANY ($1::uuid[]);

-- name: numbered
-- The orders with a registration number; $2 is the registration that an older number speaks of.
SELECT registration FROM signed_order WHERE registration_number = $1
UNION ALL
SELECT registration FROM signed_order WHERE registration = $2 AND registration_number IS NULL;

-- name: load
-- Orders by id, unproven and changed ones too, in order of arrival.
SELECT s.* FROM signed_order s WHERE s.order_id = ANY ($1::uuid[]) ORDER BY s.registration;

-- name: by_registration
-- Orders by registration.
SELECT s.* FROM signed_order s WHERE s.registration = ANY ($1::bigint[]) ORDER BY s.registration;

-- name: answers
-- Every answer to the orders, the first one first.
SELECT o.* FROM order_outcome o WHERE o.registration = ANY ($1::bigint[]) ORDER BY o.registration, o.version;
