-- Logins for docker-compose.yml, made when the database is first initialised: one a worker, each a member of its
-- own group role (infra/roles.sql). The image's own superuser is used by nobody afterwards.
-- Variables of psql: migrator_password, and a password for each worker (intake_password, …).

CREATE ROLE sigill_owner NOLOGIN NOINHERIT;
CREATE ROLE sigill_intake NOLOGIN NOINHERIT;
CREATE ROLE sigill_register NOLOGIN NOINHERIT;
CREATE ROLE sigill_transitions NOLOGIN NOINHERIT;
CREATE ROLE sigill_relay NOLOGIN NOINHERIT;
CREATE ROLE sigill_reader NOLOGIN NOINHERIT;
CREATE ROLE sigill_ops NOLOGIN NOINHERIT;
CREATE ROLE sigill_auditor NOLOGIN NOINHERIT;

CREATE ROLE migrator LOGIN PASSWORD :'migrator_password' IN ROLE sigill_owner;
CREATE ROLE intake LOGIN PASSWORD :'intake_password' IN ROLE sigill_intake;
CREATE ROLE register LOGIN PASSWORD :'register_password' IN ROLE sigill_register;
CREATE ROLE directory LOGIN PASSWORD :'directory_password' IN ROLE sigill_register;
CREATE ROLE transitions LOGIN PASSWORD :'transitions_password' IN ROLE sigill_transitions;
CREATE ROLE relay LOGIN PASSWORD :'relay_password' IN ROLE sigill_relay;
CREATE ROLE ops LOGIN PASSWORD :'ops_password' IN ROLE sigill_ops, sigill_reader, sigill_auditor;

-- every table is the owner's; the database too, so that its schema can be made
SELECT format('ALTER DATABASE %I OWNER TO migrator', current_database()) \gexec
-- no temporary tables for anybody but the owner: they stand before every other in a search path
SELECT format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()) \gexec
