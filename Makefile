# The commands of the project; `make` alone lists them.
# Each sets up .venv by itself when it is missing or its lock file has changed, with pip alone.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
AXE := 4.14.1
ATHERIS := 3.0.0
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate $(if $(UPGRADE),--upgrade) pyproject.toml --extra serve --group build

SITE := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.DEFAULT_GOAL := help
.PHONY: help setup dev demo test test-servers check docs format bench fuzz simulate browser lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## set up .venv to run (needs Python 3.11 or newer: make setup PYTHON=python3.12)

dev: $(VENV)/.installed-dev ## set up .venv to run, test and check

demo: setup ## replay real traffic through two builds and judge both (NAME= of a scenario, ARGS=--quick for the shorter one)
	$(BIN)/replaygate demo $(NAME) $(ARGS)

test: dev ## run the tests (ARGS="-k join" for some of them)
	@$(call pytest,--numprocesses auto --dist loadfile -m "not alone")
	@$(call pytest,-m alone)

test-servers: dev ## run those against real model servers, each installed into .cache/servers (ARGS="-k mlserver"); what cannot be is named (all of them: fails, but with REPLAYGATE_SERVERS=optional)
	$(BIN)/python -m pytest tests/servers $(ARGS)

check: dev ## everything CI asks for beside the tests: format, lint, types, architecture, dependencies, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry .
	$(BIN)/replaygate schema --check docs
	$(SITE)

docs: dev ## build the docs as a site into build/site; a link that leads nowhere fails
	$(SITE)
	@echo "Open build/site/index.html"

format: dev ## put the code into the one format and mend what can be mended safely
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: dev ## measure speed and memory into results/benchmarks (NAME= for one)
	$(call run,benchmarks)

fuzz: dev build/fuzz/.installed ## throw bytes at the importers, ten minutes each (NAME= for some of them, ARGS="--seconds 60")
	PYTHONPATH=.:build/fuzz $(BIN)/python -m tests.fuzz $(NAME) $(ARGS)

simulate: dev ## measure error rates and power of the tests into results/simulations (NAME= for one)
	$(call run,simulations)

browser: ## fetch axe-core with npm into .cache, for the tests of report.html in Chromium (Debian: chromium npm)
	@mkdir -p .cache
	@cd .cache && npm pack --silent axe-core@$(AXE) >/dev/null && tar xzf axe-core-$(AXE).tgz package/axe.min.js
	@mv .cache/package/axe.min.js .cache/axe.min.js && rm -r .cache/package .cache/axe-core-$(AXE).tgz
	@command -v chromium >/dev/null || echo "The tests also need Chromium: apt-get install chromium"

lock: $(BIN)/pip ## write the two lock files anew (UPGRADE=1 for the newest versions)
	$(PIP) install uv
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --group dev --constraints requirements.lock --output-file requirements-dev.lock

clean: ## remove .venv, builds and caches; results stay
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find harness replayers scenarios tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Runs some of the tests; that ARGS leave none of these is no failure.
pytest = $(BIN)/python -m pytest $(1) $(ARGS) || test $$? -eq 5

# Runs the package tests/$(1), or says that there is none.
run = @test -f tests/$(1)/__main__.py || { echo "There is nothing to run: tests/$(1)/__main__.py is missing." >&2; exit 1; }; \
	$(BIN)/python -m tests.$(1) $(NAME)

$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/pip
	@echo "Installing what replaygate needs into $(VENV) (the first time takes a minute or two) ..."
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# The development set holds the one to run, so its stamp is the stamp of both.
$(VENV)/.installed-dev: requirements-dev.lock requirements.lock pyproject.toml | $(BIN)/pip
	@echo "Installing what replaygate needs to run, test and check into $(VENV) (the first time takes a minute or two) ..."
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.installed $@

# atheris stands apart: nothing else needs it, and it has no build for some machines.
build/fuzz/.installed: | $(BIN)/pip
	@$(PIP) install --target build/fuzz atheris==$(ATHERIS)
	@touch $@

$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not on the PATH: install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("replaygate needs Python 3.11 or newer, found %d.%d: name another one, as in make PYTHON=python3.12" % v[:2])'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make a virtual environment with pip: install its venv package (on Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
