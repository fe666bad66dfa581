#!/bin/sh
# Run once by the PostgreSQL image, as its superuser: makes the logins of postgres-init.sql.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  -v migrator_password="$(cat /run/secrets/migrator_password)" \
  -v worker_password="$(cat /run/secrets/worker_password)" \
  --file /sigill/postgres-init.sql
