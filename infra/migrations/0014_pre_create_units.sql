-- Runs before the code that needs it. What the directory says of units, and the successors that two operators named.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

-- What the directory told of a unit; the highest sequence holds.
CREATE TABLE unit_version (
  unit          text COLLATE "C" NOT NULL,
  sequence      bigint NOT NULL,
  changed_at    timestamptz NOT NULL,
  known_from    timestamptz NOT NULL,
  name          text NOT NULL,
  region        text COLLATE "C",
  care_provider text COLLATE "C",
  parent        text COLLATE "C",
  clinic        text COLLATE "C",
  valid_from    date, -- first and last day, both in force
  valid_through date,
  succeeded_by  text COLLATE "C",
  PRIMARY KEY (unit, sequence)
);
CREATE INDEX unit_version_successor ON unit_version (succeeded_by) WHERE succeeded_by IS NOT NULL;

-- The successor of a closed unit, where the directory names none; the newest row holds. The database checks that a
-- second operator approved, as for every proposal.
CREATE TABLE unit_successor (
  unit_successor_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  unit              text COLLATE "C" NOT NULL,
  successor         text COLLATE "C" NOT NULL CHECK (successor <> unit),
  proposal_id       bigint NOT NULL UNIQUE REFERENCES proposal,
  known_from        timestamptz NOT NULL
);
CREATE INDEX unit_successor_unit ON unit_successor (unit, unit_successor_id DESC);
CREATE INDEX unit_successor_successor ON unit_successor (successor);

-- A successor stands on an approved proposal that says the same.
DO $do$
BEGIN
  EXECUTE replace($sql$
CREATE FUNCTION @schema@.check_unit_successor() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM @schema@.proposal p JOIN @schema@.proposal_verdict v USING (proposal_id)
                  WHERE p.proposal_id = NEW.proposal_id AND v.approved AND p.action = 'name_successor'
                    AND p.subject = NEW.unit || ' ' || NEW.successor) THEN
    RAISE EXCEPTION 'a successor is named by two operators' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
$sql$, '@schema@', quote_ident(current_schema()));
END $do$;
CREATE TRIGGER four_eyes BEFORE INSERT ON unit_successor FOR EACH ROW EXECUTE FUNCTION check_unit_successor();

CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON unit_version
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON unit_successor
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
