-- Runs before the code that needs it. Rulebooks that workers read from the database: the text that each region begins with,
-- taken in from a file once. What follows are releases.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE rulebook_import (
  import_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  region        text COLLATE "C" NOT NULL UNIQUE,
  text          text NOT NULL CHECK (octet_length(text) <= 1000000),
  digest        text COLLATE "C" NOT NULL CHECK (digest = encode(sha256(convert_to(text, 'UTF8')), 'hex')),
  operator      text COLLATE "C" NOT NULL,
  known_from    timestamptz NOT NULL
);

CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON rulebook_import
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
SELECT keep_history('rulebook_import', 'import_id');
