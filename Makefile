# Every target does its own set-up; a second call does not install again.
VENV   ?= .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
DATA   := $(or $(FASTREID_DATASETS),datasets)
WORKERS ?= 2

BUILD  := $(BIN)/python tools/geneperson_gen.py build --workers $(WORKERS)

.PHONY: setup demo testbed test test-slow test-gpu lint bench

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	$(BIN)/python -m pip install --quiet --no-deps --constraint constraints.txt fastreid==1.4.0 rtmlib
	touch $@

demo: setup
	$(BUILD) --config-file configs/GenePerson/quickstart.yml --output "$(DATA)/GenePersonToy"
	$(BUILD) --config-file configs/GenePerson/quickstart_shifted.yml --output "$(DATA)/GenePersonToyShifted"
	$(BIN)/python tools/train_net.py --config-file configs/DPPP/quickstart.yml

# The sets of the embedded testbed (docs/reproduce.md).
testbed: setup
	$(BUILD) --config-file configs/GenePerson/quickstart.yml --output "$(DATA)/GenePersonToy"
	$(BUILD) --config-file configs/GenePerson/twins.yml --output "$(DATA)/GenePersonTwins"
	$(BUILD) --config-file configs/GenePerson/twins_shifted.yml --output "$(DATA)/GenePersonTwinsShifted"
	$(BUILD) --config-file configs/GenePerson/twins_unseen.yml --output "$(DATA)/GenePersonTwinsUnseen"
	for n in 31 32 33 34 35; do \
	  $(BUILD) --config-file configs/GenePerson/quickstart_world.yml --output "$(DATA)/GenePersonToyWorld$$n" \
	    WORLD world-$$n SEED $$n || exit; \
	done

# One thread in each process: threads of several would wait for one another.
test: setup
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "not gpu and not slow" -n $(WORKERS) --dist loadfile

test-slow: setup
	$(BIN)/pytest -m "slow and not gpu"

test-gpu: setup
	$(BIN)/pytest -m gpu

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Small sizes and few rounds: a look at every part. Figures worth keeping come from the defaults.
# Without matting: a U2Net takes half a minute to write and seconds for a cell.
BENCH := $(BIN)/python tools/benchmark.py
bench: setup
	$(BENCH) train --config-file configs/DPPP/quickstart.yml --batch 8 --rounds 3
	$(BENCH) embed --batch 2 --rounds 3
	$(BENCH) load --config-file configs/DPPP/quickstart.yml --images 256 --batches 4 --rounds 2
	$(BENCH) evaluate --queries 200 --gallery 5000 --rounds 3
	$(BENCH) generate --only procedural --candidates 1 --rounds 2
	$(BENCH) generate --only calls
	$(BENCH) grow --quick --rounds 3
