-- What the operators' console lists. Every page is bounded, and so is every count.

-- part: order_line
-- What a list shows of an order, beside its answer.
s.registration, s.registration_number, s.order_id, s.proven, s.person_id, s.region, s.form, s.unit, s.urgent,
       s.received_at

-- part: chosen_orders
-- The conditions of the search; each that is null is none.
($1::bigint[] IS NULL OR s.person_id = ANY ($1))
   AND ($2::text IS NULL OR s.region = $2)
   AND ($3::text IS NULL OR s.unit = $3)
   AND ($4::text IS NULL OR s.form = $4)
   AND ($5::uuid IS NULL OR s.order_id = $5)
   AND ($6::timestamptz IS NULL OR s.received_at >= $6)
   AND ($7::timestamptz IS NULL OR s.received_at < $7)

-- name: orders
-- A page of orders, newest first; each null condition is none. $8: only below this registration. $10, $11: of these regions and units.
SELECT {order_line},
       o.outcome, o.codes, o.judged_at
  FROM signed_order s
  LEFT JOIN LATERAL (SELECT o.outcome, o.codes, o.judged_at FROM order_outcome o
                      WHERE o.registration = s.registration ORDER BY o.version DESC LIMIT 1) AS o ON true
 WHERE {chosen_orders}
   AND ($8::bigint IS NULL OR s.registration < $8)
   AND ($10::text[] IS NULL OR s.region = ANY ($10)) AND ($11::text[] IS NULL OR s.unit = ANY ($11))
 ORDER BY s.registration DESC
 LIMIT $9;

-- name: count_orders
-- How many there are, counted up to a bound.
SELECT count(*) FROM (
  SELECT FROM signed_order s
   WHERE {chosen_orders}
     AND ($9::text[] IS NULL OR s.region = ANY ($9)) AND ($10::text[] IS NULL OR s.unit = ANY ($10))
   LIMIT $8) AS found;

-- name: orders_of_outcome
-- The same for one newest outcome, led by the outcomes.
SELECT {order_line},
       o.outcome, o.codes, o.judged_at
  FROM order_outcome o
  JOIN signed_order s USING (registration)
 WHERE o.outcome = $10
   AND NOT EXISTS (SELECT FROM order_outcome n WHERE n.registration = o.registration AND n.version > o.version)
   AND {chosen_orders}
   AND ($8::bigint IS NULL OR o.registration < $8)
   AND ($11::text[] IS NULL OR s.region = ANY ($11)) AND ($12::text[] IS NULL OR s.unit = ANY ($12))
 ORDER BY o.registration DESC
 LIMIT $9;

-- name: count_orders_of_outcome
-- How many there are, counted up to a bound.
SELECT count(*) FROM (
  SELECT FROM order_outcome o
    JOIN signed_order s USING (registration)
   WHERE o.outcome = $9
     AND NOT EXISTS (SELECT FROM order_outcome n WHERE n.registration = o.registration AND n.version > o.version)
     AND {chosen_orders}
     AND ($10::text[] IS NULL OR s.region = ANY ($10)) AND ($11::text[] IS NULL OR s.unit = ANY ($11))
   LIMIT $8) AS found;

-- name: pending_page
-- Orders that wait, the earliest deadline first; $1 null: for anything, $2 null: of every region. $5, $6: of these regions and units.
SELECT {order_line},
       'pending' AS outcome, p.codes, p.until AS judged_at
  FROM pending_order p
  JOIN signed_order s USING (registration)
 WHERE ($1::text IS NULL OR p.codes @> ARRAY[$1])
   AND ($2::text IS NULL OR p.region = $2)
   AND ($5::text[] IS NULL OR s.region = ANY ($5)) AND ($6::text[] IS NULL OR s.unit = ANY ($6))
 ORDER BY p.until NULLS LAST, p.registration
 LIMIT $3 OFFSET $4;

-- name: count_pending
-- How many wait for one thing.
SELECT count(*), min(p.until) AS until, count(*) FILTER (WHERE p.until <= $3) AS overdue
  FROM pending_order p
 WHERE ($1::text IS NULL OR p.codes @> ARRAY[$1]) AND ($2::text IS NULL OR p.region = $2)
   AND ($4::text[] IS NULL OR p.region = ANY ($4))
   AND ($5::text[] IS NULL
        OR EXISTS (SELECT FROM signed_order s WHERE s.registration = p.registration AND s.unit = ANY ($5)));

-- name: waiting
-- How many orders wait for what, by region, how many of them past their time at $1, and the earliest deadline.
SELECT p.region, code, count(*) AS orders, count(*) FILTER (WHERE p.until <= $1) AS overdue, min(p.until) AS until
  FROM pending_order p CROSS JOIN LATERAL unnest(p.codes) AS code
 GROUP BY p.region, code ORDER BY p.region, code;

-- name: answer_moments
-- When the answers to an order became known: the events of that moment went with them.
SELECT known_from FROM order_outcome WHERE registration = $1 ORDER BY version;

-- name: events_at
-- Events that were written at the moments: those under the keys, and those with these ids, in order.
SELECT id, event_id, aggregatetype, type, payload, created_at, published_at
  FROM outbox
 WHERE created_at = ANY ($1::timestamptz[]) AND (aggregateid = ANY ($2::text[]) OR event_id = ANY ($3::uuid[]))
 ORDER BY id
 LIMIT 500;

-- name: consumed
-- How far each group has come.
SELECT consumer_group, topic, partition, next_offset, assigned_at FROM consumer_offset
 ORDER BY consumer_group, topic, partition;

-- name: worklist_page
-- Open work-list tasks by patient, who has waited longest first; $1 null: of every target, $2 null: of every region. $5,
-- $6: of these regions and units; a task without a unit is of that of its order. $7: that this operator has taken; $8:
-- that nobody has.
SELECT * FROM task
 WHERE state = 'open' AND target IS NOT NULL
   AND ($1::text IS NULL OR target = $1) AND ($2::text IS NULL OR region = $2)
   AND ($5::text[] IS NULL OR region = ANY ($5))
   AND ($6::text[] IS NULL OR coalesce(unit, (SELECT s.unit FROM signed_order s
                                                WHERE s.order_id = task.order_id AND s.proven LIMIT 1)) = ANY ($6))
   AND ($7::text IS NULL OR claimed_by = $7) AND (NOT coalesce($8::boolean, false) OR claimed_by IS NULL)
 ORDER BY min(opened_at) OVER (PARTITION BY person_id, CASE WHEN person_id IS NULL THEN task_id END), person_id,
          opened_at, task_id
 LIMIT $3 OFFSET $4;

-- name: worklist_claims
-- How many open work-list tasks the operator has taken, and how many nobody has; $2, $3, $4 as $1, $5, $6 above.
SELECT count(*) FILTER (WHERE claimed_by = $1) AS mine, count(*) FILTER (WHERE claimed_by IS NULL) AS free
  FROM task
 WHERE state = 'open' AND target IS NOT NULL AND ($2::text IS NULL OR target = $2)
   AND ($3::text[] IS NULL OR region = ANY ($3))
   AND ($4::text[] IS NULL OR coalesce(unit, (SELECT s.unit FROM signed_order s
                                                WHERE s.order_id = task.order_id AND s.proven LIMIT 1)) = ANY ($4));

-- name: worklist_done
-- Work-list tasks that were ticked off last.
SELECT * FROM task
 WHERE state = 'done' AND target IS NOT NULL
   AND ($2::text[] IS NULL OR region = ANY ($2))
   AND ($3::text[] IS NULL OR coalesce(unit, (SELECT s.unit FROM signed_order s
                                                WHERE s.order_id = task.order_id AND s.proven LIMIT 1)) = ANY ($3))
 ORDER BY ended_at DESC, task_id DESC LIMIT $1;

-- name: tasks_page
-- Open tasks that are not of the work-list, the earliest deadline first; $1: of these kinds; $2: of any other.
SELECT * FROM task
 WHERE state = 'open' AND target IS NULL
   AND ($1::text[] IS NULL OR kind = ANY ($1)) AND ($2::text[] IS NULL OR kind <> ALL ($2))
   AND ($5::text[] IS NULL OR region = ANY ($5))
   AND ($6::text[] IS NULL OR coalesce(unit, (SELECT s.unit FROM signed_order s
                                                WHERE s.order_id = task.order_id AND s.proven LIMIT 1)) = ANY ($6))
 ORDER BY due_at NULLS LAST, task_id
 LIMIT $3 OFFSET $4;

-- name: count_tasks
-- How many there are, and how many are past their time at $3.
SELECT count(*) AS tasks, count(*) FILTER (WHERE due_at <= $3) AS overdue, min(due_at) AS due
  FROM task
 WHERE state = 'open' AND target IS NULL
   AND ($1::text[] IS NULL OR kind = ANY ($1)) AND ($2::text[] IS NULL OR kind <> ALL ($2))
   AND ($4::text[] IS NULL OR region = ANY ($4))
   AND ($5::text[] IS NULL OR coalesce(unit, (SELECT s.unit FROM signed_order s
                                                WHERE s.order_id = task.order_id AND s.proven LIMIT 1)) = ANY ($5));

-- name: count_requests
-- How many requests to release are open.
SELECT count(*) FROM release_request r
 WHERE NOT EXISTS (SELECT FROM release_event e WHERE e.request = r.order_id AND e.event = 'closed')
   AND ($1::text[] IS NULL OR r.region = ANY ($1)) AND ($2::text[] IS NULL OR r.units && $2);

-- name: requests_page
-- Open requests to release, oldest first, of the regions $1 and of those that units $2 are to answer; null: of all.
SELECT r.order_id, r.person_id
  FROM release_request r
 WHERE NOT EXISTS (SELECT FROM release_event e WHERE e.request = r.order_id AND e.event = 'closed')
   AND ($1::text[] IS NULL OR r.region = ANY ($1)) AND ($2::text[] IS NULL OR r.units && $2)
 ORDER BY r.known_from, r.order_id
 LIMIT $3;

-- name: timers_of_day
-- What falls due between two moments, in order of time.
SELECT timer_id, kind, due_at, person_id, region, measure_id, order_id
  FROM timer WHERE state = 'set' AND due_at >= $1 AND due_at < $2
   AND ($5::text[] IS NULL OR region = ANY ($5))
 ORDER BY due_at, timer_id
 LIMIT $3 OFFSET $4;

-- name: count_timers
-- How many there are.
SELECT count(*) FROM timer WHERE state = 'set' AND due_at >= $1 AND due_at < $2
   AND ($3::text[] IS NULL OR region = ANY ($3));

-- name: claim_question
-- One process asks the issuer about a session that was last confirmed at $2 or before, and nobody else until it has.
UPDATE console_session SET asked_at = $4
 WHERE token_hash = $1 AND confirmed_at <= $2 AND (asked_at <= $3 OR asked_at = confirmed_at);

-- name: confirm_session
-- The issuer lets it go on.
UPDATE console_session SET roles = $2::text[], unit = $3, tokens = $4, confirmed_at = $5, asked_at = $5,
       bound_regions = $6, bound_units = $7
 WHERE token_hash = $1;

-- name: end_sessions_of
-- Logged out at the issuer: one of its sessions, or without its name all of somebody.
DELETE FROM console_session
 WHERE issuer = $1 AND ($2::text IS NULL OR subject = $2) AND ($3::text IS NULL OR sid = $3)
   AND ($2::text IS NOT NULL OR $3::text IS NOT NULL) AND coalesce(issued_at, began_at) <= $4
RETURNING operator;

-- name: doubt_sessions_of
-- Somebody has logged out at the issuer: it is asked about their other sessions at the next request.
UPDATE console_session SET confirmed_at = began_at - interval '1 day', asked_at = began_at - interval '1 day'
 WHERE issuer = $1 AND subject = $2 AND coalesce(issued_at, began_at) <= $3;
