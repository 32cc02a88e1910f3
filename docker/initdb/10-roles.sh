#!/bin/sh
# The portal's logins, made once with the database. Rights and tables are the work of `manage.py prepare_database`.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set owner="$WELFARE_OWNER_PASSWORD" --set app="$WELFARE_APP_PASSWORD" <<'SQL'
CREATE ROLE welfare_owner LOGIN PASSWORD :'owner';
CREATE ROLE welfare_app LOGIN PASSWORD :'app';
CREATE ROLE welfare_auditor NOLOGIN;
SQL
