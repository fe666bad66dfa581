-- Runs before the code that needs it. What an order says of who may be told has three values: yes, no, and nothing at
-- all, when the region's rules decide. A "no" is kept for itself, since it outlives its order.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE measure_version
  ALTER inform_guardians DROP NOT NULL,
  ALTER inform_patient DROP NOT NULL,
  ALTER inform_written DROP NOT NULL,
  ADD COLUMN silences text[]; -- `audience:unit` of every "do not tell" that stands; null: written before they were kept
ALTER TABLE release_request
  ALTER inform_guardians DROP NOT NULL,
  ALTER inform_patient DROP NOT NULL,
  ALTER inform_written DROP NOT NULL;
