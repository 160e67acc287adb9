# dialerd: `make demo` shows it, `make test` tests it. Both set up all they need; a third word is seldom wanted.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.dialerd-installed
PYTEST := $(BIN)/python -m pytest
# Tests that share nothing run two at a time.
TWO := -n 2 --dist worksteal

.PHONY: help setup packages asterisk-root asterisk-16-root demo demo-asterisk test lint test-unit test-contract test-asterisk \
        test-asterisk-16 test-crash bench bench-import docs clean

help:           ## these words
	@grep -hE '^[a-z0-9-]+: .*##|^[a-z0-9-]+:  *##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 20

$(STAMP): pyproject.toml constraints.txt scripts/python-venv
	scripts/python-venv $(PYTHON) $(VENV)
	touch $@

setup: $(STAMP)  ## the Python environment in .venv

packages:       ## Debian packages that tests need (root or sudo)
	scripts/debian-packages

asterisk-root:  ## a real Asterisk in a folder of its own, nothing installed on the host
	scripts/asterisk-root sid

asterisk-16-root:  ## the same, Asterisk 16
	scripts/asterisk-root bullseye

demo: $(STAMP)  ## a progressive campaign of 200 leads with 8 agents, live in the terminal
	$(BIN)/python -m demo $(ARGS)

demo-asterisk: $(STAMP) packages asterisk-root  ## the demo on a real Asterisk with SIPp phones
	$(BIN)/python -m demo --asterisk $(ARGS)

test: $(STAMP) packages asterisk-root asterisk-16-root  ## everything: lint, unit, contract, Asterisk, crash
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory test-unit
	$(MAKE) --no-print-directory test-contract
	$(MAKE) --no-print-directory test-asterisk
	$(MAKE) --no-print-directory test-asterisk-16
	$(MAKE) --no-print-directory test-crash

lint: $(STAMP)  ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test-unit: $(STAMP)  ## pure rooms, settings, street, recorded AMI traces
	$(PYTEST) -n 2 --dist loadfile tests/unit tests/traces tests/scenarios

test-contract: $(STAMP) packages  ## the keepers of promises: store, AMI link, MQTT, socket, HTTP
	$(PYTEST) $(TWO) tests/contract -m "not asterisk"

test-asterisk: $(STAMP) packages asterisk-root  ## real Asterisk 22 with SIPp customers and softphones
	$(PYTEST) tests/asterisk tests/contract -m asterisk

test-asterisk-16: $(STAMP) packages asterisk-16-root  ## the same campaign on Asterisk 16
	DIALERD_TEST_ASTERISK_SUITE=bullseye $(PYTEST) tests/asterisk/test_progressive_on_asterisk.py

test-crash: $(STAMP) packages asterisk-root  ## kill -9, cut links, restart Asterisk, stop the broker, fill the disk
	$(PYTEST) tests/crash

bench: $(STAMP) packages asterisk-root  ## ratios against a bare panoramisk loop; one table
	$(BIN)/python -m bench $(ARGS)

bench-import: $(STAMP)  ## a million rows of CSV and 200,000 of Excel into a daemon at work
	$(BIN)/python -m bench.imports --write $(ARGS)

docs: $(STAMP)  ## the documents made from the tables
	$(BIN)/dialerd commands > docs/control.md
	$(BIN)/dialerd states > docs/states.md
	$(BIN)/dialerd asyncapi > docs/asyncapi.json
	$(BIN)/dialerd rules > docs/rules.md

clean:          ## all that is made here (the Asterisk roots stay in the cache)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
