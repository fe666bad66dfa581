#!/bin/sh
# Run once by the PostgreSQL image, as its superuser: makes the logins of postgres-init.sql.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  -v migrator_password="$(cat /run/secrets/migrator_password)" \
  -v intake_password="$(cat /run/secrets/intake_password)" \
  -v register_password="$(cat /run/secrets/register_password)" \
  -v directory_password="$(cat /run/secrets/directory_password)" \
  -v transitions_password="$(cat /run/secrets/transitions_password)" \
  -v relay_password="$(cat /run/secrets/relay_password)" \
  -v ops_password="$(cat /run/secrets/ops_password)" \
  --file /sigill/postgres-init.sql
