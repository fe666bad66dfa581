-- Runs before the code that needs it. Lines of a register file that were read in part: what could be read was loaded.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE population_load_chunk ADD COLUMN partly integer NOT NULL DEFAULT 0;
ALTER TABLE population_load_refusal ADD COLUMN taken boolean NOT NULL DEFAULT false;
