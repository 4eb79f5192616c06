# make demo and make test do all the set-up on a fresh machine.
PYTHON ?= python3
TORCH ?= constraints/torch.txt
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test test-long test-fast lint format docs viewer clean

demo: $(STAMP)
	$(BIN)/hagan demo --out runs/demo

# One process a core with one thread each: tests are many and small.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal

test: $(STAMP)
	$(PYTEST) -m "not long" --cov --cov-report=term:skip-covered --cov-fail-under=95

# What takes about a minute each: whole experiments, tutorials, the released code's training steps.
test-long: $(STAMP)
	$(PYTEST) -m long -q

test-fast: $(STAMP)
	$(PYTEST) -m "not slow and not real and not long" -q

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP)
	$(BIN)/python -m sphinx -W --keep-going -q docs docs/_build
	@echo "Wrote docs/_build/index.html"

# Needs Node; only who changes the version of NiiVue runs it, as the bundle is kept.
viewer:
	cd viewer && npm ci --ignore-scripts --no-audit --no-fund && npm run build

clean:
	rm -rf $(VENV) build dist docs/_build docs/reference/made .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

# A finished set-up leaves a stamp that is newer than what it was made from.
$(STAMP): pyproject.toml constraints/torch.txt constraints/py311.txt
	$(PYTHON) -c 'import sys; sys.exit("hagan needs Python 3.11 or newer; name one with make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(TORCH),-c $(TORCH)) -c constraints/py311.txt -e '.[dev]'
	touch $@
