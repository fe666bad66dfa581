-- Counts for the owner, of a period ($1 through before $2) and a region ($3). Nobody is named.

-- name: imposed
-- Measures that orders imposed, or the register brought, by what they are; not what came beside, or goes on.
SELECT m.region, m.kind, coalesce(m.unit, '') AS unit, m.initiative,
       (v.known_from AT TIME ZONE 'Europe/Stockholm')::date AS day, p.birth_earliest AS born
  FROM measure_version v
  JOIN measure m USING (measure_id)
  LEFT JOIN LATERAL (SELECT birth_earliest FROM person_version p WHERE p.person_id = m.person_id
                      ORDER BY p.sequence DESC LIMIT 1) AS p ON true
 WHERE v.version = 1 AND v.known_from >= $1 AND v.known_from < $2
   AND m.beside IS NULL AND cardinality(v.orders) <= 1
   AND m.region = $3;

-- name: calls
-- Orders by phone, and the seconds until their signed form was received; null: it has not come.
SELECT extract(epoch FROM form.received_at - call.received_at)::float8 AS seconds
  FROM signed_order call
  LEFT JOIN LATERAL (
    SELECT min(f.received_at) AS received_at FROM signed_order f
     WHERE f.person_id = call.person_id AND f.proven AND f.form = call.form AND f.received_at >= call.received_at
       AND f.payload->>'follows_up' = call.order_id::text) AS form ON true
 WHERE call.proven AND call.payload->>'channel' = 'phone'
   AND call.received_at >= $1 AND call.received_at < $2
   AND call.region = $3;

-- name: keyed_in
-- Work-list tasks that were ticked off, and the seconds that it took; null: it is not keyed in yet.
SELECT target, CASE WHEN state = 'done' THEN extract(epoch FROM ended_at - opened_at)::float8 END AS seconds
  FROM task
 WHERE target IS NOT NULL AND state <> 'closed' AND opened_at >= $1 AND opened_at < $2
   AND region = $3;

-- name: requests
-- Requests to release that were opened, by how they ended; null: open.
SELECT e.opinion AS closed, count(*) AS requests
  FROM release_request r
  LEFT JOIN LATERAL (SELECT opinion FROM release_event e WHERE e.request = r.order_id AND e.event = 'closed'
                      ORDER BY e.event_row DESC LIMIT 1) AS e ON true
 WHERE coalesce(r.opened_at, r.known_from) >= $1 AND coalesce(r.opened_at, r.known_from) < $2
   AND r.region = $3
 GROUP BY 1;

-- name: forms
-- Orders by form and newest outcome.
SELECT s.form, o.outcome, count(*) AS orders
  FROM signed_order s
 CROSS JOIN LATERAL (SELECT outcome FROM order_outcome o WHERE o.registration = s.registration
                      ORDER BY o.version DESC LIMIT 1) AS o
 WHERE s.received_at >= $1 AND s.received_at < $2 AND s.form IS NOT NULL AND s.region = $3
 GROUP BY 1, 2;

-- name: refusals
-- Refused orders by reason; an order with two reasons stands under both.
SELECT code, count(*) AS orders
  FROM signed_order s
 CROSS JOIN LATERAL (SELECT outcome, codes FROM order_outcome o WHERE o.registration = s.registration
                      ORDER BY o.version DESC LIMIT 1) AS o
 CROSS JOIN LATERAL unnest(o.codes) AS code
 WHERE s.received_at >= $1 AND s.received_at < $2 AND o.outcome = 'refused' AND s.region = $3
 GROUP BY 1;
