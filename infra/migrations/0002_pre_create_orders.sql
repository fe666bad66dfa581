-- Runs before the code that needs it. Orders, what they brought about, and requests to release.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '60s';

-- The number under which an order is registered on arrival (diarienummer); gaps are normal.
CREATE SEQUENCE registration AS bigint;

-- What was claimed on arrival: an event (source, id), an order id, or a changed message under a used id.
-- `claim` is the SHA-256 of the claimed thing, so that one unique key serves them all and rows stay small.
CREATE TABLE inbox (
  claim        bytea PRIMARY KEY,
  digest       bytea NOT NULL,
  registration bigint NOT NULL,
  claimed_at   timestamptz NOT NULL
);

-- A signed form as it came, byte for byte. `proven`: its signatures hold, so that it alone owns its order id.
CREATE TABLE signed_order (
  registration     bigint PRIMARY KEY,
  order_id         uuid,
  proven           boolean NOT NULL,
  person_id        bigint REFERENCES person,
  region           text COLLATE "C",
  form             text COLLATE "C",
  unit             text COLLATE "C",
  urgent           boolean NOT NULL,
  source           text NOT NULL,
  event_id         text NOT NULL,
  content_type     text,
  digest           bytea NOT NULL,
  original         bytea, -- null after erasure only
  payload          jsonb, -- the form, where it could be read
  trust_report     jsonb NOT NULL,
  received_at      timestamptz NOT NULL, -- the broker's time
  topic            text NOT NULL,
  partition        integer NOT NULL,
  record_offset    bigint NOT NULL,
  traceparent      text,
  known_from       timestamptz NOT NULL
);
CREATE UNIQUE INDEX signed_order_proven ON signed_order (order_id) WHERE proven;
CREATE INDEX signed_order_id ON signed_order (order_id);
CREATE INDEX signed_order_person ON signed_order (person_id, registration);
CREATE INDEX signed_order_region ON signed_order (region, received_at DESC);
CREATE INDEX signed_order_unit ON signed_order (unit, received_at DESC);

-- The answers to an order: version 1 is the first receipt, the last one holds.
CREATE TABLE order_outcome (
  registration bigint NOT NULL REFERENCES signed_order,
  version      integer NOT NULL CHECK (version >= 1),
  outcome      text COLLATE "C" NOT NULL,
  codes        text[] NOT NULL,
  measures     uuid[] NOT NULL,
  receipt      jsonb, -- null after erasure only
  judged_at    timestamptz NOT NULL,
  known_from   timestamptz NOT NULL,
  PRIMARY KEY (registration, version)
);

-- A measure (åtgärd): the part that never changes. A change of scope is another measure.
CREATE TABLE measure (
  measure_id    uuid PRIMARY KEY,
  person_id     bigint NOT NULL REFERENCES person,
  kind          text COLLATE "C" NOT NULL,
  region        text COLLATE "C" NOT NULL,
  initiative    text COLLATE "C" NOT NULL,
  services      text[] NOT NULL,
  units         text[],   -- null: the whole record
  recorded_from date,     -- information dates hidden, both inclusive
  recorded_to   date,
  guardians     bigint[], -- null: all guardians
  viewer        bigint,
  unit          text COLLATE "C",
  beside        uuid,
  known_from    timestamptz NOT NULL
);
CREATE INDEX measure_person ON measure (person_id);
CREATE INDEX measure_region ON measure (region, kind);
CREATE INDEX measure_viewer ON measure (viewer) WHERE viewer IS NOT NULL;
CREATE INDEX measure_guardians ON measure USING gin (guardians) WHERE guardians IS NOT NULL;

-- A measure in one version: in force from `valid_from` until `valid_to`, exclusive.
CREATE TABLE measure_version (
  measure_id            uuid NOT NULL REFERENCES measure,
  version               integer NOT NULL CHECK (version >= 1),
  known_from            timestamptz NOT NULL,
  valid_from            timestamptz NOT NULL,
  valid_to              timestamptz,
  ends_at_age           smallint,
  orders                uuid[] NOT NULL,
  provisional           boolean NOT NULL,
  awaits_follow_up      boolean NOT NULL,
  released              boolean NOT NULL,
  urgent                boolean NOT NULL,
  reported_to_authority boolean NOT NULL,
  inform_guardians      boolean NOT NULL,
  inform_patient        boolean NOT NULL,
  inform_written        boolean NOT NULL,
  review_on             date,
  rules                 text[] NOT NULL,
  rulebook              text NOT NULL,
  PRIMARY KEY (measure_id, version)
);
CREATE INDEX measure_version_orders ON measure_version USING gin (orders);

-- A request that the initiating units must answer (begäran om upplåsning), and its ledger.
CREATE TABLE release_request (
  order_id         uuid PRIMARY KEY,
  person_id        bigint NOT NULL REFERENCES person,
  region           text COLLATE "C" NOT NULL,
  initiative       text COLLATE "C" NOT NULL,
  measures         uuid[] NOT NULL,
  units            text[] NOT NULL,
  asked_by         bigint[] NOT NULL,
  inform_guardians boolean NOT NULL,
  inform_patient   boolean NOT NULL,
  inform_written   boolean NOT NULL,
  opened_at        timestamptz,
  known_from       timestamptz NOT NULL
);
CREATE INDEX release_request_person ON release_request (person_id);
CREATE TABLE release_answer (
  answer_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  request      uuid NOT NULL REFERENCES release_request,
  unit         text COLLATE "C" NOT NULL,
  opinion      text COLLATE "C" NOT NULL,
  order_id     uuid NOT NULL,
  given_at     timestamptz NOT NULL,
  known_from   timestamptz NOT NULL
);
CREATE INDEX release_answer_request ON release_answer (request);
-- What became of a request: `closed` with the opinion that closed it, or `replied` when the standard reply went out.
CREATE TABLE release_event (
  event_row  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  request    uuid NOT NULL REFERENCES release_request,
  event      text COLLATE "C" NOT NULL CHECK (event IN ('closed', 'replied')),
  opinion    text COLLATE "C",
  known_from timestamptz NOT NULL
);
CREATE INDEX release_event_request ON release_event (request);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['inbox', 'signed_order', 'order_outcome', 'measure', 'measure_version',
                              'release_request', 'release_answer', 'release_event'] LOOP
    EXECUTE format('CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
  END LOOP;
END $$;
