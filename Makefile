# What people and CI call. `make` alone explains itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.installed
PEERS := .venv-bench/.installed

# Many tests wait for others' processes: twice as many workers as small machines have cores. Tests are sorted already
# (tests/conftest.py). A worker that crashed ends the run: what it was at must not be tried again unseen.
IN_PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

# Forbidding bytecode would make each of the many processes of a stack compile all of our code at every start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup dev demo lint format test bench chaos eval matrix lock

help: ## Show this
	@echo "Headrace: make TARGET"
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  %-8s %s\n' "$$name" "$$text"; done
	@echo "Needs Python 3.11 or newer (PYTHON=$(PYTHON)), Java 17 or newer, and Maven."

setup: $(SETUP) ## Install everything into .venv; does nothing when it is up to date

$(SETUP): requirements.lock pyproject.toml operations/dev/install.sh
	@./operations/dev/install.sh "$(PYTHON)" "$(VENV)"
	@touch $@

dev: $(SETUP) ## Run Kafka, Postgres and every process in the foreground until Ctrl-C
	@$(BIN)/headrace dev up

demo: $(SETUP) ## Start everything, post sample webhooks, show the rows, stop everything
	@$(BIN)/headrace dev demo

lint: $(SETUP) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --explicit-package-bases tests

format: $(SETUP) ## Put the code into the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: $(SETUP) ## Run all tests, on a real Kafka and a real Postgres
	$(BIN)/pytest $(IN_PARALLEL) tests

# Brokers that live for minutes are not worth Java's second, optimising compiler.
test: export JDK_JAVA_OPTIONS := -XX:TieredStopAtLevel=1

bench: $(SETUP) $(PEERS) ## Measure; prints a table and writes bench/results/latest.json
	$(BIN)/python -m bench $(BENCH)

# Quix Streams pins older clients than Headrace: peers get an environment of their own.
$(PEERS): bench/peers.lock
	@"$(PYTHON)" -m venv --clear .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --require-hashes --requirement bench/peers.lock
	@touch $@

eval: $(SETUP) ## Train the classifier again, measure it, own words and dates, and fail below the bars
	$(BIN)/python -m training.train --check
	$(BIN)/headrace ai eval training/replies.jsonl --min-opt-out-recall 0.98
	$(BIN)/python -m bench.own_words
	$(BIN)/python -m bench.dates

matrix: $(SETUP) ## Five scenarios for five providers, as a table in docs/matrix.md
	HEADRACE_MATRIX_FILE=docs/matrix.md $(BIN)/pytest tests/e2e/test_matrix.py -s

chaos: $(SETUP) ## 100 faults of every kind under load, and services that hang for 100 seconds
	HEADRACE_CHAOS_FAULTS=100 HEADRACE_CHAOS_MESSAGES=20 HEADRACE_CHAOS_RESUME_SECONDS=15 \
		HEADRACE_CHAOS_STOPPED_SECONDS=30 HEADRACE_CHAOS_HANG=100 \
		$(BIN)/pytest tests/e2e/test_faults.py tests/e2e/test_hung.py -s --timeout 9000

lock: $(SETUP) ## Pin the newest fitting versions: requirements.lock, and its production part
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes -c requirements.lock pyproject.toml -o requirements-prod.lock
