# `make demo` and `make test` need Python 3.11 or newer, make and git; .ci/venv.sh builds the virtual environment for them.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=
ROUNDS ?= 50
# Twice as many as there are processors: a third of the time the tests wait for a daemon's timers.
PYTEST_WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) \* 2)
# Each worker takes its share of the tests in their order, so that what a module starts is started once, and what one
# has left when another is done goes to that one.
PYTEST = $(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal

BIN = $(VENV)/bin
# An environment of another Python is made anew only for who names one: `make PYTHON=python3.13 …`.
READY = @sh .ci/venv.sh "$(PYTHON)" "$(VENV)" $(1) $(if $(filter file,$(origin PYTHON)),any)

.PHONY: demo test pytest lint coverage docs bench soak lock clean venv venv-demo deb deb-check

venv:
	$(call READY,dev)

venv-demo:
	$(call READY,demo)

demo: venv-demo
	$(BIN)/shomare-mqtt demo $(ARGS)

test: lint pytest

# Where no byte code may be written, each of the hundreds of processes compiles all that it imports, measured ones too.
pytest coverage bench: export PYTHONDONTWRITEBYTECODE =

pytest: venv
	$(PYTEST) $(ARGS)

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Every line and branch of what spends and what stores is gone through by its own tests, without the long ones, which
# take minutes where each line is watched.
coverage: venv
	$(PYTEST) -m "not slow" tests/core tests/journal tests/test_codes.py tests/homeassistant/test_labels.py \
	    --cov=shomare_mqtt.core --cov=shomare_mqtt.journal --cov-branch --cov-report=term-missing:skip-covered \
	    --cov-fail-under=100 $(ARGS)

# The pages that are made from the code, anew; a test fails where one of them is not of today.
docs: venv
	$(BIN)/python -m tests.docs

# The daemon beside what it is measured against: ten minutes, `make bench QUICK=1` one and rough figures;
# `ARGS="--only queries"` one part, `ARGS="--markdown FILE"` writes the table down.
bench: venv
	$(BIN)/python -m tests.bench $(ARGS)

# A storm of purchases with everything killed and restarted at random; `make soak ROUNDS=200` is the long one.
soak: venv
	$(BIN)/python -m tests.soak --rounds $(ROUNDS) $(ARGS)

# dist/shomare-mqtt_VERSION_all.deb, for Debian 13 and what is newer. It needs dpkg-dev, debhelper and dh-python.
deb: venv-demo
	@sh packaging/debian/build.sh $(BIN)/python dist

# That package on a Debian 13 of its own, which is fetched and booted: installed, bought with, upgraded, purged. Root alone
# can do that; `make deb-check CACHE=FOLDER` keeps what was fetched there.
deb-check: deb
	@sh packaging/debian/try.sh "$$(ls -t dist/shomare-mqtt_*_all.deb | head -n 1)" $(CACHE)

# What was resolved for every platform and Python at once; pip takes it as constraints.
lock: venv
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --no-emit-index-url --no-header \
	    --no-annotate --upgrade --output-file requirements.lock pyproject.toml

.PHONY: dist release-check

# The wheel and the sdist, in dist/.
dist:
	$(PYTHON) packaging/release_check.py --only-build

# Both, and the wheel installed with pipx and tried, on each Python that this machine has.
release-check:
	$(PYTHON) packaging/release_check.py

clean:
	rm -rf $(VENV) .venv-release dist .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
