-- Runs before the code that needs it. Work still to do: these rows may be changed, and are no evidence.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '60s';

-- The offset to read next, per consumer group and partition; a writer with an old generation is refused.
CREATE TABLE consumer_offset (
  consumer_group text NOT NULL,
  topic          text NOT NULL,
  partition      integer NOT NULL,
  generation     bigint NOT NULL,
  next_offset    bigint,
  assigned_at    timestamptz NOT NULL,
  PRIMARY KEY (consumer_group, topic, partition)
);

-- Orders whose newest outcome is `pending`; kept beside order_outcome in the same transaction.
CREATE TABLE pending_order (
  registration bigint PRIMARY KEY REFERENCES signed_order,
  person_id    bigint,
  region       text COLLATE "C",
  codes        text[] NOT NULL,
  until        timestamptz
);
CREATE INDEX pending_order_person ON pending_order (person_id);
CREATE INDEX pending_order_codes ON pending_order USING gin (codes);

-- Events to publish, named as Debezium's outbox router names them. Read without a position: what is unpublished.
CREATE TABLE outbox (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id      uuid NOT NULL,
  aggregatetype text NOT NULL, -- the topic
  aggregateid   text NOT NULL, -- the record key
  type          text NOT NULL,
  payload       bytea,         -- null: a tombstone
  headers       jsonb NOT NULL,
  shard         smallint NOT NULL,
  created_at    timestamptz NOT NULL,
  published_at  timestamptz
) PARTITION BY RANGE (id);
CREATE INDEX outbox_unpublished ON outbox (shard, id) WHERE published_at IS NULL;
CREATE TABLE outbox_rest PARTITION OF outbox DEFAULT;
ALTER TABLE outbox_rest SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);

-- Makes the partitions ahead of the highest id and drops those that are published and older than `keep_from`.
-- Returns the number of rows that went. Runs as the owner: the relay's role may not create or drop tables.
CREATE FUNCTION rotate_outbox(keep_from timestamptz, size bigint DEFAULT 1000000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
DECLARE
  top     bigint := coalesce((SELECT max(id) FROM outbox), 0);
  first   bigint;
  part    text;
  waiting boolean;
  gone    bigint := 0;
  here    bigint;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ':rotate_outbox', 0)) THEN
    RETURN 0;
  END IF;
  FOR ahead IN 1..2 LOOP
    first := (top / size + ahead) * size;
    part := format('outbox_p%s', first);
    IF to_regclass(part) IS NULL AND NOT EXISTS (SELECT FROM outbox_rest WHERE id >= first) THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF outbox FOR VALUES FROM (%s) TO (%s) '
                     'WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000)',
                     part, first, first + size);
    END IF;
  END LOOP;
  FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = 'outbox'::regclass ORDER BY c.relname LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE published_at IS NULL OR published_at >= $1)', part)
      INTO waiting USING keep_from;
    IF part <> 'outbox_rest' AND NOT waiting
       AND (top / size) * size > split_part(part, '_p', 2)::bigint THEN
      EXECUTE format('SELECT count(*) FROM %I', part) INTO here;
      EXECUTE format('DROP TABLE %I', part);
    ELSE
      EXECUTE format('DELETE FROM %I WHERE id IN (SELECT id FROM %I WHERE published_at < $1 LIMIT 10000)',
                     part, part) USING keep_from;
      GET DIAGNOSTICS here = ROW_COUNT;
    END IF;
    gone := gone + here;
  END LOOP;
  RETURN gone;
END $$;

-- What falls due. The same (kind, person, measure, order, due_at) twice is one timer.
CREATE TABLE timer (
  timer_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person_id  bigint NOT NULL,
  due_at     timestamptz NOT NULL,
  fired_at   timestamptz,
  measure_id uuid,
  order_id   uuid,
  kind       text COLLATE "C" NOT NULL,
  region     text COLLATE "C" NOT NULL,
  state      text COLLATE "C" NOT NULL DEFAULT 'set' CHECK (state IN ('set', 'done', 'cancelled')),
  UNIQUE NULLS NOT DISTINCT (person_id, kind, due_at, measure_id, order_id, region)
);
CREATE INDEX timer_due ON timer (due_at, person_id, timer_id) WHERE state = 'set';
CREATE INDEX timer_measure ON timer (measure_id) WHERE state = 'set' AND measure_id IS NOT NULL;
CREATE INDEX timer_order ON timer (order_id) WHERE state = 'set' AND order_id IS NOT NULL;

-- What people must do. One open task per (kind, subject), however often it is asked for.
CREATE TABLE task (
  task_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind       text COLLATE "C" NOT NULL,
  subject    text COLLATE "C" NOT NULL,
  region     text COLLATE "C" NOT NULL,
  person_id  bigint,
  text_sv    text NOT NULL,
  text_en    text NOT NULL,
  rules      text[] NOT NULL,
  due_at     timestamptz,
  order_id   uuid,
  measure_id uuid,
  unit       text COLLATE "C",
  target     text COLLATE "C",
  key_in     text COLLATE "C",
  opened_at  timestamptz NOT NULL,
  state      text COLLATE "C" NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'closed')),
  ended_at   timestamptz,
  done_by    text, -- operator; set when ticked off by hand
  remark     text,
  CHECK ((state = 'open') = (ended_at IS NULL)),
  CHECK ((state = 'done') = (done_by IS NOT NULL))
);
CREATE UNIQUE INDEX task_open ON task (kind, subject) WHERE state = 'open';
CREATE INDEX task_region ON task (region, due_at) WHERE state = 'open';
CREATE INDEX task_order ON task (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX task_person ON task (person_id) WHERE person_id IS NOT NULL;

-- Messages that could not be read at all, with their bytes. Kept as history; what was done is told beside.
CREATE TABLE dead_letter (
  dead_letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic          text NOT NULL,
  partition      integer NOT NULL,
  record_offset  bigint NOT NULL,
  stamped_at     timestamptz,
  consumer_group text NOT NULL,
  key            bytea,
  value          bytea,
  headers        jsonb NOT NULL,
  reason         text COLLATE "C" NOT NULL,
  known_from     timestamptz NOT NULL
);
CREATE INDEX dead_letter_key ON dead_letter (key);
CREATE INDEX dead_letter_topic ON dead_letter (topic, dead_letter_id DESC);
CREATE TABLE dead_letter_action (
  action_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  dead_letter_id bigint NOT NULL REFERENCES dead_letter,
  action         text COLLATE "C" NOT NULL CHECK (action IN ('replayed', 'discarded')),
  operator       text NOT NULL,
  approver       text CHECK (approver <> operator),
  reason         text,
  known_from     timestamptz NOT NULL,
  CHECK (action <> 'discarded' OR (approver IS NOT NULL AND reason IS NOT NULL))
);
CREATE INDEX dead_letter_action_letter ON dead_letter_action (dead_letter_id);

-- Four eyes: what one operator proposes, another approves or declines. Both rows stay.
CREATE TABLE proposal (
  proposal_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  action      text COLLATE "C" NOT NULL,
  subject     text COLLATE "C" NOT NULL,
  operator    text NOT NULL,
  reason      text NOT NULL,
  known_from  timestamptz NOT NULL
);
CREATE TABLE proposal_verdict (
  proposal_id bigint PRIMARY KEY REFERENCES proposal,
  approved    boolean NOT NULL,
  operator    text NOT NULL,
  known_from  timestamptz NOT NULL
);
CREATE FUNCTION demand_second_operator() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.approved AND NEW.operator = (SELECT operator FROM proposal WHERE proposal_id = NEW.proposal_id) THEN
    RAISE EXCEPTION 'a proposal is approved by a second operator' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER four_eyes BEFORE INSERT ON proposal_verdict
  FOR EACH ROW EXECUTE FUNCTION demand_second_operator();

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['dead_letter', 'dead_letter_action', 'proposal', 'proposal_verdict'] LOOP
    EXECUTE format('CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
  END LOOP;
END $$;
