-- What people must do.

-- name: add
-- Tasks; an open one of the same kind and subject stays, and takes an earlier deadline.
INSERT INTO task AS known (kind, subject, region, person_id, text_sv, text_en, rules, due_at, order_id, measure_id,
                           unit, target, key_in, opened_at)
SELECT DISTINCT ON (kind, subject) kind, subject, region, person_id, text_sv, text_en, string_to_array(rules, ','),
       due_at, order_id, measure_id, unit, target, key_in, $14
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[],
              $8::timestamptz[], $9::uuid[], $10::uuid[], $11::text[], $12::text[], $13::text[])
    AS new (kind, subject, region, person_id, text_sv, text_en, rules, due_at, order_id, measure_id, unit, target,
            key_in)
 ORDER BY kind, subject, due_at
ON CONFLICT (kind, subject) WHERE state = 'open'
   DO UPDATE SET due_at = least(known.due_at, excluded.due_at);

-- name: close
-- Tasks that need nobody any more.
UPDATE task t SET state = 'closed', ended_at = $3
  FROM unnest($1::text[], $2::text[]) AS ended (kind, subject)
 WHERE t.state = 'open' AND t.kind = ended.kind AND t.subject = ended.subject;

-- name: tick_off
-- Done by an operator.
UPDATE task SET state = 'done', ended_at = $3, done_by = $2, remark = $4
 WHERE task_id = $1 AND state = 'open' AND (claimed_by IS NULL OR claimed_by = $2 OR $5)
RETURNING task_id;

-- name: claim
-- Open tasks that nobody has taken; $4: also those that others have.
UPDATE task SET claimed_by = $2, claimed_at = $3
 WHERE task_id = ANY ($1::bigint[]) AND state = 'open' AND (claimed_by IS NULL OR $4)
RETURNING task_id;

-- name: unclaim
-- Tasks that the operator has taken and has not done.
UPDATE task SET claimed_by = NULL, claimed_at = NULL
 WHERE task_id = ANY ($1::bigint[]) AND state = 'open' AND claimed_by = $2
RETURNING task_id;

-- name: reopen
-- One that was ticked off, unless it has been opened anew since; its remark says why.
UPDATE task SET state = 'open', ended_at = NULL, done_by = NULL, remark = $2, claimed_by = NULL, claimed_at = NULL
 WHERE task_id = $1 AND state = 'done'
   AND NOT EXISTS (SELECT FROM task t WHERE t.kind = task.kind AND t.subject = task.subject AND t.state = 'open')
RETURNING task_id;

-- name: page
-- A page of open tasks, the earliest deadline first; each null condition is none.
SELECT * FROM task
 WHERE state = 'open'
   AND ($1::text IS NULL OR region = $1)
   AND ($2::text[] IS NULL OR kind = ANY ($2))
   AND ($3::text IS NULL OR target = $3)
   AND ($4::bigint IS NULL OR person_id = $4)
 ORDER BY due_at NULLS LAST, task_id
 LIMIT $5 OFFSET $6;

-- name: by_ids
-- Tasks in any state.
SELECT * FROM task WHERE task_id = ANY ($1::bigint[]) ORDER BY task_id;

-- name: of_orders
-- The tasks of orders, in any state.
SELECT * FROM task WHERE order_id = ANY ($1::uuid[]) ORDER BY task_id;

-- name: stats
-- How many are open, by region, kind and target, and since when; target set: applied here and not yet there.
SELECT region, kind, target, count(*) AS tasks, min(opened_at) AS oldest, min(due_at) AS due
  FROM task
 WHERE state = 'open'
   AND ($1::text[] IS NULL OR region = ANY ($1))
   AND ($2::text[] IS NULL OR coalesce(unit, (SELECT s.unit FROM signed_order s
                                                WHERE s.order_id = task.order_id AND s.proven LIMIT 1)) = ANY ($2))
 GROUP BY region, kind, target ORDER BY region, kind, target;
