# `make demo` and `make test` do all the set-up; both need Python 3.11 or newer and the package index, nothing else.
PYTHON ?= python3
PIP_FLAGS = --quiet --disable-pip-version-check --constraint constraints.txt
BIN = .venv/bin
DEV = .venv-dev/bin

.PHONY: demo test test-slow check wheel clean

demo: .venv/.ready
	@$(BIN)/hubbub demo $(if $(FILE),"$(FILE)")

test: .venv-dev/.ready
	$(DEV)/python -m pytest -n auto -m "not slow" -rs

test-slow: .venv-dev/.ready
	$(DEV)/python -m pytest -m slow

check: .venv-dev/.ready
	$(DEV)/ruff check .
	$(DEV)/ruff format --check .
	$(DEV)/mypy
	PATH="$(CURDIR)/$(DEV):$$PATH" $(DEV)/lint-imports
	$(DEV)/djlint --quiet --lint src/hubbub/web/templates
	sh tools/lint_scripts.sh

# The wheel, installed into an empty environment without torch, must name a sound.
wheel: .venv-dev/.ready
	sh tools/try_wheel.sh $(DEV)/python

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hubbub needs Python 3.11 or newer: make PYTHON=...")'
	@echo "setting up .venv (about a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install $(PIP_FLAGS) --editable ".[plot]"
	@touch $@

.venv-dev/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hubbub needs Python 3.11 or newer: make PYTHON=...")'
	@echo "setting up .venv-dev (some minutes: it brings torch)"
	@$(PYTHON) -m venv .venv-dev
	@$(DEV)/python -m pip install $(PIP_FLAGS) torch==2.13.0
	@$(DEV)/python -m pip install $(PIP_FLAGS) --editable ".[dev]"
	@touch $@

clean:
	rm -rf .venv .venv-dev build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
