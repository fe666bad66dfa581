-- What the diary lists of orders: nobody is named.

-- name: entries
-- Forms that came in, decisions that went out, and what was written down in cases, from $1 until before $2, in order of time; $3 null: of every region, $4
-- null: of every unit.
SELECT * FROM (
  SELECT s.received_at AS at, 'in' AS way, s.registration, s.registration_number, s.person_id, s.region, s.form, s.unit,
         NULL AS outcome, 0 AS entry
    FROM signed_order s
   WHERE s.received_at >= $1 AND s.received_at < $2
  UNION ALL
  SELECT o.judged_at, 'out', s.registration, s.registration_number, s.person_id, s.region, s.form, s.unit, o.outcome, 0
    FROM order_outcome o JOIN signed_order s USING (registration)
   WHERE o.judged_at >= $1 AND o.judged_at < $2
  UNION ALL
  SELECT c.known_from, CASE WHEN c.kind IN ('authority_answered', 'letter_received', 'opened') THEN 'in' ELSE 'out' END, s.registration, s.registration_number,
         s.person_id, s.region, s.form, s.unit, c.kind, c.entry_id
    FROM case_entry c JOIN signed_order s ON s.order_id = c.request AND s.proven
   WHERE c.known_from >= $1 AND c.known_from < $2 AND c.operator <> 'sigill'
) AS entry
 WHERE ($3::text[] IS NULL OR region = ANY ($3)) AND ($4::text[] IS NULL OR unit = ANY ($4))
 ORDER BY at, registration, way, entry
 LIMIT $5 OFFSET $6;
