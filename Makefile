# Run `make` alone for what there is.

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP_INSTALL := $(PYTHON) -m pip install -qq --disable-pip-version-check
RUNTIME := $(VENV)/.runtime-installed
MODELS := $(VENV)/.models-fetched
TESTING := $(VENV)/.tests-installed
# Type checker and accessibility checker of the page, by npm: needed to check it, never to run it.
PAGE_TOOLS := tests/web/node_modules/.package-lock.json
# What reels are measured beside needs an older Pillow than Montage: an environment of its own.
BENCH_VENV := .venv-bench
MOVIEPY := $(BENCH_VENV)/.moviepy-installed
# Locked for these; a newer one may lack wheels.
PYTHONS := python3 python3.13 python3.12 python3.11 python3.14

# A file name reaches the recipes through the environment, as it was typed: make and the shell would both read $ and quotes in it.
override VIDEO := $(value VIDEO)
export VIDEO

# MediaPipe's system libraries are asked for before anything is installed, unless movement is not looked for.
SPEECH_ONLY := $(if $(findstring --mode speech,$(subst =, ,$(ARGS))),--speech-only)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Tests start hundreds of processes, each of which would compile what has no bytecode.
COMPILE = $(PYTHON) -m compileall -q shared functions jobs

.PHONY: help setup run serve test test-system test-scale test-sync cloud-demo bench-cloud bench-render bench-motion bench-transcribe bench-api bench-uploads bench-page screens bundle schemas openapi check format lock clean doctor

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(RUNTIME) $(MODELS) ## Make .venv with the locked packages, .venv/bin/montage and the model files
	@:

run: setup ## One reel: make run VIDEO=my.mp4 [ARGS="--target-s 60"]; without VIDEO, of a sample
ifeq ($(VIDEO),)
	@sample=$$($(VENV)/bin/montage sample) && $(VENV)/bin/montage run $(ARGS) -- "$$sample"
else
	@$(VENV)/bin/montage run $(ARGS) -- "$$VIDEO"
endif

serve: setup ## Answer the HTTP API on this machine: make serve [ARGS="--port 8081"]
	@$(VENV)/bin/montage serve $(ARGS)

test: setup $(TESTING) ## Run the tests, the slow ones left out [TEST_ARGS="-k words"]
	@$(COMPILE)
	@$(PYTHON) -m pytest $(TEST_ARGS)

test-system: setup $(TESTING) $(PAGE_TOOLS) ## Run the long tests: whole sessions, a real browser, the real download
	@$(COMPILE)
	@$(PYTHON) -m pytest -m slow $(TEST_ARGS)

test-scale: setup $(TESTING) ## A job of 1,000 chunks, two at a time, with nothing taken for silent
	@$(PYTHON) -m pytest -q -m slow --durations=0 tests/shared/pipeline/test_many_chunks.py $(TEST_ARGS)

test-sync: setup $(TESTING) ## How exact picture and sound of reels lie, for 26 kinds of source [CHART=out.png]
	@$(PYTHON) -m tests.sync_chart $(CHART)

cloud-demo: setup $(TESTING) ## A video through an emulated Google Cloud: make cloud-demo [VIDEO=my.mp4]
ifeq ($(VIDEO),)
	@$(PYTHON) -m tests.emulators.cloud_demo
else
	@$(PYTHON) -m tests.emulators.cloud_demo -- "$$VIDEO"
endif

bench-cloud: setup $(TESTING) ## What jobs ask of the cloud's services, and how fast tasks read (emulated)
	@$(PYTHON) -m benchmarks.cloud_reads
	@$(PYTHON) -m benchmarks.cloud_costs
	@$(PYTHON) -m benchmarks.function_start

bench-render: setup $(TESTING) $(MOVIEPY) ## How fast, large and like its source a reel is, beside other ways [BENCH_ARGS="--pairs 1"]
	@$(PYTHON) -m benchmarks.render --moviepy $(BENCH_VENV)/bin/python $(BENCH_ARGS)

bench-motion: setup $(TESTING) ## How fast and how exactly movement is found, beside other ways [BENCH_ARGS="--pairs 1"]
	@$(PYTHON) -m benchmarks.motion $(BENCH_ARGS)

bench-transcribe: setup $(TESTING) ## How fast and how rightly speech is written down, beside the usual way [BENCH_ARGS="--pairs 1"]
	@$(PYTHON) -m benchmarks.transcribe $(BENCH_ARGS)

bench-api: setup $(TESTING) ## What a status request costs the server, and how long callers wait beside a job
	@$(PYTHON) -m benchmarks.api_status
	@$(PYTHON) -m benchmarks.api_beside_job $(BENCH_ARGS)

bench-uploads: setup $(TESTING) ## How fast and in how much memory one machine takes 5 GiB [BENCH_ARGS="--gib 1"]
	@$(PYTHON) -m benchmarks.uploads $(BENCH_ARGS)

bench-page: setup $(TESTING) ## How smoothly the page scrolls and drags a timeline of two hours [BENCH_ARGS="--runs 1"]
	@$(PYTHON) -m benchmarks.page_timeline $(BENCH_ARGS)

screens: setup $(TESTING) $(PAGE_TOOLS) ## Pictures of the page in every state, into SCREENS (build/screens)
	@$(PYTHON) -m tests.web.screens $(or $(SCREENS),build/screens)

bundle: ## Stage the Cloud Functions for deployment in build/functions
	@$(call find_python) "$$python" -I functions/local/bundle.py build/functions

schemas: $(RUNTIME) ## Write the JSON schemas of the messages into infra/schemas/
	@$(PYTHON) -m infra.make_schemas

openapi: $(RUNTIME) ## Write the description of the HTTP API into docs/openapi.json
	@$(PYTHON) -m infra.make_openapi

check: $(TESTING) $(PAGE_TOOLS) ## Formatting, lint and types, changing nothing
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@if [ -x tests/web/node_modules/.bin/tsc ]; then tests/web/node_modules/.bin/tsc -p tests/web/jsconfig.json && echo 'The types of the page hold'; \
	else echo 'The types of the page are not checked without npm.'; test -z "$$CI"; fi

format: $(TESTING) ## Format, and mend what lint can mend
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

doctor: ## Say what this machine has and lacks
	@if [ -x $(VENV)/bin/montage ]; then $(VENV)/bin/montage doctor; else $(call find_python) "$$python" -I functions/local/system_check.py && echo 'Nothing in the way; "make setup" comes next.'; fi

clean: ## Remove .venv, caches and build leftovers; reels in out/ and fetched models stay
	rm -rf $(VENV) $(BENCH_VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find functions jobs shared tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Leaves the first Python of $(PYTHONS) that is new enough in the shell's $$python.
find_python = \
	python=; for each in $(PYTHONS); do \
		if "$$each" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then python=$$each; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo 'Montage needs Python 3.11 to 3.14, and found none among: $(PYTHONS).' >&2; exit 1; fi;

# An interrupted or foreign .venv is completed: it may be there without pip, and must not be of an older Python.
$(RUNTIME): requirements.txt pyproject.toml
	@if [ ! -x $(PYTHON) ]; then $(call find_python) echo "Making $(VENV) with $$($$python --version)"; "$$python" -m venv $(VENV); fi
	@$(PYTHON) -I functions/local/system_check.py $(SPEECH_ONLY) || { echo 'Then run make again; where it is the Python of $(VENV), remove $(VENV) first.' >&2; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m ensurepip --upgrade >/dev/null
	@echo 'Installing the locked packages (about 250 MB the first time)'
	@$(PIP_INSTALL) --require-hashes --no-deps -r requirements.txt
	@$(PIP_INSTALL) --no-index --no-deps --no-build-isolation --editable .
	@touch $@

$(MODELS): $(RUNTIME) shared/models/manifest.toml
	@$(VENV)/bin/montage models fetch
	@touch $@

$(TESTING): $(RUNTIME) tests/requirements.txt
	@echo 'Installing what the tests need'
	@$(PIP_INSTALL) --require-hashes --no-deps -r tests/requirements.txt
	@touch $@

$(PAGE_TOOLS): tests/web/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix tests/web --silent && touch -c $@; fi

$(MOVIEPY): benchmarks/moviepy/requirements.txt | $(RUNTIME)
	@echo 'Installing what reels are measured beside, into $(BENCH_VENV)'
	@$(PYTHON) -m venv --without-pip $(BENCH_VENV)
	@$(subst pip install,pip --python $(BENCH_VENV)/bin/python install,$(PIP_INSTALL)) --require-hashes --no-deps -r $<
	@touch $@

# The largest lock is compiled first and bounds the others, so that a package has one version everywhere.
# To take newer releases: make lock LOCK_ARGS=--upgrade
UV_COMPILE = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --no-annotate --custom-compile-command 'make lock'
lock: ## Compile the locks from pyproject.toml [LOCK_ARGS=--upgrade] (needs uv in .venv)
	@test -x $(VENV)/bin/uv || { echo 'The locks are compiled by uv: $(PYTHON) -m pip install uv' >&2; exit 1; }
	$(UV_COMPILE) $(LOCK_ARGS) pyproject.toml --all-extras -o tests/requirements.txt
	$(UV_COMPILE) -c tests/requirements.txt pyproject.toml --extra media --extra local -o requirements.txt
	$(UV_COMPILE) -c tests/requirements.txt pyproject.toml --extra functions --extra google -o functions/requirements.txt
	$(UV_COMPILE) -c tests/requirements.txt pyproject.toml --extra media --extra google -o jobs/requirements.txt
	$(UV_COMPILE) benchmarks/moviepy/requirements.in -o benchmarks/moviepy/requirements.txt
