-- Runs before the code that needs it. Beside each offset stands what the log is known again by: the topic's id, its leader's
-- epoch, and fingerprints of records that were taken (24 bytes each: offset, BLAKE2b). Null: not known yet.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE consumer_offset
  ADD COLUMN stamped      bigint, -- time of the last record taken, milliseconds since 1970
  ADD COLUMN marks        bytea,
  ADD COLUMN topic_id     uuid,
  ADD COLUMN leader_epoch integer;
