-- Runs before the code that needs it. Drafts of rulebooks, as rule owners save them in the console, and releases: a draft
-- that a second owner approved, with the day on which it begins. Both are history.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE rulebook_draft (
  draft_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  region     text COLLATE "C" NOT NULL,
  text       text NOT NULL CHECK (octet_length(text) <= 1000000),
  digest     text COLLATE "C" NOT NULL, -- SHA-256 of the text's UTF-8, in hexadecimal digits
  operator   text COLLATE "C" NOT NULL,
  login      text COLLATE "C", -- digest of issuer and subject; null: a trial's one-time link
  known_from timestamptz NOT NULL
);
CREATE INDEX rulebook_draft_region ON rulebook_draft (region, draft_id DESC);

CREATE TABLE rulebook_release (
  release_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  draft_id     bigint NOT NULL UNIQUE REFERENCES rulebook_draft,
  proposal_id  bigint NOT NULL UNIQUE REFERENCES proposal,
  region       text COLLATE "C" NOT NULL,
  digest       text COLLATE "C" NOT NULL,
  begins_on    date NOT NULL, -- a Swedish date
  first_owner  text COLLATE "C" NOT NULL,
  second_owner text COLLATE "C" NOT NULL,
  second_login text COLLATE "C",
  sources      text[] NOT NULL, -- the documents that its versions rest on
  stories      jsonb NOT NULL,  -- how each went against it
  known_from   timestamptz NOT NULL
);
CREATE INDEX rulebook_release_region ON rulebook_release (region, release_id DESC);

-- A release is what its draft says, approved by another than the draft's author, by name and by login, and it begins on a day
-- to come.
DO $do$
BEGIN
  EXECUTE replace($sql$
CREATE FUNCTION @schema@.check_rulebook_release() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM @schema@.proposal p
                   JOIN @schema@.proposal_verdict v USING (proposal_id)
                   JOIN @schema@.rulebook_draft d ON d.draft_id = NEW.draft_id
                  WHERE p.proposal_id = NEW.proposal_id AND v.approved AND p.action = 'release_rulebook'
                    AND p.subject = NEW.draft_id::text AND d.region = NEW.region AND d.digest = NEW.digest
                    AND NEW.digest = encode(sha256(convert_to(d.text, 'UTF8')), 'hex')
                    AND p.operator = NEW.first_owner AND d.operator = NEW.first_owner
                    AND v.operator = NEW.second_owner
                    AND upper(NEW.first_owner) <> upper(NEW.second_owner)
                    AND (d.login IS NULL OR d.login IS DISTINCT FROM NEW.second_login)) THEN
    RAISE EXCEPTION 'a rulebook is released by two owners' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF NEW.begins_on <= (NEW.known_from AT TIME ZONE 'Europe/Stockholm')::date THEN
    RAISE EXCEPTION 'a rulebook begins on a day to come' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
$sql$, '@schema@', quote_ident(current_schema()));
END $do$;
CREATE TRIGGER four_eyes BEFORE INSERT ON rulebook_release FOR EACH ROW EXECUTE FUNCTION check_rulebook_release();

CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON rulebook_draft
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER history BEFORE UPDATE OR DELETE OR TRUNCATE ON rulebook_release
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
SELECT keep_history('rulebook_draft', 'draft_id');
SELECT keep_history('rulebook_release', 'release_id');
