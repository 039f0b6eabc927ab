# Every target sets up what it needs; `make` alone lists them.

PYTHON ?=
WORKERS ?= auto
SAMPLE ?= 0
CASES ?= 1000
STORMS ?= 1000
PAIRS ?= 100
PROCESSES ?= 10
ROLLS ?= 1000
SLEEPS ?= 1000
SEED ?= 1
# Tests start many processes, and each would compile the package anew where no bytecode is kept.
PYTEST = env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m pytest
PIP = python -m pip --disable-pip-version-check --quiet

export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup demo test slow thorough readme lint types notebooks docs foreign pages pictures mutants hunt storm rolling sleeping rollout fuzz bench busy lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.installed ## make .venv with the locked versions, and the package in it

.venv/.installed: pyproject.toml requirements.lock scripts/make-venv
	@scripts/make-venv .venv
	@echo "Installing the locked packages into .venv"
	@.venv/bin/$(PIP) install --requirement requirements.lock
	@.venv/bin/$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## watch a simulated pool being read, planned, migrated and cooled down
	@.venv/bin/rebalancer demo

test: setup ## run the tests, in parallel
	@$(PYTEST) -n $(WORKERS) --dist worksteal -m "not slow and not readme and not notebook"

slow: setup ## run the long tests
	@$(PYTEST) -n $(WORKERS) --dist worksteal -m slow

thorough: setup ## run the property tests with ten times the examples, and others each time
	@$(PYTEST) -n $(WORKERS) --dist worksteal -m hypothesis --hypothesis-profile=thorough

readme: setup ## run the commands of README and walkthrough, in one shell
	@$(PYTEST) -m readme tests/test_docs.py

lint: setup ## check style, format and types
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

types: setup ## check types only
	@.venv/bin/mypy

notebooks: setup ## run every notebook, and compare what it says
	@$(PYTEST) -m notebook tests/notebooks

docs: .venv/.docs ## build the site of the docs into build/site, warnings being errors
	@NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --quiet --strict

foreign: setup ## let programs that others wrote talk to the simulator
	@if command -v npm >/dev/null; then \
	  npm ci --prefix tests/foreign --no-audit --no-fund --ignore-scripts --silent && \
	  .venv/bin/python -m tests.foreign.run; \
	else \
	  echo "Skipped: the foreign client needs Node.js and npm, and npm is not installed."; \
	fi

pages: setup ## open pages in Chromium, and in axe-core where npm is installed
	@if command -v npm >/dev/null; then npm ci --prefix tests/foreign --no-audit --no-fund --ignore-scripts --silent; fi
	@$(PYTEST) tests/pages

pictures: setup ## write the pictures of docs/img anew, with Chromium
	@.venv/bin/python -m tests.pages.screenshots

mutants: setup ## put one thing wrong in every rule; SAMPLE=100 tries that many
	@.venv/bin/python -m tests.mutants --sample $(SAMPLE)

hunt: setup ## plan in CASES random situations, looking for what planner and checker disagree on
	@.venv/bin/python -m tests.hunt --cases $(CASES) --seed $(SEED)

storm: setup ## carry plans out in STORMS storms and PAIRS of people, and judge all that happens
	@.venv/bin/python -m tests.storm --storms $(STORMS) --pairs $(PAIRS) --processes $(PROCESSES) --seed $(SEED)

rolling: setup ## have all hosts of small pools rebooted in ROLLS storms, and judge who goes down when
	@.venv/bin/python -m tests.storm.rolling --storms $(ROLLS) --seed $(SEED)

sleeping: setup ## have hosts of small pools sleep and wake in SLEEPS storms, and judge who is switched off
	@.venv/bin/python -m tests.storm.power --storms $(SLEEPS) --seed $(SEED)

rollout: setup ## update 16 hosts with 250 VMs, eight of them pinned, through 50 kills and every fault
	@.venv/bin/python -m tests.storm.rolling.whole_pool --seed $(SEED)

fuzz: setup ## read CASES inputs that are put wrong, looking for what is neither read nor refused in a sentence
	@.venv/bin/python -m tests.fuzz --cases $(CASES) --seed $(SEED)

bench: .venv/.bench ## measure, beside a balancer that only this target installs
	@.venv/bin/python -m benchmarks

busy: setup ## plan while twelve other processes spin, beside plans without them
	@.venv/bin/python -m benchmarks.busy

.venv/.bench: .venv/.installed requirements-bench.lock
	@.venv/bin/$(PIP) install --requirement requirements.lock --requirement requirements-bench.lock
	@touch $@

.venv/.docs: .venv/.installed requirements-docs.lock
	@.venv/bin/$(PIP) install --requirement requirements.lock --requirement requirements-docs.lock
	@touch $@

lock: ## write all lock files anew from pyproject.toml
	@rm -rf build/lock
	@scripts/make-venv build/lock
	@build/lock/bin/$(PIP) install hatchling '.[dev]'
	@{ echo '# Exact versions for a checkout: package, extras, development and build. Written by `make lock`.'; \
	  build/lock/bin/$(PIP) freeze --exclude xapi-rebalancer; } > requirements.lock
	@for extra in bench docs; do \
	  rm -rf build/lock && scripts/make-venv build/lock && \
	  build/lock/bin/$(PIP) install --constraint requirements.lock ".[$$extra]" && \
	  { echo "# Exact versions of what \`make $$extra\` adds to requirements.lock. Written by \`make lock\`."; \
	  build/lock/bin/$(PIP) freeze --exclude xapi-rebalancer | grep -vxFf requirements.lock; } > requirements-$$extra.lock || exit 1; \
	done
	@rm -rf build/lock

clean: ## remove everything that make made
	@rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis tests/foreign/node_modules tests/foreign/.ansible
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
