# Every target does its own set-up, in .venv; a stamp file marks what is done, so that it is done once.
PYTHON ?= $(shell command -v python3.11 || command -v python3 || command -v python)
VENV := .venv
PY := $(VENV)/bin/python
# Of thousands of modules some hundreds are imported: these are compiled then, the others never.
PIP := $(PY) -m pip install --quiet --no-compile
STAMPS := $(VENV)/stamps
CODE := ensemble_mm tests benchmarks docs noxfile.py
# A folder for junit files, one a run of pytest: make test REPORTS=somewhere
REPORTS ?=
# More options for pytest: make test PYTEST_ARGS="-k table"
PYTEST_ARGS ?=
# worksteal: each worker begins with neighbours, which share what a module or a folder prepares.
# SCIPY_ARRAY_API: one of scikit-learn's estimator checks runs only with it.
PYTEST := SCIPY_ARRAY_API=1 OMP_NUM_THREADS=1 MLFLOW_DISABLE_TELEMETRY=true $(PY) -m pytest --import-mode=importlib -q -rs -n 2 --dist worksteal

.PHONY: help demo test test-slow lint format docs benchmarks reliability clean
.DEFAULT_GOAL := help

help:  ## show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 12

demo: $(STAMPS)/demo  ## install the project and run its main job on packaged real data
	$(VENV)/bin/ensemble-mm demo

test: $(STAMPS)/test  ## run the tests and the examples of the docstrings
	$(PYTEST) $(if $(REPORTS),--junitxml=$(REPORTS)/tests.xml) -m "not slow" $(PYTEST_ARGS) tests
	$(PYTEST) $(if $(REPORTS),--junitxml=$(REPORTS)/doctests.xml) --doctest-modules --doctest-glob='*.rst' ensemble_mm docs/*.rst

test-slow: $(STAMPS)/test  ## run the tests that take minutes
	$(PYTEST) $(if $(REPORTS),--junitxml=$(REPORTS)/slow.xml) -m slow $(PYTEST_ARGS) tests

lint: $(STAMPS)/lint  ## check the style and the types
	$(VENV)/bin/ruff check $(CODE)
	$(VENV)/bin/ruff format --check $(CODE)
	$(VENV)/bin/mypy

format: $(STAMPS)/lint  ## put the code into its form
	$(VENV)/bin/ruff check --fix $(CODE)
	$(VENV)/bin/ruff format $(CODE)

docs: $(STAMPS)/docs  ## build the pages into docs/_build/html; a warning is an error
	MLFLOW_DISABLE_TELEMETRY=true $(PY) -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

benchmarks: $(STAMPS)/benchmarks  ## time and count, one question a file
	set -e; for file in benchmarks/bench_*.py; do $(PY) $$file; done

reliability: $(STAMPS)/benchmarks  ## kill, crowd and fill what runs, one question a file
	set -e; for file in benchmarks/reliability/bench_*.py; do $(PY) $$file; done

clean:  ## remove the environment and everything that was built
	rm -rf $(VENV) build dist *.egg-info docs/_build docs/generated docs/auto_examples docs/sg_execution_times.rst demo-output

$(PY):
	@test -n "$(PYTHON)" || { echo "No Python found: install Python 3.11 or later." >&2; exit 1; }
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or later is needed, found ' + sys.version)"
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/demo: setup.cfg pyproject.toml | $(PY)
	$(PIP) -e '.[image,audio,video,report,store,progress]'
	@mkdir -p $(STAMPS) && touch $@

# torch by its exact version first: a range may resolve to a build with several GB of CUDA libraries.
$(STAMPS)/test: setup.cfg pyproject.toml | $(PY)
	$(PIP) torch==2.13.0
	$(PIP) -e '.[all,ray,test]'
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/demo

$(STAMPS)/lint: setup.cfg | $(PY)
	$(PIP) -e '.[dev]'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/docs: $(STAMPS)/test
	$(PIP) -e '.[docs]'
	@touch $@

$(STAMPS)/benchmarks: $(STAMPS)/test
	@touch $@
