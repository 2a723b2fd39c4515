# Needed on the machine: Python 3.11 or newer with venv and pip, and make.
# Settings are environment variables or arguments: make run PORT=9000 DATA_DIR=/srv/massage WORKERS=2

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test bench bench-search soak lint types lock audit openapi definitions diagnoses pictures clean

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for candidate in python3 python3.13 python3.12 python3.11 python; do \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$candidate && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header
COMPILE := $(LOCK) pyproject.toml --group build
CORES ?= 2
# modules in the order of their names, the short ones last; a test that hangs ends the run and is told to have crashed
SPREAD = -n $(CORES) --dist loadfile --no-loadscope-reorder --max-worker-restart 0 \
	-o faulthandler_timeout=900 -o faulthandler_exit_on_timeout=1
UPGRADE ?=
ARGUMENTS ?=
PACKAGE_DIR ?=

help: ## show what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(BIN)/.run ## serve http://127.0.0.1:8000/fhir on an embedded Postgres (PORT HOST DATA_DIR WORKERS BASE_URL DATABASE_URL)
	@exec $(BIN)/massage-fhir serve

test: $(BIN)/.dev ## everything that CI checks: style, types, imports, tests (CORES, 2 if not said)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers $(CORES)
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest $(SPREAD)

bench: $(BIN)/.dev ## measure speed, memory and disk against the goals (ARGUMENTS=--quick for a glance)
	$(BIN)/python -m tests.benchmarks $(ARGUMENTS)

bench-search: $(BIN)/.dev ## measure searches among 1,000 to 1,000,000 resources; takes about 20 minutes
	$(BIN)/python -m tests.benchmarks --only search --search 1000,10000,100000,1000000 $(ARGUMENTS)

soak: $(BIN)/.dev ## run the long tests
	$(BIN)/python -m pytest -m soak -s tests

lint: $(BIN)/.dev ## repair the style where that can be done by machine, and report the rest
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(BIN)/.dev ## check the types
	$(BIN)/mypy

lock: $(BIN)/.dev ## write the lock files from pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(COMPILE) $(UPGRADE) --extra embedded --extra dev --output-file requirements-dev.lock
	$(COMPILE) --extra embedded --constraint requirements-dev.lock --output-file requirements.lock
	$(COMPILE) --constraint requirements-dev.lock --output-file requirements-image.lock
	$(LOCK) $(UPGRADE) --group audit --output-file requirements-audit.lock

# --strict: what cannot be looked up counts as a failure, else an index without such a list would make everything clean
audit: $(VENV)/audit/.made ## look all pins up among the known vulnerabilities; needs a network
	$(VENV)/audit/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
		--requirement requirements-dev.lock --requirement requirements-audit.lock

openapi: $(BIN)/.run ## write openapi/ from the service's own registries
	$(BIN)/massage-fhir openapi

definitions: $(BIN)/.run ## compile HL7's R4 definitions (PACKAGE_DIR: the unpacked package hl7.fhir.r4.examples 4.0.1)
	$(BIN)/massage-fhir definitions compile $(PACKAGE_DIR)

diagnoses: $(BIN)/.dev ## compile the edition of ICD-10-CM that the pinned simple-icd-10-cm has
	$(BIN)/massage-fhir diagnoses compile

pictures: $(BIN)/.dev ## draw the pictures of the README in Chromium, of a clinic that is made up
	$(BIN)/python -m tests.browser.pictures

clean: ## remove what make has made, save for the data
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis dist
	find . -name __pycache__ -type d -not -path './.data/*' -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found; name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is older than Python 3.11; name another: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# bytecode of our own as pip makes it of the pins: it is half of a start, and not everybody's Python may write it
COMPILED := $(BIN)/python -m compileall -q service

# the locks are complete and hash-checked; the project itself is built by the pinned backend, without an index
$(BIN)/.run: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-index --no-deps --no-build-isolation -e .
	$(COMPILED)
	@touch $@

$(VENV)/audit/.made: requirements-audit.lock | $(BIN)/python
	$(BIN)/python -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements-audit.lock
	@touch $@

$(BIN)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements-dev.lock
	$(PIP) install --no-index --no-deps --no-build-isolation -e .
	$(COMPILED)
	@touch $@ $(BIN)/.run
