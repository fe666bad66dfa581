-- The console's sessions.

-- name: begin_session
-- Somebody has logged in.
INSERT INTO console_session (
  token_hash, operator, hsa_id, unit, roles, csrf, began_at, seen_at, ends_at,
  issuer, subject, acr, sid, tokens, confirmed_at, asked_at, bound_regions, bound_units)
VALUES ($1, $2, $3, $4, $5::text[], $6, $7, $7, $8, $9, $10, $11, $12, $13, $7, $7, $14, $15);

-- name: session
-- A session that has neither ended nor been silent since $3.
SELECT operator, hsa_id, unit, roles, csrf, opened, began_at, seen_at, ends_at,
       issuer, subject, acr, sid, tokens, confirmed_at, bound_regions, bound_units
  FROM console_session WHERE token_hash = $1 AND ends_at > $2 AND seen_at > $3;

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
