-- Runs before the code that needs it. People who were taken for one, and of whom the register has said that they are two.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

-- `other_id` has a number that was taken for `person_id`'s; a row for each surrogate that `person_id` is known by. Where
-- they had been read as `one`, what names `person_id` and was known before `known_from` may have meant the other.
CREATE TABLE person_separation (
  separation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person_id     bigint NOT NULL REFERENCES person,
  other_id      bigint NOT NULL REFERENCES person,
  separated_at  timestamptz NOT NULL, -- by the register's clock
  known_from    timestamptz NOT NULL,
  one           boolean NOT NULL, -- false: told before anybody had taken them for one
  CHECK (person_id <> other_id)
);
CREATE INDEX person_separation_person ON person_separation (person_id);
CREATE INDEX person_separation_other ON person_separation (other_id);
CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON person_separation
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
SELECT keep_history('person_separation', 'separation_id');
