-- What falls due.

-- name: add
-- Timers; one that is there already stays as it is, a cancelled one is set again.
INSERT INTO timer AS known (person_id, due_at, measure_id, order_id, kind, region)
SELECT DISTINCT * FROM unnest($1::bigint[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::text[], $6::text[])
ON CONFLICT (person_id, kind, due_at, measure_id, order_id, region)
   DO UPDATE SET state = 'set', fired_at = NULL WHERE known.state = 'cancelled';

-- name: claim
-- The persons of the earliest due timers that no other worker has, serialised for this transaction where that is
-- possible at once; each with a number, as `persons.lock` draws one.
WITH earliest AS MATERIALIZED (
  SELECT timer_id, person_id, due_at
    FROM timer
   WHERE state = 'set' AND due_at <= $1
   ORDER BY due_at, person_id, timer_id
   LIMIT $2
     FOR UPDATE SKIP LOCKED
), wanted AS MATERIALIZED (
  SELECT person_id, min(due_at) AS due_at FROM earliest GROUP BY person_id
)
SELECT person_id, nextval(pg_get_serial_sequence('outbox', 'id')) AS number
  FROM wanted
 WHERE pg_try_advisory_xact_lock(hashtextextended(current_schema() || ':person:' || person_id, 0))
 ORDER BY due_at, person_id;

-- name: due
-- All due timers of the persons that no other worker has, with how many there are of each person.
SELECT t.timer_id, t.kind, t.due_at, t.person_id, t.region, t.measure_id, t.order_id, all_due.due
  FROM timer t
  JOIN (SELECT person_id, count(*) AS due FROM timer
         WHERE person_id = ANY ($1::bigint[]) AND state = 'set' AND due_at <= $2 GROUP BY person_id) AS all_due
    ON all_due.person_id = t.person_id
 WHERE t.person_id = ANY ($1::bigint[]) AND t.state = 'set' AND t.due_at <= $2
 ORDER BY t.due_at, t.person_id, t.timer_id
   FOR UPDATE OF t SKIP LOCKED;

-- name: done
-- Fired; a timer fires once.
UPDATE timer SET state = 'done', fired_at = $2 WHERE timer_id = ANY ($1::bigint[]) AND state = 'set';

-- name: cancel
-- Timers that are to wake nobody any more, chosen by measure, order or person, and by kind ($4 null: every kind).
UPDATE timer SET state = 'cancelled'
 WHERE state = 'set'
   AND (measure_id = ANY ($1::uuid[]) OR order_id = ANY ($2::uuid[]) OR person_id = ANY ($3::bigint[]))
   AND ($4::text[] IS NULL OR kind = ANY ($4));

-- name: of_persons
-- The timers of the persons that are still set.
SELECT timer_id, kind, due_at, person_id, region, measure_id, order_id
  FROM timer WHERE person_id = ANY ($1::bigint[]) AND state = 'set' ORDER BY due_at, timer_id;

-- name: next_day_of
-- The last instant of the first Swedish date on which something of the persons in $1 falls due after $2 and until $3.
WITH coming AS (
  SELECT due_at, (due_at AT TIME ZONE 'Europe/Stockholm')::date AS day
    FROM timer WHERE state = 'set' AND person_id = ANY ($1::bigint[]) AND due_at > $2 AND due_at <= $3
)
SELECT max(due_at) FROM coming WHERE day = (SELECT min(day) FROM coming);

-- name: persons_between
-- Persons of whom something of the kinds falls due after $1 and before $2, the earliest first; $4 null: any region.
SELECT person_id, min(due_at) AS due_at
  FROM timer
 WHERE state = 'set' AND due_at > $1 AND due_at < $2 AND kind = ANY ($3::text[]) AND ($4::text IS NULL OR region = $4)
 GROUP BY person_id ORDER BY min(due_at), person_id LIMIT $5 OFFSET $6;

-- name: count_persons_between
-- How many they are.
SELECT count(DISTINCT person_id)
  FROM timer
 WHERE state = 'set' AND due_at > $1 AND due_at < $2 AND kind = ANY ($3::text[]) AND ($4::text IS NULL OR region = $4);

-- name: between
-- Timers set to fall due in a period, by day (Europe/Stockholm), kind and region.
SELECT (due_at AT TIME ZONE 'Europe/Stockholm')::date AS day, kind, region, count(*) AS timers
  FROM timer WHERE state = 'set' AND due_at >= $1 AND due_at < $2
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- name: stats
-- How many are overdue at $1, since when, and when the next one falls due.
SELECT count(*) FILTER (WHERE due_at <= $1) AS overdue, min(due_at) FILTER (WHERE due_at <= $1) AS oldest,
       min(due_at) FILTER (WHERE due_at > $1) AS next
  FROM timer WHERE state = 'set' AND due_at < $1 + interval '1 day';
