#!/bin/sh
# Makes the secret files that docker-compose.yml mounts, under ./secrets; what is there already is left.
# The patients' key secret must be the one that the EHR has: replace secrets/patient_keys.json with it.
set -eu
mkdir -p secrets trust/anchors trust/crl
umask 077
random() { head -c 32 /dev/urandom | base64 | tr -d '\n'; }
for name in superuser_password migrator_password intake_password register_password directory_password \
  transitions_password relay_password ops_password session_secret grafana_admin_password; do
  # no sign that an address or a shell would read differently
  [ -s "secrets/$name" ] || random | tr '+/' '-_' | tr -d '=' >"secrets/$name"
done
[ -s secrets/patient_keys.json ] || printf '{"v1": "%s"}' "$(random)" >secrets/patient_keys.json
# signs the heads of the audit chain; openssl is what Docker's hosts have
[ -s secrets/audit_key.pem ] || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out secrets/audit_key.pem 2>/dev/null
# the containers' user must be able to read a file once Docker has mounted it; here the folder is closed to others
chmod 444 secrets/*
chmod 700 secrets
echo "secrets/ is ready; put the issuing authorities' certificates into trust/anchors and their lists into trust/crl"
