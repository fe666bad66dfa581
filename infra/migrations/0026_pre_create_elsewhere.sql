-- Runs before the code that needs it. Measures that were made outside Sigill, and how far each source of them is read.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

-- What a source told of a measure; the highest sequence holds.
CREATE TABLE elsewhere_measure (
  source        text COLLATE "C" NOT NULL,
  reference     text COLLATE "C" NOT NULL,
  sequence      bigint NOT NULL,
  changed_at    timestamptz NOT NULL,
  known_from    timestamptz NOT NULL,
  person_id     bigint NOT NULL REFERENCES person,
  kind          text COLLATE "C" NOT NULL,
  made_by       text COLLATE "C" NOT NULL,
  region        text COLLATE "C",
  care_provider text COLLATE "C",
  units         text[] COLLATE "C", -- with care_provider null too: the whole record
  recorded_from date,
  recorded_to   date,
  valid_from    date, -- first and last day, both in force
  valid_through date,
  ended         boolean NOT NULL, -- at changed_at
  PRIMARY KEY (source, reference, sequence)
);
CREATE INDEX elsewhere_measure_person ON elsewhere_measure (person_id);
CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON elsewhere_measure
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
SELECT keep_history('elsewhere_measure', 'source || ''/'' || reference || ''/'' || sequence');

-- Up to when a source has been read: no history, each word replaces the one before.
CREATE TABLE elsewhere_source (
  source     text COLLATE "C" PRIMARY KEY,
  read_up_to timestamptz NOT NULL,
  known_from timestamptz NOT NULL
);
