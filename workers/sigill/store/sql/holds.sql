-- Sources whose opening orders wait until an operator has looked.

-- name: hold
-- Holds sources that are not held yet; returns the new holds.
INSERT INTO source_hold (topic, source, unreadable, held_at)
SELECT topic, source, unreadable, $4 FROM unnest($1::text[], $2::text[], $3::integer[]) AS over (topic, source, unreadable)
ON CONFLICT (topic, source) WHERE ended_at IS NULL DO NOTHING
RETURNING hold_id, topic, source, unreadable, held_at;

-- name: held
-- Those of the sources that are held on a topic.
SELECT source FROM source_hold WHERE ended_at IS NULL AND topic = $1 AND source = ANY ($2::text[]);

-- name: standing
-- The holds that stand, oldest first.
SELECT hold_id, topic, source, unreadable, held_at FROM source_hold WHERE ended_at IS NULL ORDER BY hold_id;

-- name: end
-- Ends a hold.
UPDATE source_hold SET ended_at = $2, ended_by = $3, remark = $4
 WHERE hold_id = $1 AND ended_at IS NULL
RETURNING hold_id, topic, source, unreadable, held_at;

-- name: waiting_people
-- The patients of a source's orders that wait for a code.
SELECT DISTINCT p.person_id
  FROM pending_order p JOIN signed_order s USING (registration)
 WHERE p.codes @> ARRAY[$2::text] AND p.person_id IS NOT NULL
   AND left(s.source, $3) = $1
 ORDER BY 1;
