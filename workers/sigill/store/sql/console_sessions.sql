-- The console's sessions.

-- name: begin_session
-- Somebody has logged in.
INSERT INTO console_session (
  token_hash, operator, hsa_id, unit, roles, csrf, began_at, seen_at, ends_at,
  issuer, subject, acr, sid, tokens, confirmed_at, asked_at, bound_regions, bound_units, issued_at)
VALUES ($1, $2, $3, $4, $5::text[], $6, $7, $7, $8, $9, $10, $11, $12, $13, $7, $7, $14, $15, $16);

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

-- name: claim_form
-- A form is sent, unless the session has sent it already.
INSERT INTO console_form (session_hash, form_hash, sent_at)
SELECT $1, $2, $3 FROM console_session WHERE token_hash = $1 FOR KEY SHARE
ON CONFLICT DO NOTHING;

-- name: answer_form
-- It was carried out, and its sender is led to $3.
UPDATE console_form SET answer = $3 WHERE session_hash = $1 AND form_hash = $2;

-- name: release_form
-- Nothing was carried out: it may be sent again.
DELETE FROM console_form WHERE session_hash = $1 AND form_hash = $2 AND answer IS NULL;

-- name: form_answer
-- Where the sender of a form was led to; null while it is being carried out.
SELECT answer FROM console_form WHERE session_hash = $1 AND form_hash = $2;

-- name: keep_form
-- A form came when its session was over.
INSERT INTO console_kept_form (token_hash, sealed, ends_at) VALUES ($1, $2, $3);

-- name: drop_all_kept_forms_but
-- Of more than $1 the oldest go.
DELETE FROM console_kept_form WHERE token_hash IN (
  SELECT token_hash FROM console_kept_form ORDER BY ends_at DESC, token_hash OFFSET $1);

-- name: kept_form
-- A form that is kept still at $2.
SELECT sealed FROM console_kept_form WHERE token_hash = $1 AND ends_at > $2;

-- name: drop_kept_form
-- It has been sent, or forgotten.
DELETE FROM console_kept_form WHERE token_hash = $1;

-- name: sweep_kept_forms
-- Forms that have been kept long enough go.
DELETE FROM console_kept_form WHERE ends_at <= $1;
