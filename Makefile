# Every target first sees to the virtual environment; it is made again only when pyproject.toml or constraints.txt change.
# Another interpreter: make setup PYTHON=/path/to/python3.11

PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
RUN := $(VENV)/bin/python
MAKEFLAGS += --no-print-directory

# Cached bytecode makes every later start faster.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := setup
.PHONY: setup demo up test torture bench

setup: $(STAMP)
	@:

$(STAMP): pyproject.toml constraints.txt
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	  echo "No '$(PYTHON)' here. yibao needs Python 3.11: on Debian 'apt-get install python3 python3-venv',"; \
	  echo "or name one that you have: make setup PYTHON=/path/to/python3.11"; exit 1; } >&2
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	  echo "'$(PYTHON)' is $$("$(PYTHON)" --version 2>&1), but yibao needs Python 3.11."; \
	  echo "Name one that you have: make setup PYTHON=/path/to/python3.11"; exit 1; } >&2
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' has no working venv module. On Debian: apt-get install python3-venv"; exit 1; } >&2
	@echo "setting up $(VENV) (a minute or two the first time)"
	@{ "$(RUN)" -c '' 2>/dev/null || "$(PYTHON)" -m venv --clear "$(VENV)"; } && \
	  "$(RUN)" -m pip install --quiet --disable-pip-version-check -e ".[dev]" -c constraints.txt 2>"$(VENV)/install.log" || { \
	  cat "$(VENV)/install.log"; \
	  echo "The packages could not be installed: is the package registry (PyPI) reachable? Then run 'make setup' again."; \
	  exit 1; } >&2
	@touch "$@"
	@echo "$(VENV) is ready"

demo: setup
	@$(RUN) -m tools.demo

up: setup
	@$(RUN) -m tools.up

test: setup
	@$(RUN) -m tools.check

# What takes minutes or the whole machine; -s shows the figures that the tests print.
torture: setup
	@$(RUN) -m pytest -m torture -s -q

bench: setup
	@$(RUN) -m tools.bench
