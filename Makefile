# The ways to run, test and look after Quittance; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON := .venv/bin/python
RUNTIME := .venv/.runtime
DEVELOPMENT := .venv/.development
PIP := $(PYTHON) -m pip --disable-pip-version-check --no-input install --quiet
PYTEST := $(PYTHON) -m pytest -n 2 --dist loadgroup
COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate

.PHONY: help run setup test test-servers chaos check fmt bench slice lock

# A virtual environment whose Python has gone is made again, whatever its stamps say.
ifneq ($(shell $(PYTHON) -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null),True)
.PHONY: $(RUNTIME)
endif

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{printf "make %-14s %s\n", $$1, $$2}'

run: $(RUNTIME) ## set up what is missing and serve (PORT=8000, DATA_DIR=.data)
	@.venv/bin/quittance run

setup: $(DEVELOPMENT) ## create .venv with everything, the tools of developers included

test: $(DEVELOPMENT) ## run all tests; needs no server (args="-k invoice" picks some)
	@env -u DATABASE_URL -u BROKER_URL $(PYTEST) $(args)

test-servers: $(DEVELOPMENT) ## run all tests against DATABASE_URL and BROKER_URL
	@if [ -z "$$DATABASE_URL" ] || [ -z "$$BROKER_URL" ]; then \
		echo "make test-servers needs DATABASE_URL (PostgreSQL 15 or newer, a role that may" \
			"create databases) and BROKER_URL (RabbitMQ) in the environment." >&2; exit 2; fi
	@$(PYTEST) $(args)

chaos: $(DEVELOPMENT) ## kill, cut and fill up everything, over and over (rounds=20)
	@env -u DATABASE_URL -u BROKER_URL CHAOS_ROUNDS=$${rounds:-20} $(PYTHON) -m pytest tests/faults $(args)

check: $(DEVELOPMENT) ## format, lint, types, imports and architecture, as CI does first
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@if [ -e tests/test_architecture.py ]; then $(PYTHON) -m pytest tests/test_architecture.py; fi

fmt: $(DEVELOPMENT) ## format the code and repair what the linter can
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

bench: $(DEVELOPMENT) ## measure against the library's stock parts, side by side
	@$(PYTHON) -m benchmarks $(args)

slice: ## list the files of one concept (of=invoice)
	@if [ -z "$$of" ]; then echo "say of what: make slice of=invoice" >&2; exit 2; fi
	@git ls-files | grep -iF -- "$$of" || { echo "no file is named after $$of" >&2; exit 1; }

lock: $(DEVELOPMENT) ## pin all dependencies again, with hashes
	@$(COMPILE) requirements.in -o requirements.txt
	@$(COMPILE) requirements-dev.in -o requirements-dev.txt

# Each Python is tried by running it: a version switcher leaves names that do not run.
$(RUNTIME): requirements.txt pyproject.toml
	@if ! $(PYTHON) -m pip --version >/dev/null 2>&1; then \
		for python in python3.13 python3.12 python3.11 python3; do \
			if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
				>/dev/null 2>&1; then found=$$python; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "Python 3.11 or newer is needed, with its venv module" \
				"(on Debian and Ubuntu: apt install python3-venv)." >&2; exit 2; fi; \
		echo "creating .venv with $$($$found --version)"; \
		$$found -m venv --clear .venv; \
	fi
	@echo "installing what Quittance runs on"
	@$(PIP) --require-hashes -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(DEVELOPMENT): $(RUNTIME) requirements-dev.txt
	@echo "installing what checks Quittance"
	@$(PIP) --require-hashes -r requirements.txt -r requirements-dev.txt
	@touch $@
