-- Runs before the code that needs it. The relays hear when events have been written, instead of asking all the time.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

DO $do$ BEGIN
  EXECUTE replace($sql$

-- Told at commit, once a transaction. Whoever does not listen still finds the events when it looks.
CREATE FUNCTION @schema@.wake_relays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
  PERFORM pg_notify('sigill_outbox', TG_TABLE_SCHEMA);
  RETURN NULL;
END $$;

REVOKE EXECUTE ON FUNCTION @schema@.wake_relays FROM PUBLIC;

  $sql$, '@schema@', quote_ident(current_schema()));
END $do$;

CREATE TRIGGER wake AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION wake_relays();
