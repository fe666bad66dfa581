-- Runs before the code that needs it. What a bulk load of the population register has done, so that it can go on.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '60s';

-- A register file, known again by its size and its first and last megabyte.
CREATE TABLE population_load (
  load_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  fingerprint bytea NOT NULL UNIQUE,
  chunk_lines integer NOT NULL,
  started_at  timestamptz NOT NULL,
  finished_at timestamptz
);

-- A chunk of lines, written in the same transaction as its persons.
CREATE TABLE population_load_chunk (
  load_id   bigint NOT NULL REFERENCES population_load,
  chunk     integer NOT NULL,
  digest    bytea NOT NULL,
  lines     integer NOT NULL,
  loaded    integer NOT NULL,
  known     integer NOT NULL, -- the register has told of them already: left as they were
  refused   integer NOT NULL, -- contradict themselves
  loaded_at timestamptz NOT NULL,
  PRIMARY KEY (load_id, chunk)
);

-- Why a line was refused: names of fields, never a value.
CREATE TABLE population_load_refusal (
  load_id bigint NOT NULL REFERENCES population_load,
  line    bigint NOT NULL, -- counted from 1, without the header
  faults  text[] NOT NULL,
  PRIMARY KEY (load_id, line)
);
