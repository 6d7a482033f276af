# Every target makes the environment it needs in .venv. Python 3.11 or newer, make
# and a package index are all that has to be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export KTRDR_HOME ?= $(CURDIR)/.ktrdr

.PHONY: help demo test test-unit test-faults quality format bench clean

help:
	@echo "make demo       train and backtest a strategy on real EURUSD bars, write a report"
	@echo "make test       all checks: style, types, boundaries, every test"
	@echo "make test-unit  the fast tests"
	@echo "make test-faults  kill processes and the database by the hundred (20 min)"
	@echo "make quality    style, types, boundaries"
	@echo "make format     rewrite the code in the project's style"
	@echo "make bench      speed and memory beside other tools"
	@echo "make clean      remove .venv, .ktrdr and caches"

# What installs into .venv depends on nothing else than these files.
$(VENV)/.ready-run $(VENV)/.ready-dev $(VENV)/.ready-bench: \
		pyproject.toml tools/setup_environment.py
	@$(PYTHON) tools/setup_environment.py $(patsubst $(VENV)/.ready-%,%,$@)

demo: $(VENV)/.ready-run
	@$(BIN)/ktrdr demo

test: quality
	$(BIN)/pytest -n auto

test-unit: $(VENV)/.ready-dev
	$(BIN)/pytest -n auto -m "not slow" tests/unit

test-faults: $(VENV)/.ready-dev
	$(BIN)/pytest -s tests/faults

quality: $(VENV)/.ready-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.ready-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.ready-bench
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .ktrdr .pytest_cache .mypy_cache .ruff_cache .hypothesis
