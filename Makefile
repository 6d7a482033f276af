# Every target makes the environment it needs in .venv. Python 3.11 or newer, make
# and a package index are all that has to be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export KTRDR_HOME ?= $(CURDIR)/.ktrdr

# What `make images` builds; the GPU's is large and has a target of its own.
IMAGES ?= backend worker-cpu dev

.PHONY: help demo test test-unit test-faults test-images quality format bench clean
.PHONY: locks images images-gpu verify-images test-environments test-canary-functional
.PHONY: test-deployments test-documents pages docs

help:
	@echo "make demo       train and backtest a strategy on real EURUSD bars, write a report"
	@echo "make test       all checks: style, types, boundaries, the everyday tests"
	@echo "make test-unit  the fast tests"
	@echo "make test-documents  do what the documents say, and make their site"
	@echo "make test-faults  kill processes and the database by the hundred (20 min)"
	@echo "make quality    style, types, boundaries"
	@echo "make format     rewrite the code in the project's style"
	@echo "make images     build the container images and weigh them; all but the GPU's"
	@echo "make images-gpu  build the GPU's image, of 3.7 GB"
	@echo "make verify-images  prove the images that are there from the inside"
	@echo "make test-images  tests that need a container engine"
	@echo "make test-deployments  rollouts on a container engine, and the way back"
	@echo "make test-environments  tests that run systems in containers (15 min)"
	@echo "make test-canary-functional  real work through what \`kinfra canary up\` started"
	@echo "make locks      write what the images install; CHECK=1 tells whether it differs"
	@echo "make docs       the site of docs/ in build/docs; a broken link fails"
	@echo "make pages      write the pages of docs/reference from the code"
	@echo "make bench      speed and memory beside other tools"
	@echo "make clean      remove .venv, .ktrdr and caches"

# What installs into .venv depends on nothing else than these files.
$(VENV)/.ready-run $(VENV)/.ready-dev $(VENV)/.ready-bench: \
		pyproject.toml tools/setup_environment.py
	@$(PYTHON) tools/setup_environment.py $(patsubst $(VENV)/.ready-%,%,$@)

demo: $(VENV)/.ready-run
	@$(BIN)/ktrdr demo

test: quality
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

test-unit: $(VENV)/.ready-dev
	$(BIN)/pytest -n auto -m "not slow" tests/unit

test-documents: $(VENV)/.ready-dev
	$(BIN)/pytest -n auto tests/pages

test-faults: $(VENV)/.ready-dev
	$(BIN)/pytest -s tests/faults

test-deployments: $(VENV)/.ready-dev
	$(BIN)/pytest -s tests/deployments

test-images: $(VENV)/.ready-dev
	$(BIN)/pytest -s tests/images

test-environments: $(VENV)/.ready-dev
	$(BIN)/pytest -s tests/environments

test-canary-functional: $(VENV)/.ready-dev
	$(BIN)/kinfra canary test

quality: $(VENV)/.ready-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.ready-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

locks: $(VENV)/.ready-dev
	$(BIN)/python -m tools.make_locks $(if $(CHECK),--check) $(if $(UPGRADE),--upgrade)

images: $(VENV)/.ready-dev
	$(BIN)/kinfra images build $(IMAGES)
	$(BIN)/kinfra images sizes

images-gpu: $(VENV)/.ready-dev
	$(BIN)/kinfra images build worker-gpu
	$(BIN)/kinfra images sizes worker-gpu

verify-images: $(VENV)/.ready-dev
	$(BIN)/kinfra images verify --all

pages: $(VENV)/.ready-dev
	$(BIN)/python -m tools.pages

docs: $(VENV)/.ready-dev
	$(BIN)/python -m tools.pages --check
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet docs build/docs
	@echo "build/docs/index.html"

bench: $(VENV)/.ready-bench
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .ktrdr .pytest_cache .mypy_cache .ruff_cache .hypothesis
