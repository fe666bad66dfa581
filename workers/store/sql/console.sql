-- What the operators' console lists. Every page is bounded, and so is every count.

-- name: orders
-- A page of orders, newest first; each null condition is none. $8: only below this registration.
SELECT s.registration, s.order_id, s.proven, s.person_id, s.region, s.form, s.unit, s.urgent, s.received_at,
       o.outcome, o.codes, o.judged_at
  FROM signed_order s
  LEFT JOIN LATERAL (SELECT o.outcome, o.codes, o.judged_at FROM order_outcome o
                      WHERE o.registration = s.registration ORDER BY o.version DESC LIMIT 1) AS o ON true
 WHERE ($1::bigint[] IS NULL OR s.person_id = ANY ($1))
   AND ($2::text IS NULL OR s.region = $2)
   AND ($3::text IS NULL OR s.unit = $3)
   AND ($4::text IS NULL OR s.form = $4)
   AND ($5::uuid IS NULL OR s.order_id = $5)
   AND ($6::timestamptz IS NULL OR s.received_at >= $6)
   AND ($7::timestamptz IS NULL OR s.received_at < $7)
   AND ($8::bigint IS NULL OR s.registration < $8)
 ORDER BY s.registration DESC
 LIMIT $9;

-- name: count_orders
-- How many there are, counted up to a bound.
SELECT count(*) FROM (
  SELECT FROM signed_order s
   WHERE ($1::bigint[] IS NULL OR s.person_id = ANY ($1))
     AND ($2::text IS NULL OR s.region = $2)
     AND ($3::text IS NULL OR s.unit = $3)
     AND ($4::text IS NULL OR s.form = $4)
     AND ($5::uuid IS NULL OR s.order_id = $5)
     AND ($6::timestamptz IS NULL OR s.received_at >= $6)
     AND ($7::timestamptz IS NULL OR s.received_at < $7)
   LIMIT $8) AS found;

-- name: orders_of_outcome
-- The same for one newest outcome, led by the outcomes.
SELECT s.registration, s.order_id, s.proven, s.person_id, s.region, s.form, s.unit, s.urgent, s.received_at,
       o.outcome, o.codes, o.judged_at
  FROM order_outcome o
  JOIN signed_order s USING (registration)
 WHERE o.outcome = $10
   AND NOT EXISTS (SELECT FROM order_outcome n WHERE n.registration = o.registration AND n.version > o.version)
   AND ($1::bigint[] IS NULL OR s.person_id = ANY ($1))
   AND ($2::text IS NULL OR s.region = $2)
   AND ($3::text IS NULL OR s.unit = $3)
   AND ($4::text IS NULL OR s.form = $4)
   AND ($5::uuid IS NULL OR s.order_id = $5)
   AND ($6::timestamptz IS NULL OR s.received_at >= $6)
   AND ($7::timestamptz IS NULL OR s.received_at < $7)
   AND ($8::bigint IS NULL OR o.registration < $8)
 ORDER BY o.registration DESC
 LIMIT $9;

-- name: count_orders_of_outcome
-- How many there are, counted up to a bound.
SELECT count(*) FROM (
  SELECT FROM order_outcome o
    JOIN signed_order s USING (registration)
   WHERE o.outcome = $9
     AND NOT EXISTS (SELECT FROM order_outcome n WHERE n.registration = o.registration AND n.version > o.version)
     AND ($1::bigint[] IS NULL OR s.person_id = ANY ($1))
     AND ($2::text IS NULL OR s.region = $2)
     AND ($3::text IS NULL OR s.unit = $3)
     AND ($4::text IS NULL OR s.form = $4)
     AND ($5::uuid IS NULL OR s.order_id = $5)
     AND ($6::timestamptz IS NULL OR s.received_at >= $6)
     AND ($7::timestamptz IS NULL OR s.received_at < $7)
   LIMIT $8) AS found;

-- name: pending_page
-- Orders that wait, the earliest deadline first; $1 null: for anything, $2 null: of every region.
SELECT s.registration, s.order_id, s.proven, s.person_id, s.region, s.form, s.unit, s.urgent, s.received_at,
       'pending' AS outcome, p.codes, p.until AS judged_at
  FROM pending_order p
  JOIN signed_order s USING (registration)
 WHERE ($1::text IS NULL OR p.codes @> ARRAY[$1])
   AND ($2::text IS NULL OR p.region = $2)
 ORDER BY p.until NULLS LAST, p.registration
 LIMIT $3 OFFSET $4;

-- name: count_pending
-- How many wait for one thing.
SELECT count(*), min(p.until) AS until, count(*) FILTER (WHERE p.until <= $3) AS overdue
  FROM pending_order p
 WHERE ($1::text IS NULL OR p.codes @> ARRAY[$1]) AND ($2::text IS NULL OR p.region = $2);

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

-- name: letter_sequences
-- Keys under which messages lie that nobody has dealt with, the oldest first; letters without a key each alone.
SELECT d.topic, d.key, count(*) AS letters, min(d.known_from) AS oldest, max(d.known_from) AS newest,
       array_agg(d.dead_letter_id ORDER BY d.dead_letter_id) AS ids
  FROM dead_letter d
 WHERE NOT EXISTS (SELECT FROM dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id)
   AND ($3::text IS NULL OR d.topic = $3)
 GROUP BY d.topic, d.key, CASE WHEN d.key IS NULL THEN d.dead_letter_id END
 ORDER BY min(d.dead_letter_id)
 LIMIT $1 OFFSET $2;

-- name: count_letters
-- How many letters nobody has dealt with, and in how many sequences.
SELECT count(*) AS letters,
       count(DISTINCT (d.topic, d.key, CASE WHEN d.key IS NULL THEN d.dead_letter_id END)) AS sequences
  FROM dead_letter d
 WHERE NOT EXISTS (SELECT FROM dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id)
   AND ($1::text IS NULL OR d.topic = $1);

-- name: open_before
-- Letters under the same topics and keys that are open and older than the given ones, which they are not among.
SELECT DISTINCT b.dead_letter_id
  FROM dead_letter d
  JOIN dead_letter b ON b.topic = d.topic AND b.key = d.key AND b.dead_letter_id < d.dead_letter_id
 WHERE d.dead_letter_id = ANY ($1::bigint[]) AND b.dead_letter_id <> ALL ($1::bigint[])
   AND NOT EXISTS (SELECT FROM dead_letter_action a WHERE a.dead_letter_id = b.dead_letter_id)
 ORDER BY 1;

-- name: serialise_letters
-- One operator at a time deals with these letters.
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ':dead-letter:' || id, 0))
  FROM (SELECT unnest($1::bigint[]) AS id ORDER BY 1) AS sorted;

-- name: mark_replayed
-- What the brokers have acknowledged, and nobody had dealt with.
INSERT INTO dead_letter_action (dead_letter_id, action, operator, known_from)
SELECT d.dead_letter_id, 'replayed', $2, $3
  FROM dead_letter d
 WHERE d.dead_letter_id = ANY ($1::bigint[])
   AND NOT EXISTS (SELECT FROM dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id);

-- name: newest_letters
-- The newest dead letter of each topic, dealt with or not.
SELECT DISTINCT ON (topic) topic, reason, known_from FROM dead_letter ORDER BY topic, dead_letter_id DESC;

-- name: consumed
-- How far each group has come.
SELECT consumer_group, topic, partition, next_offset, assigned_at FROM consumer_offset
 ORDER BY consumer_group, topic, partition;

-- name: worklist_page
-- Open work-list tasks, the oldest first; $1 null: of every target, $2 null: of every region.
SELECT * FROM task
 WHERE state = 'open' AND target IS NOT NULL
   AND ($1::text IS NULL OR target = $1) AND ($2::text IS NULL OR region = $2)
 ORDER BY opened_at, task_id
 LIMIT $3 OFFSET $4;

-- name: worklist_done
-- Work-list tasks that were ticked off last.
SELECT * FROM task WHERE state = 'done' AND target IS NOT NULL ORDER BY ended_at DESC, task_id DESC LIMIT $1;

-- name: tasks_page
-- Open tasks that are not of the work-list, the earliest deadline first; $1: of these kinds; $2: of any other.
SELECT * FROM task
 WHERE state = 'open' AND target IS NULL
   AND ($1::text[] IS NULL OR kind = ANY ($1)) AND ($2::text[] IS NULL OR kind <> ALL ($2))
 ORDER BY due_at NULLS LAST, task_id
 LIMIT $3 OFFSET $4;

-- name: count_tasks
-- How many there are, and how many are past their time at $3.
SELECT count(*) AS tasks, count(*) FILTER (WHERE due_at <= $3) AS overdue, min(due_at) AS due
  FROM task
 WHERE state = 'open' AND target IS NULL
   AND ($1::text[] IS NULL OR kind = ANY ($1)) AND ($2::text[] IS NULL OR kind <> ALL ($2));

-- name: count_requests
-- How many requests to release are open.
SELECT count(*) FROM release_request r
 WHERE NOT EXISTS (SELECT FROM release_event e WHERE e.request = r.order_id AND e.event = 'closed');

-- name: timers_of_day
-- What falls due between two moments, in order of time.
SELECT timer_id, kind, due_at, person_id, region, measure_id, order_id
  FROM timer WHERE state = 'set' AND due_at >= $1 AND due_at < $2
 ORDER BY due_at, timer_id
 LIMIT $3 OFFSET $4;

-- name: count_timers
-- How many there are.
SELECT count(*) FROM timer WHERE state = 'set' AND due_at >= $1 AND due_at < $2;

-- name: begin_session
-- Somebody has logged in.
INSERT INTO console_session (
  token_hash, operator, hsa_id, unit, roles, csrf, began_at, seen_at, ends_at,
  issuer, subject, acr, sid, tokens, confirmed_at, asked_at)
VALUES ($1, $2, $3, $4, $5::text[], $6, $7, $7, $8, $9, $10, $11, $12, $13, $7, $7);

-- name: session
-- A session that has neither ended nor been silent since $3.
SELECT operator, hsa_id, unit, roles, csrf, opened, began_at, seen_at, ends_at,
       issuer, subject, acr, sid, tokens, confirmed_at
  FROM console_session WHERE token_hash = $1 AND ends_at > $2 AND seen_at > $3;

-- name: claim_question
-- One process asks the issuer about a session that was last confirmed at $2 or before, and nobody else until it has.
UPDATE console_session SET asked_at = $4
 WHERE token_hash = $1 AND confirmed_at <= $2 AND (asked_at <= $3 OR asked_at = confirmed_at);

-- name: confirm_session
-- The issuer lets it go on.
UPDATE console_session SET roles = $2::text[], unit = $3, tokens = $4, confirmed_at = $5, asked_at = $5
 WHERE token_hash = $1;

-- name: end_sessions_of
-- Logged out at the issuer: one of its sessions, or without its name all of somebody.
DELETE FROM console_session
 WHERE issuer = $1 AND ($2::text IS NULL OR subject = $2) AND ($3::text IS NULL OR sid = $3)
   AND ($2::text IS NOT NULL OR $3::text IS NOT NULL)
RETURNING operator;

-- name: doubt_sessions_of
-- Somebody has logged out at the issuer: it is asked about their other sessions at the next request.
UPDATE console_session SET confirmed_at = began_at - interval '1 day', asked_at = began_at - interval '1 day'
 WHERE issuer = $1 AND subject = $2;

-- name: touch_session
-- Seen now.
UPDATE console_session SET seen_at = $2 WHERE token_hash = $1 AND seen_at < $2;

-- name: open_in_session
-- What the session may show unmasked from now on.
UPDATE console_session SET opened = opened || $2::jsonb WHERE token_hash = $1;

-- name: end_session
-- Logged out.
DELETE FROM console_session WHERE token_hash = $1;

-- name: sweep_sessions
-- Sessions that are over, or silent since $2, go.
DELETE FROM console_session WHERE ends_at <= $1 OR seen_at <= $2;
