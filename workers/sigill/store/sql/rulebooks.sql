-- Drafts and releases of rulebooks.

-- name: save
-- A draft as an owner leaves it.
INSERT INTO rulebook_draft (region, text, digest, operator, login, known_from) VALUES ($1, $2, $3, $4, $5, $6)
RETURNING draft_id;

-- name: draft
-- One draft with its text.
SELECT draft_id, region, text, digest, operator, login, known_from FROM rulebook_draft WHERE draft_id = $1;

-- name: drafts
-- The drafts of some regions (null: of all), newest first, without their texts.
SELECT draft_id, region, digest, operator, known_from FROM rulebook_draft
 WHERE $1::text[] IS NULL OR region = ANY ($1)
 ORDER BY draft_id DESC LIMIT $2;

-- name: lock
-- One release of a region at a time.
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ':rulebook:' || $1, 0));

-- name: is_released
-- Whether a draft has been released.
SELECT EXISTS (SELECT FROM rulebook_release WHERE draft_id = $1);

-- name: release
-- What two owners approved; the database checks it.
INSERT INTO rulebook_release (draft_id, proposal_id, region, digest, begins_on, first_owner, second_owner, second_login,
                              sources, stories, known_from)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb, $11)
RETURNING release_id;

-- name: releases
-- The releases of some regions (null: of all), newest first, without their texts.
SELECT release_id, draft_id, region, digest, begins_on, first_owner, second_owner, sources, stories::text AS stories, known_from
  FROM rulebook_release
 WHERE $1::text[] IS NULL OR region = ANY ($1)
 ORDER BY release_id DESC LIMIT $2;

-- name: release_text
-- One release with its text.
SELECT r.release_id, r.draft_id, r.region, r.digest, r.begins_on, r.first_owner, r.second_owner, r.sources,
       r.stories::text AS stories, r.known_from, d.text
  FROM rulebook_release r JOIN rulebook_draft d USING (draft_id)
 WHERE r.release_id = $1;

-- name: import
-- The text that a region begins with in the store.
INSERT INTO rulebook_import (region, text, digest, operator, known_from) VALUES ($1, $2, $3, $4, $5);

-- name: newest
-- The digest of a region's newest release, else of its import, with the release's number; no row: there is neither.
SELECT digest, release_id FROM (
  SELECT digest, release_id FROM rulebook_release WHERE region = $1
  UNION ALL SELECT digest, 0 FROM rulebook_import WHERE region = $1) known
 ORDER BY release_id DESC LIMIT 1;

-- name: lengths
-- How many imports and releases there are. Both are history, so that another number says of something new.
SELECT (SELECT count(*) FROM rulebook_import) AS imports, (SELECT count(*) FROM rulebook_release) AS releases;

-- name: history
-- Every text that a region's rules may be read from: imports first, then the releases in order.
SELECT i.region, i.text, i.digest, 0 AS release_id FROM rulebook_import i
UNION ALL
SELECT r.region, d.text, r.digest, r.release_id
  FROM rulebook_release r JOIN rulebook_draft d USING (draft_id)
 ORDER BY release_id, region;

-- name: newest_release
-- The number of the newest release; 0: there is none.
SELECT coalesce(max(release_id), 0) FROM rulebook_release;

-- name: save_story
-- A story of a region; an empty text takes it away.
INSERT INTO rulebook_story (region, name, text, operator, known_from) VALUES ($1, $2, $3, $4, $5);

-- name: stories
-- The newest text of every story of a region that was not taken away, in the order in which they were first written.
SELECT name, text FROM (
  SELECT DISTINCT ON (name) name, text, min(story_id) OVER (PARTITION BY name) AS first
    FROM rulebook_story WHERE region = $1 ORDER BY name, story_id DESC) newest
 WHERE text <> '' ORDER BY first LIMIT $2;

-- name: drafts_since
-- How many of the drafts since $2 are an owner's ($1), among everybody's newest $3 * 20.
SELECT count(*) FROM (SELECT operator, known_from FROM rulebook_draft ORDER BY draft_id DESC LIMIT $3 * 20) newest
 WHERE operator = $1 AND known_from > $2;
