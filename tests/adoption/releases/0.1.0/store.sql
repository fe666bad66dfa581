SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA sigill;
CREATE FUNCTION sigill.counted_from(at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS $$
  SELECT least(at, clock_timestamp())
$$;
CREATE FUNCTION sigill.demand_second_operator() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF NEW.approved AND NEW.operator = (SELECT operator FROM proposal WHERE proposal_id = NEW.proposal_id) THEN
    RAISE EXCEPTION 'a proposal is approved by a second operator' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION sigill.erase_person(erased bigint, at timestamp with time zone) RETURNS TABLE(chain text, pos bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'sigill'
    AS $$
DECLARE
  gone bigint[];
  held text[];
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || ':person:' || erased, 0));
  SELECT array_agg(DISTINCT id) INTO gone
    FROM (SELECT erased AS id UNION SELECT m.person_id FROM person_merge m WHERE m.into_id = erased) ids;
  SELECT coalesce(array_agg(DISTINCT i.key), '{}') INTO held FROM person_identity i WHERE i.person_id = ANY (gone);
  INSERT INTO person_erasure (person_id, keys, known_from) VALUES (erased, held, at);
  PERFORM set_config('sigill.erasing', 'on', true);
  UPDATE signed_order SET original = NULL, payload = NULL WHERE person_id = ANY (gone);
  UPDATE order_outcome o SET receipt = NULL
    FROM signed_order s WHERE s.registration = o.registration AND s.person_id = ANY (gone);
  UPDATE dead_letter SET value = NULL, headers = '[]' WHERE key = ANY (SELECT convert_to(k, 'UTF8') FROM unnest(held) k);
  DELETE FROM pending_order WHERE person_id = ANY (gone);
  DELETE FROM timer WHERE person_id = ANY (gone);
  DELETE FROM task WHERE person_id = ANY (gone);
  DELETE FROM outbox WHERE aggregateid = ANY (held) AND published_at IS NOT NULL;
  DELETE FROM custody WHERE child_id = ANY (gone);
  DELETE FROM person_name WHERE person_id = ANY (gone);
  DELETE FROM person_version WHERE person_id = ANY (gone);
  DELETE FROM person_identity WHERE person_id = ANY (gone);
  RETURN QUERY
    DELETE FROM audit_personal a WHERE a.person_id = ANY (gone) RETURNING a.chain, a.position;
  PERFORM set_config('sigill.erasing', 'off', true);
END $$;
CREATE FUNCTION sigill.lapsed_orders(before timestamp with time zone, after bigint, most integer) RETURNS TABLE(registration bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'sigill'
    AS $$
  SELECT s.registration
    FROM signed_order s
   WHERE s.received_at < before AND s.original IS NOT NULL AND s.registration > after
     AND NOT EXISTS (SELECT FROM pending_order p WHERE p.registration = s.registration)
     AND NOT EXISTS (
       SELECT FROM measure_version v
        WHERE v.orders @> ARRAY[s.order_id]
          AND (v.valid_to IS NULL OR v.valid_to >= before)
          AND NOT coalesce(
                (SELECT p.birth_latest + make_interval(years => v.ends_at_age) < before - interval '1 day'
                   FROM person_version p
                  WHERE p.person_id = s.person_id
                  ORDER BY p.sequence DESC LIMIT 1), false)
          AND v.version = (SELECT max(newest.version) FROM measure_version newest
                            WHERE newest.measure_id = v.measure_id))
   ORDER BY s.registration
   LIMIT most
$$;
CREATE FUNCTION sigill.purge_access_log(before timestamp with time zone, at timestamp with time zone) RETURNS TABLE(look_id bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'sigill'
    AS $$
BEGIN
  IF before > counted_from(at) - interval '5 years' THEN
    RAISE EXCEPTION 'the access log is kept for five years' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM set_config('sigill.erasing', 'on', true);
  RETURN QUERY DELETE FROM access_log l WHERE l.looked_at < before RETURNING l.look_id;
  PERFORM set_config('sigill.erasing', 'off', true);
END $$;
CREATE FUNCTION sigill.purge_dead_letters(before timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'sigill'
    AS $$
DECLARE
  emptied bigint;
BEGIN
  PERFORM set_config('sigill.erasing', 'on', true);
  UPDATE dead_letter d SET value = NULL, headers = '[]'
   WHERE d.known_from < before AND d.value IS NOT NULL
     AND EXISTS (SELECT FROM dead_letter_action a WHERE a.dead_letter_id = d.dead_letter_id);
  GET DIAGNOSTICS emptied = ROW_COUNT;
  PERFORM set_config('sigill.erasing', 'off', true);
  RETURN emptied;
END $$;
CREATE FUNCTION sigill.purge_evidence(before timestamp with time zone, at timestamp with time zone, after bigint, most integer) RETURNS TABLE(registration bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'sigill'
    AS $$
DECLARE
  gone bigint[];
BEGIN
  IF before > counted_from(at) - interval '1 year' THEN
    RAISE EXCEPTION 'signed orders are kept for a year at least' USING ERRCODE = 'insufficient_privilege';
  END IF;
  SELECT coalesce(array_agg(l.registration), '{}') INTO gone FROM lapsed_orders(before, after, most) l;
  PERFORM set_config('sigill.erasing', 'on', true);
  UPDATE order_outcome o SET receipt = NULL WHERE o.registration = ANY (gone);
  RETURN QUERY
    UPDATE signed_order s SET original = NULL, payload = NULL
     WHERE s.registration = ANY (gone) RETURNING s.registration;
  PERFORM set_config('sigill.erasing', 'off', true);
END $$;
CREATE FUNCTION sigill.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF TG_OP <> 'TRUNCATE'
     AND current_setting('sigill.erasing', true) = 'on'
     AND current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID) THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION '% of % is refused: its rows are history', lower(TG_OP), TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE FUNCTION sigill.rotate_outbox(keep_from timestamp with time zone, size bigint DEFAULT 1000000) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'sigill'
    SET lock_timeout TO '2s'
    AS $_$
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
END $_$;
SET default_tablespace = '';
CREATE TABLE sigill.access_log (
    look_id bigint NOT NULL,
    looked_at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    actor_unit text,
    person_id bigint NOT NULL,
    reason text NOT NULL,
    shown text NOT NULL,
    salt bytea NOT NULL,
    digest bytea NOT NULL
);
ALTER TABLE sigill.access_log ALTER COLUMN look_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sigill.access_log_look_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sigill.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE sigill.audit_entry (
    chain text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL COLLATE pg_catalog."C",
    body text NOT NULL,
    personal_digest bytea,
    prev_hash bytea NOT NULL,
    row_hash bytea NOT NULL,
    CONSTRAINT audit_entry_position_check CHECK (("position" >= 1))
);
CREATE TABLE sigill.audit_personal (
    chain text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    person_id bigint NOT NULL,
    salt bytea NOT NULL,
    detail text NOT NULL
);
CREATE TABLE sigill.console_session (
    token_hash bytea NOT NULL,
    operator text NOT NULL,
    hsa_id text COLLATE pg_catalog."C",
    unit text COLLATE pg_catalog."C",
    roles text[] NOT NULL,
    csrf text NOT NULL,
    opened jsonb DEFAULT '{}'::jsonb NOT NULL,
    began_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL
);
CREATE TABLE sigill.consumer_offset (
    consumer_group text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    generation bigint NOT NULL,
    next_offset bigint,
    assigned_at timestamp with time zone NOT NULL
);
CREATE TABLE sigill.custody (
    child_id bigint NOT NULL,
    sequence bigint NOT NULL,
    guardian_id bigint,
    from_date date,
    to_date date,
    ordinal smallint NOT NULL
);
CREATE TABLE sigill.dead_letter (
    dead_letter_id bigint NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    stamped_at timestamp with time zone,
    consumer_group text NOT NULL,
    key bytea,
    value bytea,
    headers jsonb NOT NULL,
    reason text NOT NULL COLLATE pg_catalog."C",
    known_from timestamp with time zone NOT NULL
);
CREATE TABLE sigill.dead_letter_action (
    action_id bigint NOT NULL,
    dead_letter_id bigint NOT NULL,
    action text NOT NULL COLLATE pg_catalog."C",
    operator text NOT NULL,
    approver text,
    reason text,
    known_from timestamp with time zone NOT NULL,
    CONSTRAINT dead_letter_action_action_check CHECK ((action = ANY (ARRAY['replayed'::text, 'discarded'::text]))),
    CONSTRAINT dead_letter_action_check CHECK ((approver <> operator)),
    CONSTRAINT dead_letter_action_check1 CHECK (((action <> 'discarded'::text) OR ((approver IS NOT NULL) AND (reason IS NOT NULL))))
);
ALTER TABLE sigill.dead_letter_action ALTER COLUMN action_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sigill.dead_letter_action_action_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE sigill.dead_letter ALTER COLUMN dead_letter_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sigill.dead_letter_dead_letter_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sigill.inbox (
    claim bytea NOT NULL,
    digest bytea NOT NULL,
    registration bigint NOT NULL,
    claimed_at timestamp with time zone NOT NULL
);
CREATE TABLE sigill.measure (
    measure_id uuid NOT NULL,
    person_id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    region text NOT NULL COLLATE pg_catalog."C",
    initiative text NOT NULL COLLATE pg_catalog."C",
    services text[] NOT NULL,
    units text[],
    recorded_from date,
    recorded_to date,
    guardians bigint[],
    viewer bigint,
    unit text COLLATE pg_catalog."C",
    beside uuid,
    known_from timestamp with time zone NOT NULL
);
CREATE TABLE sigill.measure_version (
    measure_id uuid NOT NULL,
    version integer NOT NULL,
    known_from timestamp with time zone NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone,
    ends_at_age smallint,
    orders uuid[] NOT NULL,
    provisional boolean NOT NULL,
    awaits_follow_up boolean NOT NULL,
    released boolean NOT NULL,
    urgent boolean NOT NULL,
    reported_to_authority boolean NOT NULL,
    inform_guardians boolean NOT NULL,
    inform_patient boolean NOT NULL,
    inform_written boolean NOT NULL,
    review_on date,
    rules text[] NOT NULL,
    rulebook text NOT NULL,
    CONSTRAINT measure_version_version_check CHECK ((version >= 1))
);
CREATE TABLE sigill.order_outcome (
    registration bigint NOT NULL,
    version integer NOT NULL,
    outcome text NOT NULL COLLATE pg_catalog."C",
    codes text[] NOT NULL,
    measures uuid[] NOT NULL,
    receipt jsonb,
    judged_at timestamp with time zone NOT NULL,
    known_from timestamp with time zone NOT NULL,
    CONSTRAINT order_outcome_version_check CHECK ((version >= 1))
);
CREATE TABLE sigill.outbox (
    id bigint NOT NULL,
    event_id uuid NOT NULL,
    aggregatetype text NOT NULL,
    aggregateid text NOT NULL,
    type text NOT NULL,
    payload bytea,
    headers jsonb NOT NULL,
    shard smallint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    published_at timestamp with time zone
)
PARTITION BY RANGE (id);
ALTER TABLE sigill.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sigill.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sigill.outbox_rest (
    id bigint CONSTRAINT outbox_id_not_null NOT NULL,
    event_id uuid CONSTRAINT outbox_event_id_not_null NOT NULL,
    aggregatetype text CONSTRAINT outbox_aggregatetype_not_null NOT NULL,
    aggregateid text CONSTRAINT outbox_aggregateid_not_null NOT NULL,
    type text CONSTRAINT outbox_type_not_null NOT NULL,
    payload bytea,
    headers jsonb CONSTRAINT outbox_headers_not_null NOT NULL,
    shard smallint CONSTRAINT outbox_shard_not_null NOT NULL,
    created_at timestamp with time zone CONSTRAINT outbox_created_at_not_null NOT NULL,
    published_at timestamp with time zone
)
WITH (autovacuum_vacuum_scale_factor='0.01', autovacuum_vacuum_threshold='1000');
CREATE TABLE sigill.pending_order (
    registration bigint NOT NULL,
    person_id bigint,
    region text COLLATE pg_catalog."C",
    codes text[] NOT NULL,
    until timestamp with time zone
);
CREATE TABLE sigill.person (
    person_id bigint NOT NULL,
    known_from timestamp with time zone NOT NULL
);
CREATE TABLE sigill.person_erasure (
    person_id bigint NOT NULL,
    keys text[] NOT NULL,
    known_from timestamp with time zone NOT NULL
);
CREATE TABLE sigill.person_identity (
    person_id bigint NOT NULL,
    known_from timestamp with time zone NOT NULL,
    id_type smallint NOT NULL,
    remap smallint DEFAULT 0 NOT NULL,
    number text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT person_identity_id_type_check CHECK (((id_type >= 1) AND (id_type <= 3)))
);
CREATE TABLE sigill.person_merge (
    merge_id bigint NOT NULL,
    person_id bigint NOT NULL,
    into_id bigint NOT NULL,
    known_from timestamp with time zone NOT NULL,
    CONSTRAINT person_merge_check CHECK ((person_id <> into_id))
);
ALTER TABLE sigill.person_merge ALTER COLUMN merge_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sigill.person_merge_merge_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sigill.person_name (
    person_id bigint NOT NULL,
    sequence bigint NOT NULL,
    given text NOT NULL,
    family text NOT NULL
);
ALTER TABLE sigill.person ALTER COLUMN person_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME sigill.person_person_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sigill.person_version (
    person_id bigint NOT NULL,
    sequence bigint NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    known_from timestamp with time zone NOT NULL,
    birth_earliest date NOT NULL,
    birth_latest date NOT NULL,
    died_on date,
    emigrated_on date,
    id_type smallint NOT NULL,
    protected boolean NOT NULL,
    has_e_id boolean NOT NULL,
    identity_uncertain boolean NOT NULL,
    number text NOT NULL COLLATE pg_catalog."C",
    county text COLLATE pg_catalog."C",
    CONSTRAINT person_version_check CHECK ((birth_earliest <= birth_latest))
);
CREATE TABLE sigill.population_load (
    load_id bigint NOT NULL,
    fingerprint bytea NOT NULL,
    chunk_lines integer NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone
);
CREATE TABLE sigill.population_load_chunk (
    load_id bigint NOT NULL,
    chunk integer NOT NULL,
    digest bytea NOT NULL,
    lines integer CONSTRAINT population_load_chunk_lines_not_null1 NOT NULL,
    loaded integer NOT NULL,
    known integer NOT NULL,
    refused integer NOT NULL,
    loaded_at timestamp with time zone NOT NULL
);
ALTER TABLE sigill.population_load ALTER COLUMN load_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sigill.population_load_load_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sigill.population_load_refusal (
    load_id bigint NOT NULL,
    line bigint NOT NULL,
    faults text[] NOT NULL
);
CREATE TABLE sigill.proposal (
    proposal_id bigint NOT NULL,
    action text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    operator text NOT NULL,
    reason text NOT NULL,
    known_from timestamp with time zone NOT NULL
);
ALTER TABLE sigill.proposal ALTER COLUMN proposal_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sigill.proposal_proposal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sigill.proposal_verdict (
    proposal_id bigint NOT NULL,
    approved boolean NOT NULL,
    operator text NOT NULL,
    known_from timestamp with time zone NOT NULL
);
CREATE SEQUENCE sigill.registration
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE sigill.release_answer (
    answer_id bigint NOT NULL,
    request uuid NOT NULL,
    unit text NOT NULL COLLATE pg_catalog."C",
    opinion text NOT NULL COLLATE pg_catalog."C",
    order_id uuid NOT NULL,
    given_at timestamp with time zone NOT NULL,
    known_from timestamp with time zone NOT NULL
);
ALTER TABLE sigill.release_answer ALTER COLUMN answer_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sigill.release_answer_answer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sigill.release_event (
    event_row bigint NOT NULL,
    request uuid NOT NULL,
    event text NOT NULL COLLATE pg_catalog."C",
    opinion text COLLATE pg_catalog."C",
    known_from timestamp with time zone NOT NULL,
    CONSTRAINT release_event_event_check CHECK ((event = ANY (ARRAY['closed'::text, 'replied'::text])))
);
ALTER TABLE sigill.release_event ALTER COLUMN event_row ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sigill.release_event_event_row_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sigill.release_request (
    order_id uuid NOT NULL,
    person_id bigint NOT NULL,
    region text NOT NULL COLLATE pg_catalog."C",
    initiative text NOT NULL COLLATE pg_catalog."C",
    measures uuid[] NOT NULL,
    units text[] NOT NULL,
    asked_by bigint[] NOT NULL,
    inform_guardians boolean NOT NULL,
    inform_patient boolean NOT NULL,
    inform_written boolean NOT NULL,
    opened_at timestamp with time zone,
    known_from timestamp with time zone NOT NULL
);
CREATE TABLE sigill.signed_order (
    registration bigint NOT NULL,
    order_id uuid,
    proven boolean NOT NULL,
    person_id bigint,
    region text COLLATE pg_catalog."C",
    form text COLLATE pg_catalog."C",
    unit text COLLATE pg_catalog."C",
    urgent boolean NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL,
    content_type text,
    digest bytea NOT NULL,
    original bytea,
    payload jsonb,
    trust_report jsonb NOT NULL,
    received_at timestamp with time zone NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    traceparent text,
    known_from timestamp with time zone NOT NULL
);
CREATE TABLE sigill.staff_assignment (
    hsa_id text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    ordinal smallint NOT NULL,
    unit text NOT NULL COLLATE pg_catalog."C",
    region text NOT NULL COLLATE pg_catalog."C",
    roles text[] NOT NULL,
    from_date date,
    through date
);
CREATE TABLE sigill.staff_version (
    hsa_id text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    known_from timestamp with time zone NOT NULL
);
CREATE TABLE sigill.task (
    task_id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    region text NOT NULL COLLATE pg_catalog."C",
    person_id bigint,
    text_sv text NOT NULL,
    text_en text NOT NULL,
    rules text[] NOT NULL,
    due_at timestamp with time zone,
    order_id uuid,
    measure_id uuid,
    unit text COLLATE pg_catalog."C",
    target text COLLATE pg_catalog."C",
    key_in text COLLATE pg_catalog."C",
    opened_at timestamp with time zone NOT NULL,
    state text DEFAULT 'open'::text NOT NULL COLLATE pg_catalog."C",
    ended_at timestamp with time zone,
    done_by text,
    remark text,
    CONSTRAINT task_check CHECK (((state = 'open'::text) = (ended_at IS NULL))),
    CONSTRAINT task_check1 CHECK (((state = 'done'::text) = (done_by IS NOT NULL))),
    CONSTRAINT task_state_check CHECK ((state = ANY (ARRAY['open'::text, 'done'::text, 'closed'::text])))
);
ALTER TABLE sigill.task ALTER COLUMN task_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sigill.task_task_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sigill.timer (
    timer_id bigint NOT NULL,
    person_id bigint NOT NULL,
    due_at timestamp with time zone NOT NULL,
    fired_at timestamp with time zone,
    measure_id uuid,
    order_id uuid,
    kind text NOT NULL COLLATE pg_catalog."C",
    region text NOT NULL COLLATE pg_catalog."C",
    state text DEFAULT 'set'::text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT timer_state_check CHECK ((state = ANY (ARRAY['set'::text, 'done'::text, 'cancelled'::text])))
);
ALTER TABLE sigill.timer ALTER COLUMN timer_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sigill.timer_timer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sigill.unit (
    unit_row bigint NOT NULL,
    unit text NOT NULL COLLATE pg_catalog."C",
    region text NOT NULL COLLATE pg_catalog."C",
    known_from timestamp with time zone NOT NULL
);
ALTER TABLE sigill.unit ALTER COLUMN unit_row ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sigill.unit_unit_row_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE ONLY sigill.outbox ATTACH PARTITION sigill.outbox_rest DEFAULT;
INSERT INTO sigill.alembic_version VALUES ('0007');
INSERT INTO sigill.audit_entry VALUES ('register-0', 1, '2025-02-08 09:00:00+00', 'sigill', 'transition', '{"at":"2025-02-08T09:00:00+00:00","cause":"record:population.persons.v1:4:0:2"}', '\xd53497c1a0136ead3ae6354d6255a134ec467f1cbfcbaf045ae73240d9dbe98f', '\x0000000000000000000000000000000000000000000000000000000000000000', '\x548deb524fd39a4537b482c1715cdc3d2439523a02498d9ece3817f04c37f08f');
INSERT INTO sigill.audit_entry VALUES ('register-0', 2, '2025-03-10 09:00:00+00', 'sigill', 'transition', '{"at":"2025-03-09T09:00:00+00:00","cause":"record:population.persons.v1:5:0:4"}', '\xb737c3be52d066bf274c6c48504902b34f1d6ce093c3e814f3eed09618457a6a', '\x548deb524fd39a4537b482c1715cdc3d2439523a02498d9ece3817f04c37f08f', '\xef275e3e625daa1ef7446fbd9a7720f2df54ab90b494e55c7eea50536bd1a8eb');
INSERT INTO sigill.audit_entry VALUES ('intake-0', 1, '2025-03-10 09:00:00+00', 'sigill', 'order', '{"at":"2025-03-10T09:00:00+00:00","cause":"order:bec03f8b-6a87-48ff-b6f6-8d44825f2c00:104b872efb9943413c6f20e0736b5ad21f5ce268a0fa104f70367fe7fc89b6ae","digest":"104b872efb9943413c6f20e0736b5ad21f5ce268a0fa104f70367fe7fc89b6ae","measures":["imposed:48ae9b88-8e8b-571f-bc41-def37b5da7c4"],"order_id":"bec03f8b-6a87-48ff-b6f6-8d44825f2c00","outcome":"executed","region":"testland","rulebook":"testland 2020-01-01","rules":["TL-01"],"signers":["SE2321000099-DOC1"]}', '\xfcc068afdf933c8764dba2edde1e4b299650a07f1366edf6d0b97fd9b48aa290', '\x0000000000000000000000000000000000000000000000000000000000000000', '\xf4c51653c2910c46402a77eec1c26d21842eae671ec6e985b294e4005c4bf85d');
INSERT INTO sigill.audit_entry VALUES ('intake-0', 2, '2025-03-10 09:00:00+00', 'sigill', 'order', '{"at":"2025-03-10T09:00:00+00:00","cause":"order:b3352783-0559-4b38-b0a6-18c2f8deaad3:b7b56bc3a03257d0ecd7b39855350e5ec8a84162c00b64cea23fe9c5920ecb7f","digest":"b7b56bc3a03257d0ecd7b39855350e5ec8a84162c00b64cea23fe9c5920ecb7f","measures":["imposed:bfa0081e-69a6-54ed-89a4-390ce031f7d5"],"order_id":"b3352783-0559-4b38-b0a6-18c2f8deaad3","outcome":"executed","region":"testland","rulebook":"testland 2020-01-01","rules":["TL-02"],"signers":["SE2321000099-DOC1"]}', '\x5d0625c1f96d3dc149dd8fea4c64c1d5e0784724880c3e9f07a1583fbcf4df1a', '\xf4c51653c2910c46402a77eec1c26d21842eae671ec6e985b294e4005c4bf85d', '\xca1a19457dc28164943491eb9ba854e851f6fde81075c39be73444ddea316881');
INSERT INTO sigill.audit_entry VALUES ('intake-0', 3, '2025-03-10 09:00:00+00', 'sigill', 'order', '{"at":"2025-03-10T09:00:00+00:00","cause":"order:4e8a353a-7574-4d63-a699-f9efb071f280:a6dc67e0bfd199e4a63a1518fad738113c472635d4c2959094842b2769a17869","digest":"a6dc67e0bfd199e4a63a1518fad738113c472635d4c2959094842b2769a17869","measures":["imposed:0e8c8208-1d53-5e99-baf0-518c0c8470f1"],"order_id":"4e8a353a-7574-4d63-a699-f9efb071f280","outcome":"executed","region":"testland","rulebook":"testland 2020-01-01","rules":["TL-03"],"signers":["SE2321000099-DOC1"]}', '\x7b4995eafa8c793e3171dbdf78f9a64f3afe0167e37f07e7569c1bbe91e57b60', '\xca1a19457dc28164943491eb9ba854e851f6fde81075c39be73444ddea316881', '\x1f15fa956c6be7636d4197315bf46aeaacbcb5afcac695399b074c01b6f6f865');
INSERT INTO sigill.audit_entry VALUES ('intake-0', 4, '2025-03-10 09:00:00+00', 'sigill', 'order', '{"at":"2025-03-10T09:00:00+00:00","cause":"order:b68dfaf2-80b8-46bc-8822-1b6d6d5661c0:8fd8819f173d7d162f24e4cc87755cddb55b4d3186f9f501c25fa4e2dbcb31de","codes":["not_a_guardian"],"digest":"8fd8819f173d7d162f24e4cc87755cddb55b4d3186f9f501c25fa4e2dbcb31de","order_id":"b68dfaf2-80b8-46bc-8822-1b6d6d5661c0","outcome":"refused","region":"testland","rulebook":"testland 2020-01-01","signers":["SE2321000099-DOC1"]}', '\x1ec456128fd900ea6e6d6740a7c75de2241696eb89a97297f591b9fa4341de7c', '\x1f15fa956c6be7636d4197315bf46aeaacbcb5afcac695399b074c01b6f6f865', '\x9cd23e102a6fbc4879deae83b670b88582ce5604d9e32a7c388ef7270f508fa8');
INSERT INTO sigill.audit_entry VALUES ('intake-0', 5, '2025-03-10 09:00:00+00', 'sigill', 'order', '{"at":"2025-03-10T09:00:00+00:00","cause":"order:3bc001f9-eb64-46ac-ac05-d27890d24e85:c8d5609b4c2a92e6d9ed7dca367551215965923da0270f2ae92edd77ab088e65","codes":["awaiting_signed_form"],"digest":"c8d5609b4c2a92e6d9ed7dca367551215965923da0270f2ae92edd77ab088e65","measures":["imposed:d6805ceb-87a6-58c9-96ff-adc7c831841d"],"order_id":"3bc001f9-eb64-46ac-ac05-d27890d24e85","outcome":"pending","region":"testland","rulebook":"testland 2020-01-01","rules":["TL-01"],"signers":["SE2321000099-OPER"]}', '\x3cd73ddcd62b15f7441c0c9f95f0efc9c5b0255ae7118bd9325223cc704b71f5', '\x9cd23e102a6fbc4879deae83b670b88582ce5604d9e32a7c388ef7270f508fa8', '\x937a5063528bbf9dde9c0ae907ae888f200c285322f2a248259a0e8dabe0801d');
INSERT INTO sigill.audit_personal VALUES ('register-0', 1, 4, '\x9459b6ac1c16919de79c2489e4f5e4ff', '{}');
INSERT INTO sigill.audit_personal VALUES ('register-0', 2, 5, '\x44f3be5381a97fba4117b9be77c12842', '{}');
INSERT INTO sigill.audit_personal VALUES ('intake-0', 1, 1, '\x3b334b83cf242311e25b2615c39893f9', '{}');
INSERT INTO sigill.audit_personal VALUES ('intake-0', 2, 4, '\x2fdb10a8f5ed31000e55523bfc336c10', '{}');
INSERT INTO sigill.audit_personal VALUES ('intake-0', 3, 5, '\x1c301507f44f25a3969d09ebc1be2af4', '{}');
INSERT INTO sigill.audit_personal VALUES ('intake-0', 4, 5, '\xe4405c7ae22a5ee26b6a3afe97e17fa8', '{}');
INSERT INTO sigill.audit_personal VALUES ('intake-0', 5, 4, '\xe5e0ee96bf6e43fe4f8ae0a421d38e78', '{}');
INSERT INTO sigill.consumer_offset VALUES ('directory', 'directory.staff.v1', 0, 1, 2, '2025-02-08 09:00:00+00');
INSERT INTO sigill.consumer_offset VALUES ('intake', 'ehr.orders.v1', 0, 1, 7, '2025-02-08 09:00:00+00');
INSERT INTO sigill.consumer_offset VALUES ('register', 'population.persons.v1', 0, 1, 6, '2025-02-08 09:00:00+00');
INSERT INTO sigill.custody VALUES (4, 1, 3, NULL, NULL, 0);
INSERT INTO sigill.custody VALUES (4, 1, 2, NULL, NULL, 1);
INSERT INTO sigill.custody VALUES (5, 1, 3, NULL, NULL, 0);
INSERT INTO sigill.custody VALUES (5, 1, 2, NULL, NULL, 1);
INSERT INTO sigill.dead_letter OVERRIDING SYSTEM VALUE VALUES (1, 'ehr.orders.v1', 0, 6, '2025-03-10 09:00:00+00', 'intake', '\x76312e52754f7945576b2d4173742d6e6e4865775477704850716c4b366d7150316b6b6a7a317379526e506d626f', '\x6e6f742061207369676e6174757265', '[["ce_specversion", "1.0"], ["ce_id", "c089a21f-6759-4d3c-a700-f55ba12bfa17"], ["ce_source", "urn:example:outside"], ["ce_type", "se.sigill.order.v1"], ["ce_subject", "v1.RuOyEWk-Ast-nnHewTwpHPqlK6mqP1kkjz1syRnPmbo"], ["content-type", "application/jose"]]', 'unreadable_signature', '2025-03-10 09:00:00+00');
INSERT INTO sigill.inbox VALUES ('\x9836e136202601a8e42ee018b56aa54319ea9ba502c62f4374fe9c609c784c4b', '\x104b872efb9943413c6f20e0736b5ad21f5ce268a0fa104f70367fe7fc89b6ae', 1, '2025-03-10 09:00:00+00');
INSERT INTO sigill.inbox VALUES ('\x5bbd3a68d9262917cd9e17e38b756583ce9e050944ee82fa840bf1e860d4b03d', '\x104b872efb9943413c6f20e0736b5ad21f5ce268a0fa104f70367fe7fc89b6ae', 1, '2025-03-10 09:00:00+00');
INSERT INTO sigill.inbox VALUES ('\x29c79415746c12f31e57f7d27de0e49615a18a97e6c6094cc0d4edcdf4c0c130', '\xb7b56bc3a03257d0ecd7b39855350e5ec8a84162c00b64cea23fe9c5920ecb7f', 2, '2025-03-10 09:00:00+00');
INSERT INTO sigill.inbox VALUES ('\xe87d6c5e2e37b2efaed762bec8b1da23b8c9ac4699fc54503ff67720940ac584', '\xb7b56bc3a03257d0ecd7b39855350e5ec8a84162c00b64cea23fe9c5920ecb7f', 2, '2025-03-10 09:00:00+00');
INSERT INTO sigill.inbox VALUES ('\xf3e877de591725a9e0f4bd4816ce4258be894eb79947b2bee9eddd183424cc84', '\xa6dc67e0bfd199e4a63a1518fad738113c472635d4c2959094842b2769a17869', 3, '2025-03-10 09:00:00+00');
INSERT INTO sigill.inbox VALUES ('\xde7fda4d042ea96423ffa002e71a5c8b98ceb3d1c9e273a1f9815476459d9984', '\xa6dc67e0bfd199e4a63a1518fad738113c472635d4c2959094842b2769a17869', 3, '2025-03-10 09:00:00+00');
INSERT INTO sigill.inbox VALUES ('\xc22d7a3dd36d3b4d8be997519ed91d82946ff081e97899336c4a8fa3c0746866', '\x8fd8819f173d7d162f24e4cc87755cddb55b4d3186f9f501c25fa4e2dbcb31de', 4, '2025-03-10 09:00:00+00');
INSERT INTO sigill.inbox VALUES ('\x78ef4768e977ba72044c111bb9d1457a77982120c4ecefc9d314a8fb841061ef', '\x8fd8819f173d7d162f24e4cc87755cddb55b4d3186f9f501c25fa4e2dbcb31de', 4, '2025-03-10 09:00:00+00');
INSERT INTO sigill.inbox VALUES ('\x4b03e7552765a544d65a1bb5ffbb34795f1d5177b8b980fa7e6ad4ed691db9a4', '\xc8d5609b4c2a92e6d9ed7dca367551215965923da0270f2ae92edd77ab088e65', 5, '2025-03-10 09:00:00+00');
INSERT INTO sigill.inbox VALUES ('\x1f59d592f9a6d77480bce89fbe016a801f307da2101f3dacf279d310882d8bfd', '\xc8d5609b4c2a92e6d9ed7dca367551215965923da0270f2ae92edd77ab088e65', 5, '2025-03-10 09:00:00+00');
INSERT INTO sigill.measure VALUES ('48ae9b88-8e8b-571f-bc41-def37b5da7c4', 1, 'journal_seal', 'testland', 'care', '{journal}', NULL, NULL, NULL, NULL, NULL, 'SE2321000099-TEST', NULL, '2025-03-10 09:00:00+00');
INSERT INTO sigill.measure VALUES ('bfa0081e-69a6-54ed-89a4-390ce031f7d5', 4, 'guardian_block', 'testland', 'care', '{journal,e_services}', NULL, NULL, NULL, '{2}', NULL, 'SE2321000099-TEST', NULL, '2025-03-10 09:00:00+00');
INSERT INTO sigill.measure VALUES ('0e8c8208-1d53-5e99-baf0-518c0c8470f1', 5, 'guardian_grant', 'testland', 'care', '{journal}', NULL, NULL, NULL, '{3}', NULL, 'SE2321000099-TEST', NULL, '2025-03-10 09:00:00+00');
INSERT INTO sigill.measure VALUES ('d6805ceb-87a6-58c9-96ff-adc7c831841d', 4, 'journal_seal', 'testland', 'care', '{journal}', NULL, NULL, NULL, NULL, NULL, 'SE2321000099-TEST', NULL, '2025-03-10 09:00:00+00');
INSERT INTO sigill.measure_version VALUES ('48ae9b88-8e8b-571f-bc41-def37b5da7c4', 1, '2025-03-10 09:00:00+00', '2025-03-10 09:00:00+00', '2025-12-31 23:00:00+00', NULL, '{bec03f8b-6a87-48ff-b6f6-8d44825f2c00}', false, false, false, false, false, true, true, false, NULL, '{TL-01}', '2020-01-01');
INSERT INTO sigill.measure_version VALUES ('bfa0081e-69a6-54ed-89a4-390ce031f7d5', 1, '2025-03-10 09:00:00+00', '2025-03-10 09:00:00+00', NULL, NULL, '{b3352783-0559-4b38-b0a6-18c2f8deaad3}', false, false, false, false, false, true, true, false, NULL, '{TL-02}', '2020-01-01');
INSERT INTO sigill.measure_version VALUES ('0e8c8208-1d53-5e99-baf0-518c0c8470f1', 1, '2025-03-10 09:00:00+00', '2025-03-10 09:00:00+00', '2026-03-09 23:00:00+00', 16, '{4e8a353a-7574-4d63-a699-f9efb071f280}', false, false, false, false, false, true, true, false, NULL, '{TL-03}', '2020-01-01');
INSERT INTO sigill.measure_version VALUES ('d6805ceb-87a6-58c9-96ff-adc7c831841d', 1, '2025-03-10 09:00:00+00', '2025-03-10 09:00:00+00', NULL, NULL, '{3bc001f9-eb64-46ac-ac05-d27890d24e85}', true, false, false, true, false, true, true, false, NULL, '{TL-01}', '2020-01-01');
INSERT INTO sigill.order_outcome VALUES (1, 1, 'executed', '{}', '{48ae9b88-8e8b-571f-bc41-def37b5da7c4}', '{"form": "seal_journal", "note": {"en": "Decision: seal of the journal.", "sv": "Beslut: försegling av journalen.", "duties": [], "keyword": "Journalen via nätet", "measures": ["journal_seal"], "review_on": null, "decided_by": "SE2321000099-DOC1", "motivation": "Text.", "for_whom_sv": "alla som annars ser journalen på nätet", "period_from": "2025-03-10", "decided_role": "treating_physician", "period_through": "2025-12-31", "registration_number": "SIGILL-1", "hidden_from_online_view": true}, "codes": [], "tasks": [{"en": "Key in: seal of the journal.", "sv": "Lägg in försegling av journalen.", "due": null, "kind": "worklist", "citations": [{"en": "A seal is decided by staff.", "sv": "Försegling beslutas av personal.", "rule": "TL-01", "document": "Testlands rutin"}]}], "waits": [], "digest": "104b872efb9943413c6f20e0736b5ad21f5ce268a0fa104f70367fe7fc89b6ae", "region": "testland", "ends_on": "2025-12-31", "flagged": [], "outcome": "executed", "remarks": [], "measures": [{"kind": "journal_seal", "units": null, "action": "imposed", "because": [{"en": "A seal is decided by staff.", "sv": "Försegling beslutas av personal.", "rule": "TL-01", "document": "Testlands rutin"}], "ends_on": "2025-12-31", "order_id": "bec03f8b-6a87-48ff-b6f6-8d44825f2c00", "services": ["journal"], "guardians": null, "starts_at": "2025-03-10T09:00:00Z", "measure_id": "48ae9b88-8e8b-571f-bc41-def37b5da7c4", "provisional": false, "recorded_to": null, "recorded_from": null, "representative": null}], "order_id": "bec03f8b-6a87-48ff-b6f6-8d44825f2c00", "refusals": [], "rulebook": "testland 2020-01-01", "judged_at": "2025-03-10T09:00:00Z", "decided_at": "2025-03-10T09:00:00Z", "initiative": "care", "receipt_id": "2a6421f9-6fc5-5073-b6c9-cd0eb1d7816b", "received_at": "2025-03-10T09:00:00Z", "answers_event": "bec03f8b-6a87-48ff-b6f6-8d44825f2c00", "first_outcome": null, "still_in_force": []}', '2025-03-10 09:00:00+00', '2025-03-10 09:00:00+00');
INSERT INTO sigill.order_outcome VALUES (2, 1, 'executed', '{}', '{bfa0081e-69a6-54ed-89a4-390ce031f7d5}', '{"form": "block_guardians", "note": {"en": "Decision: block of guardians.", "sv": "Beslut: blockering av vårdnadshavare.", "duties": [], "keyword": "Journalen via nätet", "measures": ["guardian_block"], "review_on": null, "decided_by": "SE2321000099-DOC1", "motivation": "Text.", "for_whom_sv": "vårdnadshavare 198402022391", "period_from": "2025-03-10", "decided_role": "treating_physician", "period_through": null, "registration_number": "SIGILL-2", "hidden_from_online_view": true}, "codes": [], "tasks": [{"en": "Key in: block of guardians.", "sv": "Lägg in blockering av vårdnadshavare.", "due": null, "kind": "worklist", "citations": [{"en": "A block is decided by staff.", "sv": "Blockering beslutas av personal.", "rule": "TL-02", "document": "Testlands rutin"}]}], "waits": [], "digest": "b7b56bc3a03257d0ecd7b39855350e5ec8a84162c00b64cea23fe9c5920ecb7f", "region": "testland", "ends_on": null, "flagged": [], "outcome": "executed", "remarks": [], "measures": [{"kind": "guardian_block", "units": null, "action": "imposed", "because": [{"en": "A block is decided by staff.", "sv": "Blockering beslutas av personal.", "rule": "TL-02", "document": "Testlands rutin"}], "ends_on": null, "order_id": "b3352783-0559-4b38-b0a6-18c2f8deaad3", "services": ["journal", "e_services"], "guardians": [{"id": "198402022391", "id_type": "personnummer"}], "starts_at": "2025-03-10T09:00:00Z", "measure_id": "bfa0081e-69a6-54ed-89a4-390ce031f7d5", "provisional": false, "recorded_to": null, "recorded_from": null, "representative": null}], "order_id": "b3352783-0559-4b38-b0a6-18c2f8deaad3", "refusals": [], "rulebook": "testland 2020-01-01", "judged_at": "2025-03-10T09:00:00Z", "decided_at": "2025-03-10T09:00:00Z", "initiative": "care", "receipt_id": "52c6cc2d-e213-535f-9c32-dd7522a88cfc", "received_at": "2025-03-10T09:00:00Z", "answers_event": "b3352783-0559-4b38-b0a6-18c2f8deaad3", "first_outcome": null, "still_in_force": []}', '2025-03-10 09:00:00+00', '2025-03-10 09:00:00+00');
INSERT INTO sigill.order_outcome VALUES (3, 1, 'executed', '{}', '{0e8c8208-1d53-5e99-baf0-518c0c8470f1}', '{"form": "grant_guardian_access", "note": {"en": "Decision: a guardian''s access.", "sv": "Beslut: direktåtkomst för vårdnadshavare.", "duties": [], "keyword": "Journalen via nätet", "measures": ["guardian_grant"], "review_on": null, "decided_by": "SE2321000099-DOC1", "motivation": "Text.", "for_whom_sv": "vårdnadshavare 198501012384", "period_from": "2025-03-10", "decided_role": "treating_physician", "period_through": "2026-03-09", "registration_number": "SIGILL-3", "hidden_from_online_view": true}, "codes": [], "tasks": [{"en": "Key in: a guardian''s access.", "sv": "Lägg in direktåtkomst för vårdnadshavare.", "due": null, "kind": "worklist", "citations": [{"en": "Access at 13–15 is decided by staff.", "sv": "Åtkomst 13–15 beslutas av personal.", "rule": "TL-03", "document": "Testlands rutin"}]}], "waits": [], "digest": "a6dc67e0bfd199e4a63a1518fad738113c472635d4c2959094842b2769a17869", "region": "testland", "ends_on": "2026-03-09", "flagged": [], "outcome": "executed", "remarks": [], "measures": [{"kind": "guardian_grant", "units": null, "action": "imposed", "because": [{"en": "Access at 13–15 is decided by staff.", "sv": "Åtkomst 13–15 beslutas av personal.", "rule": "TL-03", "document": "Testlands rutin"}], "ends_on": "2026-03-09", "order_id": "4e8a353a-7574-4d63-a699-f9efb071f280", "services": ["journal"], "guardians": [{"id": "198501012384", "id_type": "personnummer"}], "starts_at": "2025-03-10T09:00:00Z", "measure_id": "0e8c8208-1d53-5e99-baf0-518c0c8470f1", "provisional": false, "recorded_to": null, "recorded_from": null, "representative": null}], "order_id": "4e8a353a-7574-4d63-a699-f9efb071f280", "refusals": [], "rulebook": "testland 2020-01-01", "judged_at": "2025-03-10T09:00:00Z", "decided_at": "2025-03-10T09:00:00Z", "initiative": "care", "receipt_id": "7efff0b7-3315-562c-a091-ca691a8a579e", "received_at": "2025-03-10T09:00:00Z", "answers_event": "4e8a353a-7574-4d63-a699-f9efb071f280", "first_outcome": null, "still_in_force": []}', '2025-03-10 09:00:00+00', '2025-03-10 09:00:00+00');
INSERT INTO sigill.order_outcome VALUES (4, 1, 'refused', '{not_a_guardian}', '{}', '{"form": "grant_guardian_access", "note": null, "codes": ["not_a_guardian"], "tasks": [], "waits": [], "digest": "8fd8819f173d7d162f24e4cc87755cddb55b4d3186f9f501c25fa4e2dbcb31de", "region": "testland", "ends_on": null, "flagged": [], "outcome": "refused", "remarks": [], "measures": [], "order_id": "b68dfaf2-80b8-46bc-8822-1b6d6d5661c0", "refusals": [{"en": "The person named is not a guardian.", "sv": "Den angivna personen är inte vårdnadshavare.", "code": "not_a_guardian", "field": "guardians.0", "citations": []}], "rulebook": "testland 2020-01-01", "judged_at": "2025-03-10T09:00:00Z", "decided_at": "2025-03-10T09:00:00Z", "initiative": "care", "receipt_id": "57c7d396-8a98-560b-8e38-3ff28d9f24a7", "received_at": "2025-03-10T09:00:00Z", "answers_event": "b68dfaf2-80b8-46bc-8822-1b6d6d5661c0", "first_outcome": null, "still_in_force": []}', '2025-03-10 09:00:00+00', '2025-03-10 09:00:00+00');
INSERT INTO sigill.order_outcome VALUES (5, 1, 'pending', '{awaiting_signed_form}', '{d6805ceb-87a6-58c9-96ff-adc7c831841d}', '{"form": "seal_journal", "note": {"en": "Decision: seal of the journal.", "sv": "Beslut: försegling av journalen.", "duties": [], "keyword": "Journalen via nätet", "measures": ["journal_seal"], "review_on": null, "decided_by": "SE2321000099-DOC1", "motivation": "Text.", "for_whom_sv": "alla som annars ser journalen på nätet", "period_from": "2025-03-10", "decided_role": "treating_physician", "period_through": null, "registration_number": "SIGILL-5", "hidden_from_online_view": true}, "codes": ["awaiting_signed_form"], "tasks": [{"en": "Key in: seal of the journal.", "sv": "Lägg in försegling av journalen.", "due": null, "kind": "worklist", "citations": [{"en": "A seal is decided by staff.", "sv": "Försegling beslutas av personal.", "rule": "TL-01", "document": "Testlands rutin"}]}, {"en": "The signed form must follow the call.", "sv": "Den underskrivna blanketten ska följa samtalet.", "due": "2025-03-11T09:00:00Z", "kind": "signed_form", "citations": [{"en": "A seal is decided by staff.", "sv": "Försegling beslutas av personal.", "rule": "TL-01", "document": "Testlands rutin"}]}], "waits": [{"en": "The measure holds from the call; the signed form must follow.", "sv": "Åtgärden gäller från samtalet; den underskrivna blanketten ska följa.", "code": "awaiting_signed_form", "units": [], "until": "2025-03-11T09:00:00Z", "citations": [{"en": "A seal is decided by staff.", "sv": "Försegling beslutas av personal.", "rule": "TL-01", "document": "Testlands rutin"}]}], "digest": "c8d5609b4c2a92e6d9ed7dca367551215965923da0270f2ae92edd77ab088e65", "region": "testland", "ends_on": null, "flagged": [], "outcome": "pending", "remarks": [], "measures": [{"kind": "journal_seal", "units": null, "action": "imposed", "because": [{"en": "A seal is decided by staff.", "sv": "Försegling beslutas av personal.", "rule": "TL-01", "document": "Testlands rutin"}], "ends_on": null, "order_id": "3bc001f9-eb64-46ac-ac05-d27890d24e85", "services": ["journal"], "guardians": null, "starts_at": "2025-03-10T09:00:00Z", "measure_id": "d6805ceb-87a6-58c9-96ff-adc7c831841d", "provisional": true, "recorded_to": null, "recorded_from": null, "representative": null}], "order_id": "3bc001f9-eb64-46ac-ac05-d27890d24e85", "refusals": [], "rulebook": "testland 2020-01-01", "judged_at": "2025-03-10T09:00:00Z", "decided_at": "2025-03-10T09:00:00Z", "initiative": "care", "receipt_id": "f176ad4e-088f-5789-a583-87028ec42047", "received_at": "2025-03-10T09:00:00Z", "answers_event": "3bc001f9-eb64-46ac-ac05-d27890d24e85", "first_outcome": null, "still_in_force": []}', '2025-03-10 09:00:00+00', '2025-03-10 09:00:00+00');
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (5, '72bbe86e-c4d5-5394-b5a9-2da052673256', 'access.state.v1', 'v1.RuOyEWk-Ast-nnHewTwpHPqlK6mqP1kkjz1syRnPmbo', 'se.sigill.patient-state.v1', '\x7b226b6579223a2276312e52754f7945576b2d4173742d6e6e4865775477704850716c4b366d7150316b6b6a7a317379526e506d626f222c2276657273696f6e223a312c226b6e6f776e5f6174223a22323032352d30322d30385430393a30303a30305a222c2270617469656e74223a7b226b6579223a2276312e52754f7945576b2d4173742d6e6e4865775477704850716c4b366d7150316b6b6a7a317379526e506d626f222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313937303036303632333838227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313937302d30362d3036222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c22677561726469616e73223a5b5d2c22666f726d65725f677561726469616e73223a5b5d2c2276696577657273223a5b5d2c226d65617375726573223a5b5d2c22756e69745f726567696f6e73223a5b5d7d', '[["ce_specversion", "1.0"], ["ce_id", "72bbe86e-c4d5-5394-b5a9-2da052673256"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.patient-state.v1"], ["ce_time", "2025-02-08T09:00:00Z"], ["ce_subject", "v1.RuOyEWk-Ast-nnHewTwpHPqlK6mqP1kkjz1syRnPmbo"], ["content-type", "application/json"]]', 5, '2025-02-08 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (6, 'ace85caf-d80f-5c82-8663-9e90ef029f8f', 'access.state.v1', 'v1.StfNk5INB9m01AxbfCQiJWkjQRs9bHCv5uwr0CQAbyU', 'se.sigill.patient-state.v1', '\x7b226b6579223a2276312e5374664e6b35494e42396d3031417862664351694a576b6a51527339624843763575777230435141627955222c2276657273696f6e223a322c226b6e6f776e5f6174223a22323032352d30322d30385430393a30303a30305a222c2270617469656e74223a7b226b6579223a2276312e5374664e6b35494e42396d3031417862664351694a576b6a51527339624843763575777230435141627955222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938343032303232333931227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938342d30322d3032222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c22677561726469616e73223a5b5d2c22666f726d65725f677561726469616e73223a5b5d2c2276696577657273223a5b5d2c226d65617375726573223a5b5d2c22756e69745f726567696f6e73223a5b5d7d', '[["ce_specversion", "1.0"], ["ce_id", "ace85caf-d80f-5c82-8663-9e90ef029f8f"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.patient-state.v1"], ["ce_time", "2025-02-08T09:00:00Z"], ["ce_subject", "v1.StfNk5INB9m01AxbfCQiJWkjQRs9bHCv5uwr0CQAbyU"], ["content-type", "application/json"]]', 6, '2025-02-08 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (7, 'e2c25bf4-3a5c-5b57-b164-b803f522ff86', 'access.state.v1', 'v1.w8ySBiDrL21tT1kFWd934tQqiPqlmCoCrsywBHl63EQ', 'se.sigill.patient-state.v1', '\x7b226b6579223a2276312e77387953426944724c32317454316b4657643933347451716950716c6d436f437273797742486c36334551222c2276657273696f6e223a332c226b6e6f776e5f6174223a22323032352d30322d30385430393a30303a30305a222c2270617469656e74223a7b226b6579223a2276312e77387953426944724c32317454316b4657643933347451716950716c6d436f437273797742486c36334551222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938352d30312d3031222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c22677561726469616e73223a5b5d2c22666f726d65725f677561726469616e73223a5b5d2c2276696577657273223a5b5d2c226d65617375726573223a5b5d2c22756e69745f726567696f6e73223a5b5d7d', '[["ce_specversion", "1.0"], ["ce_id", "e2c25bf4-3a5c-5b57-b164-b803f522ff86"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.patient-state.v1"], ["ce_time", "2025-02-08T09:00:00Z"], ["ce_subject", "v1.w8ySBiDrL21tT1kFWd934tQqiPqlmCoCrsywBHl63EQ"], ["content-type", "application/json"]]', 9, '2025-02-08 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (8, 'efaad097-1399-59c3-8ccb-2e1c6e915829', 'access.state.v1', 'v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q', 'se.sigill.patient-state.v1', '\x7b226b6579223a2276312e6e48515a4f51327a48424d5979696b71782d5a316d6c4267674d36456e4e49713463394d6a74574f423151222c2276657273696f6e223a342c226b6e6f776e5f6174223a22323032352d30322d30385430393a30303a30305a222c2270617469656e74223a7b226b6579223a2276312e6e48515a4f51327a48424d5979696b71782d5a316d6c4267674d36456e4e49713463394d6a74574f423151222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22323031383033303532333832227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22323031382d30332d3035222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c22677561726469616e73223a5b7b22706572736f6e223a7b226b6579223a2276312e77387953426944724c32317454316b4657643933347451716950716c6d436f437273797742486c36334551222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938352d30312d3031222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c2266726f6d5f64617465223a6e756c6c2c22746f5f64617465223a6e756c6c7d2c7b22706572736f6e223a7b226b6579223a2276312e5374664e6b35494e42396d3031417862664351694a576b6a51527339624843763575777230435141627955222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938343032303232333931227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938342d30322d3032222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c2266726f6d5f64617465223a6e756c6c2c22746f5f64617465223a6e756c6c7d5d2c22666f726d65725f677561726469616e73223a5b5d2c2276696577657273223a5b5d2c226d65617375726573223a5b5d2c22756e69745f726567696f6e73223a5b5d7d', '[["ce_specversion", "1.0"], ["ce_id", "efaad097-1399-59c3-8ccb-2e1c6e915829"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.patient-state.v1"], ["ce_time", "2025-02-08T09:00:00Z"], ["ce_subject", "v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q"], ["content-type", "application/json"]]', 10, '2025-02-08 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (10, '9d36104c-f64e-511d-b487-6d99f5d00bb7', 'access.state.v1', 'v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo', 'se.sigill.patient-state.v1', '\x7b226b6579223a2276312e50506f4e6d7357786e436f66797871747967546b5f7236356f3965616d595758724b72484d6d483952486f222c2276657273696f6e223a392c226b6e6f776e5f6174223a22323032352d30332d31305430393a30303a30305a222c2270617469656e74223a7b226b6579223a2276312e50506f4e6d7357786e436f66797871747967546b5f7236356f3965616d595758724b72484d6d483952486f222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22323031313035303532333832227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22323031312d30352d3035222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c22677561726469616e73223a5b7b22706572736f6e223a7b226b6579223a2276312e77387953426944724c32317454316b4657643933347451716950716c6d436f437273797742486c36334551222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938352d30312d3031222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c2266726f6d5f64617465223a6e756c6c2c22746f5f64617465223a6e756c6c7d2c7b22706572736f6e223a7b226b6579223a2276312e5374664e6b35494e42396d3031417862664351694a576b6a51527339624843763575777230435141627955222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938343032303232333931227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938342d30322d3032222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c2266726f6d5f64617465223a6e756c6c2c22746f5f64617465223a6e756c6c7d5d2c22666f726d65725f677561726469616e73223a5b5d2c2276696577657273223a5b5d2c226d65617375726573223a5b5d2c22756e69745f726567696f6e73223a5b5d7d', '[["ce_specversion", "1.0"], ["ce_id", "9d36104c-f64e-511d-b487-6d99f5d00bb7"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.patient-state.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo"], ["content-type", "application/json"]]', 4, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (12, '2a6421f9-6fc5-5073-b6c9-cd0eb1d7816b', 'access.receipts.v1', 'v1.RuOyEWk-Ast-nnHewTwpHPqlK6mqP1kkjz1syRnPmbo', 'se.sigill.receipt.v1', '\x7b22726563656970745f6964223a2232613634323166392d366663352d353037332d623663392d636430656231643738313662222c226f726465725f6964223a2262656330336638622d366138372d343866662d623666362d386434343832356632633030222c22616e73776572735f6576656e74223a2262656330336638622d366138372d343866662d623666362d386434343832356632633030222c22726567696f6e223a22746573746c616e64222c22666f726d223a227365616c5f6a6f75726e616c222c22696e6974696174697665223a2263617265222c226f7574636f6d65223a226578656375746564222c2266697273745f6f7574636f6d65223a6e756c6c2c22646563696465645f6174223a22323032352d30332d31305430393a30303a30305a222c2272656365697665645f6174223a22323032352d30332d31305430393a30303a30305a222c226a75646765645f6174223a22323032352d30332d31305430393a30303a30305a222c2272756c65626f6f6b223a22746573746c616e6420323032302d30312d3031222c22636f646573223a5b5d2c227265667573616c73223a5b5d2c227761697473223a5b5d2c2272656d61726b73223a5b5d2c226d65617375726573223a5b7b226d6561737572655f6964223a2234386165396238382d386538622d353731662d626334312d646566333762356461376334222c226b696e64223a226a6f75726e616c5f7365616c222c22616374696f6e223a22696d706f736564222c226f726465725f6964223a2262656330336638622d366138372d343866662d623666362d386434343832356632633030222c227365727669636573223a5b226a6f75726e616c225d2c22756e697473223a6e756c6c2c227265636f726465645f66726f6d223a6e756c6c2c227265636f726465645f746f223a6e756c6c2c22677561726469616e73223a6e756c6c2c22726570726573656e746174697665223a6e756c6c2c227374617274735f6174223a22323032352d30332d31305430393a30303a30305a222c22656e64735f6f6e223a22323032352d31322d3331222c2270726f766973696f6e616c223a66616c73652c2262656361757365223a5b7b2272756c65223a22544c2d3031222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a2246c3b6727365676c696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a2241207365616c20697320646563696465642062792073746166662e227d5d7d5d2c227374696c6c5f696e5f666f726365223a5b5d2c227461736b73223a5b7b226b696e64223a22776f726b6c697374222c22647565223a6e756c6c2c227376223a224cc3a4676720696e2066c3b6727365676c696e67206176206a6f75726e616c656e2e222c22656e223a224b657920696e3a207365616c206f6620746865206a6f75726e616c2e222c226369746174696f6e73223a5b7b2272756c65223a22544c2d3031222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a2246c3b6727365676c696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a2241207365616c20697320646563696465642062792073746166662e227d5d7d5d2c226e6f7465223a7b226b6579776f7264223a224a6f75726e616c656e20766961206ec3a4746574222c226d65617375726573223a5b226a6f75726e616c5f7365616c225d2c22666f725f77686f6d5f7376223a22616c6c6120736f6d20616e6e61727320736572206a6f75726e616c656e2070c3a5206ec3a4746574222c22706572696f645f66726f6d223a22323032352d30332d3130222c22706572696f645f7468726f756768223a22323032352d31322d3331222c226d6f7469766174696f6e223a22546578742e222c22646563696465645f6279223a225345323332313030303039392d444f4331222c22646563696465645f726f6c65223a227472656174696e675f70687973696369616e222c227265766965775f6f6e223a6e756c6c2c22726567697374726174696f6e5f6e756d626572223a22534947494c4c2d31222c227376223a224265736c75743a2066c3b6727365676c696e67206176206a6f75726e616c656e2e222c22656e223a224465636973696f6e3a207365616c206f6620746865206a6f75726e616c2e222c22647574696573223a5b5d2c2268696464656e5f66726f6d5f6f6e6c696e655f76696577223a747275657d2c22656e64735f6f6e223a22323032352d31322d3331222c22646967657374223a2231303462383732656662393934333431336336663230653037333662356164323166356365323638613066613130346637303336376665376663383962366165222c22666c6167676564223a5b5d7d', '[["ce_specversion", "1.0"], ["ce_id", "2a6421f9-6fc5-5073-b6c9-cd0eb1d7816b"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.receipt.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.RuOyEWk-Ast-nnHewTwpHPqlK6mqP1kkjz1syRnPmbo"], ["content-type", "application/json"]]', 5, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (13, '865529ae-f57e-5684-9a9e-820c36773535', 'access.notifications.v1', 'v1.RuOyEWk-Ast-nnHewTwpHPqlK6mqP1kkjz1syRnPmbo', 'se.sigill.notification.v1', '\x7b226e6f74696669636174696f6e5f6964223a2238363535323961652d663537652d353638342d396139652d383230633336373733353335222c22726563697069656e74223a7b226b696e64223a22706572736f6e222c22706572736f6e223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313937303036303632333838227d2c22726567696f6e223a22746573746c616e64227d2c2274656d706c617465223a226d6561737572655f696d706f736564222c226368616e6e656c223a2231313737222c227376223a22c385746b6f6d7374656e2070c3a52031313737206861722062656772c3a46e736174732e2056c3a46e64206469672074696c6c2076c3a57264656e206f6d20647520686172206672c3a5676f722e222c22656e223a22416363657373206f6e203131373720686173206265656e206c696d697465642e205475726e20746f20796f7572206361726520756e69742077697468207175657374696f6e732e222c226e6f745f6265666f7265223a6e756c6c2c226f726465725f6964223a2262656330336638622d366138372d343866662d623666362d386434343832356632633030222c2273757070726573736564223a6e756c6c2c226369746174696f6e73223a5b7b2272756c65223a22544c2d3031222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a2246c3b6727365676c696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a2241207365616c20697320646563696465642062792073746166662e227d5d7d', '[["ce_specversion", "1.0"], ["ce_id", "865529ae-f57e-5684-9a9e-820c36773535"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.notification.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.RuOyEWk-Ast-nnHewTwpHPqlK6mqP1kkjz1syRnPmbo"], ["content-type", "application/json"]]', 5, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (14, 'e313c226-ce01-592f-be8b-e4e012a55725', 'access.changes.v1', 'v1.RuOyEWk-Ast-nnHewTwpHPqlK6mqP1kkjz1syRnPmbo', 'se.sigill.access-change.v1', '\x7b226368616e67655f6964223a2265333133633232362d636530312d353932662d626538622d653465303132613535373235222c2270617469656e74223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313937303036303632333838227d2c22766965776572223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313937303036303632333838227d2c2273657276696365223a226a6f75726e616c222c22756e6974223a6e756c6c2c22616363657373223a226c6f7374222c226174223a22323032352d30332d31305430393a30303a30305a222c2262656361757365223a5b226a6f75726e616c5f7365616c225d2c226369746174696f6e73223a5b7b2272756c65223a22544c2d3031222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a2246c3b6727365676c696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a2241207365616c20697320646563696465642062792073746166662e227d5d2c226361757365223a226f72646572222c226f726465725f6964223a2262656330336638622d366138372d343866662d623666362d386434343832356632633030222c226d65617375726573223a5b2234386165396238382d386538622d353731662d626334312d646566333762356461376334225d7d', '[["ce_specversion", "1.0"], ["ce_id", "e313c226-ce01-592f-be8b-e4e012a55725"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.access-change.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.RuOyEWk-Ast-nnHewTwpHPqlK6mqP1kkjz1syRnPmbo"], ["content-type", "application/json"]]', 5, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (15, 'b5567fa0-584e-5d33-886c-133b87bd06dc', 'access.state.v1', 'v1.RuOyEWk-Ast-nnHewTwpHPqlK6mqP1kkjz1syRnPmbo', 'se.sigill.patient-state.v1', '\x7b226b6579223a2276312e52754f7945576b2d4173742d6e6e4865775477704850716c4b366d7150316b6b6a7a317379526e506d626f222c2276657273696f6e223a31312c226b6e6f776e5f6174223a22323032352d30332d31305430393a30303a30305a222c2270617469656e74223a7b226b6579223a2276312e52754f7945576b2d4173742d6e6e4865775477704850716c4b366d7150316b6b6a7a317379526e506d626f222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313937303036303632333838227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313937302d30362d3036222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c22677561726469616e73223a5b5d2c22666f726d65725f677561726469616e73223a5b5d2c2276696577657273223a5b5d2c226d65617375726573223a5b7b226d6561737572655f6964223a2234386165396238382d386538622d353731662d626334312d646566333762356461376334222c226b696e64223a226a6f75726e616c5f7365616c222c226f726465725f6964223a2262656330336638622d366138372d343866662d623666362d386434343832356632633030222c22726567696f6e223a22746573746c616e64222c22696e6974696174697665223a2263617265222c227365727669636573223a5b226a6f75726e616c225d2c22756e697473223a6e756c6c2c227265636f726465645f66726f6d223a6e756c6c2c227265636f726465645f746f223a6e756c6c2c22677561726469616e73223a6e756c6c2c22766965776572223a6e756c6c2c2276616c69645f66726f6d223a22323032352d30332d31305430393a30303a30305a222c2276616c69645f746f223a22323032352d31322d33315432333a30303a30305a222c22656e64735f61745f616765223a6e756c6c2c22656e6465645f6561726c79223a66616c73652c2272756c6573223a5b22544c2d3031225d7d5d2c22756e69745f726567696f6e73223a5b5b225345323332313030303039392d54455354222c22746573746c616e64225d5d7d', '[["ce_specversion", "1.0"], ["ce_id", "b5567fa0-584e-5d33-886c-133b87bd06dc"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.patient-state.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.RuOyEWk-Ast-nnHewTwpHPqlK6mqP1kkjz1syRnPmbo"], ["content-type", "application/json"]]', 5, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (17, '52c6cc2d-e213-535f-9c32-dd7522a88cfc', 'access.receipts.v1', 'v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q', 'se.sigill.receipt.v1', '\x7b22726563656970745f6964223a2235326336636332642d653231332d353335662d396333322d646437353232613838636663222c226f726465725f6964223a2262333335323738332d303535392d346233382d623061362d313863326638646561616433222c22616e73776572735f6576656e74223a2262333335323738332d303535392d346233382d623061362d313863326638646561616433222c22726567696f6e223a22746573746c616e64222c22666f726d223a22626c6f636b5f677561726469616e73222c22696e6974696174697665223a2263617265222c226f7574636f6d65223a226578656375746564222c2266697273745f6f7574636f6d65223a6e756c6c2c22646563696465645f6174223a22323032352d30332d31305430393a30303a30305a222c2272656365697665645f6174223a22323032352d30332d31305430393a30303a30305a222c226a75646765645f6174223a22323032352d30332d31305430393a30303a30305a222c2272756c65626f6f6b223a22746573746c616e6420323032302d30312d3031222c22636f646573223a5b5d2c227265667573616c73223a5b5d2c227761697473223a5b5d2c2272656d61726b73223a5b5d2c226d65617375726573223a5b7b226d6561737572655f6964223a2262666130303831652d363961362d353465642d383961342d333930636530333166376435222c226b696e64223a22677561726469616e5f626c6f636b222c22616374696f6e223a22696d706f736564222c226f726465725f6964223a2262333335323738332d303535392d346233382d623061362d313863326638646561616433222c227365727669636573223a5b226a6f75726e616c222c22655f7365727669636573225d2c22756e697473223a6e756c6c2c227265636f726465645f66726f6d223a6e756c6c2c227265636f726465645f746f223a6e756c6c2c22677561726469616e73223a5b7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938343032303232333931227d5d2c22726570726573656e746174697665223a6e756c6c2c227374617274735f6174223a22323032352d30332d31305430393a30303a30305a222c22656e64735f6f6e223a6e756c6c2c2270726f766973696f6e616c223a66616c73652c2262656361757365223a5b7b2272756c65223a22544c2d3032222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a22426c6f636b6572696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a224120626c6f636b20697320646563696465642062792073746166662e227d5d7d5d2c227374696c6c5f696e5f666f726365223a5b5d2c227461736b73223a5b7b226b696e64223a22776f726b6c697374222c22647565223a6e756c6c2c227376223a224cc3a4676720696e20626c6f636b6572696e672061762076c3a572646e6164736861766172652e222c22656e223a224b657920696e3a20626c6f636b206f6620677561726469616e732e222c226369746174696f6e73223a5b7b2272756c65223a22544c2d3032222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a22426c6f636b6572696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a224120626c6f636b20697320646563696465642062792073746166662e227d5d7d5d2c226e6f7465223a7b226b6579776f7264223a224a6f75726e616c656e20766961206ec3a4746574222c226d65617375726573223a5b22677561726469616e5f626c6f636b225d2c22666f725f77686f6d5f7376223a2276c3a572646e61647368617661726520313938343032303232333931222c22706572696f645f66726f6d223a22323032352d30332d3130222c22706572696f645f7468726f756768223a6e756c6c2c226d6f7469766174696f6e223a22546578742e222c22646563696465645f6279223a225345323332313030303039392d444f4331222c22646563696465645f726f6c65223a227472656174696e675f70687973696369616e222c227265766965775f6f6e223a6e756c6c2c22726567697374726174696f6e5f6e756d626572223a22534947494c4c2d32222c227376223a224265736c75743a20626c6f636b6572696e672061762076c3a572646e6164736861766172652e222c22656e223a224465636973696f6e3a20626c6f636b206f6620677561726469616e732e222c22647574696573223a5b5d2c2268696464656e5f66726f6d5f6f6e6c696e655f76696577223a747275657d2c22656e64735f6f6e223a6e756c6c2c22646967657374223a2262376235366263336130333235376430656364376233393835353335306535656338613834313632633030623634636561323366653963353932306563623766222c22666c6167676564223a5b5d7d', '[["ce_specversion", "1.0"], ["ce_id", "52c6cc2d-e213-535f-9c32-dd7522a88cfc"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.receipt.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q"], ["content-type", "application/json"]]', 10, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (18, 'dba0a3c3-fd89-56e9-a3f3-6af62c0b5d7e', 'access.notifications.v1', 'v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q', 'se.sigill.notification.v1', '\x7b226e6f74696669636174696f6e5f6964223a2264626130613363332d666438392d353665392d613366332d366166363263306235643765222c22726563697069656e74223a7b226b696e64223a22706572736f6e222c22706572736f6e223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938343032303232333931227d2c22726567696f6e223a22746573746c616e64227d2c2274656d706c617465223a226d6561737572655f696d706f736564222c226368616e6e656c223a2231313737222c227376223a22c385746b6f6d7374656e2070c3a52031313737206861722062656772c3a46e736174732e2056c3a46e64206469672074696c6c2076c3a57264656e206f6d20647520686172206672c3a5676f722e222c22656e223a22416363657373206f6e203131373720686173206265656e206c696d697465642e205475726e20746f20796f7572206361726520756e69742077697468207175657374696f6e732e222c226e6f745f6265666f7265223a6e756c6c2c226f726465725f6964223a2262333335323738332d303535392d346233382d623061362d313863326638646561616433222c2273757070726573736564223a6e756c6c2c226369746174696f6e73223a5b7b2272756c65223a22544c2d3032222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a22426c6f636b6572696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a224120626c6f636b20697320646563696465642062792073746166662e227d5d7d', '[["ce_specversion", "1.0"], ["ce_id", "dba0a3c3-fd89-56e9-a3f3-6af62c0b5d7e"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.notification.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q"], ["content-type", "application/json"]]', 10, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (19, 'e614ce7c-35dd-5263-aaf4-e8db1228ba50', 'access.changes.v1', 'v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q', 'se.sigill.access-change.v1', '\x7b226368616e67655f6964223a2265363134636537632d333564642d353236332d616166342d653864623132323862613530222c2270617469656e74223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22323031383033303532333832227d2c22766965776572223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938343032303232333931227d2c2273657276696365223a22655f7365727669636573222c22756e6974223a6e756c6c2c22616363657373223a226c6f7374222c226174223a22323032352d30332d31305430393a30303a30305a222c2262656361757365223a5b22677561726469616e5f626c6f636b225d2c226369746174696f6e73223a5b7b2272756c65223a22544c2d3032222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a22426c6f636b6572696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a224120626c6f636b20697320646563696465642062792073746166662e227d5d2c226361757365223a226f72646572222c226f726465725f6964223a2262333335323738332d303535392d346233382d623061362d313863326638646561616433222c226d65617375726573223a5b2262666130303831652d363961362d353465642d383961342d333930636530333166376435225d7d', '[["ce_specversion", "1.0"], ["ce_id", "e614ce7c-35dd-5263-aaf4-e8db1228ba50"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.access-change.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q"], ["content-type", "application/json"]]', 10, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (20, 'a2837c0d-706f-566f-854a-d5d591196884', 'access.changes.v1', 'v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q', 'se.sigill.access-change.v1', '\x7b226368616e67655f6964223a2261323833376330642d373036662d353636662d383534612d643564353931313936383834222c2270617469656e74223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22323031383033303532333832227d2c22766965776572223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938343032303232333931227d2c2273657276696365223a226a6f75726e616c222c22756e6974223a6e756c6c2c22616363657373223a226c6f7374222c226174223a22323032352d30332d31305430393a30303a30305a222c2262656361757365223a5b22677561726469616e5f626c6f636b225d2c226369746174696f6e73223a5b7b2272756c65223a22544c2d3032222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a22426c6f636b6572696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a224120626c6f636b20697320646563696465642062792073746166662e227d5d2c226361757365223a226f72646572222c226f726465725f6964223a2262333335323738332d303535392d346233382d623061362d313863326638646561616433222c226d65617375726573223a5b2262666130303831652d363961362d353465642d383961342d333930636530333166376435225d7d', '[["ce_specversion", "1.0"], ["ce_id", "a2837c0d-706f-566f-854a-d5d591196884"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.access-change.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q"], ["content-type", "application/json"]]', 10, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (21, '01c0b36e-e631-534d-8ad4-fedd28028601', 'access.state.v1', 'v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q', 'se.sigill.patient-state.v1', '\x7b226b6579223a2276312e6e48515a4f51327a48424d5979696b71782d5a316d6c4267674d36456e4e49713463394d6a74574f423151222c2276657273696f6e223a31362c226b6e6f776e5f6174223a22323032352d30332d31305430393a30303a30305a222c2270617469656e74223a7b226b6579223a2276312e6e48515a4f51327a48424d5979696b71782d5a316d6c4267674d36456e4e49713463394d6a74574f423151222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22323031383033303532333832227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22323031382d30332d3035222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c22677561726469616e73223a5b7b22706572736f6e223a7b226b6579223a2276312e77387953426944724c32317454316b4657643933347451716950716c6d436f437273797742486c36334551222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938352d30312d3031222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c2266726f6d5f64617465223a6e756c6c2c22746f5f64617465223a6e756c6c7d2c7b22706572736f6e223a7b226b6579223a2276312e5374664e6b35494e42396d3031417862664351694a576b6a51527339624843763575777230435141627955222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938343032303232333931227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938342d30322d3032222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c2266726f6d5f64617465223a6e756c6c2c22746f5f64617465223a6e756c6c7d5d2c22666f726d65725f677561726469616e73223a5b5d2c2276696577657273223a5b5d2c226d65617375726573223a5b7b226d6561737572655f6964223a2262666130303831652d363961362d353465642d383961342d333930636530333166376435222c226b696e64223a22677561726469616e5f626c6f636b222c226f726465725f6964223a2262333335323738332d303535392d346233382d623061362d313863326638646561616433222c22726567696f6e223a22746573746c616e64222c22696e6974696174697665223a2263617265222c227365727669636573223a5b226a6f75726e616c222c22655f7365727669636573225d2c22756e697473223a6e756c6c2c227265636f726465645f66726f6d223a6e756c6c2c227265636f726465645f746f223a6e756c6c2c22677561726469616e73223a5b7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938343032303232333931227d5d2c22766965776572223a6e756c6c2c2276616c69645f66726f6d223a22323032352d30332d31305430393a30303a30305a222c2276616c69645f746f223a6e756c6c2c22656e64735f61745f616765223a6e756c6c2c22656e6465645f6561726c79223a66616c73652c2272756c6573223a5b22544c2d3032225d7d5d2c22756e69745f726567696f6e73223a5b5b225345323332313030303039392d54455354222c22746573746c616e64225d5d7d', '[["ce_specversion", "1.0"], ["ce_id", "01c0b36e-e631-534d-8ad4-fedd28028601"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.patient-state.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q"], ["content-type", "application/json"]]', 10, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (23, '7efff0b7-3315-562c-a091-ca691a8a579e', 'access.receipts.v1', 'v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo', 'se.sigill.receipt.v1', '\x7b22726563656970745f6964223a2237656666663062372d333331352d353632632d613039312d636136393161386135373965222c226f726465725f6964223a2234653861333533612d373537342d346436332d613639392d663965666230373166323830222c22616e73776572735f6576656e74223a2234653861333533612d373537342d346436332d613639392d663965666230373166323830222c22726567696f6e223a22746573746c616e64222c22666f726d223a226772616e745f677561726469616e5f616363657373222c22696e6974696174697665223a2263617265222c226f7574636f6d65223a226578656375746564222c2266697273745f6f7574636f6d65223a6e756c6c2c22646563696465645f6174223a22323032352d30332d31305430393a30303a30305a222c2272656365697665645f6174223a22323032352d30332d31305430393a30303a30305a222c226a75646765645f6174223a22323032352d30332d31305430393a30303a30305a222c2272756c65626f6f6b223a22746573746c616e6420323032302d30312d3031222c22636f646573223a5b5d2c227265667573616c73223a5b5d2c227761697473223a5b5d2c2272656d61726b73223a5b5d2c226d65617375726573223a5b7b226d6561737572655f6964223a2230653863383230382d316435332d356539392d626166302d353138633063383437306631222c226b696e64223a22677561726469616e5f6772616e74222c22616374696f6e223a22696d706f736564222c226f726465725f6964223a2234653861333533612d373537342d346436332d613639392d663965666230373166323830222c227365727669636573223a5b226a6f75726e616c225d2c22756e697473223a6e756c6c2c227265636f726465645f66726f6d223a6e756c6c2c227265636f726465645f746f223a6e756c6c2c22677561726469616e73223a5b7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d5d2c22726570726573656e746174697665223a6e756c6c2c227374617274735f6174223a22323032352d30332d31305430393a30303a30305a222c22656e64735f6f6e223a22323032362d30332d3039222c2270726f766973696f6e616c223a66616c73652c2262656361757365223a5b7b2272756c65223a22544c2d3033222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a22c385746b6f6d7374203133e280933135206265736c7574617320617620706572736f6e616c2e222c22656e223a22416363657373206174203133e28093313520697320646563696465642062792073746166662e227d5d7d5d2c227374696c6c5f696e5f666f726365223a5b5d2c227461736b73223a5b7b226b696e64223a22776f726b6c697374222c22647565223a6e756c6c2c227376223a224cc3a4676720696e20646972656b74c3a5746b6f6d73742066c3b6722076c3a572646e6164736861766172652e222c22656e223a224b657920696e3a206120677561726469616e2773206163636573732e222c226369746174696f6e73223a5b7b2272756c65223a22544c2d3033222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a22c385746b6f6d7374203133e280933135206265736c7574617320617620706572736f6e616c2e222c22656e223a22416363657373206174203133e28093313520697320646563696465642062792073746166662e227d5d7d5d2c226e6f7465223a7b226b6579776f7264223a224a6f75726e616c656e20766961206ec3a4746574222c226d65617375726573223a5b22677561726469616e5f6772616e74225d2c22666f725f77686f6d5f7376223a2276c3a572646e61647368617661726520313938353031303132333834222c22706572696f645f66726f6d223a22323032352d30332d3130222c22706572696f645f7468726f756768223a22323032362d30332d3039222c226d6f7469766174696f6e223a22546578742e222c22646563696465645f6279223a225345323332313030303039392d444f4331222c22646563696465645f726f6c65223a227472656174696e675f70687973696369616e222c227265766965775f6f6e223a6e756c6c2c22726567697374726174696f6e5f6e756d626572223a22534947494c4c2d33222c227376223a224265736c75743a20646972656b74c3a5746b6f6d73742066c3b6722076c3a572646e6164736861766172652e222c22656e223a224465636973696f6e3a206120677561726469616e2773206163636573732e222c22647574696573223a5b5d2c2268696464656e5f66726f6d5f6f6e6c696e655f76696577223a747275657d2c22656e64735f6f6e223a22323032362d30332d3039222c22646967657374223a2261366463363765306266643139396534613633613135313866616437333831313363343732363335643463323935393039343834326232373639613137383639222c22666c6167676564223a5b5d7d', '[["ce_specversion", "1.0"], ["ce_id", "7efff0b7-3315-562c-a091-ca691a8a579e"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.receipt.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo"], ["content-type", "application/json"]]', 4, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (24, '358c97de-5674-581a-9ce8-cc43f7d6dc74', 'access.notifications.v1', 'v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo', 'se.sigill.notification.v1', '\x7b226e6f74696669636174696f6e5f6964223a2233353863393764652d353637342d353831612d396365382d636334336637643664633734222c22726563697069656e74223a7b226b696e64223a22706572736f6e222c22706572736f6e223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d2c22726567696f6e223a22746573746c616e64227d2c2274656d706c617465223a226772616e745f676976656e222c226368616e6e656c223a2231313737222c227376223a22c385746b6f6d73742070c3a520313137372068617220c3b670706e6174732e222c22656e223a22416363657373206174203131373720686173206265656e206f70656e65642e222c226e6f745f6265666f7265223a6e756c6c2c226f726465725f6964223a2234653861333533612d373537342d346436332d613639392d663965666230373166323830222c2273757070726573736564223a6e756c6c2c226369746174696f6e73223a5b7b2272756c65223a22544c2d3033222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a22c385746b6f6d7374203133e280933135206265736c7574617320617620706572736f6e616c2e222c22656e223a22416363657373206174203133e28093313520697320646563696465642062792073746166662e227d5d7d', '[["ce_specversion", "1.0"], ["ce_id", "358c97de-5674-581a-9ce8-cc43f7d6dc74"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.notification.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo"], ["content-type", "application/json"]]', 4, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (25, 'be8573fb-bcf9-5a45-b9f7-4085bdb326a2', 'access.changes.v1', 'v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo', 'se.sigill.access-change.v1', '\x7b226368616e67655f6964223a2262653835373366622d626366392d356134352d623966372d343038356264623332366132222c2270617469656e74223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22323031313035303532333832227d2c22766965776572223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d2c2273657276696365223a226a6f75726e616c222c22756e6974223a6e756c6c2c22616363657373223a226761696e6564222c226174223a22323032352d30332d31305430393a30303a30305a222c2262656361757365223a5b22677561726469616e5f6772616e74225d2c226369746174696f6e73223a5b7b2272756c65223a22544c2d3033222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a22c385746b6f6d7374203133e280933135206265736c7574617320617620706572736f6e616c2e222c22656e223a22416363657373206174203133e28093313520697320646563696465642062792073746166662e227d5d2c226361757365223a226f72646572222c226f726465725f6964223a2234653861333533612d373537342d346436332d613639392d663965666230373166323830222c226d65617375726573223a5b2230653863383230382d316435332d356539392d626166302d353138633063383437306631225d7d', '[["ce_specversion", "1.0"], ["ce_id", "be8573fb-bcf9-5a45-b9f7-4085bdb326a2"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.access-change.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo"], ["content-type", "application/json"]]', 4, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (26, '45f5351c-5d12-5571-b7c4-587249947a75', 'access.state.v1', 'v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo', 'se.sigill.patient-state.v1', '\x7b226b6579223a2276312e50506f4e6d7357786e436f66797871747967546b5f7236356f3965616d595758724b72484d6d483952486f222c2276657273696f6e223a32322c226b6e6f776e5f6174223a22323032352d30332d31305430393a30303a30305a222c2270617469656e74223a7b226b6579223a2276312e50506f4e6d7357786e436f66797871747967546b5f7236356f3965616d595758724b72484d6d483952486f222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22323031313035303532333832227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22323031312d30352d3035222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c22677561726469616e73223a5b7b22706572736f6e223a7b226b6579223a2276312e77387953426944724c32317454316b4657643933347451716950716c6d436f437273797742486c36334551222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938352d30312d3031222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c2266726f6d5f64617465223a6e756c6c2c22746f5f64617465223a6e756c6c7d2c7b22706572736f6e223a7b226b6579223a2276312e5374664e6b35494e42396d3031417862664351694a576b6a51527339624843763575777230435141627955222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938343032303232333931227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938342d30322d3032222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c2266726f6d5f64617465223a6e756c6c2c22746f5f64617465223a6e756c6c7d5d2c22666f726d65725f677561726469616e73223a5b5d2c2276696577657273223a5b5d2c226d65617375726573223a5b7b226d6561737572655f6964223a2230653863383230382d316435332d356539392d626166302d353138633063383437306631222c226b696e64223a22677561726469616e5f6772616e74222c226f726465725f6964223a2234653861333533612d373537342d346436332d613639392d663965666230373166323830222c22726567696f6e223a22746573746c616e64222c22696e6974696174697665223a2263617265222c227365727669636573223a5b226a6f75726e616c225d2c22756e697473223a6e756c6c2c227265636f726465645f66726f6d223a6e756c6c2c227265636f726465645f746f223a6e756c6c2c22677561726469616e73223a5b7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d5d2c22766965776572223a6e756c6c2c2276616c69645f66726f6d223a22323032352d30332d31305430393a30303a30305a222c2276616c69645f746f223a22323032362d30332d30395432333a30303a30305a222c22656e64735f61745f616765223a31362c22656e6465645f6561726c79223a66616c73652c2272756c6573223a5b22544c2d3033225d7d5d2c22756e69745f726567696f6e73223a5b5b225345323332313030303039392d54455354222c22746573746c616e64225d5d7d', '[["ce_specversion", "1.0"], ["ce_id", "45f5351c-5d12-5571-b7c4-587249947a75"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.patient-state.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo"], ["content-type", "application/json"]]', 4, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (27, '57c7d396-8a98-560b-8e38-3ff28d9f24a7', 'access.receipts.v1', 'v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo', 'se.sigill.receipt.v1', '\x7b22726563656970745f6964223a2235376337643339362d386139382d353630622d386533382d336666323864396632346137222c226f726465725f6964223a2262363864666166322d383062382d343662632d383832322d316236643664353636316330222c22616e73776572735f6576656e74223a2262363864666166322d383062382d343662632d383832322d316236643664353636316330222c22726567696f6e223a22746573746c616e64222c22666f726d223a226772616e745f677561726469616e5f616363657373222c22696e6974696174697665223a2263617265222c226f7574636f6d65223a2272656675736564222c2266697273745f6f7574636f6d65223a6e756c6c2c22646563696465645f6174223a22323032352d30332d31305430393a30303a30305a222c2272656365697665645f6174223a22323032352d30332d31305430393a30303a30305a222c226a75646765645f6174223a22323032352d30332d31305430393a30303a30305a222c2272756c65626f6f6b223a22746573746c616e6420323032302d30312d3031222c22636f646573223a5b226e6f745f615f677561726469616e225d2c227265667573616c73223a5b7b22636f6465223a226e6f745f615f677561726469616e222c226669656c64223a22677561726469616e732e30222c227376223a2244656e20616e6769766e6120706572736f6e656e20c3a47220696e74652076c3a572646e6164736861766172652e222c22656e223a2254686520706572736f6e206e616d6564206973206e6f74206120677561726469616e2e222c226369746174696f6e73223a5b5d7d5d2c227761697473223a5b5d2c2272656d61726b73223a5b5d2c226d65617375726573223a5b5d2c227374696c6c5f696e5f666f726365223a5b5d2c227461736b73223a5b5d2c226e6f7465223a6e756c6c2c22656e64735f6f6e223a6e756c6c2c22646967657374223a2238666438383139663137336437643136326632346534636338373735356364646235356234643331383666396635303163323566613465326462636233316465222c22666c6167676564223a5b5d7d', '[["ce_specversion", "1.0"], ["ce_id", "57c7d396-8a98-560b-8e38-3ff28d9f24a7"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.receipt.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo"], ["content-type", "application/json"]]', 4, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (29, 'f176ad4e-088f-5789-a583-87028ec42047', 'access.receipts.v1', 'v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q', 'se.sigill.receipt.v1', '\x7b22726563656970745f6964223a2266313736616434652d303838662d353738392d613538332d383730323865633432303437222c226f726465725f6964223a2233626330303166392d656236342d343661632d616330352d643237383930643234653835222c22616e73776572735f6576656e74223a2233626330303166392d656236342d343661632d616330352d643237383930643234653835222c22726567696f6e223a22746573746c616e64222c22666f726d223a227365616c5f6a6f75726e616c222c22696e6974696174697665223a2263617265222c226f7574636f6d65223a2270656e64696e67222c2266697273745f6f7574636f6d65223a6e756c6c2c22646563696465645f6174223a22323032352d30332d31305430393a30303a30305a222c2272656365697665645f6174223a22323032352d30332d31305430393a30303a30305a222c226a75646765645f6174223a22323032352d30332d31305430393a30303a30305a222c2272756c65626f6f6b223a22746573746c616e6420323032302d30312d3031222c22636f646573223a5b226177616974696e675f7369676e65645f666f726d225d2c227265667573616c73223a5b5d2c227761697473223a5b7b22636f6465223a226177616974696e675f7369676e65645f666f726d222c22756e74696c223a22323032352d30332d31315430393a30303a30305a222c22756e697473223a5b5d2c227376223a22c3857467c3a47264656e2067c3a46c6c6572206672c3a56e2073616d74616c65743b2064656e20756e646572736b7269766e6120626c616e6b657474656e20736b612066c3b66c6a612e222c22656e223a22546865206d65617375726520686f6c64732066726f6d207468652063616c6c3b20746865207369676e656420666f726d206d75737420666f6c6c6f772e222c226369746174696f6e73223a5b7b2272756c65223a22544c2d3031222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a2246c3b6727365676c696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a2241207365616c20697320646563696465642062792073746166662e227d5d7d5d2c2272656d61726b73223a5b5d2c226d65617375726573223a5b7b226d6561737572655f6964223a2264363830356365622d383761362d353863392d393666662d616463376338333138343164222c226b696e64223a226a6f75726e616c5f7365616c222c22616374696f6e223a22696d706f736564222c226f726465725f6964223a2233626330303166392d656236342d343661632d616330352d643237383930643234653835222c227365727669636573223a5b226a6f75726e616c225d2c22756e697473223a6e756c6c2c227265636f726465645f66726f6d223a6e756c6c2c227265636f726465645f746f223a6e756c6c2c22677561726469616e73223a6e756c6c2c22726570726573656e746174697665223a6e756c6c2c227374617274735f6174223a22323032352d30332d31305430393a30303a30305a222c22656e64735f6f6e223a6e756c6c2c2270726f766973696f6e616c223a747275652c2262656361757365223a5b7b2272756c65223a22544c2d3031222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a2246c3b6727365676c696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a2241207365616c20697320646563696465642062792073746166662e227d5d7d5d2c227374696c6c5f696e5f666f726365223a5b5d2c227461736b73223a5b7b226b696e64223a22776f726b6c697374222c22647565223a6e756c6c2c227376223a224cc3a4676720696e2066c3b6727365676c696e67206176206a6f75726e616c656e2e222c22656e223a224b657920696e3a207365616c206f6620746865206a6f75726e616c2e222c226369746174696f6e73223a5b7b2272756c65223a22544c2d3031222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a2246c3b6727365676c696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a2241207365616c20697320646563696465642062792073746166662e227d5d7d2c7b226b696e64223a227369676e65645f666f726d222c22647565223a22323032352d30332d31315430393a30303a30305a222c227376223a2244656e20756e646572736b7269766e6120626c616e6b657474656e20736b612066c3b66c6a612073616d74616c65742e222c22656e223a22546865207369676e656420666f726d206d75737420666f6c6c6f77207468652063616c6c2e222c226369746174696f6e73223a5b7b2272756c65223a22544c2d3031222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a2246c3b6727365676c696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a2241207365616c20697320646563696465642062792073746166662e227d5d7d5d2c226e6f7465223a7b226b6579776f7264223a224a6f75726e616c656e20766961206ec3a4746574222c226d65617375726573223a5b226a6f75726e616c5f7365616c225d2c22666f725f77686f6d5f7376223a22616c6c6120736f6d20616e6e61727320736572206a6f75726e616c656e2070c3a5206ec3a4746574222c22706572696f645f66726f6d223a22323032352d30332d3130222c22706572696f645f7468726f756768223a6e756c6c2c226d6f7469766174696f6e223a22546578742e222c22646563696465645f6279223a225345323332313030303039392d444f4331222c22646563696465645f726f6c65223a227472656174696e675f70687973696369616e222c227265766965775f6f6e223a6e756c6c2c22726567697374726174696f6e5f6e756d626572223a22534947494c4c2d35222c227376223a224265736c75743a2066c3b6727365676c696e67206176206a6f75726e616c656e2e222c22656e223a224465636973696f6e3a207365616c206f6620746865206a6f75726e616c2e222c22647574696573223a5b5d2c2268696464656e5f66726f6d5f6f6e6c696e655f76696577223a747275657d2c22656e64735f6f6e223a6e756c6c2c22646967657374223a2263386435363039623463326139326536643965643764636133363735353132313539363539323364613032373066326165393265646437376162303838653635222c22666c6167676564223a5b5d7d', '[["ce_specversion", "1.0"], ["ce_id", "f176ad4e-088f-5789-a583-87028ec42047"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.receipt.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q"], ["content-type", "application/json"]]', 10, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (30, '5f323fb7-027c-59f4-a788-1b63a6b21d04', 'access.notifications.v1', 'v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q', 'se.sigill.notification.v1', '\x7b226e6f74696669636174696f6e5f6964223a2235663332336662372d303237632d353966342d613738382d316236336136623231643034222c22726563697069656e74223a7b226b696e64223a22706572736f6e222c22706572736f6e223a6e756c6c2c22726567696f6e223a22746573746c616e64227d2c2274656d706c617465223a226d6561737572655f696d706f736564222c226368616e6e656c223a2231313737222c227376223a22c385746b6f6d7374656e2070c3a52031313737206861722062656772c3a46e736174732e2056c3a46e64206469672074696c6c2076c3a57264656e206f6d20647520686172206672c3a5676f722e222c22656e223a22416363657373206f6e203131373720686173206265656e206c696d697465642e205475726e20746f20796f7572206361726520756e69742077697468207175657374696f6e732e222c226e6f745f6265666f7265223a6e756c6c2c226f726465725f6964223a2233626330303166392d656236342d343661632d616330352d643237383930643234653835222c2273757070726573736564223a227468655f696e626f785f6f665f615f6368696c645f756e6465725f31335f69735f726561645f62795f677561726469616e73222c226369746174696f6e73223a5b7b2272756c65223a22544c2d3031222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a2246c3b6727365676c696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a2241207365616c20697320646563696465642062792073746166662e227d5d7d', '[["ce_specversion", "1.0"], ["ce_id", "5f323fb7-027c-59f4-a788-1b63a6b21d04"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.notification.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q"], ["content-type", "application/json"]]', 10, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (31, '2b4e829a-9462-50a7-aa5e-f8209252f24e', 'access.changes.v1', 'v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q', 'se.sigill.access-change.v1', '\x7b226368616e67655f6964223a2232623465383239612d393436322d353061372d616135652d663832303932353266323465222c2270617469656e74223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22323031383033303532333832227d2c22766965776572223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d2c2273657276696365223a226a6f75726e616c222c22756e6974223a6e756c6c2c22616363657373223a226c6f7374222c226174223a22323032352d30332d31305430393a30303a30305a222c2262656361757365223a5b226a6f75726e616c5f7365616c225d2c226369746174696f6e73223a5b7b2272756c65223a22544c2d3031222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a2246c3b6727365676c696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a2241207365616c20697320646563696465642062792073746166662e227d5d2c226361757365223a226f72646572222c226f726465725f6964223a2233626330303166392d656236342d343661632d616330352d643237383930643234653835222c226d65617375726573223a5b2264363830356365622d383761362d353863392d393666662d616463376338333138343164225d7d', '[["ce_specversion", "1.0"], ["ce_id", "2b4e829a-9462-50a7-aa5e-f8209252f24e"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.access-change.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q"], ["content-type", "application/json"]]', 10, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (32, '3da020c0-9e7d-51bf-b2d3-dcc5f3d3eafb', 'access.state.v1', 'v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q', 'se.sigill.patient-state.v1', '\x7b226b6579223a2276312e6e48515a4f51327a48424d5979696b71782d5a316d6c4267674d36456e4e49713463394d6a74574f423151222c2276657273696f6e223a32382c226b6e6f776e5f6174223a22323032352d30332d31305430393a30303a30305a222c2270617469656e74223a7b226b6579223a2276312e6e48515a4f51327a48424d5979696b71782d5a316d6c4267674d36456e4e49713463394d6a74574f423151222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22323031383033303532333832227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22323031382d30332d3035222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c22677561726469616e73223a5b7b22706572736f6e223a7b226b6579223a2276312e77387953426944724c32317454316b4657643933347451716950716c6d436f437273797742486c36334551222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938352d30312d3031222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c2266726f6d5f64617465223a6e756c6c2c22746f5f64617465223a6e756c6c7d2c7b22706572736f6e223a7b226b6579223a2276312e5374664e6b35494e42396d3031417862664351694a576b6a51527339624843763575777230435141627955222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938343032303232333931227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938342d30322d3032222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c2266726f6d5f64617465223a6e756c6c2c22746f5f64617465223a6e756c6c7d5d2c22666f726d65725f677561726469616e73223a5b5d2c2276696577657273223a5b5d2c226d65617375726573223a5b7b226d6561737572655f6964223a2262666130303831652d363961362d353465642d383961342d333930636530333166376435222c226b696e64223a22677561726469616e5f626c6f636b222c226f726465725f6964223a2262333335323738332d303535392d346233382d623061362d313863326638646561616433222c22726567696f6e223a22746573746c616e64222c22696e6974696174697665223a2263617265222c227365727669636573223a5b226a6f75726e616c222c22655f7365727669636573225d2c22756e697473223a6e756c6c2c227265636f726465645f66726f6d223a6e756c6c2c227265636f726465645f746f223a6e756c6c2c22677561726469616e73223a5b7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938343032303232333931227d5d2c22766965776572223a6e756c6c2c2276616c69645f66726f6d223a22323032352d30332d31305430393a30303a30305a222c2276616c69645f746f223a6e756c6c2c22656e64735f61745f616765223a6e756c6c2c22656e6465645f6561726c79223a66616c73652c2272756c6573223a5b22544c2d3032225d7d2c7b226d6561737572655f6964223a2264363830356365622d383761362d353863392d393666662d616463376338333138343164222c226b696e64223a226a6f75726e616c5f7365616c222c226f726465725f6964223a2233626330303166392d656236342d343661632d616330352d643237383930643234653835222c22726567696f6e223a22746573746c616e64222c22696e6974696174697665223a2263617265222c227365727669636573223a5b226a6f75726e616c225d2c22756e697473223a6e756c6c2c227265636f726465645f66726f6d223a6e756c6c2c227265636f726465645f746f223a6e756c6c2c22677561726469616e73223a6e756c6c2c22766965776572223a6e756c6c2c2276616c69645f66726f6d223a22323032352d30332d31305430393a30303a30305a222c2276616c69645f746f223a6e756c6c2c22656e64735f61745f616765223a6e756c6c2c22656e6465645f6561726c79223a66616c73652c2272756c6573223a5b22544c2d3031225d7d5d2c22756e69745f726567696f6e73223a5b5b225345323332313030303039392d54455354222c22746573746c616e64225d5d7d', '[["ce_specversion", "1.0"], ["ce_id", "3da020c0-9e7d-51bf-b2d3-dcc5f3d3eafb"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.patient-state.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q"], ["content-type", "application/json"]]', 10, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (33, '29bfbd72-3f5c-5e3e-9acb-eb8cf114bc87', 'access.receipts.v1', 'v1.RuOyEWk-Ast-nnHewTwpHPqlK6mqP1kkjz1syRnPmbo', 'se.sigill.receipt.v1', '\x7b22726563656970745f6964223a2232396266626437322d336635632d356533652d396163622d656238636631313462633837222c226f726465725f6964223a2262656330336638622d366138372d343866662d623666362d386434343832356632633030222c22616e73776572735f6576656e74223a2262656330336638622d366138372d343866662d623666362d386434343832356632633030222c22726567696f6e223a22746573746c616e64222c22666f726d223a227365616c5f6a6f75726e616c222c22696e6974696174697665223a2263617265222c226f7574636f6d65223a226475706c6963617465222c2266697273745f6f7574636f6d65223a226578656375746564222c22646563696465645f6174223a22323032352d30332d31305430393a30303a30305a222c2272656365697665645f6174223a22323032352d30332d31305430393a30303a30305a222c226a75646765645f6174223a22323032352d30332d31305430393a30303a30305a222c2272756c65626f6f6b223a22746573746c616e6420323032302d30312d3031222c22636f646573223a5b5d2c227265667573616c73223a5b5d2c227761697473223a5b5d2c2272656d61726b73223a5b5d2c226d65617375726573223a5b7b226d6561737572655f6964223a2234386165396238382d386538622d353731662d626334312d646566333762356461376334222c226b696e64223a226a6f75726e616c5f7365616c222c22616374696f6e223a22696d706f736564222c226f726465725f6964223a2262656330336638622d366138372d343866662d623666362d386434343832356632633030222c227365727669636573223a5b226a6f75726e616c225d2c22756e697473223a6e756c6c2c227265636f726465645f66726f6d223a6e756c6c2c227265636f726465645f746f223a6e756c6c2c22677561726469616e73223a6e756c6c2c22726570726573656e746174697665223a6e756c6c2c227374617274735f6174223a22323032352d30332d31305430393a30303a30305a222c22656e64735f6f6e223a22323032352d31322d3331222c2270726f766973696f6e616c223a66616c73652c2262656361757365223a5b7b2272756c65223a22544c2d3031222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a2246c3b6727365676c696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a2241207365616c20697320646563696465642062792073746166662e227d5d7d5d2c227374696c6c5f696e5f666f726365223a5b5d2c227461736b73223a5b7b226b696e64223a22776f726b6c697374222c22647565223a6e756c6c2c227376223a224cc3a4676720696e2066c3b6727365676c696e67206176206a6f75726e616c656e2e222c22656e223a224b657920696e3a207365616c206f6620746865206a6f75726e616c2e222c226369746174696f6e73223a5b7b2272756c65223a22544c2d3031222c22646f63756d656e74223a22546573746c616e647320727574696e222c227376223a2246c3b6727365676c696e67206265736c7574617320617620706572736f6e616c2e222c22656e223a2241207365616c20697320646563696465642062792073746166662e227d5d7d5d2c226e6f7465223a7b226b6579776f7264223a224a6f75726e616c656e20766961206ec3a4746574222c226d65617375726573223a5b226a6f75726e616c5f7365616c225d2c22666f725f77686f6d5f7376223a22616c6c6120736f6d20616e6e61727320736572206a6f75726e616c656e2070c3a5206ec3a4746574222c22706572696f645f66726f6d223a22323032352d30332d3130222c22706572696f645f7468726f756768223a22323032352d31322d3331222c226d6f7469766174696f6e223a22546578742e222c22646563696465645f6279223a225345323332313030303039392d444f4331222c22646563696465645f726f6c65223a227472656174696e675f70687973696369616e222c227265766965775f6f6e223a6e756c6c2c22726567697374726174696f6e5f6e756d626572223a22534947494c4c2d31222c227376223a224265736c75743a2066c3b6727365676c696e67206176206a6f75726e616c656e2e222c22656e223a224465636973696f6e3a207365616c206f6620746865206a6f75726e616c2e222c22647574696573223a5b5d2c2268696464656e5f66726f6d5f6f6e6c696e655f76696577223a747275657d2c22656e64735f6f6e223a22323032352d31322d3331222c22646967657374223a2231303462383732656662393934333431336336663230653037333662356164323166356365323638613066613130346637303336376665376663383962366165222c22666c6167676564223a5b5d7d', '[["ce_specversion", "1.0"], ["ce_id", "29bfbd72-3f5c-5e3e-9acb-eb8cf114bc87"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.receipt.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.RuOyEWk-Ast-nnHewTwpHPqlK6mqP1kkjz1syRnPmbo"], ["content-type", "application/json"]]', 5, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (34, 'f28f630d-1bf8-5102-b770-f2e23d617ff2', 'ehr.orders.v1.dlq', 'v1.RuOyEWk-Ast-nnHewTwpHPqlK6mqP1kkjz1syRnPmbo', 'unreadable_signature', '\x6e6f742061207369676e6174757265', '[["ce_specversion", "1.0"], ["ce_id", "c089a21f-6759-4d3c-a700-f55ba12bfa17"], ["ce_source", "urn:example:outside"], ["ce_type", "se.sigill.order.v1"], ["ce_subject", "v1.RuOyEWk-Ast-nnHewTwpHPqlK6mqP1kkjz1syRnPmbo"], ["content-type", "application/jose"], ["kafka_dlt-original-topic", "ehr.orders.v1"], ["kafka_dlt-original-partition", {"hex": "00000000"}], ["kafka_dlt-original-offset", {"hex": "0000000000000006"}], ["kafka_dlt-original-consumer-group", "intake"], ["kafka_dlt-exception-fqcn", "unreadable_signature"], ["kafka_dlt-original-timestamp", {"hex": "000001957f484e80"}]]', 5, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (38, '2a051524-0b26-5fef-aa91-57cb44e05b1c', 'access.changes.v1', 'v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q', 'se.sigill.access-change.v1', '\x7b226368616e67655f6964223a2232613035313532342d306232362d356665662d616139312d353763623434653035623163222c2270617469656e74223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22323031383033303532333832227d2c22766965776572223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d2c2273657276696365223a22655f7365727669636573222c22756e6974223a6e756c6c2c22616363657373223a226c6f7374222c226174223a22323032352d30332d31305430393a30303a30305a222c2262656361757365223a5b2270726f7465637465645f6964656e74697479225d2c226369746174696f6e73223a5b5d2c226361757365223a227265676973746572222c226f726465725f6964223a6e756c6c2c226d65617375726573223a5b5d7d', '[["ce_specversion", "1.0"], ["ce_id", "2a051524-0b26-5fef-aa91-57cb44e05b1c"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.access-change.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q"], ["content-type", "application/json"]]', 10, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (39, 'b6b52ec2-38ec-52bd-b746-f45c1fd10ca2', 'access.changes.v1', 'v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo', 'se.sigill.access-change.v1', '\x7b226368616e67655f6964223a2262366235326563322d333865632d353262642d623734362d663435633166643130636132222c2270617469656e74223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22323031313035303532333832227d2c22766965776572223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d2c2273657276696365223a226a6f75726e616c222c22756e6974223a6e756c6c2c22616363657373223a226c6f7374222c226174223a22323032352d30332d31305430393a30303a30305a222c2262656361757365223a5b2270726f7465637465645f6964656e74697479225d2c226369746174696f6e73223a5b5d2c226361757365223a227265676973746572222c226f726465725f6964223a6e756c6c2c226d65617375726573223a5b5d7d', '[["ce_specversion", "1.0"], ["ce_id", "b6b52ec2-38ec-52bd-b746-f45c1fd10ca2"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.access-change.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo"], ["content-type", "application/json"]]', 4, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (40, '45c371a1-d073-56b8-b2d4-1ee6644e5111', 'access.state.v1', 'v1.w8ySBiDrL21tT1kFWd934tQqiPqlmCoCrsywBHl63EQ', 'se.sigill.patient-state.v1', '\x7b226b6579223a2276312e77387953426944724c32317454316b4657643933347451716950716c6d436f437273797742486c36334551222c2276657273696f6e223a33352c226b6e6f776e5f6174223a22323032352d30332d31305430393a30303a30305a222c2270617469656e74223a7b226b6579223a2276312e77387953426944724c32317454316b4657643933347451716950716c6d436f437273797742486c36334551222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938352d30312d3031222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a747275652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c22677561726469616e73223a5b5d2c22666f726d65725f677561726469616e73223a5b5d2c2276696577657273223a5b5d2c226d65617375726573223a5b5d2c22756e69745f726567696f6e73223a5b5b225345323332313030303039392d54455354222c22746573746c616e64225d5d7d', '[["ce_specversion", "1.0"], ["ce_id", "45c371a1-d073-56b8-b2d4-1ee6644e5111"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.patient-state.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.w8ySBiDrL21tT1kFWd934tQqiPqlmCoCrsywBHl63EQ"], ["content-type", "application/json"]]', 9, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (41, 'f99f4792-fe3f-5c5e-88f2-08b93e3c1f06', 'access.state.v1', 'v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q', 'se.sigill.patient-state.v1', '\x7b226b6579223a2276312e6e48515a4f51327a48424d5979696b71782d5a316d6c4267674d36456e4e49713463394d6a74574f423151222c2276657273696f6e223a33362c226b6e6f776e5f6174223a22323032352d30332d31305430393a30303a30305a222c2270617469656e74223a7b226b6579223a2276312e6e48515a4f51327a48424d5979696b71782d5a316d6c4267674d36456e4e49713463394d6a74574f423151222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22323031383033303532333832227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22323031382d30332d3035222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c22677561726469616e73223a5b7b22706572736f6e223a7b226b6579223a2276312e77387953426944724c32317454316b4657643933347451716950716c6d436f437273797742486c36334551222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938352d30312d3031222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a747275652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c2266726f6d5f64617465223a6e756c6c2c22746f5f64617465223a6e756c6c7d2c7b22706572736f6e223a7b226b6579223a2276312e5374664e6b35494e42396d3031417862664351694a576b6a51527339624843763575777230435141627955222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938343032303232333931227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938342d30322d3032222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c2266726f6d5f64617465223a6e756c6c2c22746f5f64617465223a6e756c6c7d5d2c22666f726d65725f677561726469616e73223a5b5d2c2276696577657273223a5b5d2c226d65617375726573223a5b7b226d6561737572655f6964223a2262666130303831652d363961362d353465642d383961342d333930636530333166376435222c226b696e64223a22677561726469616e5f626c6f636b222c226f726465725f6964223a2262333335323738332d303535392d346233382d623061362d313863326638646561616433222c22726567696f6e223a22746573746c616e64222c22696e6974696174697665223a2263617265222c227365727669636573223a5b226a6f75726e616c222c22655f7365727669636573225d2c22756e697473223a6e756c6c2c227265636f726465645f66726f6d223a6e756c6c2c227265636f726465645f746f223a6e756c6c2c22677561726469616e73223a5b7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938343032303232333931227d5d2c22766965776572223a6e756c6c2c2276616c69645f66726f6d223a22323032352d30332d31305430393a30303a30305a222c2276616c69645f746f223a6e756c6c2c22656e64735f61745f616765223a6e756c6c2c22656e6465645f6561726c79223a66616c73652c2272756c6573223a5b22544c2d3032225d7d2c7b226d6561737572655f6964223a2264363830356365622d383761362d353863392d393666662d616463376338333138343164222c226b696e64223a226a6f75726e616c5f7365616c222c226f726465725f6964223a2233626330303166392d656236342d343661632d616330352d643237383930643234653835222c22726567696f6e223a22746573746c616e64222c22696e6974696174697665223a2263617265222c227365727669636573223a5b226a6f75726e616c225d2c22756e697473223a6e756c6c2c227265636f726465645f66726f6d223a6e756c6c2c227265636f726465645f746f223a6e756c6c2c22677561726469616e73223a6e756c6c2c22766965776572223a6e756c6c2c2276616c69645f66726f6d223a22323032352d30332d31305430393a30303a30305a222c2276616c69645f746f223a6e756c6c2c22656e64735f61745f616765223a6e756c6c2c22656e6465645f6561726c79223a66616c73652c2272756c6573223a5b22544c2d3031225d7d5d2c22756e69745f726567696f6e73223a5b5b225345323332313030303039392d54455354222c22746573746c616e64225d5d7d', '[["ce_specversion", "1.0"], ["ce_id", "f99f4792-fe3f-5c5e-88f2-08b93e3c1f06"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.patient-state.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q"], ["content-type", "application/json"]]', 10, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.outbox OVERRIDING SYSTEM VALUE VALUES (42, '94d736db-f90e-5b3c-81ed-07cee75ac888', 'access.state.v1', 'v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo', 'se.sigill.patient-state.v1', '\x7b226b6579223a2276312e50506f4e6d7357786e436f66797871747967546b5f7236356f3965616d595758724b72484d6d483952486f222c2276657273696f6e223a33372c226b6e6f776e5f6174223a22323032352d30332d31305430393a30303a30305a222c2270617469656e74223a7b226b6579223a2276312e50506f4e6d7357786e436f66797871747967546b5f7236356f3965616d595758724b72484d6d483952486f222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22323031313035303532333832227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22323031312d30352d3035222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c22677561726469616e73223a5b7b22706572736f6e223a7b226b6579223a2276312e77387953426944724c32317454316b4657643933347451716950716c6d436f437273797742486c36334551222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938352d30312d3031222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a747275652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c2266726f6d5f64617465223a6e756c6c2c22746f5f64617465223a6e756c6c7d2c7b22706572736f6e223a7b226b6579223a2276312e5374664e6b35494e42396d3031417862664351694a576b6a51527339624843763575777230435141627955222c22726566223a7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938343032303232333931227d2c22666f726d6572223a5b5d2c2262697274685f64617465223a22313938342d30322d3032222c2269645f74797065223a22706572736f6e6e756d6d6572222c22636f756e7479223a223939222c2270726f746563746564223a66616c73652c226861735f655f6964223a747275652c22646965645f6f6e223a6e756c6c2c2272656769737465726564223a747275657d2c2266726f6d5f64617465223a6e756c6c2c22746f5f64617465223a6e756c6c7d5d2c22666f726d65725f677561726469616e73223a5b5d2c2276696577657273223a5b5d2c226d65617375726573223a5b7b226d6561737572655f6964223a2230653863383230382d316435332d356539392d626166302d353138633063383437306631222c226b696e64223a22677561726469616e5f6772616e74222c226f726465725f6964223a2234653861333533612d373537342d346436332d613639392d663965666230373166323830222c22726567696f6e223a22746573746c616e64222c22696e6974696174697665223a2263617265222c227365727669636573223a5b226a6f75726e616c225d2c22756e697473223a6e756c6c2c227265636f726465645f66726f6d223a6e756c6c2c227265636f726465645f746f223a6e756c6c2c22677561726469616e73223a5b7b2269645f74797065223a22706572736f6e6e756d6d6572222c226964223a22313938353031303132333834227d5d2c22766965776572223a6e756c6c2c2276616c69645f66726f6d223a22323032352d30332d31305430393a30303a30305a222c2276616c69645f746f223a22323032362d30332d30395432333a30303a30305a222c22656e64735f61745f616765223a31362c22656e6465645f6561726c79223a66616c73652c2272756c6573223a5b22544c2d3033225d7d5d2c22756e69745f726567696f6e73223a5b5b225345323332313030303039392d54455354222c22746573746c616e64225d5d7d', '[["ce_specversion", "1.0"], ["ce_id", "94d736db-f90e-5b3c-81ed-07cee75ac888"], ["ce_source", "urn:sigill:test"], ["ce_type", "se.sigill.patient-state.v1"], ["ce_time", "2025-03-10T09:00:00Z"], ["ce_subject", "v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo"], ["content-type", "application/json"]]', 4, '2025-03-10 09:00:00+00', NULL);
INSERT INTO sigill.pending_order VALUES (5, 4, 'testland', '{awaiting_signed_form}', '2025-03-11 09:00:00+00');
INSERT INTO sigill.person VALUES (1, '2025-02-08 09:00:00+00');
INSERT INTO sigill.person VALUES (2, '2025-02-08 09:00:00+00');
INSERT INTO sigill.person VALUES (3, '2025-02-08 09:00:00+00');
INSERT INTO sigill.person VALUES (4, '2025-02-08 09:00:00+00');
INSERT INTO sigill.person VALUES (5, '2025-03-10 09:00:00+00');
INSERT INTO sigill.person_identity VALUES (1, '2025-02-08 09:00:00+00', 1, 0, '197006062388', 'v1.RuOyEWk-Ast-nnHewTwpHPqlK6mqP1kkjz1syRnPmbo');
INSERT INTO sigill.person_identity VALUES (2, '2025-02-08 09:00:00+00', 1, 0, '198402022391', 'v1.StfNk5INB9m01AxbfCQiJWkjQRs9bHCv5uwr0CQAbyU');
INSERT INTO sigill.person_identity VALUES (3, '2025-02-08 09:00:00+00', 1, 0, '198501012384', 'v1.w8ySBiDrL21tT1kFWd934tQqiPqlmCoCrsywBHl63EQ');
INSERT INTO sigill.person_identity VALUES (4, '2025-02-08 09:00:00+00', 1, 0, '201803052382', 'v1.nHQZOQ2zHBMYyikqx-Z1mlBggM6EnNIq4c9MjtWOB1Q');
INSERT INTO sigill.person_identity VALUES (5, '2025-03-10 09:00:00+00', 1, 0, '201105052382', 'v1.PPoNmsWxnCofyxqtygTk_r65o9eamYWXrKrHMmH9RHo');
INSERT INTO sigill.person_version VALUES (1, -1, '2025-02-08 09:00:00+00', '2025-02-08 09:00:00+00', '1970-06-06', '1970-06-06', NULL, NULL, 1, false, true, false, '197006062388', NULL);
INSERT INTO sigill.person_version VALUES (2, -1, '2025-02-08 09:00:00+00', '2025-02-08 09:00:00+00', '1984-02-02', '1984-02-02', NULL, NULL, 1, false, true, false, '198402022391', NULL);
INSERT INTO sigill.person_version VALUES (3, -1, '2025-02-08 09:00:00+00', '2025-02-08 09:00:00+00', '1985-01-01', '1985-01-01', NULL, NULL, 1, false, true, false, '198501012384', NULL);
INSERT INTO sigill.person_version VALUES (4, -1, '2025-02-08 09:00:00+00', '2025-02-08 09:00:00+00', '2018-03-05', '2018-03-05', NULL, NULL, 1, false, true, false, '201803052382', NULL);
INSERT INTO sigill.person_version VALUES (3, 1, '2025-02-08 09:00:00+00', '2025-02-08 09:00:00+00', '1985-01-01', '1985-01-01', NULL, NULL, 1, false, true, false, '198501012384', '99');
INSERT INTO sigill.person_version VALUES (2, 1, '2025-02-08 09:00:00+00', '2025-02-08 09:00:00+00', '1984-02-02', '1984-02-02', NULL, NULL, 1, false, true, false, '198402022391', '99');
INSERT INTO sigill.person_version VALUES (4, 1, '2025-02-08 09:00:00+00', '2025-02-08 09:00:00+00', '2018-03-05', '2018-03-05', NULL, NULL, 1, false, true, false, '201803052382', '99');
INSERT INTO sigill.person_version VALUES (1, 1, '2025-02-08 09:00:00+00', '2025-02-08 09:00:00+00', '1970-06-06', '1970-06-06', NULL, NULL, 1, false, true, false, '197006062388', '99');
INSERT INTO sigill.person_version VALUES (5, -1, '2025-03-10 09:00:00+00', '2025-03-10 09:00:00+00', '2011-05-05', '2011-05-05', NULL, NULL, 1, false, true, false, '201105052382', NULL);
INSERT INTO sigill.person_version VALUES (5, 1, '2025-03-09 09:00:00+00', '2025-03-10 09:00:00+00', '2011-05-05', '2011-05-05', NULL, NULL, 1, false, true, false, '201105052382', '99');
INSERT INTO sigill.person_version VALUES (3, 2, '2025-03-10 09:00:00+00', '2025-03-10 09:00:00+00', '1985-01-01', '1985-01-01', NULL, NULL, 1, true, true, false, '198501012384', '99');
INSERT INTO sigill.signed_order VALUES (1, 'bec03f8b-6a87-48ff-b6f6-8d44825f2c00', true, 1, 'testland', 'seal_journal', 'SE2321000099-TEST', false, 'urn:example:outside', 'bec03f8b-6a87-48ff-b6f6-8d44825f2c00', 'application/jose', '\x104b872efb9943413c6f20e0736b5ad21f5ce268a0fa104f70367fe7fc89b6ae', '\x65794a68624763694f694a46557a49314e694973496e523563434936496e4e705a326c7362433176636d526c6369747164334d694c434a70595851694f6a45334e4445314f5463794d444173496e67315979493657794a4e53556c4452555244513046615a57644264306c435157644a5655307657546c7162486779595735754e454e44546e684c4b305172526e563563585253633364445a316c4a53323961535870714d455642643031335532704654453142613064424d565646516d684e5131557756586846656b4653516d644f566b4a426230314462453577576a4a7363324a44516b566157466c34536d704261304a6e546c5a435155314e53465a4f63466f7962484e6951304a46576c685a5a315648566e6c6a4d6a6c315355566f564646544d584261513046365355564f516b31434e46684556456c365455524e654531555154564e5245463354555a76574552555458704e52453133543052424e5531455158644e526d39335631524654453142613064424d565646516d684e513155775658684852454658516d644f566b4a42623031454d557073576a4a73646d4a70516c566157453477596b6447645670455256564e516b6c4851544656525546336430785752315a365a454e43564746585a48566157456c345232704257554a6e546c5a435156565552565a4f526b317154586c4e56454633545552424e5539544d5556554d45313454555a72643056335755684c6231704a656d6f775130465257556c4c6231704a656d6f7752454652593052525a3046464f47307856325246626e424661557049516b646f61326858515656504d55513159564e35546c464f57586c76536b52444d465635576c686f616a5a784c3070744f465a7452334e4f61584658537a5271536b6844596b4a44627939305a6d6f78515735425a54557a5745684e6156566c6348464f545531466233644964316c45566c4977616b4a435a336447623046566145685a645578744e6d74495354685663584a714c3270485a546c4252573531635642766430526e57555257556a4251515646494c304a42555552425a31704254554a6a523045785657524a5156465254554530643052425755744c64316c43516b4648523270534f454a42656b464c516d646e63576872616b3951555646455158644f626b4645516d7442616b45724d31644d4b335650596c4e3555486c575a6a64324f4864494c336c35535730355a336331616a4e7663315a465a544646543149794e6a5a6a4e6e52585a4449794d545a5859587042635852725a48564362445656513031484e6c52595657566e5248567261487055654559324d6a6c71656d396f656a4a6e4e316436643252304f474a5a52307450636d68534d457477626a6c5957485a76656c6f3559336c52635764424c3056795a6b7478647a30394969776954556c4a51315a4551304e425a48466e5158644a516b466e53565651555731434d56466b516e4a684e6a5635595659726133463364573147646b6c51576a42335132645a53557476576b6c36616a42465158644e643142365255784e515774485154465652554a6f54554e564d46563452587042556b4a6e546c5a435157394e5132784f63466f7962484e6951304a46576c685a65456436515670435a303557516b464e54555673546e42614d6d787a596b4e43525670595757645662546c325a454e435246465551575647647a423554587042656b315552586450564546335455524359555a334d48704e656b46365455526e643039555158644e52454a685455567665454e36515570435a303557516b465a56454673546b5a4e556b31335256465a52465a5255557445515842555956646b63474a48643264535231597954564e5a64307042575552575556464552454978564746585a4842695233646e556b64574d6b6c47516d786a626b3532596d6c4353565577525852685631466e54586c4352464655516a4a4e516b4648516e6c7852314e4e4e446c425a305648516c4e31516b4a4251576c424d6b6c42516b4a7a5555314d6257637a52326f7754485933596c5a79596d64754b3046484d6a673163555a596145315351544e6d513352585232647564326376626c5668636d63324d6a6b35515759774d304a424d5570755958464b566a6c48576c644a4f454e4f4f48567754316c4954455655596b464d4d6e6c6a656c593152336c696557777a626e645a55306879545670774f4546445458633159565631523256434d3064544c324e73626d64696355394361587044516d6c45515642435a30355753464a4e516b466d4f45564356454645515646494c3031424e4564424d56566b52486446516939335555564264306c43516d70425a454a6e546c5a4955545246526d6452565768495758564d62545a7253456b3456584679616939715232553551555675645846516233644964316c45566c4977616b4a435a3364476230465662444250593056484d557876544545315a537449627a56754e444a59596c4672633268466430705257555257556a426e516b493064306845515531435a323979516d64465255465a59553549643056455455463352304e706330644255564643614738775a6b4652535864445a316c4a53323961535870714d455642643031455955464264317052535868425544685265545a4e626d74355a326c47624731724c32785653327379567a42754d6a4677566d394254546861616b46574d585672616c6c72643035714e303970544668424f544645626b56474e6b387a62554e496345464a643078445346707765546c7552454e355a315a706430686b544667325630784f54475647566e4a6c626b565065565256546c6c44637a5a5a4f57526d516d5a47636d6446566c564e59584e4f564467335748463162554569585377696544563049314d794e5459694f694a6e543168424f573543547a4a7456475974544467745347704f4e44524951565a705546707a57467076655764595a4856785357343052305977496e302e65794a76636d526c636c39705a43493649434a695a574d774d32593459693032595467334c5451345a6d5974596a5a6d4e6930345a4451304f4449315a6a4a6a4d4441694c4341695958566b61575675593255694f69416963326c6e615778734c33526c633351694c434169636d566e61573975496a6f67496e526c633352735957356b49697767496d5a76636d30694f694169633256686246397162335679626d467349697767496e426864476c6c626e51694f694237496d6c6b58335235634755694f6941696347567963323975626e56746257567949697767496d6c6b496a6f67496a45354e7a41774e6a41324d6a4d344f434a394c4341696157357064476c6864476c325a53493649434a6a59584a6c49697767496d526c59326c6b5a575266596e6b694f694237496d687a595639705a43493649434a545254497a4d6a45774d4441774f546b74524539444d53497349434a796232786c496a6f67496e52795a5746306157356e5833426f65584e7059326c686269497349434a31626d6c30496a6f67496c4e464d6a4d794d5441774d4441354f53315552564e55496e307349434a6b5a574e705a47566b58324630496a6f67496a49774d6a55744d444d744d5442554d446b364d4441364d4441724d4441364d4441694c4341696257393061585a6864476c766269493649434a555a5868304c69497349434a32595778705a46393061484a766457646f496a6f67496a49774d6a55744d5449744d7a456966512e55757952625f33466231335068572d7a4e694564494578335a355045704a752d4c7730764c7133317436505853534d4d51774443632d327334744c466c6246624b664d4e4e526c614675745835746d57755454703867', '{"form": "seal_journal", "units": null, "inform": {"patient": true, "guardians": true, "written_confirmation": false}, "region": "testland", "urgent": false, "channel": "ehr_form", "opinion": null, "patient": {"id": "197006062388", "id_type": "personnummer"}, "audience": "sigill/test", "decision": null, "order_id": "bec03f8b-6a87-48ff-b6f6-8d44825f2c00", "releases": null, "consulted": [], "guardians": null, "review_on": null, "decided_at": "2025-03-10T09:00:00Z", "decided_by": {"role": "treating_physician", "unit": "SE2321000099-TEST", "hsa_id": "SE2321000099-DOC1"}, "follows_up": null, "initiative": "care", "motivation": "Text.", "valid_from": null, "court_order": null, "recorded_to": null, "attestations": [], "recorded_from": null, "valid_through": "2025-12-31", "representative": null}', '{"checks": [{"name": "signature", "detail": "ES256", "verdict": "good"}, {"name": "certificate_path", "detail": "3 certificates to the anchor", "verdict": "good"}, {"name": "certificate_usage", "detail": "", "verdict": "good"}, {"name": "certificate_validity", "detail": "2025-03-10T09:00:00+00:00", "verdict": "good"}, {"name": "revocation", "detail": "", "verdict": "good"}, {"name": "age", "detail": "0 s", "verdict": "good"}], "signers": [{"hsa_id": "SE2321000099-DOC1", "issuer": "CN=Sigill Dev Person HSA-id 3 CA,O=Sigill Dev,C=SE", "serial": "33f63d8e5c766a79f80823712be0fe16ecaab51b", "algorithm": "ES256", "signed_at": "2025-03-10T09:00:00Z", "certificate_sha256": "80e5c0f6704eda64dff8bf3e1e3378e0701588f66c5d9a3281776ea889f8185d"}], "refusals": [], "signed_at": "2025-03-10T09:00:00Z", "undetermined": false}', '2025-03-10 09:00:00+00', 'ehr.orders.v1', 0, 0, NULL, '2025-03-10 09:00:00+00');
INSERT INTO sigill.signed_order VALUES (2, 'b3352783-0559-4b38-b0a6-18c2f8deaad3', true, 4, 'testland', 'block_guardians', 'SE2321000099-TEST', false, 'urn:example:outside', 'b3352783-0559-4b38-b0a6-18c2f8deaad3', 'application/jose', '\xb7b56bc3a03257d0ecd7b39855350e5ec8a84162c00b64cea23fe9c5920ecb7f', '\x65794a68624763694f694a46557a49314e694973496e523563434936496e4e705a326c7362433176636d526c6369747164334d694c434a70595851694f6a45334e4445314f5463794d444173496e67315979493657794a4e53556c4452555244513046615a57644264306c435157644a5655307657546c7162486779595735754e454e44546e684c4b305172526e563563585253633364445a316c4a53323961535870714d455642643031335532704654453142613064424d565646516d684e5131557756586846656b4653516d644f566b4a426230314462453577576a4a7363324a44516b566157466c34536d704261304a6e546c5a435155314e53465a4f63466f7962484e6951304a46576c685a5a315648566e6c6a4d6a6c315355566f564646544d584261513046365355564f516b31434e46684556456c365455524e654531555154564e5245463354555a76574552555458704e52453133543052424e5531455158644e526d39335631524654453142613064424d565646516d684e513155775658684852454658516d644f566b4a42623031454d557073576a4a73646d4a70516c566157453477596b6447645670455256564e516b6c4851544656525546336430785752315a365a454e43564746585a48566157456c345232704257554a6e546c5a435156565552565a4f526b317154586c4e56454633545552424e5539544d5556554d45313454555a72643056335755684c6231704a656d6f775130465257556c4c6231704a656d6f7752454652593052525a3046464f47307856325246626e424661557049516b646f61326858515656504d55513159564e35546c464f57586c76536b52444d465635576c686f616a5a784c3070744f465a7452334e4f61584658537a5271536b6844596b4a44627939305a6d6f78515735425a54557a5745684e6156566c6348464f545531466233644964316c45566c4977616b4a435a336447623046566145685a645578744e6d74495354685663584a714c3270485a546c4252573531635642766430526e57555257556a4251515646494c304a42555552425a31704254554a6a523045785657524a5156465254554530643052425755744c64316c43516b4648523270534f454a42656b464c516d646e63576872616b3951555646455158644f626b4645516d7442616b45724d31644d4b335650596c4e3555486c575a6a64324f4864494c336c35535730355a336331616a4e7663315a465a544646543149794e6a5a6a4e6e52585a4449794d545a5859587042635852725a48564362445656513031484e6c52595657566e5248567261487055654559324d6a6c71656d396f656a4a6e4e316436643252304f474a5a52307450636d68534d457477626a6c5957485a76656c6f3559336c52635764424c3056795a6b7478647a30394969776954556c4a51315a4551304e425a48466e5158644a516b466e53565651555731434d56466b516e4a684e6a5635595659726133463364573147646b6c51576a42335132645a53557476576b6c36616a42465158644e643142365255784e515774485154465652554a6f54554e564d46563452587042556b4a6e546c5a435157394e5132784f63466f7962484e6951304a46576c685a65456436515670435a303557516b464e54555673546e42614d6d787a596b4e43525670595757645662546c325a454e435246465551575647647a423554587042656b315552586450564546335455524359555a334d48704e656b46365455526e643039555158644e52454a685455567665454e36515570435a303557516b465a56454673546b5a4e556b31335256465a52465a5255557445515842555956646b63474a48643264535231597954564e5a64307042575552575556464552454978564746585a4842695233646e556b64574d6b6c47516d786a626b3532596d6c4353565577525852685631466e54586c4352464655516a4a4e516b4648516e6c7852314e4e4e446c425a305648516c4e31516b4a4251576c424d6b6c42516b4a7a5555314d6257637a52326f7754485933596c5a79596d64754b3046484d6a673163555a596145315351544e6d513352585232647564326376626c5668636d63324d6a6b35515759774d304a424d5570755958464b566a6c48576c644a4f454e4f4f48567754316c4954455655596b464d4d6e6c6a656c593152336c696557777a626e645a55306879545670774f4546445458633159565631523256434d3064544c324e73626d64696355394361587044516d6c45515642435a30355753464a4e516b466d4f45564356454645515646494c3031424e4564424d56566b52486446516939335555564264306c43516d70425a454a6e546c5a4955545246526d6452565768495758564d62545a7253456b3456584679616939715232553551555675645846516233644964316c45566c4977616b4a435a3364476230465662444250593056484d557876544545315a537449627a56754e444a59596c4672633268466430705257555257556a426e516b493064306845515531435a323979516d64465255465a59553549643056455455463352304e706330644255564643614738775a6b4652535864445a316c4a53323961535870714d455642643031455955464264317052535868425544685265545a4e626d74355a326c47624731724c32785653327379567a42754d6a4677566d394254546861616b46574d585672616c6c72643035714e303970544668424f544645626b56474e6b387a62554e496345464a643078445346707765546c7552454e355a315a706430686b544667325630784f54475647566e4a6c626b565065565256546c6c44637a5a5a4f57526d516d5a47636d6446566c564e59584e4f564467335748463162554569585377696544563049314d794e5459694f694a6e543168424f573543547a4a7456475974544467745347704f4e44524951565a705546707a57467076655764595a4856785357343052305977496e302e65794a76636d526c636c39705a43493649434a694d7a4d314d6a63344d7930774e5455354c5452694d7a6774596a42684e6930784f474d795a6a686b5a5746685a444d694c4341695958566b61575675593255694f69416963326c6e615778734c33526c633351694c434169636d566e61573975496a6f67496e526c633352735957356b49697767496d5a76636d30694f694169596d7876593274665a335668636d52705957357a49697767496e426864476c6c626e51694f694237496d6c6b58335235634755694f6941696347567963323975626e56746257567949697767496d6c6b496a6f67496a49774d5467774d7a41314d6a4d344d694a394c4341696157357064476c6864476c325a53493649434a6a59584a6c49697767496d526c59326c6b5a575266596e6b694f694237496d687a595639705a43493649434a545254497a4d6a45774d4441774f546b74524539444d53497349434a796232786c496a6f67496e52795a5746306157356e5833426f65584e7059326c686269497349434a31626d6c30496a6f67496c4e464d6a4d794d5441774d4441354f53315552564e55496e307349434a6b5a574e705a47566b58324630496a6f67496a49774d6a55744d444d744d5442554d446b364d4441364d4441724d4441364d4441694c4341696257393061585a6864476c766269493649434a555a5868304c69497349434a6e645746795a476c68626e4d694f69426265794a705a4639306558426c496a6f67496e426c636e4e76626d35316257316c6369497349434a705a434936494349784f5467304d4449774d6a497a4f544569665631392e573279497662747a754a5772544c316a6e506371704878714c5954563759434449645835723048667a37697a413134756a695a5874383462334a534262374c7455577055564d357441637a355635557a5137646b3277', '{"form": "block_guardians", "units": null, "inform": {"patient": true, "guardians": true, "written_confirmation": false}, "region": "testland", "urgent": false, "channel": "ehr_form", "opinion": null, "patient": {"id": "201803052382", "id_type": "personnummer"}, "audience": "sigill/test", "decision": null, "order_id": "b3352783-0559-4b38-b0a6-18c2f8deaad3", "releases": null, "consulted": [], "guardians": [{"id": "198402022391", "id_type": "personnummer"}], "review_on": null, "decided_at": "2025-03-10T09:00:00Z", "decided_by": {"role": "treating_physician", "unit": "SE2321000099-TEST", "hsa_id": "SE2321000099-DOC1"}, "follows_up": null, "initiative": "care", "motivation": "Text.", "valid_from": null, "court_order": null, "recorded_to": null, "attestations": [], "recorded_from": null, "valid_through": null, "representative": null}', '{"checks": [{"name": "signature", "detail": "ES256", "verdict": "good"}, {"name": "certificate_path", "detail": "3 certificates to the anchor", "verdict": "good"}, {"name": "certificate_usage", "detail": "", "verdict": "good"}, {"name": "certificate_validity", "detail": "2025-03-10T09:00:00+00:00", "verdict": "good"}, {"name": "revocation", "detail": "", "verdict": "good"}, {"name": "age", "detail": "0 s", "verdict": "good"}], "signers": [{"hsa_id": "SE2321000099-DOC1", "issuer": "CN=Sigill Dev Person HSA-id 3 CA,O=Sigill Dev,C=SE", "serial": "33f63d8e5c766a79f80823712be0fe16ecaab51b", "algorithm": "ES256", "signed_at": "2025-03-10T09:00:00Z", "certificate_sha256": "80e5c0f6704eda64dff8bf3e1e3378e0701588f66c5d9a3281776ea889f8185d"}], "refusals": [], "signed_at": "2025-03-10T09:00:00Z", "undetermined": false}', '2025-03-10 09:00:00+00', 'ehr.orders.v1', 0, 1, NULL, '2025-03-10 09:00:00+00');
INSERT INTO sigill.signed_order VALUES (3, '4e8a353a-7574-4d63-a699-f9efb071f280', true, 5, 'testland', 'grant_guardian_access', 'SE2321000099-TEST', false, 'urn:example:outside', '4e8a353a-7574-4d63-a699-f9efb071f280', 'application/jose', '\xa6dc67e0bfd199e4a63a1518fad738113c472635d4c2959094842b2769a17869', '\x65794a68624763694f694a46557a49314e694973496e523563434936496e4e705a326c7362433176636d526c6369747164334d694c434a70595851694f6a45334e4445314f5463794d444173496e67315979493657794a4e53556c4452555244513046615a57644264306c435157644a5655307657546c7162486779595735754e454e44546e684c4b305172526e563563585253633364445a316c4a53323961535870714d455642643031335532704654453142613064424d565646516d684e5131557756586846656b4653516d644f566b4a426230314462453577576a4a7363324a44516b566157466c34536d704261304a6e546c5a435155314e53465a4f63466f7962484e6951304a46576c685a5a315648566e6c6a4d6a6c315355566f564646544d584261513046365355564f516b31434e46684556456c365455524e654531555154564e5245463354555a76574552555458704e52453133543052424e5531455158644e526d39335631524654453142613064424d565646516d684e513155775658684852454658516d644f566b4a42623031454d557073576a4a73646d4a70516c566157453477596b6447645670455256564e516b6c4851544656525546336430785752315a365a454e43564746585a48566157456c345232704257554a6e546c5a435156565552565a4f526b317154586c4e56454633545552424e5539544d5556554d45313454555a72643056335755684c6231704a656d6f775130465257556c4c6231704a656d6f7752454652593052525a3046464f47307856325246626e424661557049516b646f61326858515656504d55513159564e35546c464f57586c76536b52444d465635576c686f616a5a784c3070744f465a7452334e4f61584658537a5271536b6844596b4a44627939305a6d6f78515735425a54557a5745684e6156566c6348464f545531466233644964316c45566c4977616b4a435a336447623046566145685a645578744e6d74495354685663584a714c3270485a546c4252573531635642766430526e57555257556a4251515646494c304a42555552425a31704254554a6a523045785657524a5156465254554530643052425755744c64316c43516b4648523270534f454a42656b464c516d646e63576872616b3951555646455158644f626b4645516d7442616b45724d31644d4b335650596c4e3555486c575a6a64324f4864494c336c35535730355a336331616a4e7663315a465a544646543149794e6a5a6a4e6e52585a4449794d545a5859587042635852725a48564362445656513031484e6c52595657566e5248567261487055654559324d6a6c71656d396f656a4a6e4e316436643252304f474a5a52307450636d68534d457477626a6c5957485a76656c6f3559336c52635764424c3056795a6b7478647a30394969776954556c4a51315a4551304e425a48466e5158644a516b466e53565651555731434d56466b516e4a684e6a5635595659726133463364573147646b6c51576a42335132645a53557476576b6c36616a42465158644e643142365255784e515774485154465652554a6f54554e564d46563452587042556b4a6e546c5a435157394e5132784f63466f7962484e6951304a46576c685a65456436515670435a303557516b464e54555673546e42614d6d787a596b4e43525670595757645662546c325a454e435246465551575647647a423554587042656b315552586450564546335455524359555a334d48704e656b46365455526e643039555158644e52454a685455567665454e36515570435a303557516b465a56454673546b5a4e556b31335256465a52465a5255557445515842555956646b63474a48643264535231597954564e5a64307042575552575556464552454978564746585a4842695233646e556b64574d6b6c47516d786a626b3532596d6c4353565577525852685631466e54586c4352464655516a4a4e516b4648516e6c7852314e4e4e446c425a305648516c4e31516b4a4251576c424d6b6c42516b4a7a5555314d6257637a52326f7754485933596c5a79596d64754b3046484d6a673163555a596145315351544e6d513352585232647564326376626c5668636d63324d6a6b35515759774d304a424d5570755958464b566a6c48576c644a4f454e4f4f48567754316c4954455655596b464d4d6e6c6a656c593152336c696557777a626e645a55306879545670774f4546445458633159565631523256434d3064544c324e73626d64696355394361587044516d6c45515642435a30355753464a4e516b466d4f45564356454645515646494c3031424e4564424d56566b52486446516939335555564264306c43516d70425a454a6e546c5a4955545246526d6452565768495758564d62545a7253456b3456584679616939715232553551555675645846516233644964316c45566c4977616b4a435a3364476230465662444250593056484d557876544545315a537449627a56754e444a59596c4672633268466430705257555257556a426e516b493064306845515531435a323979516d64465255465a59553549643056455455463352304e706330644255564643614738775a6b4652535864445a316c4a53323961535870714d455642643031455955464264317052535868425544685265545a4e626d74355a326c47624731724c32785653327379567a42754d6a4677566d394254546861616b46574d585672616c6c72643035714e303970544668424f544645626b56474e6b387a62554e496345464a643078445346707765546c7552454e355a315a706430686b544667325630784f54475647566e4a6c626b565065565256546c6c44637a5a5a4f57526d516d5a47636d6446566c564e59584e4f564467335748463162554569585377696544563049314d794e5459694f694a6e543168424f573543547a4a7456475974544467745347704f4e44524951565a705546707a57467076655764595a4856785357343052305977496e302e65794a76636d526c636c39705a434936494349305a5468684d7a557a595330334e5463304c54526b4e6a4d74595459354f53316d4f57566d596a41334d5759794f4441694c4341695958566b61575675593255694f69416963326c6e615778734c33526c633351694c434169636d566e61573975496a6f67496e526c633352735957356b49697767496d5a76636d30694f6941695a334a68626e52665a335668636d52705957356659574e6a5a584e7a49697767496e426864476c6c626e51694f694237496d6c6b58335235634755694f6941696347567963323975626e56746257567949697767496d6c6b496a6f67496a49774d5445774e5441314d6a4d344d694a394c4341696157357064476c6864476c325a53493649434a6a59584a6c49697767496d526c59326c6b5a575266596e6b694f694237496d687a595639705a43493649434a545254497a4d6a45774d4441774f546b74524539444d53497349434a796232786c496a6f67496e52795a5746306157356e5833426f65584e7059326c686269497349434a31626d6c30496a6f67496c4e464d6a4d794d5441774d4441354f53315552564e55496e307349434a6b5a574e705a47566b58324630496a6f67496a49774d6a55744d444d744d5442554d446b364d4441364d4441724d4441364d4441694c4341696257393061585a6864476c766269493649434a555a5868304c69497349434a6e645746795a476c68626e4d694f69426265794a705a4639306558426c496a6f67496e426c636e4e76626d35316257316c6369497349434a705a434936494349784f5467314d4445774d54497a4f445169665631392e73506d394748685f646c415a6a43504c56514b61494a4744357a4b5f5a7135535532496e38634438584d68646658454f524b6b41534144634857646155414b416167587355766d426f6a7563526b7774366e32376641', '{"form": "grant_guardian_access", "units": null, "inform": {"patient": true, "guardians": true, "written_confirmation": false}, "region": "testland", "urgent": false, "channel": "ehr_form", "opinion": null, "patient": {"id": "201105052382", "id_type": "personnummer"}, "audience": "sigill/test", "decision": null, "order_id": "4e8a353a-7574-4d63-a699-f9efb071f280", "releases": null, "consulted": [], "guardians": [{"id": "198501012384", "id_type": "personnummer"}], "review_on": null, "decided_at": "2025-03-10T09:00:00Z", "decided_by": {"role": "treating_physician", "unit": "SE2321000099-TEST", "hsa_id": "SE2321000099-DOC1"}, "follows_up": null, "initiative": "care", "motivation": "Text.", "valid_from": null, "court_order": null, "recorded_to": null, "attestations": [], "recorded_from": null, "valid_through": null, "representative": null}', '{"checks": [{"name": "signature", "detail": "ES256", "verdict": "good"}, {"name": "certificate_path", "detail": "3 certificates to the anchor", "verdict": "good"}, {"name": "certificate_usage", "detail": "", "verdict": "good"}, {"name": "certificate_validity", "detail": "2025-03-10T09:00:00+00:00", "verdict": "good"}, {"name": "revocation", "detail": "", "verdict": "good"}, {"name": "age", "detail": "0 s", "verdict": "good"}], "signers": [{"hsa_id": "SE2321000099-DOC1", "issuer": "CN=Sigill Dev Person HSA-id 3 CA,O=Sigill Dev,C=SE", "serial": "33f63d8e5c766a79f80823712be0fe16ecaab51b", "algorithm": "ES256", "signed_at": "2025-03-10T09:00:00Z", "certificate_sha256": "80e5c0f6704eda64dff8bf3e1e3378e0701588f66c5d9a3281776ea889f8185d"}], "refusals": [], "signed_at": "2025-03-10T09:00:00Z", "undetermined": false}', '2025-03-10 09:00:00+00', 'ehr.orders.v1', 0, 2, NULL, '2025-03-10 09:00:00+00');
INSERT INTO sigill.signed_order VALUES (4, 'b68dfaf2-80b8-46bc-8822-1b6d6d5661c0', true, 5, 'testland', 'grant_guardian_access', 'SE2321000099-TEST', false, 'urn:example:outside', 'b68dfaf2-80b8-46bc-8822-1b6d6d5661c0', 'application/jose', '\x8fd8819f173d7d162f24e4cc87755cddb55b4d3186f9f501c25fa4e2dbcb31de', '\x65794a68624763694f694a46557a49314e694973496e523563434936496e4e705a326c7362433176636d526c6369747164334d694c434a70595851694f6a45334e4445314f5463794d444173496e67315979493657794a4e53556c4452555244513046615a57644264306c435157644a5655307657546c7162486779595735754e454e44546e684c4b305172526e563563585253633364445a316c4a53323961535870714d455642643031335532704654453142613064424d565646516d684e5131557756586846656b4653516d644f566b4a426230314462453577576a4a7363324a44516b566157466c34536d704261304a6e546c5a435155314e53465a4f63466f7962484e6951304a46576c685a5a315648566e6c6a4d6a6c315355566f564646544d584261513046365355564f516b31434e46684556456c365455524e654531555154564e5245463354555a76574552555458704e52453133543052424e5531455158644e526d39335631524654453142613064424d565646516d684e513155775658684852454658516d644f566b4a42623031454d557073576a4a73646d4a70516c566157453477596b6447645670455256564e516b6c4851544656525546336430785752315a365a454e43564746585a48566157456c345232704257554a6e546c5a435156565552565a4f526b317154586c4e56454633545552424e5539544d5556554d45313454555a72643056335755684c6231704a656d6f775130465257556c4c6231704a656d6f7752454652593052525a3046464f47307856325246626e424661557049516b646f61326858515656504d55513159564e35546c464f57586c76536b52444d465635576c686f616a5a784c3070744f465a7452334e4f61584658537a5271536b6844596b4a44627939305a6d6f78515735425a54557a5745684e6156566c6348464f545531466233644964316c45566c4977616b4a435a336447623046566145685a645578744e6d74495354685663584a714c3270485a546c4252573531635642766430526e57555257556a4251515646494c304a42555552425a31704254554a6a523045785657524a5156465254554530643052425755744c64316c43516b4648523270534f454a42656b464c516d646e63576872616b3951555646455158644f626b4645516d7442616b45724d31644d4b335650596c4e3555486c575a6a64324f4864494c336c35535730355a336331616a4e7663315a465a544646543149794e6a5a6a4e6e52585a4449794d545a5859587042635852725a48564362445656513031484e6c52595657566e5248567261487055654559324d6a6c71656d396f656a4a6e4e316436643252304f474a5a52307450636d68534d457477626a6c5957485a76656c6f3559336c52635764424c3056795a6b7478647a30394969776954556c4a51315a4551304e425a48466e5158644a516b466e53565651555731434d56466b516e4a684e6a5635595659726133463364573147646b6c51576a42335132645a53557476576b6c36616a42465158644e643142365255784e515774485154465652554a6f54554e564d46563452587042556b4a6e546c5a435157394e5132784f63466f7962484e6951304a46576c685a65456436515670435a303557516b464e54555673546e42614d6d787a596b4e43525670595757645662546c325a454e435246465551575647647a423554587042656b315552586450564546335455524359555a334d48704e656b46365455526e643039555158644e52454a685455567665454e36515570435a303557516b465a56454673546b5a4e556b31335256465a52465a5255557445515842555956646b63474a48643264535231597954564e5a64307042575552575556464552454978564746585a4842695233646e556b64574d6b6c47516d786a626b3532596d6c4353565577525852685631466e54586c4352464655516a4a4e516b4648516e6c7852314e4e4e446c425a305648516c4e31516b4a4251576c424d6b6c42516b4a7a5555314d6257637a52326f7754485933596c5a79596d64754b3046484d6a673163555a596145315351544e6d513352585232647564326376626c5668636d63324d6a6b35515759774d304a424d5570755958464b566a6c48576c644a4f454e4f4f48567754316c4954455655596b464d4d6e6c6a656c593152336c696557777a626e645a55306879545670774f4546445458633159565631523256434d3064544c324e73626d64696355394361587044516d6c45515642435a30355753464a4e516b466d4f45564356454645515646494c3031424e4564424d56566b52486446516939335555564264306c43516d70425a454a6e546c5a4955545246526d6452565768495758564d62545a7253456b3456584679616939715232553551555675645846516233644964316c45566c4977616b4a435a3364476230465662444250593056484d557876544545315a537449627a56754e444a59596c4672633268466430705257555257556a426e516b493064306845515531435a323979516d64465255465a59553549643056455455463352304e706330644255564643614738775a6b4652535864445a316c4a53323961535870714d455642643031455955464264317052535868425544685265545a4e626d74355a326c47624731724c32785653327379567a42754d6a4677566d394254546861616b46574d585672616c6c72643035714e303970544668424f544645626b56474e6b387a62554e496345464a643078445346707765546c7552454e355a315a706430686b544667325630784f54475647566e4a6c626b565065565256546c6c44637a5a5a4f57526d516d5a47636d6446566c564e59584e4f564467335748463162554569585377696544563049314d794e5459694f694a6e543168424f573543547a4a7456475974544467745347704f4e44524951565a705546707a57467076655764595a4856785357343052305977496e302e65794a76636d526c636c39705a43493649434a694e6a686b5a6d466d4d6930344d4749344c545132596d4d744f4467794d693078596a5a6b4e6d51314e6a5978597a41694c4341695958566b61575675593255694f69416963326c6e615778734c33526c633351694c434169636d566e61573975496a6f67496e526c633352735957356b49697767496d5a76636d30694f6941695a334a68626e52665a335668636d52705957356659574e6a5a584e7a49697767496e426864476c6c626e51694f694237496d6c6b58335235634755694f6941696347567963323975626e56746257567949697767496d6c6b496a6f67496a49774d5445774e5441314d6a4d344d694a394c4341696157357064476c6864476c325a53493649434a6a59584a6c49697767496d526c59326c6b5a575266596e6b694f694237496d687a595639705a43493649434a545254497a4d6a45774d4441774f546b74524539444d53497349434a796232786c496a6f67496e52795a5746306157356e5833426f65584e7059326c686269497349434a31626d6c30496a6f67496c4e464d6a4d794d5441774d4441354f53315552564e55496e307349434a6b5a574e705a47566b58324630496a6f67496a49774d6a55744d444d744d5442554d446b364d4441364d4441724d4441364d4441694c4341696257393061585a6864476c766269493649434a555a5868304c69497349434a6e645746795a476c68626e4d694f69426265794a705a4639306558426c496a6f67496e426c636e4e76626d35316257316c6369497349434a705a434936494349784f5463774d4459774e6a497a4f446769665631392e4a4c4d776f4e325f73514c4c7056315377316d5363696a307a5155564e3644727a624555316963724f54596864624343527535574a72376d574b412d524d436f425731454443434d612d4b3370796365533568646c41', '{"form": "grant_guardian_access", "units": null, "inform": {"patient": true, "guardians": true, "written_confirmation": false}, "region": "testland", "urgent": false, "channel": "ehr_form", "opinion": null, "patient": {"id": "201105052382", "id_type": "personnummer"}, "audience": "sigill/test", "decision": null, "order_id": "b68dfaf2-80b8-46bc-8822-1b6d6d5661c0", "releases": null, "consulted": [], "guardians": [{"id": "197006062388", "id_type": "personnummer"}], "review_on": null, "decided_at": "2025-03-10T09:00:00Z", "decided_by": {"role": "treating_physician", "unit": "SE2321000099-TEST", "hsa_id": "SE2321000099-DOC1"}, "follows_up": null, "initiative": "care", "motivation": "Text.", "valid_from": null, "court_order": null, "recorded_to": null, "attestations": [], "recorded_from": null, "valid_through": null, "representative": null}', '{"checks": [{"name": "signature", "detail": "ES256", "verdict": "good"}, {"name": "certificate_path", "detail": "3 certificates to the anchor", "verdict": "good"}, {"name": "certificate_usage", "detail": "", "verdict": "good"}, {"name": "certificate_validity", "detail": "2025-03-10T09:00:00+00:00", "verdict": "good"}, {"name": "revocation", "detail": "", "verdict": "good"}, {"name": "age", "detail": "0 s", "verdict": "good"}], "signers": [{"hsa_id": "SE2321000099-DOC1", "issuer": "CN=Sigill Dev Person HSA-id 3 CA,O=Sigill Dev,C=SE", "serial": "33f63d8e5c766a79f80823712be0fe16ecaab51b", "algorithm": "ES256", "signed_at": "2025-03-10T09:00:00Z", "certificate_sha256": "80e5c0f6704eda64dff8bf3e1e3378e0701588f66c5d9a3281776ea889f8185d"}], "refusals": [], "signed_at": "2025-03-10T09:00:00Z", "undetermined": false}', '2025-03-10 09:00:00+00', 'ehr.orders.v1', 0, 3, NULL, '2025-03-10 09:00:00+00');
INSERT INTO sigill.signed_order VALUES (5, '3bc001f9-eb64-46ac-ac05-d27890d24e85', true, 4, 'testland', 'seal_journal', 'SE2321000099-TEST', true, 'urn:example:outside', '3bc001f9-eb64-46ac-ac05-d27890d24e85', 'application/jose', '\xc8d5609b4c2a92e6d9ed7dca367551215965923da0270f2ae92edd77ab088e65', '\x65794a68624763694f694a46557a49314e694973496e523563434936496e4e705a326c7362433176636d526c6369747164334d694c434a70595851694f6a45334e4445314f5463794d444173496e67315979493657794a4e53556c4452565244513046615a57644264306c435157644a56566333655568495a575234647a49784f58685753476453646a466f575855794d575a74525864445a316c4a53323961535870714d455642643031335532704654453142613064424d565646516d684e5131557756586846656b4653516d644f566b4a426230314462453577576a4a7363324a44516b566157466c34536d704261304a6e546c5a435155314e53465a4f63466f7962484e6951304a46576c685a5a315648566e6c6a4d6a6c315355566f564646544d584261513046365355564f516b31434e46684556456c365455524e654531555154564e5245463354555a76574552555458704e52453133543052424e5531455158644e526d39335631524654453142613064424d565646516d684e513155775658684852454658516d644f566b4a42623031454d557073576a4a73646d4a70516c566157453477596b6447645670455256564e516b6c4851544656525546336430785752315a365a454e43564746585a48566157456c345232704257554a6e546c5a435156565552565a4f526b317154586c4e56454633545552424e5539544d56425652565a5454555a72643056335755684c6231704a656d6f775130465257556c4c6231704a656d6f7752454652593052525a304646526a466c5a45317a4e5745334b31706d5630733355544a6a54544e52646e4e4e54554a7157455a76546d39424d576c5665464a7a5a56493261324e686556706a5757394554566732613056764e79397a5a544a36647a5669516b4e4a64314a745a3046724d565a7254304d795a316c434e58464f545531466233644964316c45566c4977616b4a435a336447623046566145685a645578744e6d74495354685663584a714c3270485a546c4252573531635642766430526e57555257556a4251515646494c304a42555552425a31704254554a6a523045785657524a5156465254554530643052425755744c64316c43516b4648523270534f454a42656b464c516d646e63576872616b3951555646455158644f62304645516d7842616b4972646d6c565233564565446475596d4d30656c684856486f30546e7075636a4e344d6b4e454d466f305a575269636b3947626a46745a586471615868724b32303565444651516d4a78576e4e4c56306b34626a466a513031525247527065446b7955464e6e4e5731495130314b6144526c4d6d6c785648704561315650555556464e7a55334e314e516130355159335276596d394862464d7a645464344c305a5354326c3256793945647a4a4254474d394969776954556c4a51315a4551304e425a48466e5158644a516b466e53565651555731434d56466b516e4a684e6a5635595659726133463364573147646b6c51576a42335132645a53557476576b6c36616a42465158644e643142365255784e515774485154465652554a6f54554e564d46563452587042556b4a6e546c5a435157394e5132784f63466f7962484e6951304a46576c685a65456436515670435a303557516b464e54555673546e42614d6d787a596b4e43525670595757645662546c325a454e435246465551575647647a423554587042656b315552586450564546335455524359555a334d48704e656b46365455526e643039555158644e52454a685455567665454e36515570435a303557516b465a56454673546b5a4e556b31335256465a52465a5255557445515842555956646b63474a48643264535231597954564e5a64307042575552575556464552454978564746585a4842695233646e556b64574d6b6c47516d786a626b3532596d6c4353565577525852685631466e54586c4352464655516a4a4e516b4648516e6c7852314e4e4e446c425a305648516c4e31516b4a4251576c424d6b6c42516b4a7a5555314d6257637a52326f7754485933596c5a79596d64754b3046484d6a673163555a596145315351544e6d513352585232647564326376626c5668636d63324d6a6b35515759774d304a424d5570755958464b566a6c48576c644a4f454e4f4f48567754316c4954455655596b464d4d6e6c6a656c593152336c696557777a626e645a55306879545670774f4546445458633159565631523256434d3064544c324e73626d64696355394361587044516d6c45515642435a30355753464a4e516b466d4f45564356454645515646494c3031424e4564424d56566b52486446516939335555564264306c43516d70425a454a6e546c5a4955545246526d6452565768495758564d62545a7253456b3456584679616939715232553551555675645846516233644964316c45566c4977616b4a435a3364476230465662444250593056484d557876544545315a537449627a56754e444a59596c4672633268466430705257555257556a426e516b493064306845515531435a323979516d64465255465a59553549643056455455463352304e706330644255564643614738775a6b4652535864445a316c4a53323961535870714d455642643031455955464264317052535868425544685265545a4e626d74355a326c47624731724c32785653327379567a42754d6a4677566d394254546861616b46574d585672616c6c72643035714e303970544668424f544645626b56474e6b387a62554e496345464a643078445346707765546c7552454e355a315a706430686b544667325630784f54475647566e4a6c626b565065565256546c6c44637a5a5a4f57526d516d5a47636d6446566c564e59584e4f564467335748463162554569585377696544563049314d794e5459694f694a6d626a4e4859326b774d45303352433149556a51354f55357a4d46686c54326879596c564b647a5a6c515546514d5567324e6d464e64564e6e496e302e65794a76636d526c636c39705a4349364943497a596d4d774d44466d4f53316c596a59304c54513259574d7459574d774e53316b4d6a63344f54426b4d6a526c4f4455694c4341695958566b61575675593255694f69416963326c6e615778734c33526c633351694c434169636d566e61573975496a6f67496e526c633352735957356b49697767496d5a76636d30694f694169633256686246397162335679626d467349697767496e426864476c6c626e51694f694237496d6c6b58335235634755694f6941696347567963323975626e56746257567949697767496d6c6b496a6f67496a49774d5467774d7a41314d6a4d344d694a394c4341696157357064476c6864476c325a53493649434a6a59584a6c49697767496d526c59326c6b5a575266596e6b694f694237496d687a595639705a43493649434a545254497a4d6a45774d4441774f546b74524539444d53497349434a796232786c496a6f67496e52795a5746306157356e5833426f65584e7059326c686269497349434a31626d6c30496a6f67496c4e464d6a4d794d5441774d4441354f53315552564e55496e307349434a6b5a574e705a47566b58324630496a6f67496a49774d6a55744d444d744d5442554d446b364d4441364d4441724d4441364d4441694c4341696257393061585a6864476c766269493649434a555a5868304c69497349434a6a61474675626d5673496a6f67496e426f6232356c49697767496e56795a3256756443493649485279645756392e5761383939475f4941664d56557a356c686e6745626d57344562614f6f536b756e515543384c614b4838782d3872304f4236575756337843706c6176364548345362356a372d6a386773754f57656167597376616667', '{"form": "seal_journal", "units": null, "inform": {"patient": true, "guardians": true, "written_confirmation": false}, "region": "testland", "urgent": true, "channel": "phone", "opinion": null, "patient": {"id": "201803052382", "id_type": "personnummer"}, "audience": "sigill/test", "decision": null, "order_id": "3bc001f9-eb64-46ac-ac05-d27890d24e85", "releases": null, "consulted": [], "guardians": null, "review_on": null, "decided_at": "2025-03-10T09:00:00Z", "decided_by": {"role": "treating_physician", "unit": "SE2321000099-TEST", "hsa_id": "SE2321000099-DOC1"}, "follows_up": null, "initiative": "care", "motivation": "Text.", "valid_from": null, "court_order": null, "recorded_to": null, "attestations": [], "recorded_from": null, "valid_through": null, "representative": null}', '{"checks": [{"name": "signature", "detail": "ES256", "verdict": "good"}, {"name": "certificate_path", "detail": "3 certificates to the anchor", "verdict": "good"}, {"name": "certificate_usage", "detail": "", "verdict": "good"}, {"name": "certificate_validity", "detail": "2025-03-10T09:00:00+00:00", "verdict": "good"}, {"name": "revocation", "detail": "", "verdict": "good"}, {"name": "age", "detail": "0 s", "verdict": "good"}], "signers": [{"hsa_id": "SE2321000099-OPER", "issuer": "CN=Sigill Dev Person HSA-id 3 CA,O=Sigill Dev,C=SE", "serial": "5bbc871de771c36d7dc551e046fd6162edb57e61", "algorithm": "ES256", "signed_at": "2025-03-10T09:00:00Z", "certificate_sha256": "7e7dc6722d3433b0fe1d1e3df4db345de3a1adb509c3a78000fd47eba68cb928"}], "refusals": [], "signed_at": "2025-03-10T09:00:00Z", "undetermined": false}', '2025-03-10 09:00:00+00', 'ehr.orders.v1', 0, 4, NULL, '2025-03-10 09:00:00+00');
INSERT INTO sigill.staff_assignment VALUES ('SE2321000099-DOC1', 1, 0, 'SE2321000099-TEST', 'testland', '{treating_physician}', NULL, NULL);
INSERT INTO sigill.staff_assignment VALUES ('SE2321000099-OPER', 1, 0, 'SE2321000099-TEST', 'testland', '{support_operator}', NULL, NULL);
INSERT INTO sigill.staff_version VALUES ('SE2321000099-DOC1', 1, '2025-02-08 09:00:00+00', '2025-02-08 09:00:00+00');
INSERT INTO sigill.staff_version VALUES ('SE2321000099-OPER', 1, '2025-02-08 09:00:00+00', '2025-02-08 09:00:00+00');
INSERT INTO sigill.task OVERRIDING SYSTEM VALUE VALUES (1, 'worklist', '48ae9b88-8e8b-571f-bc41-def37b5da7c4:admin_journalen:seal', 'testland', 1, 'Lägg in försegling av journalen.', 'Key in: seal of the journal.', '{TL-01}', NULL, 'bec03f8b-6a87-48ff-b6f6-8d44825f2c00', '48ae9b88-8e8b-571f-bc41-def37b5da7c4', NULL, 'admin_journalen', 'seal', '2025-03-10 09:00:00+00', 'open', NULL, NULL, NULL);
INSERT INTO sigill.task OVERRIDING SYSTEM VALUE VALUES (2, 'worklist', 'bfa0081e-69a6-54ed-89a4-390ce031f7d5:admin_journalen:block', 'testland', 4, 'Lägg in blockering av vårdnadshavare.', 'Key in: block of guardians.', '{TL-02}', NULL, 'b3352783-0559-4b38-b0a6-18c2f8deaad3', 'bfa0081e-69a6-54ed-89a4-390ce031f7d5', NULL, 'admin_journalen', 'block', '2025-03-10 09:00:00+00', 'open', NULL, NULL, NULL);
INSERT INTO sigill.task OVERRIDING SYSTEM VALUE VALUES (3, 'worklist', '0e8c8208-1d53-5e99-baf0-518c0c8470f1:admin_journalen:open', 'testland', 5, 'Lägg in direktåtkomst för vårdnadshavare.', 'Key in: a guardian''s access.', '{TL-03}', NULL, '4e8a353a-7574-4d63-a699-f9efb071f280', '0e8c8208-1d53-5e99-baf0-518c0c8470f1', NULL, 'admin_journalen', 'open', '2025-03-10 09:00:00+00', 'open', NULL, NULL, NULL);
INSERT INTO sigill.task OVERRIDING SYSTEM VALUE VALUES (4, 'signed_form', '3bc001f9-eb64-46ac-ac05-d27890d24e85', 'testland', 4, 'Den underskrivna blanketten ska följa samtalet.', 'The signed form must follow the call.', '{TL-01}', '2025-03-11 09:00:00+00', '3bc001f9-eb64-46ac-ac05-d27890d24e85', 'd6805ceb-87a6-58c9-96ff-adc7c831841d', NULL, NULL, NULL, '2025-03-10 09:00:00+00', 'open', NULL, NULL, NULL);
INSERT INTO sigill.task OVERRIDING SYSTEM VALUE VALUES (5, 'worklist', 'd6805ceb-87a6-58c9-96ff-adc7c831841d:admin_journalen:seal', 'testland', 4, 'Lägg in försegling av journalen.', 'Key in: seal of the journal.', '{TL-01}', NULL, '3bc001f9-eb64-46ac-ac05-d27890d24e85', 'd6805ceb-87a6-58c9-96ff-adc7c831841d', NULL, 'admin_journalen', 'seal', '2025-03-10 09:00:00+00', 'open', NULL, NULL, NULL);
INSERT INTO sigill.timer OVERRIDING SYSTEM VALUE VALUES (1, 4, '2031-02-02 23:00:00+00', NULL, NULL, NULL, 'age_13_ahead', 'testland', 'set');
INSERT INTO sigill.timer OVERRIDING SYSTEM VALUE VALUES (2, 5, '2027-04-04 22:00:00+00', NULL, NULL, NULL, 'age_16_ahead', 'testland', 'set');
INSERT INTO sigill.timer OVERRIDING SYSTEM VALUE VALUES (3, 1, '2025-12-31 23:00:00+00', NULL, '48ae9b88-8e8b-571f-bc41-def37b5da7c4', 'bec03f8b-6a87-48ff-b6f6-8d44825f2c00', 'measure_ends', 'testland', 'set');
INSERT INTO sigill.timer OVERRIDING SYSTEM VALUE VALUES (4, 5, '2026-01-08 23:00:00+00', NULL, '0e8c8208-1d53-5e99-baf0-518c0c8470f1', '4e8a353a-7574-4d63-a699-f9efb071f280', 'grant_expiring', 'testland', 'set');
INSERT INTO sigill.timer OVERRIDING SYSTEM VALUE VALUES (5, 5, '2026-03-09 23:00:00+00', NULL, '0e8c8208-1d53-5e99-baf0-518c0c8470f1', '4e8a353a-7574-4d63-a699-f9efb071f280', 'measure_ends', 'testland', 'set');
INSERT INTO sigill.timer OVERRIDING SYSTEM VALUE VALUES (6, 4, '2025-03-11 09:00:00+00', NULL, 'd6805ceb-87a6-58c9-96ff-adc7c831841d', '3bc001f9-eb64-46ac-ac05-d27890d24e85', 'signed_form_deadline', 'testland', 'set');
INSERT INTO sigill.unit OVERRIDING SYSTEM VALUE VALUES (1, 'SE2321000099-TEST', 'testland', '2025-02-08 09:00:00+00');
SELECT pg_catalog.setval('sigill.access_log_look_id_seq', 1, false);
SELECT pg_catalog.setval('sigill.dead_letter_action_action_id_seq', 1, false);
SELECT pg_catalog.setval('sigill.dead_letter_dead_letter_id_seq', 1, true);
SELECT pg_catalog.setval('sigill.outbox_id_seq', 42, true);
SELECT pg_catalog.setval('sigill.person_merge_merge_id_seq', 1, false);
SELECT pg_catalog.setval('sigill.person_person_id_seq', 5, true);
SELECT pg_catalog.setval('sigill.population_load_load_id_seq', 1, false);
SELECT pg_catalog.setval('sigill.proposal_proposal_id_seq', 1, false);
SELECT pg_catalog.setval('sigill.registration', 6, true);
SELECT pg_catalog.setval('sigill.release_answer_answer_id_seq', 1, false);
SELECT pg_catalog.setval('sigill.release_event_event_row_seq', 1, false);
SELECT pg_catalog.setval('sigill.task_task_id_seq', 5, true);
SELECT pg_catalog.setval('sigill.timer_timer_id_seq', 6, true);
SELECT pg_catalog.setval('sigill.unit_unit_row_seq', 1, true);
ALTER TABLE ONLY sigill.access_log
    ADD CONSTRAINT access_log_pkey PRIMARY KEY (look_id);
ALTER TABLE ONLY sigill.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY sigill.audit_entry
    ADD CONSTRAINT audit_entry_pkey PRIMARY KEY (chain, "position");
ALTER TABLE ONLY sigill.audit_personal
    ADD CONSTRAINT audit_personal_pkey PRIMARY KEY (chain, "position");
ALTER TABLE ONLY sigill.console_session
    ADD CONSTRAINT console_session_pkey PRIMARY KEY (token_hash);
ALTER TABLE ONLY sigill.consumer_offset
    ADD CONSTRAINT consumer_offset_pkey PRIMARY KEY (consumer_group, topic, partition);
ALTER TABLE ONLY sigill.custody
    ADD CONSTRAINT custody_pkey PRIMARY KEY (child_id, sequence, ordinal);
ALTER TABLE ONLY sigill.dead_letter_action
    ADD CONSTRAINT dead_letter_action_pkey PRIMARY KEY (action_id);
ALTER TABLE ONLY sigill.dead_letter
    ADD CONSTRAINT dead_letter_pkey PRIMARY KEY (dead_letter_id);
ALTER TABLE ONLY sigill.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (claim);
ALTER TABLE ONLY sigill.measure
    ADD CONSTRAINT measure_pkey PRIMARY KEY (measure_id);
ALTER TABLE ONLY sigill.measure_version
    ADD CONSTRAINT measure_version_pkey PRIMARY KEY (measure_id, version);
ALTER TABLE ONLY sigill.order_outcome
    ADD CONSTRAINT order_outcome_pkey PRIMARY KEY (registration, version);
ALTER TABLE ONLY sigill.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY sigill.outbox_rest
    ADD CONSTRAINT outbox_rest_pkey PRIMARY KEY (id);
ALTER TABLE ONLY sigill.pending_order
    ADD CONSTRAINT pending_order_pkey PRIMARY KEY (registration);
ALTER TABLE ONLY sigill.person_erasure
    ADD CONSTRAINT person_erasure_pkey PRIMARY KEY (person_id);
ALTER TABLE ONLY sigill.person_identity
    ADD CONSTRAINT person_identity_pkey PRIMARY KEY (number, id_type, remap);
ALTER TABLE ONLY sigill.person_merge
    ADD CONSTRAINT person_merge_pkey PRIMARY KEY (merge_id);
ALTER TABLE ONLY sigill.person_name
    ADD CONSTRAINT person_name_pkey PRIMARY KEY (person_id, sequence);
ALTER TABLE ONLY sigill.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (person_id);
ALTER TABLE ONLY sigill.person_version
    ADD CONSTRAINT person_version_pkey PRIMARY KEY (person_id, sequence);
ALTER TABLE ONLY sigill.population_load_chunk
    ADD CONSTRAINT population_load_chunk_pkey PRIMARY KEY (load_id, chunk);
ALTER TABLE ONLY sigill.population_load
    ADD CONSTRAINT population_load_fingerprint_key UNIQUE (fingerprint);
ALTER TABLE ONLY sigill.population_load
    ADD CONSTRAINT population_load_pkey PRIMARY KEY (load_id);
ALTER TABLE ONLY sigill.population_load_refusal
    ADD CONSTRAINT population_load_refusal_pkey PRIMARY KEY (load_id, line);
ALTER TABLE ONLY sigill.proposal
    ADD CONSTRAINT proposal_pkey PRIMARY KEY (proposal_id);
ALTER TABLE ONLY sigill.proposal_verdict
    ADD CONSTRAINT proposal_verdict_pkey PRIMARY KEY (proposal_id);
ALTER TABLE ONLY sigill.release_answer
    ADD CONSTRAINT release_answer_pkey PRIMARY KEY (answer_id);
ALTER TABLE ONLY sigill.release_event
    ADD CONSTRAINT release_event_pkey PRIMARY KEY (event_row);
ALTER TABLE ONLY sigill.release_request
    ADD CONSTRAINT release_request_pkey PRIMARY KEY (order_id);
ALTER TABLE ONLY sigill.signed_order
    ADD CONSTRAINT signed_order_pkey PRIMARY KEY (registration);
ALTER TABLE ONLY sigill.staff_assignment
    ADD CONSTRAINT staff_assignment_pkey PRIMARY KEY (hsa_id, sequence, ordinal);
ALTER TABLE ONLY sigill.staff_version
    ADD CONSTRAINT staff_version_pkey PRIMARY KEY (hsa_id, sequence);
ALTER TABLE ONLY sigill.task
    ADD CONSTRAINT task_pkey PRIMARY KEY (task_id);
ALTER TABLE ONLY sigill.timer
    ADD CONSTRAINT timer_person_id_kind_due_at_measure_id_order_id_region_key UNIQUE NULLS NOT DISTINCT (person_id, kind, due_at, measure_id, order_id, region);
ALTER TABLE ONLY sigill.timer
    ADD CONSTRAINT timer_pkey PRIMARY KEY (timer_id);
ALTER TABLE ONLY sigill.unit
    ADD CONSTRAINT unit_pkey PRIMARY KEY (unit_row);
CREATE INDEX access_log_actor ON sigill.access_log USING btree (actor, looked_at);
CREATE INDEX access_log_person ON sigill.access_log USING btree (person_id, looked_at);
CREATE INDEX access_log_time ON sigill.access_log USING btree (looked_at);
CREATE INDEX audit_entry_time ON sigill.audit_entry USING btree (recorded_at);
CREATE INDEX audit_personal_person ON sigill.audit_personal USING btree (person_id);
CREATE INDEX console_session_ends ON sigill.console_session USING btree (ends_at);
CREATE INDEX custody_guardian ON sigill.custody USING btree (guardian_id) WHERE (guardian_id IS NOT NULL);
CREATE INDEX dead_letter_action_letter ON sigill.dead_letter_action USING btree (dead_letter_id);
CREATE INDEX dead_letter_key ON sigill.dead_letter USING btree (key);
CREATE INDEX dead_letter_topic ON sigill.dead_letter USING btree (topic, dead_letter_id DESC);
CREATE INDEX measure_guardians ON sigill.measure USING gin (guardians) WHERE (guardians IS NOT NULL);
CREATE INDEX measure_person ON sigill.measure USING btree (person_id);
CREATE INDEX measure_region ON sigill.measure USING btree (region, kind);
CREATE INDEX measure_version_orders ON sigill.measure_version USING gin (orders);
CREATE INDEX measure_viewer ON sigill.measure USING btree (viewer) WHERE (viewer IS NOT NULL);
CREATE INDEX order_outcome_of_kind ON sigill.order_outcome USING btree (outcome, registration DESC, version DESC);
CREATE INDEX outbox_created ON ONLY sigill.outbox USING brin (created_at) WITH (pages_per_range='16');
CREATE INDEX outbox_rest_created_at_idx ON sigill.outbox_rest USING brin (created_at) WITH (pages_per_range='16');
CREATE INDEX outbox_unpublished ON ONLY sigill.outbox USING btree (shard, id) WHERE (published_at IS NULL);
CREATE INDEX outbox_rest_shard_id_idx ON sigill.outbox_rest USING btree (shard, id) WHERE (published_at IS NULL);
CREATE INDEX pending_order_codes ON sigill.pending_order USING gin (codes);
CREATE INDEX pending_order_person ON sigill.pending_order USING btree (person_id);
CREATE INDEX pending_order_until ON sigill.pending_order USING btree (until, registration);
CREATE INDEX person_identity_key ON sigill.person_identity USING btree (key);
CREATE INDEX person_identity_person ON sigill.person_identity USING btree (person_id);
CREATE INDEX person_merge_into ON sigill.person_merge USING btree (into_id);
CREATE INDEX person_merge_person ON sigill.person_merge USING btree (person_id);
CREATE INDEX release_answer_request ON sigill.release_answer USING btree (request);
CREATE INDEX release_event_request ON sigill.release_event USING btree (request);
CREATE INDEX release_request_person ON sigill.release_request USING btree (person_id);
CREATE INDEX signed_order_id ON sigill.signed_order USING btree (order_id);
CREATE INDEX signed_order_person ON sigill.signed_order USING btree (person_id, registration);
CREATE UNIQUE INDEX signed_order_proven ON sigill.signed_order USING btree (order_id) WHERE proven;
CREATE INDEX signed_order_region ON sigill.signed_order USING btree (region, received_at DESC);
CREATE INDEX signed_order_unit ON sigill.signed_order USING btree (unit, received_at DESC);
CREATE INDEX task_kind ON sigill.task USING btree (kind, due_at, task_id) WHERE (state = 'open'::text);
CREATE UNIQUE INDEX task_open ON sigill.task USING btree (kind, subject) WHERE (state = 'open'::text);
CREATE INDEX task_order ON sigill.task USING btree (order_id) WHERE (order_id IS NOT NULL);
CREATE INDEX task_person ON sigill.task USING btree (person_id) WHERE (person_id IS NOT NULL);
CREATE INDEX task_region ON sigill.task USING btree (region, due_at) WHERE (state = 'open'::text);
CREATE INDEX task_target ON sigill.task USING btree (target, opened_at) WHERE ((state = 'open'::text) AND (target IS NOT NULL));
CREATE INDEX timer_due ON sigill.timer USING btree (due_at, person_id, timer_id) WHERE (state = 'set'::text);
CREATE INDEX timer_measure ON sigill.timer USING btree (measure_id) WHERE ((state = 'set'::text) AND (measure_id IS NOT NULL));
CREATE INDEX timer_order ON sigill.timer USING btree (order_id) WHERE ((state = 'set'::text) AND (order_id IS NOT NULL));
CREATE INDEX unit_name ON sigill.unit USING btree (unit, unit_row DESC) INCLUDE (region);
ALTER INDEX sigill.outbox_created ATTACH PARTITION sigill.outbox_rest_created_at_idx;
ALTER INDEX sigill.outbox_pkey ATTACH PARTITION sigill.outbox_rest_pkey;
ALTER INDEX sigill.outbox_unpublished ATTACH PARTITION sigill.outbox_rest_shard_id_idx;
CREATE TRIGGER four_eyes BEFORE INSERT ON sigill.proposal_verdict FOR EACH ROW EXECUTE FUNCTION sigill.demand_second_operator();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.access_log FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.audit_entry FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.audit_personal FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.custody FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.dead_letter FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.dead_letter_action FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.inbox FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.measure FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.measure_version FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.order_outcome FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.person FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.person_erasure FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.person_identity FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.person_merge FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.person_name FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.person_version FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.proposal FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.proposal_verdict FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.release_answer FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.release_event FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.release_request FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.signed_order FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.staff_assignment FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.staff_version FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
CREATE TRIGGER history BEFORE DELETE OR UPDATE OR TRUNCATE ON sigill.unit FOR EACH STATEMENT EXECUTE FUNCTION sigill.refuse_change();
ALTER TABLE ONLY sigill.audit_personal
    ADD CONSTRAINT audit_personal_chain_position_fkey FOREIGN KEY (chain, "position") REFERENCES sigill.audit_entry(chain, "position");
ALTER TABLE ONLY sigill.dead_letter_action
    ADD CONSTRAINT dead_letter_action_dead_letter_id_fkey FOREIGN KEY (dead_letter_id) REFERENCES sigill.dead_letter(dead_letter_id);
ALTER TABLE ONLY sigill.measure
    ADD CONSTRAINT measure_person_id_fkey FOREIGN KEY (person_id) REFERENCES sigill.person(person_id);
ALTER TABLE ONLY sigill.measure_version
    ADD CONSTRAINT measure_version_measure_id_fkey FOREIGN KEY (measure_id) REFERENCES sigill.measure(measure_id);
ALTER TABLE ONLY sigill.order_outcome
    ADD CONSTRAINT order_outcome_registration_fkey FOREIGN KEY (registration) REFERENCES sigill.signed_order(registration);
ALTER TABLE ONLY sigill.pending_order
    ADD CONSTRAINT pending_order_registration_fkey FOREIGN KEY (registration) REFERENCES sigill.signed_order(registration);
ALTER TABLE ONLY sigill.person_erasure
    ADD CONSTRAINT person_erasure_person_id_fkey FOREIGN KEY (person_id) REFERENCES sigill.person(person_id);
ALTER TABLE ONLY sigill.person_merge
    ADD CONSTRAINT person_merge_into_id_fkey FOREIGN KEY (into_id) REFERENCES sigill.person(person_id);
ALTER TABLE ONLY sigill.person_merge
    ADD CONSTRAINT person_merge_person_id_fkey FOREIGN KEY (person_id) REFERENCES sigill.person(person_id);
ALTER TABLE ONLY sigill.population_load_chunk
    ADD CONSTRAINT population_load_chunk_load_id_fkey FOREIGN KEY (load_id) REFERENCES sigill.population_load(load_id);
ALTER TABLE ONLY sigill.population_load_refusal
    ADD CONSTRAINT population_load_refusal_load_id_fkey FOREIGN KEY (load_id) REFERENCES sigill.population_load(load_id);
ALTER TABLE ONLY sigill.proposal_verdict
    ADD CONSTRAINT proposal_verdict_proposal_id_fkey FOREIGN KEY (proposal_id) REFERENCES sigill.proposal(proposal_id);
ALTER TABLE ONLY sigill.release_answer
    ADD CONSTRAINT release_answer_request_fkey FOREIGN KEY (request) REFERENCES sigill.release_request(order_id);
ALTER TABLE ONLY sigill.release_event
    ADD CONSTRAINT release_event_request_fkey FOREIGN KEY (request) REFERENCES sigill.release_request(order_id);
ALTER TABLE ONLY sigill.release_request
    ADD CONSTRAINT release_request_person_id_fkey FOREIGN KEY (person_id) REFERENCES sigill.person(person_id);
ALTER TABLE ONLY sigill.signed_order
    ADD CONSTRAINT signed_order_person_id_fkey FOREIGN KEY (person_id) REFERENCES sigill.person(person_id);
ALTER TABLE ONLY sigill.staff_assignment
    ADD CONSTRAINT staff_assignment_hsa_id_sequence_fkey FOREIGN KEY (hsa_id, sequence) REFERENCES sigill.staff_version(hsa_id, sequence);
