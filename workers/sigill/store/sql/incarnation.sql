-- Which database the store lives in.

-- name: meet
-- Whether it is another one than was met last, after which numbers skip ahead.
SELECT meet_incarnation();
