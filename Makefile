# Everything here sets itself up: the virtual environment, the embedded PostgreSQL, the browser for tests.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Lint and migrations checks need settings that load without secrets and without a database.
QUIET := DEBUG=true

.PHONY: setup demo test test-fast lint format soak bench clean system-packages browser
.DEFAULT_GOAL := help

help:
	@echo "make demo | test | test-fast | lint | soak | bench | setup   (see README.md)"

system-packages:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: apt install python3.11 python3.11-venv (or set PYTHON=...)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv is missing: apt install python3.11-venv"; exit 1; }

$(STAMP): requirements.txt requirements-dev.txt | system-packages
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

setup: $(STAMP)

demo: setup
	@$(BIN)/python manage.py demo

browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	  else echo "The browser tests need Chromium: apt install chromium"; exit 1; fi; }

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(QUIET) $(BIN)/mypy .
	$(BIN)/lint-imports
	$(QUIET) $(BIN)/python manage.py makemigrations --check --dry-run
	$(QUIET) $(BIN)/python manage.py check

test: setup browser lint
	$(BIN)/pytest -n 2 --dist worksteal

# The long forms: many seeds, large backfills, and the full demo for an hour (SOAK_MINUTES=10: for less).
# A failing seed replays: SOAK_SEED=17 make soak
soak: setup
	SOAK_SEEDS=$${SOAK_SEEDS:-300} SOAK_ORDERS=$${SOAK_ORDERS:-20000} $(BIN)/pytest -n 2 --dist worksteal --timeout 1800 -m "" \
	  syncworkers/tests/test_drift.py syncworkers/tests/truth tests/races
	SOAK_MINUTES=$${SOAK_MINUTES:-60} $(BIN)/pytest -s -m "" tests/soak

test-fast: setup
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow and not soak"

# On a machine that does nothing else: writes benchmarks/results and benchmarks/README.md. BIG=1: for an hour.
bench: setup
	@$(BIN)/python -m benchmarks $(if $(BIG),--big)

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
