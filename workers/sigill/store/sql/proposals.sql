-- Four eyes.

-- name: propose
-- What an operator wants to do.
INSERT INTO proposal (action, subject, operator, reason, known_from) VALUES ($1, $2, $3, $4, $5)
RETURNING proposal_id;

-- name: open
-- Proposals that nobody has decided, oldest first; $1 null: of every action.
SELECT p.proposal_id, p.action, p.subject, p.operator, p.reason, p.known_from
  FROM proposal p
 WHERE ($1::text IS NULL OR p.action = $1)
   AND NOT EXISTS (SELECT FROM proposal_verdict v WHERE v.proposal_id = p.proposal_id)
 ORDER BY p.proposal_id;

-- name: by_id
-- A proposal that nobody has decided.
SELECT p.proposal_id, p.action, p.subject, p.operator, p.reason, p.known_from
  FROM proposal p
 WHERE p.proposal_id = $1
   AND NOT EXISTS (SELECT FROM proposal_verdict v WHERE v.proposal_id = p.proposal_id);

-- name: decide
-- What the second operator says; of two at once the first counts.
INSERT INTO proposal_verdict (proposal_id, approved, operator, known_from) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING proposal_id;
