# Kumbuka LRS. `make help` lists what can be asked for. Nothing here needs an active environment.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3
DATA ?= var
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
# Written last: a step that failed leaves no stamp, so that the next call does it again.
INSTALLED := $(VENV)/.installed
JARS := $(VENV)/.kafka-jars

.PHONY: help setup run test test-all lint conformance bench lock check-tools

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) $(JARS) ## Make the environment (.venv) and fetch Kafka's jars, once

run: setup ## Start everything on this machine (DATA=folder, ARGS="--port 0 --no-demo")
	@exec $(BIN)/lrs up --data $(DATA) $(ARGS)

test: lint ## Run everything that CI runs: lint, and the tests but for the long ones
	$(BIN)/pytest -m "not slow"

test-all: lint ## Run the tests, the long ones too
	$(BIN)/pytest

lint: setup ## Check style, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

conformance: setup ## Run the ADL conformance suite (SUITE=checkout with its packages, ARGS=--times 2)
	@test -n "$(SUITE)" || { echo "say where the suite is: make conformance SUITE=path" >&2; exit 2; }
	$(BIN)/python -m tests.conformance.suite "$(SUITE)" $(ARGS)

bench: setup ## Measure on this machine (ARGS="--help" lists the sections, ARGS="ingest" runs one)
	$(BIN)/python -m tests.bench $(ARGS)

lock: ## Renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header -o requirements.lock

# Everything that is missing is named with the package that brings it, before anything is made.
check-tools:
	@missing=; \
	say() { echo "$$1: install the Debian package $$2" >&2; missing=1; }; \
	if ! command -v $(PYTHON) >/dev/null; then say "$(PYTHON) is missing" python3; \
	elif ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
		echo "$(PYTHON) is older than 3.11: install the Debian package python3 (12 or newer)," \
			"or name another: make PYTHON=python3.12 ..." >&2; missing=1; \
	elif ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
		say "$(PYTHON) cannot make environments" python3-venv; fi; \
	command -v java >/dev/null || say "java is missing (Kafka needs 17)" openjdk-17-jre-headless; \
	[ -n "$$LRS_KAFKA_JARS" ] || command -v mvn >/dev/null || \
		say "mvn is missing (it fetches Kafka's jars)" maven; \
	test -z "$$missing"

$(INSTALLED): requirements.lock pyproject.toml
	@$(MAKE) --no-print-directory check-tools
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(JARS): infra/local/pom.xml | $(INSTALLED)
	$(BIN)/python -m infra.local.kafka_jars
	@touch $@
