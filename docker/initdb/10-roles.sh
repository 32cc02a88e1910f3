#!/bin/sh
# The portal's three logins, made once with the database. Tables and rights are the work of `manage.py prepare_database`,
# which signs in as the owner: the superuser's password stays with the database's own container.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set database="$POSTGRES_DB" \
  --set owner="$WELFARE_OWNER_PASSWORD" --set app="$WELFARE_APP_PASSWORD" --set auditor="$WELFARE_AUDITOR_PASSWORD" <<'SQL'
-- CREATEROLE and ADMIN OPTION: the owner sets the portal's time limits, which PostgreSQL asks both of.
CREATE ROLE welfare_owner LOGIN CREATEROLE PASSWORD :'owner';
CREATE ROLE welfare_app LOGIN PASSWORD :'app';
CREATE ROLE welfare_auditor LOGIN PASSWORD :'auditor';
GRANT welfare_app TO welfare_owner WITH ADMIN OPTION, INHERIT FALSE, SET FALSE;
ALTER DATABASE :"database" OWNER TO welfare_owner;
ALTER SCHEMA public OWNER TO welfare_owner;
SQL
