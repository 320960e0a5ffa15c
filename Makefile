# Everything runs in .venv, made from requirements-dev.lock with hashes. `make demo` needs nothing but python3.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PURE := watchdog/core/*
RULES := $(wildcard alerts/*.rules.yml)

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint fuzz reliability month soak bench bench-rules bench-smoke paging dashboards pictures format lock clean

help:  ## Show this text.
	@echo 'betcore-watchdog: watches the BETCORE live feed and exposes its health to Prometheus.'
	@echo
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "%-18s %s\n", $$1, $$2 }'
	@echo
	@echo 'Variables: DURATION=60 ends the demo after 60 seconds and limits fuzzing, UPGRADE=1 lets `make lock` take newer versions,'
	@echo 'PYTHON=python3.12 chooses the interpreter of .venv (3.11 or newer).'

venv: $(STAMP)  ## Create .venv, the environment of all other targets.

$(STAMP): requirements-dev.lock scripts/make-venv
	@scripts/make-venv $(PYTHON)
	@touch $@

demo: $(STAMP)  ## Run the watchdog on a simulated feed with faults, until Ctrl-C.
	@$(BIN)/betcore-watchdog demo $(if $(DURATION),--duration $(DURATION))

test: $(STAMP)  ## Run the tests and check the coverage; as root on Debian, first install their tools.
	@scripts/install-test-tools
	@scripts/install-newest-prometheus
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --include='$(PURE)' --fail-under=100
	$(BIN)/coverage report --fail-under=95

lint: $(STAMP)  ## Check style, types, layers, the Dockerfile and the alert rules.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint Dockerfile
	$(if $(RULES),promtool check rules $(RULES))

fuzz: $(STAMP)  ## Fuzz every reader of foreign bytes for DURATION seconds in all (600), and record it.
	@$(BIN)/pip --disable-pip-version-check install -qq --require-hashes --only-binary :all: -r requirements-fuzz.lock
	$(BIN)/python -m fuzz.run --duration $(or $(DURATION),600) --record

reliability: $(STAMP)  ## Run the fault matrix and write its tables into docs/reliability.md.
	$(BIN)/python -m tests.acceptance.matrix.report

month: $(STAMP)  ## Watch eight games for a virtual month of faults, six minutes on two cores.
	$(BIN)/python -m tests.month --days $(or $(DAYS),30) --record

soak: $(STAMP)  ## Watch hubs that fail and die for DURATION (30m), and check that nothing grows.
	$(BIN)/python -m tests.soak --duration $(or $(DURATION),30m) --record

bench: $(STAMP)  ## Measure cost and exactness next to other clients: needs a C compiler, OpenSSL, npm, pip, an hour.
	$(BIN)/python -m benchmarks run

bench-rules: $(STAMP)  ## Measure the alert rules at 200 games and 30 days, in a real Prometheus: five minutes.
	@scripts/install-test-tools
	$(BIN)/python -m benchmarks rules

bench-smoke: $(STAMP)  ## Count the instructions of an update; fail if they rose by a quarter.
	$(BIN)/python -m benchmarks smoke

paging: $(STAMP)  ## Cause faults, and write which pages came and when into build/paging.md: ten minutes.
	@scripts/install-test-tools
	@scripts/install-newest-prometheus
	@mkdir -p build
	BETCORE_ONE_PAGE_TABLE=build/paging.md $(BIN)/python -m pytest tests/acceptance/test_one_page.py

dashboards: $(STAMP)  ## Write grafana/dashboards from the code in grafana/.
	$(BIN)/python -m grafana

pictures: $(STAMP)  ## Draw the dashboards' pictures again: needs Prometheus, npm, Chromium, ten minutes.
	@scripts/install-test-tools
	$(BIN)/python -m tests.acceptance.pictures

format: $(STAMP)  ## Format the code and apply the safe fixes.
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

lock:  ## Write the lock files again from pyproject.toml.
	@PYTHON=$(PYTHON) scripts/lock $(if $(UPGRADE),--upgrade)

clean:  ## Remove .venv and everything the tools left behind.
	rm -rf grafana/schema/node_modules grafana/pictures/node_modules grafana/pictures/build
	rm -rf benchmarks/build benchmarks/clients/node/node_modules
	rm -rf .cache build .venv .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist
	find watchdog grafana benchmarks fuzz tests -name __pycache__ -prune -exec rm -rf {} +
