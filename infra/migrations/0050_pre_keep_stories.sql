-- Runs before the code that needs it. Stories that rule owners write in the console: history, of which the newest text of an
-- id counts; one without text is taken away.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE rulebook_story (
  story_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  region     text COLLATE "C" NOT NULL,
  name       text COLLATE "C" NOT NULL,
  text       text NOT NULL CHECK (octet_length(text) <= 20000),
  operator   text COLLATE "C" NOT NULL,
  known_from timestamptz NOT NULL
);
CREATE INDEX rulebook_story_region ON rulebook_story (region, name, story_id DESC);

CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON rulebook_story
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
SELECT keep_history('rulebook_story', 'story_id');
