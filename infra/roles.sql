-- Roles of the access store: one for each kind of process, none of which may change history.
--
-- NOLOGIN groups: the user of a connection URL is made a member of one (GRANT sigill_intake TO kronoberg_intake).
-- Run by `sigill migrate`, before and after the tables. Running it again changes nothing.

-- name: create_roles
-- Makes the roles that are missing; several databases of one server may do so at once.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['sigill_owner', 'sigill_intake', 'sigill_register', 'sigill_transitions',
                              'sigill_relay', 'sigill_reader', 'sigill_ops', 'sigill_auditor'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT', name);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL; -- another database's migration was first
      END;
    END IF;
  END LOOP;
END $$;

-- name: grant_rights
-- Takes every right on the schema's tables away and gives back what each role needs. In the schema of search_path.
DO $$
DECLARE
  here    text := current_schema();
  workers text := 'sigill_intake, sigill_register, sigill_transitions';
  all_but_owner text := workers || ', sigill_relay, sigill_reader, sigill_ops, sigill_auditor';
BEGIN
  EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM PUBLIC, %s', here, all_but_owner);
  EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA %I FROM PUBLIC, %s', here, all_but_owner);
  EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA %I FROM PUBLIC, %s', here, all_but_owner);
  EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC, %s', here, all_but_owner);
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', here, all_but_owner);
  EXECUTE format('GRANT SELECT ON alembic_version TO %s', all_but_owner);
  -- a temporary table stands before every other in a session's search path; only the bulk load, as owner, needs some.
  -- Where the migrating user does not own the database PostgreSQL warns and nothing changes: its owner must do it.
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC, %s', current_database(), all_but_owner);
  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO sigill_owner', current_database());

  -- the workers read what judging needs, and only ever add to history
  EXECUTE format('GRANT SELECT ON person, person_identity, person_version, custody, person_name, person_merge, '
                 'staff_version, staff_assignment, unit, unit_version, unit_successor, inbox, order_outcome, measure, '
                 'measure_version, release_request, release_answer, release_event, consumer_offset, pending_order, '
                 'timer, task, dead_letter_action, audit_entry, person_erasure, '
                 'standing_evaluation, elsewhere_measure, elsewhere_source, person_separation TO %s', workers);
  GRANT SELECT ON signed_order TO sigill_intake;
  -- the forms of orders that wait, of the others no more than that they are there
  EXECUTE format('GRANT SELECT ON waiting_order, order_reference TO %s', workers);
  GRANT SELECT (registration, order_id, proven, person_id, region, source) ON signed_order
    TO sigill_register, sigill_transitions;
  -- whom a release named, for persons who are told apart
  GRANT SELECT ON release_named TO sigill_register;
  GRANT SELECT ON outbox, dead_letter TO sigill_intake, sigill_register;
  -- whether a key has an open letter, and not what stands in it
  GRANT SELECT (dead_letter_id, topic, key) ON dead_letter TO sigill_transitions;
  -- persons are the register's, and intake's where an order names somebody new
  GRANT INSERT ON person, person_identity, person_version, custody, person_name TO sigill_intake, sigill_register;
  GRANT USAGE ON SEQUENCE person_person_id_seq TO sigill_intake, sigill_register;
  EXECUTE format('GRANT INSERT ON order_outcome, '
                 'measure, measure_version, release_request, release_answer, release_event, consumer_offset, '
                 'pending_order, outbox, timer, task, audit_entry, audit_personal TO %s', workers);
  EXECUTE format('GRANT UPDATE (generation, next_offset, assigned_at, stamped, marks, topic_id, leader_epoch) '
                 'ON consumer_offset TO %s', workers);
  EXECUTE format('GRANT UPDATE (codes, until, person_id) ON pending_order TO %s', workers);
  EXECUTE format('GRANT DELETE ON pending_order TO %s', workers);
  EXECUTE format('GRANT UPDATE (state, fired_at) ON timer TO %s', workers);
  EXECUTE format('GRANT UPDATE (state, ended_at, due_at) ON task TO %s', workers);
  EXECUTE format('GRANT SELECT, INSERT ON source_hold TO %s', workers); -- who is held; only an operator ends it
  EXECUTE format('GRANT SELECT, INSERT, DELETE ON partition_wait TO %s', workers); -- what waits since a topic has grown
  EXECUTE format('GRANT UPDATE (from_offset, until_offset, passed_since) ON partition_wait TO %s', workers);
  EXECUTE format('GRANT SELECT, INSERT ON topic_size TO %s', workers);
  EXECUTE format('GRANT UPDATE (partitions) ON topic_size TO %s', workers);
  GRANT SELECT ON partition_wait, topic_size TO sigill_ops;
  EXECUTE format('GRANT EXECUTE ON FUNCTION meet_incarnation TO %s, sigill_relay, sigill_ops', workers);
  EXECUTE format('GRANT SELECT ON incarnation TO %s, sigill_ops', workers);
  -- `sigill offsets reset`
  GRANT UPDATE (generation, next_offset, stamped, marks, topic_id, leader_epoch) ON consumer_offset TO sigill_ops;
  GRANT SELECT ON source_hold TO sigill_ops;
  GRANT UPDATE (ended_at, ended_by, remark) ON source_hold TO sigill_ops;
  GRANT INSERT ON standing_evaluation TO sigill_transitions;
  GRANT UPDATE (at, last_person, counts, finished_at) ON standing_evaluation TO sigill_transitions;
  GRANT INSERT ON inbox, signed_order, dead_letter TO sigill_intake;
  GRANT USAGE ON SEQUENCE registration TO sigill_intake;
  EXECUTE format('GRANT USAGE ON SEQUENCE outbox_id_seq TO %s, sigill_ops', workers); -- a number with each person's lock
  GRANT INSERT ON person_merge, person_separation, staff_version, staff_assignment, unit, unit_version, dead_letter, elsewhere_measure,
                  elsewhere_source TO sigill_register;
  GRANT UPDATE (read_up_to, known_from) ON elsewhere_source TO sigill_register;

  -- the relay sees events, not people
  GRANT SELECT ON outbox, audit_entry TO sigill_relay;
  GRANT INSERT ON outbox, audit_entry TO sigill_relay;
  GRANT UPDATE (published_at) ON outbox TO sigill_relay;
  GRANT EXECUTE ON FUNCTION extend_outbox, rotate_outbox, extend_access_log TO sigill_relay;

  -- answers about access: reads, and says in the log whom it told about
  GRANT SELECT ON person, person_identity, person_version, custody, person_merge, staff_version, staff_assignment,
                  unit, unit_version, unit_successor, measure, measure_version, audit_entry, person_erasure,
                  elsewhere_measure, elsewhere_source, person_separation TO sigill_reader;
  GRANT INSERT ON audit_entry TO sigill_reader;
  GRANT EXECUTE ON FUNCTION log_looks TO sigill_reader, sigill_ops, sigill_auditor;

  -- operators
  GRANT SELECT ON person, person_identity, person_version, custody, person_name, person_merge, staff_version,
                  staff_assignment, unit, unit_version, unit_successor, inbox, signed_order, order_reference, order_outcome, measure, measure_version,
                  release_request, release_answer, release_event, consumer_offset, pending_order, outbox, timer,
                  task, dead_letter, dead_letter_action, proposal, proposal_verdict, audit_entry, person_erasure,
                  standing_evaluation, elsewhere_measure, elsewhere_source, person_separation, case_entry TO sigill_ops;
  -- the workbench of rule owners: nobody else writes drafts or releases, and nobody changes one; workers that judge read them
  GRANT SELECT, INSERT ON rulebook_draft, rulebook_release, rulebook_import, rulebook_story TO sigill_ops;
  EXECUTE format('GRANT SELECT ON rulebook_draft, rulebook_release, rulebook_import TO %s, sigill_reader', workers);
  GRANT INSERT ON outbox, dead_letter_action, proposal, proposal_verdict, unit_successor, case_entry, audit_entry,
                  audit_personal TO sigill_ops;
  GRANT UPDATE (state, ended_at, done_by, remark, claimed_by, claimed_at) ON task TO sigill_ops;
  GRANT SELECT, INSERT, UPDATE, DELETE ON console_session, console_form, console_kept_form, dead_letter_claim TO sigill_ops;
  -- what an operator has dealt with is followed by the workers: operators set the timer, and write no measure
  GRANT INSERT ON timer TO sigill_ops;
  GRANT UPDATE (state, fired_at) ON timer TO sigill_ops;
  GRANT EXECUTE ON FUNCTION lapsed_timers, lapsed_tasks, purge_timers, purge_tasks TO sigill_ops;
  GRANT EXECUTE ON FUNCTION erase_person, purge_dead_letters, purge_evidence, lapsed_orders, rotate_outbox,
                            republish_events TO sigill_ops;

  -- auditors read everything, and their own looking is logged too
  EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO sigill_auditor', here);
  GRANT EXECUTE ON FUNCTION history_faults TO sigill_auditor;
  GRANT INSERT ON audit_entry TO sigill_auditor;
  GRANT EXECUTE ON FUNCTION purge_access_log, extend_access_log TO sigill_auditor;
END $$;
