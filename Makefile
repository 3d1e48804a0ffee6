# `make` lists what can be done. Everything sets itself up: a machine needs Python, pip and make.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
PINS   := pyproject.toml constraints.txt
ARGS   ?=

# one thread a process: pytest runs two processes, and a seed then gives the same run anywhere
TEST_ENV := OMP_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help demo test lint types contracts tests format study benchmark results clean

help:  ## list what can be done
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.ready-core  ## raw order lines to today's orders, in runs/demo (ARGS="--out DIR …")
	$(BIN)/restock demo $(ARGS)

test: lint types contracts tests  ## everything that CI runs

lint: $(VENV)/.ready-dev  ## format and lint, changing nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.ready-dev  ## check types (mypy, strict)
	$(BIN)/mypy src
	@for folder in studies/*/ benchmarks/*/; do echo "mypy $$folder"; $(BIN)/mypy $$folder || exit 1; done

contracts: $(VENV)/.ready-dev  ## check who imports whom
	$(BIN)/lint-imports

tests: $(VENV)/.ready-dev  ## run the tests and every example in the documentation strings (ARGS="-k …")
	$(TEST_ENV) $(BIN)/pytest -n 2 --doctest-modules src tests $(ARGS)

format: $(VENV)/.ready-dev  ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

study: $(VENV)/.ready-dev  ## run a study: make study NAME=lost-sales ARGS="--quick"
	@test -n "$(NAME)" || { echo "Which study? make study NAME=… with one of:"; ls studies; exit 2; }
	$(BIN)/restock study $(NAME) $(ARGS)

benchmark: $(VENV)/.ready-dev  ## measure speed against what a user would pick instead
	@for script in benchmarks/*/benchmark.py; do \
	  echo "$$script"; $(BIN)/python "$$script" $(ARGS) || exit 1; \
	done

results:  ## assemble docs/results.md from what studies and benchmarks wrote
	$(PYTHON) studies/assemble.py

clean:  ## remove the environment and all caches; runs/ and studies/ stay
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist
	find src tests studies benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Debian's Python has no ensurepip without python3-venv; pip can then install itself
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "restock needs Python 3.11 to 3.13; $(PYTHON) is `$(PYTHON) --version 2>&1`."; \
	  echo "Name another one: make PYTHON=python3.12 …"; exit 2; }
	$(PYTHON) -m venv $(VENV) 2>/dev/null || { \
	  rm -rf $(VENV) && $(PYTHON) -m venv --without-pip $(VENV) && \
	  $(PYTHON) -m pip --python $(BIN)/python install --upgrade pip; }

$(VENV)/.ready-core: $(PINS) | $(BIN)/python
	$(PIP) install --upgrade pip
	$(PIP) install -c constraints.txt -e ".[excel]"
	@touch $@

$(VENV)/.ready-dev: $(PINS) | $(BIN)/python
	$(PIP) install --upgrade pip
	$(PIP) install -c constraints.txt -e ".[dev]"
	@touch $@ $(VENV)/.ready-core
