-- Runs before the code that needs it. Standing measures follow the state that the register shows: everybody whom it
-- protects is looked at again when rules begin and after a load, and now and then, so that nobody is left open.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '300s';

-- Of a country's persons few are protected.
CREATE INDEX person_version_protected ON person_version (person_id) WHERE protected;

-- How far an evaluation is that a load or the beginning of a region's rules has set off.
CREATE TABLE standing_evaluation (
  cause       text COLLATE "C" PRIMARY KEY,
  at          timestamptz NOT NULL, -- when it began; one from a later time than now is of a clock that went back
  last_person bigint NOT NULL DEFAULT 0,
  counts      jsonb NOT NULL DEFAULT '{}', -- region, then what: how many persons
  finished_at timestamptz
);
