-- Runs before the code that needs it. Any login may NOTIFY, and one that listens and never reads keeps what was told: when the
-- queue is full, PostgreSQL fails every transaction that tells anything. So nothing is told while it is half full, and the
-- relays find the events when they look by themselves.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

DO $do$ BEGIN
  EXECUTE replace($sql$

CREATE OR REPLACE FUNCTION @schema@.wake_relays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
  IF pg_notification_queue_usage() < 0.5 THEN
    PERFORM pg_notify('sigill_outbox', TG_TABLE_SCHEMA);
  END IF;
  RETURN NULL;
END $$;

  $sql$, '@schema@', quote_ident(current_schema()));
END $do$;
