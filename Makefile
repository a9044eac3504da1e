# Needs Python 3.11 or newer with pip, and make. Everything goes into .venv beside this file.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
RUNTIME := .venv/.installed
DEV := .venv/.installed-dev

.PHONY: demo test check bench eval-cost eval-analytics venv openapi clean

demo: $(RUNTIME)  ## a hub with a sample month, at http://127.0.0.1:8080
	$(BIN)/aihub demo

test: $(DEV)  ## every test; those in a browser are skipped where there is no Chromium
	$(BIN)/python -m pytest -n 2 --dist loadscope -q -rfEs

check: $(DEV)  ## format, lint, types, dependency rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV)  ## how fast it is on this machine
	$(BIN)/python -m bench

COST_CASES ?= ../shared/data/cost_cases_dev.jsonl
eval-cost: $(DEV)  ## recorded provider answers against what they cost (COST_CASES=file)
	$(BIN)/python -m evaluation.cost $(COST_CASES)

CONVERSATIONS ?= ../shared/data/conversations/airline_agent_dev.jsonl
eval-analytics: $(DEV)  ## every number that is shown, computed again (CONVERSATIONS=file)
	$(BIN)/python -m evaluation.analytics $(CONVERSATIONS)

venv: $(DEV)  ## only install

openapi: $(RUNTIME)  ## write docs/openapi.json anew
	$(BIN)/aihub openapi > docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json

clean:  ## remove what was installed and cached here, not the hub's data
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@# Debian may have pip without ensurepip; then the pip outside serves the folder
	$(PYTHON) -m venv .venv >/dev/null 2>&1 || $(PYTHON) -m venv --clear --without-pip .venv
	@test -x $(BIN)/pip || $(PYTHON) -m pip --python $(BIN)/python install --quiet pip

$(RUNTIME): requirements.txt requirements-build.txt pyproject.toml | $(BIN)/python
	$(PIP) -r requirements.txt -r requirements-build.txt
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): $(RUNTIME) requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	@touch $@
