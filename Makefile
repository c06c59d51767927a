# Every target works from a fresh clone: `setup` makes .venv once and again whenever a lock file changes.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
CACHE ?= $(HOME)/.cache/settlement
LOCKS := requirements-bootstrap.txt requirements.txt requirements-dev.txt
export UV_CACHE_DIR ?= $(CACHE)/uv
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Compiled modules halve the start of every command.
unexport PYTHONDONTWRITEBYTECODE

# make run: what is settled, and where
MONTH ?= 2026-03
PLAYS ?= 100000
SEED ?= 1
LISTENS ?=
WORK ?= .work/$(if $(LISTENS),listens,generated)

# Workers, schedulers and publishers that are killed: see docs/reliability.md.
SOAK_FAULTS := 1,2,3,6,9,22,27,30

# The page that the query API serves, and what it is built from. Node comes with .venv: the same one everywhere.
PAGE := include/settlement/api/_page/index.html
PAGE_SOURCES := $(wildcard web/*.html web/*.ts web/*.json) $(shell find web/src -type f)
NPM := PATH="$(abspath $(BIN)):$$PATH" npm_config_cache="$(CACHE)/npm" $(abspath $(BIN))/npm --prefix web

.PHONY: help setup setup-browser page page-test serve run run-services up down services-up services-down services-status k8s-up k8s-down image test test-long test-quick soak lint format bench bench-user-centric bench-engines bench-requests bench-api bench-pods bench-large lock clean

help: ## what can be made
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## make .venv with everything in it, from the lock files

$(VENV)/.ready: $(LOCKS) pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 is needed: apt-get install python3.11 python3.11-venv" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
	  || { echo "Python 3.11 is needed, $(PYTHON) is another; say make PYTHON=/path/to/python3.11" >&2; exit 1; }
	test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-bootstrap.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --require-hashes $(LOCKS)
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

run: setup ## settle a month through Airflow: generated plays, or real ones with LISTENS=plays.csv.gz
	@test ! -d "$(WORK)/airflow" || $(BIN)/python -m local down --work "$(WORK)"
	rm -rf "$(WORK)"
	$(if $(LISTENS),\
	  $(BIN)/settlement import "$(LISTENS)" --month $(MONTH) --out "$(WORK)/landing" --seed $(SEED),\
	  $(BIN)/settlement generate --months $(MONTH) --plays $(PLAYS) --out "$(WORK)/landing" --seed $(SEED))
	$(BIN)/python -m local settle --work "$(WORK)" --month $(MONTH)
	$(BIN)/settlement totals --warehouse "$(WORK)/warehouse" --month $(MONTH)
	@echo "Its page is http://127.0.0.1:$(or $(PORT),8090), once this has let you in: make serve$(if $(filter-out file default undefined,$(origin WORK))$(LISTENS), WORK=$(WORK))"

page: $(PAGE) ## build the page that the query API serves

web/node_modules/.ready: web/package-lock.json web/package.json $(VENV)/.ready
	$(NPM) ci --loglevel=error --no-progress
	touch $@

$(PAGE): web/node_modules/.ready $(PAGE_SOURCES)
	$(NPM) run --silent build

page-test: web/node_modules/.ready ## the tests of the page's own arithmetic
	$(NPM) run --silent test

serve: setup page ## the query API and its page on WORK's warehouse; prints an address that signs you in
	@$(BIN)/settlement serve --local --warehouse "$(WORK)/warehouse" --port $(or $(PORT),8090) --link $(addprefix --role ,$(ROLE))

run-services: setup ## the same on real servers of this machine: PostgreSQL, S3, EMR steps run by Hive; about an hour
	rm -rf "$(WORK)-on-services"
	$(BIN)/settlement generate --months $(MONTH) --plays $(PLAYS) --out "$(WORK)-on-services/landing" --seed $(SEED)
	$(BIN)/python -m local settle --on-services --work "$(WORK)-on-services" --month $(MONTH)

up: setup ## start Airflow's UI on WORK, as the last run left it
	$(BIN)/python -m local up --work "$(WORK)" $(if $(PORT),--port $(PORT))

down: setup ## stop it
	$(BIN)/python -m local down --work "$(WORK)"

services-up: setup ## PostgreSQL, S3, Hive, Trino and an AWS endpoint on this machine: all, or NAMES
	$(BIN)/python -m local.services up $(NAMES)

services-down: setup ## stop them; their data stay in .work/services
	$(BIN)/python -m local.services down

services-status: setup ## which of them run and work
	$(BIN)/python -m local.services status

image: setup ## build the images of this checkout: all, or TARGETS (audit, api, airflow); into the cache, as archives
	$(BIN)/python -m local.images $(TARGETS)

k8s-up: setup ## a real one-node Kubernetes on this machine, as root; IMAGES=archives are brought into it
	$(BIN)/python -m local.kubernetes up $(IMAGES)

k8s-down: setup ## stop it and remove all that it made
	$(BIN)/python -m local.kubernetes down

setup-browser: ## Chromium and Korean fonts from Debian's packages, for the tests that look at pages
	@command -v chromium > /dev/null || { \
	  run=$$(test "$$(id -u)" = 0 || echo sudo); \
	  $$run apt-get update -qq && $$run apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk > /dev/null; }

test: setup setup-browser page page-test ## every test but the long ones, on real servers that it starts itself
	$(BIN)/python -m pytest -m "not long" -n 5 --dist loadscope

test-long: setup ## the rest, more than an hour: more parity of the engines, whole months by Airflow, images
	$(BIN)/python -m pytest -m long

test-quick: setup ## the tests that start no server
	$(BIN)/python -m pytest -n 2 --dist loadscope tests/unit tests/sql tests/dags

soak: setup ## whole months through Airflow, also on the services, and the kill tests twenty times: some hours
	$(BIN)/python -m pytest tests/airflow/soak.py
	$(BIN)/python -m pytest tests/services/soak.py
	for time in $$(seq 20); do \
	  echo "kill tests, $$time of 20"; $(BIN)/python -m pytest -q --faults $(SOAK_FAULTS) tests/faults tests/services tests/airflow; \
	done

lint: setup web/node_modules/.ready ## what CI and pre-commit check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar include/sql
	$(BIN)/settlement tables list > /dev/null
	$(NPM) run --silent lint

format: setup ## put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --processes 2 --disable-progress-bar include/sql

bench: setup ## speed as ratios, both sides measured in one run
	$(BIN)/python -m bench

bench-user-centric: setup ## what user-centric settlement costs a month of 16 million plays: about half an hour
	$(BIN)/python -m bench user-centric

bench-engines: setup ## stages of a month of 1 million plays, and of days of 1 and 10 million, on DuckDB, Hive and Trino
	$(BIN)/python -m bench engines-day
	$(BIN)/python -m bench engines $(if $(filter command line,$(origin PLAYS)),$(PLAYS))

bench-requests: setup ## what a day asks of S3, task by task
	$(BIN)/python -m bench requests

bench-api: setup ## answers of the query API against DuckDB's own client; ROWS="10000 10000000" says how many rows
	$(BIN)/python -m bench api $(ROWS)

bench-pods: setup ## an audit in a pod against one in a process, as root; PLAYS of its day; sizes of the images
	PYTHONPATH=plugins $(BIN)/python -m bench pods $(if $(filter command line,$(origin PLAYS)),$(PLAYS))

bench-large: setup ## a month of 100 million plays: needs 60 GB of disk and a quarter of an hour
	$(BIN)/python -m bench large

lock: setup ## resolve the *.in files anew into the lock files
	for name in -bootstrap "" -dev -audit -api -image; do \
	  $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade \
	    requirements$$name.in -o requirements$$name.txt; \
	done

clean: ## remove what run and test left behind (not .venv)
	@test ! -d .work/services || $(BIN)/python -m local.services down
	rm -rf .work .pytest_cache .mypy_cache .ruff_cache .hypothesis
