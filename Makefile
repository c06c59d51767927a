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
REQUESTED_BY ?= settlement-operator
APPROVED_BY ?= settlement-approver

.PHONY: help setup run test test-quick lint format bench bench-large lock clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

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

run: setup ## settle a month: generated plays, or real ones with LISTENS=plays.csv.gz
	rm -rf "$(WORK)"
	$(if $(LISTENS),\
	  $(BIN)/settlement import "$(LISTENS)" --month $(MONTH) --out "$(WORK)/landing" --seed $(SEED),\
	  $(BIN)/settlement generate --months $(MONTH) --plays $(PLAYS) --out "$(WORK)/landing" --seed $(SEED))
	$(BIN)/settlement run --landing "$(WORK)/landing" --months $(MONTH) --warehouse "$(WORK)/warehouse" \
	  --requested-by $(REQUESTED_BY) --approved-by $(APPROVED_BY)

test: setup ## every test
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-quick: setup ## the tests that start no process of their own
	$(BIN)/python -m pytest -n 2 --dist worksteal tests/unit tests/sql

lint: setup ## what CI and pre-commit check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar include/sql
	$(BIN)/settlement tables list > /dev/null

format: setup ## put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --processes 2 --disable-progress-bar include/sql

bench: setup ## speed as ratios, both sides measured in one run
	$(BIN)/python -m bench

bench-large: setup ## a month of 100 million plays: needs 60 GB of disk and a quarter of an hour
	$(BIN)/python -m bench large

lock: setup ## resolve the *.in files anew into the lock files
	for name in -bootstrap "" -dev; do \
	  $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade \
	    requirements$$name.in -o requirements$$name.txt; \
	done

clean: ## remove what run and test left behind (not .venv)
	rm -rf .work .pytest_cache .mypy_cache .ruff_cache .hypothesis
